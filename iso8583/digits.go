package iso8583

import (
	bin "encoding/binary"
	"encoding/hex"
	"slices"
)

const upperDigits = "0123456789ABCDEF"

// noDigit stands in a digit table for what is none.
const noDigit = 0xFF

// decimalOf and nibbleOf give the half byte of a digit character, or noDigit. A track also has A to F, and = for the
// separator D.
var decimalOf, nibbleOf = digitTables()

func digitTables() (decimal, nibble [256]byte) {
	for i := range decimal {
		decimal[i], nibble[i] = noDigit, noDigit
	}
	for v := range byte(16) {
		nibble[upperDigits[v]] = v
		if v < 10 {
			decimal[upperDigits[v]] = v
		}
	}
	nibble['='] = 13
	return decimal, nibble
}

// Eight digits are handled at once as the bytes of one 64-bit word.
const (
	zeros8 = 0x3030303030303030 // "00000000"
	ones8  = 0x0101010101010101
	tops8  = 0x8080808080808080 // the highest bit of each byte
	halfs8 = 0x0F0F0F0F0F0F0F0F

	zeros4 = 0x30303030
	ones4  = 0x01010101
	tops4  = 0x80808080
)

// pack4 makes two bytes of four half bytes that lie in the bytes of x.
func pack4(x uint32) uint16 {
	x = (x | x>>4) & 0x00FF00FF
	return uint16(x | x>>8)
}

// pack8 makes four bytes of eight half bytes that lie in the bytes of x.
func pack8(x uint64) uint32 {
	x = (x | x>>4) & 0x00FF00FF00FF00FF
	x = (x | x>>8) & 0x0000FFFF0000FFFF
	return uint32(x | x>>16)
}

// spread8 is the reverse of pack8.
func spread8(v uint32) uint64 {
	x := uint64(v)
	x = (x | x<<16) & 0x0000FFFF0000FFFF
	x = (x | x<<8) & 0x00FF00FF00FF00FF
	return (x | x<<4) & halfs8
}

// chars8 makes hex characters of eight half bytes; over has a bit for each that is above 9.
func chars8(x uint64) (chars, over uint64) {
	over = (x + 6*ones8) >> 4 & ones8
	return x + zeros8 + 7*over, over
}

// packDecimal writes an even number of decimal digits two to a byte into p, which has room for just these. bad is not 0
// when a character is no digit.
func packDecimal(p, digits []byte) (bad uint64) {
	n := len(digits)
	if n < 8 {
		return packFew(p, digits)
	}
	for i := 0; i+8 <= n; i += 8 {
		x := bin.BigEndian.Uint64(digits[i:]) ^ zeros8
		bad |= x + 0x76*ones8 | x
		bin.BigEndian.PutUint32(p[i/2:], pack8(x))
	}
	if n%8 != 0 { // the last eight again, some of them for the second time
		x := bin.BigEndian.Uint64(digits[n-8:]) ^ zeros8
		bad |= x + 0x76*ones8 | x
		bin.BigEndian.PutUint32(p[n/2-4:], pack8(x))
	}
	return bad & tops8
}

// packFew is packDecimal for less than eight.
func packFew(p, digits []byte) (bad uint64) {
	n := len(digits)
	if n < 4 {
		if n == 0 {
			return 0
		}
		hi, lo := digits[0]-'0', digits[1]-'0'
		p[0] = hi<<4 | lo
		return uint64((hi+0x76)|hi|(lo+0x76)|lo) & 0x80
	}
	x := bin.BigEndian.Uint32(digits) ^ zeros4
	y := bin.BigEndian.Uint32(digits[n-4:]) ^ zeros4
	bin.BigEndian.PutUint16(p, pack4(x))
	bin.BigEndian.PutUint16(p[n/2-2:], pack4(y))
	return uint64((x+0x76*ones4)|x|(y+0x76*ones4)|y) & tops4
}

// hex8 reads eight upper-case hex characters.
func hex8(digits []byte) (v uint32, ok bool) {
	c := bin.BigEndian.Uint64(digits)
	x := (c&halfs8 + c>>6&ones8*9) & halfs8 // a letter has bit 6, and A is 1 without it
	back, _ := chars8(x)
	return pack8(x), back == c
}

// packHexDigits is packDecimal for upper-case hex characters.
func packHexDigits(p, digits []byte) (ok bool) {
	for len(digits) >= 8 {
		v, ok := hex8(digits)
		if !ok {
			return false
		}
		bin.BigEndian.PutUint32(p, v)
		p, digits = p[4:], digits[8:]
	}
	return indexNotHex(digits) < 0 && packDigits(p, digits, &nibbleOf)
}

// packNibbles is packDecimal for the characters of a track.
func packNibbles(p, digits []byte) (ok bool) {
	for len(digits) >= 8 {
		if v, ok := hex8(digits); ok {
			bin.BigEndian.PutUint32(p, v)
		} else if !packDigits(p[:4], digits[:8], &nibbleOf) {
			return false
		}
		p, digits = p[4:], digits[8:]
	}
	return packDigits(p, digits, &nibbleOf)
}

// packDigits is packDecimal by a table of digits.
func packDigits(p, digits []byte, digit *[256]byte) (ok bool) {
	bad := byte(0)
	for i := range p {
		hi, lo := digit[digits[2*i]], digit[digits[2*i+1]]
		bad |= hi | lo
		p[i] = hi<<4 | lo
	}
	return bad < 16
}

// unpackDigits writes the half bytes of raw as hex characters into p, which has room for just these. over is not 0
// when one is above 9.
func unpackDigits(p, raw []byte) (over uint64) {
	n := len(raw)
	if n < 4 {
		return unpackPairs(p, raw)
	}
	for i := 0; i+4 <= n; i += 4 {
		chars, o := chars8(spread8(bin.BigEndian.Uint32(raw[i:])))
		over |= o
		bin.BigEndian.PutUint64(p[2*i:], chars)
	}
	if n%4 != 0 { // the last four bytes again, some of them for the second time
		chars, o := chars8(spread8(bin.BigEndian.Uint32(raw[n-4:])))
		over |= o
		bin.BigEndian.PutUint64(p[2*n-8:], chars)
	}
	return over
}

func unpackPairs(p, raw []byte) (over uint64) {
	for i, c := range raw {
		hi, lo := c>>4, c&15
		over |= uint64((hi+6)&16 | (lo+6)&16)
		p[2*i], p[2*i+1] = upperDigits[hi], upperDigits[lo]
	}
	return over
}

// extend gives dst with n more bytes, whatever they hold.
func extend(dst []byte, n int) []byte {
	if cap(dst)-len(dst) < n {
		dst = slices.Grow(dst, n)
	}
	return dst[:len(dst)+n]
}

func upperHex(b []byte) string { return string(appendUpperHex(nil, b)) }

func appendUpperHex(dst, b []byte) []byte {
	out := extend(dst, 2*len(b))
	unpackDigits(out[len(dst):], b)
	return out
}

func isDecimal(b []byte) bool {
	bad := uint64(0)
	for len(b) >= 8 {
		x := bin.LittleEndian.Uint64(b) ^ zeros8
		bad |= x + 0x76*ones8 | x
		b = b[8:]
	}
	return bad&tops8 == 0 && indexNot(b, &decimalOf) < 0
}

// indexNot finds the first character that is no digit of the table, or -1.
func indexNot(b []byte, digit *[256]byte) int {
	for i, c := range b {
		if digit[c] == noDigit {
			return i
		}
	}
	return -1
}

// indexNotHex finds the first character that is no upper-case hex digit, or -1.
func indexNotHex(b []byte) int {
	for i, c := range b {
		if nibbleOf[c] == noDigit || c == '=' {
			return i
		}
	}
	return -1
}

func isASCII(b []byte) bool {
	for len(b) >= 8 {
		if bin.LittleEndian.Uint64(b)&tops8 != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// isPlain tells whether all bytes are printable ASCII characters.
func isPlain(b []byte) bool {
	for len(b) >= 8 {
		x := bin.LittleEndian.Uint64(b)
		if (x|(x-0x20*ones8)|(x+ones8))&tops8 != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c < 0x20 || c > 0x7E {
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
