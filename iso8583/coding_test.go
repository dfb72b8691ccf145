package iso8583_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"posd/iso8583"
)

// oneField makes a dialect whose field 2 has these keys.
func oneField(t testing.TB, keys string) *iso8583.Dialect {
	t.Helper()
	d, err := iso8583.Load("one.toml", []byte("name = \"one\"\n[fields]\n2 = { class = \"public\", "+keys+" }\n"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestEveryCodingOfAField(t *testing.T) {
	for _, c := range []struct{ keys, value, hex string }{
		{`format = "n6"`, "123456", "123456"},
		{`format = "n5"`, "12345", "012345"},
		{`format = "n5", align = "left", pad = "F"`, "12345", "12345F"},
		{`format = "n5", numbers = "ascii"`, "12345", "3132333435"},
		{`format = "n5", numbers = "ebcdic"`, "12345", "F1F2F3F4F5"},
		{`format = "n..9 L"`, "123", "031230"},
		{`format = "n..9 L", lengths = "ascii", numbers = "ascii"`, "123", "33313233"},
		{`format = "n..19 LL", lengths = "ebcdic", numbers = "ebcdic"`, "123", "F0F3F1F2F3"},
		{`format = "n..19 LL", lengths = "binary"`, "123456789012", "0C123456789012"},
		{`format = "n..20 LL", count = "bytes"`, "123456789012", "06123456789012"},
		{`format = "n..20 LL", count = "bytes", pad = "F"`, "12345678901", "0612345678901F"},
		{`format = "n..20 LL", count = "bytes", pad = "F", align = "right"`, "12345678901", "06F12345678901"},
		{`format = "n..999 LLL"`, "1234", "00041234"},
		{`format = "n..9999 LLLL"`, "1234", "00041234"},
		{`format = "n..9999 LLLL", lengths = "ascii"`, "1234", "303030341234"},
		{`format = "b..9999 LLL", lengths = "binary"`, "hex:0102", "00020102"},
		{`format = "z..37 LL"`, "4111D30", "074111D300"},
		{`format = "z..37 LL", numbers = "ascii"`, "4111=30", "0734313131" + "3D3330"},
		{`format = "z..37 LL", numbers = "ebcdic"`, "4111D30", "07F4F1F1F1C4F3F0"},
		{`format = "x+n8"`, "C00001999", "4300001999"},
		{`format = "x+n7"`, "D0001999", "4400001999"},
		{`format = "x+n8", numbers = "ascii"`, "D00001999", "443030303031393939"},
		{`format = "x+n8", numbers = "ebcdic", text = "ebcdic", charset = "ascii"`, "D00001999", "C4F0F0F0F0F1F9F9F9"},
		{`format = "x+n8", text = "ebcdic", charset = "ascii"`, "C00001999", "C300001999"},
		{`format = "ans5"`, "AB   ", "4142202020"},
		{`format = "ans5", align = "right", fill = "*"`, "***AB", "2A2A2A4142"},
		{`format = "ans5", text = "ebcdic", charset = "ascii"`, "Aé 1.", "C15140F14B"},
		{`format = "ans..9 L", text = "ebcdic", charset = "ascii", lengths = "ebcdic"`, "Az", "F2C1A9"},
		{`format = "ans..9 L"`, "中A", "03D6D041"},
		{`format = "ans..9 L", count = "characters"`, "中A", "02D6D041"},
		{`format = "ans..9 L"`, "hex:00FF", "0200FF"},
		{`format = "b2"`, "hex:01AF", "01AF"},
		{`format = "b2", binary = "hex"`, "hex:01AF", "30314146"},
		{`format = "b2", binary = "hex", text = "ebcdic", charset = "ascii"`, "hex:01AF", "F0F1C1C6"},
		{`format = "b..9 LL", binary = "hex"`, "hex:01AF", "0230314146"},
		{`format = "b..9 LL", binary = "hex", count = "characters"`, "hex:01AF", "0430314146"},
	} {
		t.Run(c.keys, func(t *testing.T) {
			d := oneField(t, c.keys)
			m, err := iso8583.ParseJSON(fmt.Appendf(nil, `{"mti":"0200","fields":{"2":%q}}`, c.value))
			if err != nil {
				t.Fatal(err)
			}
			packed, err := d.Pack(nil, m)
			if err != nil {
				t.Fatal(err)
			}
			const head = "02004000000000000000"
			if got := fmt.Sprintf("%X", packed); got != head+c.hex {
				t.Errorf("got %s, want %s", got[len(head):], c.hex)
			}
			again, trailing, err := d.Unpack(unhex(t, head+c.hex))
			if err != nil || trailing != 0 || again.Text(2) != c.value {
				t.Errorf("read: got %q, %v, %d trailing, want %q", again.Text(2), err, trailing, c.value)
			}
		})
	}
}

func TestFaultsOfAFieldNamePlaceAndReason(t *testing.T) {
	for _, c := range []struct {
		keys, hex    string
		offset, half int
		says         string
	}{
		{`format = "n6"`, "12A456", 11, 0, "above 9"},
		{`format = "n6"`, "1234B6", 12, 0, "above 9"},
		{`format = "n6"`, "12345C", 12, 1, "above 9"},
		{`format = "n5"`, "0123A5", 12, 0, "above 9"},
		{`format = "n6"`, "1234", 10, -1, "2 are left"},
		{`format = "n4", numbers = "ascii"`, "31323A34", 12, -1, "ASCII digits; hint: numbers may be BCD"},
		{`format = "n4", numbers = "ascii"`, "F1F2F3F4", 10, -1, "may be EBCDIC"},
		{`format = "n4", numbers = "ebcdic"`, "31323334", 10, -1, "may be ASCII"},
		{`format = "z3", numbers = "ascii"`, "312033", 11, -1, "track"},
		{`format = "x+n4"`, "200000", 10, -1, "C or D"},
		{`format = "x+n4"`, "43000A", 12, 1, "above 9"},
		{`format = "b2", binary = "hex"`, "30316146", 12, -1, "upper-case"},
		{`format = "b2", binary = "hex"`, "3031413D", 13, -1, "upper-case"},
		{`format = "b..9 LL", binary = "hex", count = "characters"`, "03303141", 10, -1, "odd"},
		{`format = "n..19 LL"`, "1A1111", 10, -1, "lengths may be binary"},
		{`format = "n..19 LL", lengths = "ascii"`, "081111", 10, -1, "not ascii"},
		{`format = "n..19 LL", lengths = "binary"`, "16" + strings.Repeat("11", 8), 10, -1, "as bcd the length would fit"},
		{`format = "ans..99 LL", lengths = "bcd"`, "32" + strings.Repeat("41", 0x20), 0, -1, ""},
		{`format = "ans..99 LL", lengths = "binary"`, "16" + strings.Repeat("41", 16), 10, -1, "as bcd the length would fit"},
		{`format = "n..99 LLL"`, "0016" + strings.Repeat("11", 4), 10, -1, "counts bytes"},
		{`format = "ans..9 L", count = "characters"`, "02D6D0", 10, -1, "length 2 needs 3 bytes, 2 are left"},
		{`format = "n..9 L"`, "", 10, -1, "length wants 1 bytes, 0 are left"},
	} {
		t.Run(c.keys+" "+c.hex, func(t *testing.T) {
			_, _, err := oneField(t, c.keys).Unpack(unhex(t, "02004000000000000000"+c.hex))
			if c.says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var f *iso8583.FieldError
			if !errors.As(err, &f) || f.Field != 2 || f.Path != "F2" || f.Offset != c.offset || f.Nibble != c.half || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v (%+v), want F2 at %d, half %d, with %q", err, f, c.offset, c.half, c.says)
			}
		})
	}
}

func TestBitmapsOfThreeStandWhereTheDialectWants(t *testing.T) {
	for place, want := range map[string]string{
		"front": "0200" + "8000000000000001" + "8000000000000001" + "8000000000000001" + "0064" + "0128" + "0129" + "0192",
		"field": "0200" + "8000000000000001" + "8000000000000001" + "0064" + "8000000000000001" + "0128" + "0129" + "0192",
	} {
		d, err := iso8583.Load("three.toml", []byte("name = \"three\"\n[codec]\nbitmap_bits = 192\nthird_bitmap = \""+place+
			"\"\n[fields]\n64 = { format = \"n4\" }\n128 = { format = \"n4\" }\n129 = { format = \"n4\" }\n192 = { format = \"n4\" }\n"))
		if err != nil {
			t.Fatal(err)
		}
		m := &iso8583.Message{MTI: "0200"}
		for _, n := range []int{64, 128, 129, 192} {
			m.Set(n, fmt.Sprintf("%04d", n))
		}
		packed, err := d.Pack(nil, m)
		if got := fmt.Sprintf("%X", packed); err != nil || got != want {
			t.Errorf("%s: %v\n got %s\nwant %s", place, err, got, want)
		}
		again, trailing, err := d.Unpack(packed)
		if err != nil || trailing != 0 || again.String() != "0200 [64 128 129 192]" || again.Text(192) != "0192" {
			t.Errorf("%s: read as %v, %v", place, again, err)
		}
	}
}

func TestEmptyBitmapsStay(t *testing.T) {
	for _, c := range []struct{ place, hex string }{
		{"front", "0200" + "8000000000000000" + "8000000000000000" + "0000000000000000"},
		{"field", "0200" + "8000000000000000" + "8000000000000000" + "0000000000000000"},
		{"front", "0200" + "8000000000000000" + "0000000000000000"},
	} {
		d, err := iso8583.Load("three.toml", []byte("name = \"three\"\n[codec]\nbitmap_bits = 192\nthird_bitmap = \""+c.place+"\"\n[fields]\n64 = { format = \"n4\" }\n"))
		if err != nil {
			t.Fatal(err)
		}
		m, _, err := d.Unpack(unhex(t, c.hex))
		if err != nil {
			t.Fatal(err)
		}
		if packed, err := d.Pack(nil, m); err != nil || !bytes.Equal(packed, unhex(t, c.hex)) {
			t.Errorf("%s: got %X, %v", c.place, packed, err)
		}
	}
}

func TestADialectOfOneBitmapRefusesASecond(t *testing.T) {
	d, err := iso8583.Load("one.toml", []byte("name = \"one\"\n[codec]\nbitmap_bits = 64\n[fields]\n3 = { format = \"n6\" }\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = d.Unpack(unhex(t, "0200A0000000000000000000000000000000123456"))
	if err == nil || !strings.Contains(err.Error(), "second bitmap") {
		t.Errorf("got %v", err)
	}
}

func TestHeadsOfEveryCoding(t *testing.T) {
	for mti, head := range map[string]string{"bcd": "0200", "ascii": "30323030", "ebcdic": "F0F2F0F0"} {
		for bitmap, bits := range map[string]string{"binary": "2000000000000000", "hex": "32303030303030303030303030303030"} {
			if mti == "ebcdic" && bitmap == "hex" {
				bits = strings.ReplaceAll(bits, "3", "F")
			}
			d, err := iso8583.Load("h.toml", fmt.Appendf(nil, "name = \"h\"\n[codec]\nmti = %q\nbitmap = %q\n[fields]\n3 = { format = \"n6\" }\n", mti, bitmap))
			if err != nil {
				t.Fatal(err)
			}
			m := &iso8583.Message{MTI: "0200"}
			m.Set(3, "123456")
			packed, err := d.Pack(nil, m)
			if got := fmt.Sprintf("%X", packed); err != nil || got != head+bits+"123456" {
				t.Errorf("%s, %s: got %s, %v", mti, bitmap, got, err)
			}
			var v iso8583.View
			if err := d.View(&v, packed); err != nil || v.MTI() != "0200" || v.Next(0) != 3 || v.Next(3) != 0 {
				t.Errorf("%s, %s: seen as %s, %v", mti, bitmap, v.MTI(), err)
			}
		}
	}
}
