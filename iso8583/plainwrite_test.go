package iso8583_test

import (
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// plainValue is a value as a message holds it: characters, or bytes.
type plainValue struct {
	text  string
	bytes bool
}

// written is a value as SetPart and JSON have it.
func (v plainValue) written() string {
	if v.bytes {
		return "hex:" + strings.ToUpper(hex.EncodeToString([]byte(v.text)))
	}
	return v.text
}

// plainMessage is a message to be written.
type plainMessage struct {
	tpdu, header []byte
	mti          string
	fields       []*plainField
	values       []plainValue // of fields
}

// append writes a message as its dialect's file wants it.
func (p *plainDialect) append(dst []byte, m *plainMessage) []byte {
	c := p.file.Codec
	dst = append(append(dst, m.tpdu...), m.header...)
	dst = plainDigits(dst, m.mti, map[string]string{"": "bcd"}[c.MTI]+c.MTI)
	var bits [3]uint64
	for _, f := range m.fields {
		bits[(f.n-1)/64] |= 1 << (63 - (f.n-1)%64)
	}
	maps := 1
	for i := len(bits) - 1; i > 0; i-- {
		if bits[i] != 0 || maps > i+1 {
			maps = max(maps, i+1)
			bits[i-1] |= 1 << 63
		}
	}
	late := maps == 3 && c.Third == "field"
	for i, b := range bits[:maps] {
		if i < 2 || !late {
			dst = p.appendBitmap(dst, b)
		}
	}
	for i, f := range m.fields {
		if late && f.n > 64 {
			dst, late = p.appendBitmap(dst, bits[2]), false
		}
		dst = f.append(dst, m.values[i])
	}
	return dst
}

func (p *plainDialect) appendBitmap(dst []byte, bits uint64) []byte {
	raw := []byte{byte(bits >> 56), byte(bits >> 48), byte(bits >> 40), byte(bits >> 32), byte(bits >> 24), byte(bits >> 16), byte(bits >> 8), byte(bits)}
	if p.file.Codec.Bitmap != "hex" {
		return append(dst, raw...)
	}
	return appendIn(dst, strings.ToUpper(hex.EncodeToString(raw)), p.file.Codec.MTI == "ebcdic")
}

// append writes one field, length first.
func (f *plainField) append(dst []byte, v plainValue) []byte {
	var space [512]byte
	content := f.content(space[:0], v)
	if f.prefix == 0 {
		return append(dst, content...)
	}
	return append(f.appendLength(dst, f.units(v, content)), content...)
}

func (f *plainField) content(dst []byte, v plainValue) []byte {
	ebcdic := f.Text == "ebcdic"
	switch {
	case f.kind == "x+n":
		return plainDigits(appendIn(dst, v.text[:1], ebcdic), f.padded(v.text[1:]), f.Numbers)
	case f.kind == "n" || f.kind == "z":
		return plainDigits(dst, f.padded(v.text), f.Numbers)
	case f.kind == "b" && f.Binary == "hex":
		return appendIn(dst, strings.ToUpper(hex.EncodeToString([]byte(v.text))), ebcdic)
	case v.bytes || f.Charset == "ascii":
		return append(dst, v.text...)
	case ebcdic:
		return appendIn(dst, v.text, true)
	default:
		for i, r := range v.text {
			if r < utf8.RuneSelf {
				dst = append(dst, byte(r))
				continue
			}
			n := utf8.RuneLen(r)
			dst = append(dst, gbkOf[v.text[i:i+n]]...)
		}
		return dst
	}
}

// padded gives digits that share bytes an even number.
func (f *plainField) padded(digits string) string {
	switch {
	case f.Numbers != "bcd" || len(digits)%2 == 0:
		return digits
	case f.Align == "left":
		return digits + f.Pad
	default:
		return f.Pad + digits
	}
}

// units is what the length of a value says.
func (f *plainField) units(v plainValue, content []byte) int {
	switch {
	case f.kind == "b" && f.Count != "characters":
		return len(v.text)
	case f.kind == "n" || f.kind == "z":
		if f.Count == "bytes" {
			return len(content)
		}
		return len(v.text)
	case f.kind == "text" && f.Count == "characters" && !v.bytes:
		return utf8.RuneCountInString(v.text)
	default:
		return len(content)
	}
}

func (f *plainField) appendLength(dst []byte, n int) []byte {
	digits := make([]byte, f.prefix, 8)
	for i, rest := f.prefix-1, n; i >= 0; i, rest = i-1, rest/10 {
		digits[i] = '0' + byte(rest%10)
	}
	switch {
	case f.Lengths == "binary" && f.prefix <= 2:
		return append(dst, byte(n))
	case f.Lengths == "binary":
		return append(dst, byte(n>>8), byte(n))
	case f.Lengths == "bcd" && f.prefix%2 == 1:
		return plainDigits(dst, "0"+string(digits), "bcd")
	default:
		return plainDigits(dst, string(digits), f.Lengths)
	}
}

// plainDigits writes digits, A to F among them, two to a byte or as characters.
func plainDigits(dst []byte, digits, coding string) []byte {
	if coding != "bcd" {
		return appendIn(dst, digits, coding == "ebcdic")
	}
	for i := 0; i < len(digits); i += 2 {
		dst = append(dst, plainNibble(digits[i])<<4|plainNibble(digits[i+1]))
	}
	return dst
}

func plainNibble(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c - 'A' + 10
}

// appendIn writes characters of ISO 8859-1, in EBCDIC or in ASCII.
func appendIn(dst []byte, text string, ebcdic bool) []byte {
	if !ebcdic {
		return append(dst, text...)
	}
	for _, r := range text {
		dst = append(dst, ebcdicOf[r])
	}
	return dst
}

// ebcdicOf is code page 037. gbkOf gives the two bytes of each Chinese character that the generator uses.
var (
	ebcdicOf = ebcdicBytes()
	gbkOf    = gbkCharacters()
)

func ebcdicBytes() (table [256]byte) {
	for i := range table {
		table[i], _ = charmap.CodePage037.EncodeRune(rune(i))
	}
	return table
}

// gbkCharacters are the characters of GB 2312 and of GBK's levels 3 and 4, by the decoder of another library.
func gbkCharacters() map[string]string {
	bytes := map[string]string{}
	decoder := simplifiedchinese.GBK.NewDecoder()
	for lead := 0x81; lead <= 0xF7; lead++ {
		for trail := 0x40; trail <= 0xFE; trail++ {
			level3, level4 := lead <= 0xA0, lead >= 0xAA && trail <= 0xA0
			if trail == 0x7F || lead == 0xD7 && trail > 0xF9 || !level3 && !level4 && (lead < 0xB0 || trail < 0xA1) {
				continue
			}
			raw := string([]byte{byte(lead), byte(trail)})
			if text, err := decoder.String(raw); err == nil && utf8.RuneCountInString(text) == 1 {
				bytes[text] = raw
			}
		}
	}
	return bytes
}
