package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	publicMAK = "0723C80DB5F4CD3D"
	publicMAB = "02003020048000C08015000000000000001234000002030099303030303030303139353237313831383232313738373531353600192600000100060000000000435F01123238343431323334353637383930313233345F03063136303033365F04063230303832365C023031"
	// publicQR is the public QR sale that the two come from, framed, with its MAC (iso8583/testdata names its source).
	publicQR = "007F" + "6006210000" + "613200320000" + publicMAB + "4233413039324145"
	textbook = "0123456789ABCDEFFEDCBA9876543210"
)

// kept writes a file and gives its name with the @ before it.
func kept(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "input.txt")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return "@" + name
}

func TestMACsOfThePublicSamples(t *testing.T) {
	const nist = "6BC1BEE22E409F96E93D7E117393172AAE2D8A57"
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"unionpay-ecb": {[]string{"--key", publicMAK, publicMAB}, "B3A092AEDACE4C88"},
		"as text":      {[]string{"--output", "text", "--key", publicMAK, publicMAB}, "4233413039324145"},
		"as binary":    {[]string{"--output", "binary", "--key", publicMAK, publicMAB}, "B3A092AEDACE4C88"},
		"from stdin":   {[]string{"--key", publicMAK, "-"}, "B3A092AEDACE4C88"},
		"from files":   {[]string{"--key", kept(t, publicMAK+"\n"), kept(t, publicMAB)}, "B3A092AEDACE4C88"},
		"left of key":  {[]string{"--key-bytes", "8", "--key", publicMAK + publicMAK, publicMAB}, "B3A092AEDACE4C88"},
		"x9.19": {[]string{
			"--alg", "x9.19", "--key", "5775204D69616F6A756E404726444311",
			"4348454E48414F2D50437C424645424642464630303033303643337E39425030504432434E3730313633363649303034337C32303234303131317C32303235303130317C383139317C30",
		}, "4089819D3D991CC7"},
		"x9.9":         {[]string{"--alg", "x9.9", "--key", "0123456789ABCDEF", "37363534333231204E6F77206973207468652074696D6520666F7220"}, "F1D30F6849312CA4"},
		"cmac":         {[]string{"--alg", "cmac", "--key", "2B7E151628AED2A6ABF7158809CF4F3C", nist[:32]}, "070A16B46B4D4144F79BDD9DD04A287C"},
		"cmac-tdes":    {[]string{"--alg", "cmac-tdes", "--key", "8AA83BF8CBDA10620BC1BF19FBB6CD58BC313D4A371CA8B5", nist}, "743DDBE0CE2DC2ED"},
		"cmac-sm4":     {[]string{"--alg", "cmac-sm4", "--key", textbook, nist[:32]}, "07A0861EDEDD5CFCEAD8489011600B9C"},
		"sm4-cbc":      {[]string{"--alg", "sm4-cbc", "--key", textbook, textbook}, "681EDF34D206965E86B3E94F536E4246"}, // GB/T 32907-2016
		"unionpay-sm4": {[]string{"--alg", "unionpay-sm4", "--key", textbook, "00112233445566778899AABBCCDDEEFF0F1E2D3C4B5A69788796A5B4C3D2E1F0A1B2C3"}, "8838D9FA4C843DD38465FC50FFBE5C9B"},
	} {
		out, complaint, code := bench(t, publicMAB, append([]string{"iso", "mac"}, c.args...)...)
		if code != success || strings.TrimSpace(out) != c.want {
			t.Errorf("%s: exit %d, got %s%s, want %s", name, code, out, complaint, c.want)
		}
	}
}

func TestMACOfAWholeMessageIsJudged(t *testing.T) {
	for name, frame := range map[string]string{"framed": publicQR, "bare": publicQR[4:], "a file": kept(t, publicQR), "stdin": "-", "wrong prefix": "0FFF" + publicQR[4:]} {
		out, complaint, code := bench(t, publicQR, "iso", "mac", "--dialect", "unionpay", "--key", publicMAK, frame)
		if code != success || !strings.Contains(out, "✓ the MAC is right  MAC 正确") || !strings.Contains(out, `"B3A092AE"`) ||
			!strings.Contains(out, "covers      108 bytes, from the MTI to the byte before field 64") {
			t.Errorf("%s: exit %d, %s%s", name, code, out, complaint)
		}
	}
	for name, c := range map[string]struct{ key, frame, says string }{
		"another key": {publicMAK[:14] + "00", publicQR, "No rule makes it under this key"},
		"changed":     {publicMAK, strings.Replace(publicQR, "1234000002", "1235000002", 1), "No rule makes it"},
		"not filled":  {publicMAK, publicQR[:len(publicQR)-16] + "0000000000000000", "holds zeros"},
	} {
		out, complaint, code := bench(t, "", "iso", "mac", "--dialect", "unionpay", "--key", c.key, c.frame)
		if code != problem || !strings.Contains(out, "✗ the MAC is wrong  MAC 不符") || !strings.Contains(out, c.says) || !strings.Contains(complaint, "MAC is wrong") {
			t.Errorf("%s: exit %d, %s%s", name, code, out, complaint)
		}
		if strings.Contains(out+complaint, c.key) {
			t.Errorf("%s shows the key", name)
		}
	}
}

func TestWrongRuleIsFoundFromOneMessage(t *testing.T) {
	for _, c := range [][]string{
		{"--alg", "x9.19", "--padding", "80", "--output", "binary"},
		{"--alg", "x9.9", "--key-bytes", "8", "--range", "header"},
		{"--alg", "cmac-sm4", "--range", "tpdu", "--output", "binary"},
	} {
		flags := append([]string{"iso", "mac", "--dialect", "unionpay", "--key", textbook}, c...)
		signed, complaint, code := bench(t, "", append(flags, "--sign", publicQR)...)
		if code != success || len(strings.TrimSpace(signed)) != len(publicQR) {
			t.Fatalf("%v: exit %d, %s%s", c, code, signed, complaint)
		}
		if out, _, code := bench(t, signed, append(flags, "-")...); code != success {
			t.Errorf("%v: its own MAC is wrong: %s", c, out)
		}
		out, _, code := bench(t, signed, "iso", "mac", "--dialect", "unionpay", "--key", textbook, "-")
		if code != problem || !strings.Contains(out, `algorithm = "`+c[1]+`"`) {
			t.Errorf("%v: exit %d, %s", c, code, out)
		}
		out, _, _ = bench(t, signed, "iso", "mac", "--json", "--dialect", "unionpay", "--key", textbook, "-")
		var got macVerdict
		if err := json.Unmarshal([]byte(out), &got); err != nil || got.Right || len(got.Fits) == 0 || got.Fits[0].Algorithm != c[1] {
			t.Errorf("%v: %v, %s", c, err, out)
		}
	}
}

func TestRuleIsListedOnceWhereNoHeaderMakesTwoRangesTheSame(t *testing.T) {
	sale, complaint, code := bench(t, "", "iso", "build", "--dialect", "iso87-bcd", "--hex", "sale")
	if code != success {
		t.Fatal(complaint)
	}
	signed, _, _ := bench(t, sale, "iso", "mac", "--dialect", "iso87-bcd", "--key", textbook, "--alg", "cmac-sm4", "--sign", "-")
	out, _, _ := bench(t, signed, "iso", "mac", "--dialect", "iso87-bcd", "--key", textbook, "-")
	if strings.Count(out, "[mac]") != 1 || !strings.Contains(out, `range     = "mti"`) {
		t.Errorf("want one rule:\n%s", out)
	}
}

func TestMACArgumentsThatCannotBeAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		says string
		code int
	}{
		"algorithm":            {[]string{"--alg", "md5", "--key", textbook, "00"}, "unionpay-ecb", problem},
		"padding of a CMAC":    {[]string{"--alg", "cmac", "--padding", "80", "--key", textbook, "00"}, "pads by itself", problem},
		"padding":              {[]string{"--padding", "pkcs7", "--key", textbook, "00"}, "--padding", usageError},
		"length of key":        {[]string{"--alg", "x9.19", "--key", textbook[:16], "00"}, "a key of 8 bytes, x9.19 takes 16", problem},
		"bytes of key":         {[]string{"--key-bytes", "24", "--key", textbook, "00"}, "key_bytes asks for 24", problem},
		"key is no hex":        {[]string{"--key", "textbook", "00"}, "--key", problem},
		"key is no file":       {[]string{"--key", "@nothing.txt", "00"}, "nothing.txt", problem},
		"no data":              {[]string{"--key", textbook}, "no hex digits", problem},
		"range of bare data":   {[]string{"--range", "tpdu", "--key", textbook, "00"}, "--dialect", problem},
		"sign bare data":       {[]string{"--sign", "--key", textbook, "00"}, "--dialect", problem},
		"message without MAC":  {[]string{"--dialect", "unionpay", "--key", textbook, signOnReply}, "field 64 is not in its bitmap", problem},
		"message that is none": {[]string{"--dialect", "unionpay", "--key", textbook, "0102"}, "tpdu", problem},
		"field without a MAC":  {[]string{"--dialect", "unionpay", "--field", "4", "--key", textbook, publicQR}, "field 4", problem},
	} {
		out, complaint, code := bench(t, "", append([]string{"iso", "mac"}, c.args...)...)
		if code != c.code || out != "" || !strings.Contains(complaint, c.says) || strings.Contains(complaint, textbook) {
			t.Errorf("%s: exit %d, %q, %q", name, code, out, complaint)
		}
	}
}
