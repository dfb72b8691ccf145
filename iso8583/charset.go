package iso8583

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// charset is how a dialect writes text beyond ASCII.
type charset string

const (
	charsetASCII charset = "ascii"
	charsetGBK   charset = "gbk"
)

// decode gives printable text. It refuses bytes that are no text, and text that would not give the same bytes again.
func (c charset) decode(raw []byte) (string, bool) {
	plain := true
	for _, b := range raw {
		if b < 0x20 || b == 0x7F || b == 0x80 || b == 0xFF {
			return "", false // control characters, and bytes that start nothing in GBK
		}
		plain = plain && b < 0x80
	}
	if plain {
		return string(raw), true
	}
	if c != charsetGBK {
		return "", false
	}
	utf, err := simplifiedchinese.GBK.NewDecoder().Bytes(raw)
	if err != nil || !printable(utf) {
		return "", false
	}
	again, ok := c.encode(string(utf))
	return string(utf), ok && string(again) == string(raw)
}

func (c charset) encode(s string) ([]byte, bool) {
	if c != charsetGBK || !utf8.ValidString(s) {
		return nil, false
	}
	raw, err := simplifiedchinese.GBK.NewEncoder().Bytes([]byte(s))
	return raw, err == nil
}

func printable(utf []byte) bool {
	for _, r := range string(utf) {
		if r == utf8.RuneError || unicode.Is(unicode.Co, r) || !unicode.IsPrint(r) && r != '\u3000' {
			return false
		}
	}
	return true
}
