package wallet

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// Sensitive tells whether a text is a wallet code or may hold one, and so is shown to nobody. Codes count that a configured
// route takes, and those of every published format: customers show them in shops that do not take them, too.
//
// It looks at runs of digits, full-width ones included, as they stand and with blanks and control characters left out. A run
// counts that begins as codes do and is as long, or a digit shorter or longer; a text of nothing but digits counts however long
// it is: two codes, one behind the other. A face-pay token ("fp" and digits) counts, and the beginning of an EMVCo code.
func (r *Router) Sensitive(text []byte) bool {
	wide := narrow(text)
	plain := dropped(wide)
	defer clear(wide)
	defer clear(plain)
	return bytes.Contains(plain, []byte(cpmStart)) || r.holdsCode(plain) || r.holdsCode(wide)
}

// tokenDigits is the least that follows the "fp" of a face-pay token.
const tokenDigits = 8

// holdsCode looks at each run of digits of a text.
func (r *Router) holdsCode(text []byte) bool {
	text = withoutAIM(text)
	for at := 0; at < len(text); {
		n := 0
		for at+n < len(text) && text[at+n] >= '0' && text[at+n] <= '9' {
			n++
		}
		run, alone := text[at:at+n], n == len(text)
		if n >= tokenDigits && bytes.HasSuffix(text[:at], []byte("fp")) || r.looksLikeCode(run, alone) {
			return true
		}
		at += n + 1
	}
	return false
}

func (r *Router) looksLikeCode(run []byte, alone bool) bool {
	for _, route := range r.hidden {
		if len(run) >= route.Min-1 && (alone || len(run) <= route.Max+1) && route.begins(run) {
			return true
		}
	}
	return false
}

// withoutAIM takes a symbology's name off that a scanner may send before the code: "]C0".
func withoutAIM(text []byte) []byte {
	if len(text) > 3 && text[0] == ']' && text[1] >= 'A' && text[1] <= 'z' && digits(text[2:3]) {
		return text[3:]
	}
	return text
}

// narrow makes a copy with full-width characters (U+FF01 to U+FF5E, as UTF-8 or as GBK) in ASCII.
func narrow(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		c, n := utf8.DecodeRune(text)
		switch {
		case c >= 0xFF01 && c <= 0xFF5E:
			out = append(out, byte(c-0xFF01+'!'))
		case c == utf8.RuneError && n == 1 && text[0] == 0xA3 && len(text) > 1 && text[1] > 0xA0 && text[1] < 0xFF:
			out, n = append(out, text[1]-0x80), 2
		default:
			out = append(out, text[:n]...)
		}
		text = text[n:]
	}
	return out
}

// dropped makes a copy without blanks, control characters and characters that nobody sees.
func dropped(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		c, n := utf8.DecodeRune(text)
		if !unicode.IsSpace(c) && !unicode.In(c, unicode.Cc, unicode.Cf) {
			out = append(out, text[:n]...)
		}
		text = text[n:]
	}
	return out
}
