package iso8583

import "slices"

import "encoding/hex"

const upperDigits = "0123456789ABCDEF"

// nibble is the i-th half byte of b.
func nibble(b []byte, i int) byte {
	if i%2 == 0 {
		return b[i/2] >> 4
	}
	return b[i/2] & 15
}

// nibbleOf is the half byte of a track character; = is the separator D.
func nibbleOf(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	case c == '=':
		return 13, true
	default:
		return 0, false
	}
}

// appendNibbles packs digits two to a byte; an odd count leaves a half byte for pad, after them when left.
func appendNibbles(dst, digits []byte, pad byte, left bool) []byte {
	var half byte
	odd := false
	if len(digits)%2 == 1 && !left {
		half, odd = pad, true
	}
	for _, c := range digits {
		v, _ := nibbleOf(c) // checked by the caller
		if odd {
			dst = append(dst, half<<4|v)
		} else {
			half = v
		}
		odd = !odd
	}
	if odd {
		dst = append(dst, half<<4|pad)
	}
	return dst
}

// appendBCD packs an even number of decimal digits.
func appendBCD(dst []byte, digits string) []byte {
	for i := 0; i+1 < len(digits); i += 2 {
		dst = append(dst, (digits[i]-'0')<<4|(digits[i+1]-'0'))
	}
	return dst
}

func upperHex(b []byte) string { return string(appendUpperHex(nil, b)) }

func appendUpperHex(dst, b []byte) []byte {
	for _, c := range b {
		dst = append(dst, upperDigits[c>>4], upperDigits[c&15])
	}
	return dst
}

func isDecimal(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func isTrack(b []byte) bool {
	for _, c := range b {
		if _, ok := nibbleOf(c); !ok {
			return false
		}
	}
	return true
}

func isUpperHex(b []byte) bool {
	if slices.Contains(b, '=') {
		return false
	}
	return isTrack(b) && len(b)%2 == 0
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// decodeHex reads hex digits with whatever people paste between them: spaces, line ends, colons, dashes, commas.
func decodeHex(s string) ([]byte, error) {
	digits := make([]byte, 0, len(s))
	for i := range len(s) {
		switch s[i] {
		case ' ', '\t', '\r', '\n', ':', '-', ',':
		default:
			digits = append(digits, s[i])
		}
	}
	return hex.AppendDecode(nil, digits)
}
