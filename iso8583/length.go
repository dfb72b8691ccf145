package iso8583

// lengthForm is how a length before a value is written.
type lengthForm uint8

const (
	lengthBCD lengthForm = iota
	lengthASCII
	lengthBinary
	lengthEBCDIC
)

// lengthForms are the words of dialect files.
var lengthForms = map[string]lengthForm{"bcd": lengthBCD, "ascii": lengthASCII, "binary": lengthBinary, "ebcdic": lengthEBCDIC}

// String is the dialect files' word.
func (f lengthForm) String() string {
	for word, form := range lengthForms {
		if form == f {
			return word
		}
	}
	return "?"
}

// size is how many bytes a length of so many digits takes. A binary one has a byte for L and LL, and two for LLL and
// LLLL.
func (f lengthForm) size(digits int) int {
	switch f {
	case lengthBCD, lengthBinary:
		return (digits + 1) / 2
	default:
		return digits
	}
}

// limit is the most that a length of so many digits can say.
func (f lengthForm) limit(digits int) int {
	if f == lengthBinary {
		return 1<<(8*f.size(digits)) - 1
	}
	n := 1
	for range digits {
		n *= 10
	}
	return n - 1
}

// read gives what the bytes of a length say; ok is false for bytes that are no digits.
func (f lengthForm) read(p []byte) (n int, ok bool) {
	if f == lengthBCD && len(p) == 1 {
		c := p[0]
		return int(c) - int(c>>4)*6, c < 0xA0 && c&15 < 10
	}
	bad := byte(0)
	switch f {
	case lengthBCD:
		for _, c := range p {
			bad |= (c>>4+6)&16 | (c&15+6)&16
			n = n*100 + int(c>>4)*10 + int(c&15)
		}
	case lengthBinary:
		for _, c := range p {
			n = n<<8 | int(c)
		}
	default:
		zero := byte('0')
		if f == lengthEBCDIC {
			zero = 0xF0
		}
		for _, c := range p {
			if c -= zero; c > 9 {
				return 0, false
			}
			n = n*10 + int(c)
		}
	}
	return n, bad == 0
}

// write fills p with a length.
func (f lengthForm) write(p []byte, n int) {
	switch {
	case f == lengthBCD && len(p) == 1:
		p[0] = bcd(n)
	case f == lengthBCD && len(p) == 2:
		hi := n / 100
		p[0], p[1] = bcd(hi), bcd(n-100*hi)
	case f == lengthASCII && len(p) == 2:
		hi := n / 10
		p[0], p[1] = '0'+byte(hi), '0'+byte(n-10*hi)
	case f == lengthBinary:
		for i := len(p) - 1; i >= 0; i-- {
			p[i], n = byte(n), n>>8
		}
	case f == lengthBCD:
		for i := len(p) - 1; i >= 0; i-- {
			p[i], n = bcd(n%100), n/100
		}
	default:
		zero := byte('0')
		if f == lengthEBCDIC {
			zero = 0xF0
		}
		for i := len(p) - 1; i >= 0; i-- {
			p[i], n = zero+byte(n%10), n/10
		}
	}
}

func bcd(n int) byte { return byte(n + n/10*6) }
