package iso8583_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"posd/iso8583"
)

func TestWrongSubBlocksNameLineKeyAndRule(t *testing.T) {
	text, err := os.ReadFile("testdata/parts.toml")
	if err != nil {
		t.Fatal(err)
	}
	whole := string(text)
	for name, c := range map[string]struct{ old, broken, key, says string }{
		"unknown key":         {"tag    = \"an2\"", "tag = \"an2\"\ntug = 1", "sub[0].tug", "unknown key"},
		"no field":            {"field  = \"62\"", "field = \"99\"", "sub[5].field", "no field of the dialect"},
		"no path":             {"field  = \"62\"", "field = \"F62\"", "sub[5].field", "no field of the dialect"},
		"no outer":            {"field       = \"127.25\"", "field = \"127.26\"", "sub[8].field", "no block says that 127 has a part 26"},
		"no outer block":      {"field       = \"127.25\"", "field = \"2.25\"", "sub[8].field", "2 has a part 25"},
		"twice":               {"mti    = [\"0820\"]\n", "", "sub[3].field", "an inside already"},
		"MTI":                 {"\"0820\"", "\"820\"", "sub[3].mti", "0810"},
		"layout":              {"layout = \"ber-tlv\"", "layout = \"tlv\"", "sub[1].layout", "ber-tlv, tag-length, positions, bitmap"},
		"key of another":      {"length = \"n3\"", "length = \"n3\"\nbitmap_bits = 64", "sub[0].bitmap_bits", "does not belong to layout tag-length"},
		"no tag":              {"\"DF5A\" =", "\"9F\" =", "sub[1].tags.9F", "BER-TLV tag"},
		"lower-case tag":      {"\"DF5A\" =", "\"df5a\" =", "sub[1].tags.df5a", "upper-case hex"},
		"tag's format":        {"class = \"public\", format = \"ans\"", "class = \"public\", format = \"x\"", "sub[1].tags.DF5A.format", "b, n, ans, z"},
		"tag's class":         {"class = \"public\", format = \"ans\"", "class = \"open\"", "sub[1].tags.DF5A.class", "public, masked"},
		"public card":         {"class = \"masked\", holds = \"pan\" } }", "class = \"public\", holds = \"pan\" } }", "sub[0].tags.PN.class", "holds pan"},
		"tag too long":        {"tag    = \"an2\"", "tag = \"an20\"", "sub[0].tag", "up to 4"},
		"variable tag":        {"tag    = \"an2\"", "tag = \"an..2 LL\"", "sub[0].tag", "fixed format"},
		"tag of another form": {"\"PN\" =", "\"PAN\" =", "sub[0].tags.PAN", "no tag of format an2"},
		"length":              {"length = \"n3\"", "length = \"3\"", "sub[0].length", "n3"},
		"long length":         {"length = \"b2\"", "length = \"b4\"", "sub[5].length", "b1"},
		"part's format":       {"format = \"n6\", class = \"public\" },\n\t{ name = \"network\"", "format = \"6\", class = \"public\" },\n\t{ name = \"network\"", "sub[2].parts.2.format", "no format"},
		"part less public":    {"{ name = \"capability\", format = \"n1\", class = \"public\" }", "{ name = \"capability\", format = \"n1\" }", "sub[2].parts.4.class", "is not public, but 60 is"},
		"open in the middle":  {"format = \"ans20\", class = \"public\"", "format = \"ans..20\", class = \"public\"", "sub[6].parts.2.format", "last part"},
		"no parts":            {"parts  = [{ name = \"what is left\", format = \"n..20\", class = \"public\" }]", "", "sub[3].parts", "1 to 512"},
		"public chip data":    {"holds = \"emv\", name", "class = \"public\", name", "sub[1].field", "data objects are secret"},
		"bits":                {"bitmap_bits = 128", "bitmap_bits = 100", "sub[8].bitmap_bits", "64, 128"},
		"bitmap's form":       {"bitmap      = \"hex\"", "bitmap = \"bcd\"", "sub[8].bitmap", "binary, hex"},
		"part beyond the map": {"64 = { format", "65 = { format", "sub[7].fields.65", "up to 64"},
		"part 1":              {"128 = { format", "1 = { format", "sub[8].fields.1", "bitmaps"},
		"open behind bitmap":  {"format = \"n3\", numbers", "format = \"n..3\", numbers", "sub[7].fields.9.format", "fixed size"},
	} {
		if !strings.Contains(whole, c.old) {
			t.Errorf("%s: the file lacks %q", name, c.old)
			continue
		}
		broken := strings.Replace(whole, c.old, c.broken, 1)
		d, err := iso8583.Load("parts.toml", []byte(broken))
		var fault *iso8583.DialectError
		if d != nil || !errors.As(err, &fault) || fault.Key != c.key || !strings.Contains(fault.Rule, c.says) {
			t.Errorf("%s: got %v, want %s and %q", name, err, c.key, c.says)
			continue
		}
		if want := lineIn(broken, c.key); fault.Line == 0 || want > 0 && fault.Line != want {
			t.Errorf("%s: %s is said to be in line %d, it is in %d", name, c.key, fault.Line, want)
		}
		if strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("%s: one mistake, but\n%v", name, err)
		}
	}
}

// lineIn finds a block's line for keys that say which block they are in; 0 where this is not enough.
func lineIn(text, key string) int {
	var block, part int
	if _, err := fmt.Sscanf(key, "sub[%d].parts.%d", &block, &part); err != nil {
		part = 0
		if _, err := fmt.Sscanf(key, "sub[%d].", &block); err != nil {
			return 0
		}
	}
	_, word, _ := strings.Cut(key, "].")
	word, rest, _ := strings.Cut(word, ".")
	seen, inside := -1, false
	for i, line := range strings.Split(text, "\n") {
		switch {
		case line == "[[sub]]":
			seen++
		case seen == block && word == "fields" && strings.HasPrefix(line, strings.Split(rest, ".")[0]+" "):
			return i + 1
		case seen == block && strings.HasPrefix(line, word) && word != "fields" && part == 0:
			return i + 1
		case seen == block && strings.HasPrefix(line, "parts"):
			inside = true
		case seen == block && inside && strings.HasPrefix(line, "\t{"):
			if part--; part == 0 {
				return i + 1
			}
		}
	}
	return 0
}

func TestAFilesBlocksReplaceThoseOfItsBaseOneByOne(t *testing.T) {
	text := `
base = "unionpay"
name = "own"
[[sub]]
field  = "60"
layout = "positions"
parts  = [{ name = "everything", format = "n..99", class = "public" }]
`
	d, err := iso8583.Load("own.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	m := &iso8583.Message{MTI: "0200"}
	m.Set(60, "22000007000500")
	m.Set(61, "000006000100")
	if got, ok := d.Part(m, "60.1"); !ok || got != "22000007000500" {
		t.Errorf("60.1: got %q, %v", got, ok)
	}
	if got, ok := d.Part(m, "61.2"); !ok || got != "000100" {
		t.Errorf("61.2, of the base: got %q, %v", got, ok)
	}
	_, err = iso8583.Load("own.toml", []byte(strings.Replace(text, "n..99", "99", 1)))
	if err == nil || !strings.Contains(err.Error(), "own.toml:7: sub[0].parts.1.format") {
		t.Errorf("got %v, want line 7 of the file itself", err)
	}
}
