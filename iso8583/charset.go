package iso8583

import (
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// charset is how a field writes text.
type charset uint8

const (
	charsetASCII  charset = iota
	charsetGBK            // ASCII, and Chinese in two bytes
	charsetEBCDIC         // code page 037
)

// appendText appends the printable text that raw is, in UTF-8. It refuses bytes that are no text, and text that would
// not give the same bytes again.
func (c charset) appendText(dst, raw []byte) ([]byte, bool) {
	switch {
	case c == charsetEBCDIC:
		return appendFromEBCDIC(dst, raw)
	case isPlain(raw):
		return append(dst, raw...), true
	case c == charsetGBK:
		return appendFromGBK(dst, raw)
	default:
		return dst, false
	}
}

// appendRaw appends UTF-8 text as the charset writes it. It refuses characters that the charset lacks.
func (c charset) appendRaw(dst, text []byte) ([]byte, bool) {
	switch {
	case c == charsetEBCDIC:
		return appendEBCDIC(dst, text)
	case isASCII(text):
		return append(dst, text...), true
	case c == charsetGBK:
		return appendGBK(dst, text)
	default:
		return dst, false
	}
}

// size is how many bytes of b so many characters take, or -1 when b has not so many.
func (c charset) size(b []byte, characters int) int {
	if c != charsetGBK {
		return min(characters, len(b)+1)
	}
	pos := 0
	for ; characters > 0 && pos < len(b); characters-- {
		if pos++; b[pos-1] >= 0x80 {
			pos++
		}
	}
	if characters > 0 {
		return len(b) + 1
	}
	return pos
}

// characters counts the characters of raw as size does.
func (c charset) characters(raw []byte) int {
	if c != charsetGBK {
		return len(raw)
	}
	n := 0
	for pos := 0; pos < len(raw); n++ {
		if pos++; raw[pos-1] >= 0x80 {
			pos++
		}
	}
	return n
}

// fromEBCDIC and toEBCDIC are code page 037 and its reverse, for the characters of ISO 8859-1: each of its 256 bytes
// is one of them.
var fromEBCDIC, toEBCDIC = ebcdicTables()

func ebcdicTables() (from, to [256]byte) {
	for i := range 256 {
		r := charmap.CodePage037.DecodeByte(byte(i))
		from[i], to[byte(r)] = byte(r), byte(i)
	}
	return from, to
}

func appendFromEBCDIC(dst, raw []byte) ([]byte, bool) {
	out := dst
	for _, c := range raw {
		switch r := fromEBCDIC[c]; {
		case r >= 0x20 && r < 0x7F:
			out = append(out, r)
		case r > 0xA0 && r != 0xAD: // no-break space and soft hyphen look like something else
			out = utf8.AppendRune(out, rune(r))
		default:
			return dst, false
		}
	}
	return out, true
}

func appendEBCDIC(dst, text []byte) ([]byte, bool) {
	out := dst
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r > 0xFF {
			return dst, false
		}
		out, text = append(out, toEBCDIC[r]), text[n:]
	}
	return out, true
}

// translate changes each byte in place.
func translate(b []byte, table *[256]byte) {
	for i, c := range b {
		b[i] = table[c]
	}
}

// gbkTable is GBK compiled to two arrays, so that text is read and written without allocation.
type gbkTable struct {
	runes [gbkRows * gbkCells]uint16 // by lead and trail byte; 0 for what is no printable character
	bytes [256]*[256]uint16          // by rune; 0 for a character that GBK lacks
}

const (
	gbkLead  = 0x81
	gbkTrail = 0x40
	gbkRows  = 0xFE - gbkLead + 1
	gbkCells = 0xFE - gbkTrail + 1
)

// gbk makes the table when the first dialect with Chinese text is loaded.
var gbk = sync.OnceValue(func() *gbkTable {
	t := &gbkTable{}
	decoder, encoder := simplifiedchinese.GBK.NewDecoder(), simplifiedchinese.GBK.NewEncoder()
	for i := range t.runes {
		raw := []byte{byte(i/gbkCells) + gbkLead, byte(i%gbkCells) + gbkTrail}
		utf, err := decoder.Bytes(raw)
		r, n := utf8.DecodeRune(utf)
		if err != nil || n != len(utf) || r > 0xFFFF || !printable(r) {
			continue
		}
		again, err := encoder.Bytes(utf)
		if err != nil || string(again) != string(raw) {
			continue
		}
		t.runes[i] = uint16(r)
		if t.bytes[r>>8] == nil {
			t.bytes[r>>8] = new([256]uint16)
		}
		t.bytes[r>>8][r&0xFF] = uint16(raw[0])<<8 | uint16(raw[1])
	}
	return t
})

func printable(r rune) bool {
	return r != utf8.RuneError && !unicode.Is(unicode.Co, r) && (unicode.IsPrint(r) || r == '\u3000')
}

func appendFromGBK(dst, raw []byte) ([]byte, bool) {
	t, out := gbk(), dst
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c >= 0x20 && c < 0x7F {
			out = append(out, c)
			continue
		}
		if i++; c < gbkLead || c > 0xFE || i == len(raw) || raw[i] < gbkTrail || raw[i] > 0xFE {
			return dst, false
		}
		r := t.runes[int(c-gbkLead)*gbkCells+int(raw[i]-gbkTrail)]
		if r == 0 {
			return dst, false
		}
		out = utf8.AppendRune(out, rune(r))
	}
	return out, true
}

func appendGBK(dst, text []byte) ([]byte, bool) {
	t, out := gbk(), dst
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		text = text[n:]
		if r < 0x80 {
			out = append(out, byte(r))
			continue
		}
		if r > 0xFFFF || t.bytes[r>>8] == nil || t.bytes[r>>8][r&0xFF] == 0 {
			return dst, false
		}
		two := t.bytes[r>>8][r&0xFF]
		out = append(out, byte(two>>8), byte(two))
	}
	return out, true
}
