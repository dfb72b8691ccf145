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

	letters2 = 0x4040 // the bit that A to F have and 0 to 9 lack

	zeros4 = 0x30303030
	ones4  = 0x01010101
	tops4  = 0x80808080
)

// pack4 makes two bytes of four half bytes that lie in the bytes of x.
func pack4(x uint32) uint16 {
	x = (x | x>>4) & 0x00FF00FF
	return uint16(x | x>>8)
}

// pack8 makes four bytes of eight half bytes that lie in the bytes of x, the first one lowest in both.
func pack8(x uint64) uint32 {
	x = (x<<4 | x>>8) & 0x00FF00FF00FF00FF
	x = (x | x>>8) & 0x0000FFFF0000FFFF
	return uint32(x | x>>16)
}

// packDecimal writes an even number of decimal digits two to a byte into p, which has room for just these. bad is not 0
// when a character is no digit.
func packDecimal(p, digits []byte) (bad uint64) {
	n := len(digits)
	if n < 8 {
		return packFew(p, digits)
	}
	x := bin.LittleEndian.Uint64(digits[n-8:]) ^ zeros8 // the last eight first, some of them for the first of two times
	bad = x + 0x76*ones8 | x
	bin.LittleEndian.PutUint32(p[n/2-4:], pack8(x))
	for len(digits) > 8 && len(p) > 4 {
		x = bin.LittleEndian.Uint64(digits) ^ zeros8
		bad |= x + 0x76*ones8 | x
		bin.LittleEndian.PutUint32(p, pack8(x))
		digits, p = digits[8:], p[4:]
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

// hex8 gives the half bytes that eight hex characters are. In bad, a bit above the lower half of a byte says that they are
// none of upper case.
func hex8(c uint64) (x, bad uint64) {
	letter := c >> 6 & ones8
	x = c - 7*letter - zeros8                 // F follows on 9 then
	return x, x | ((x + 6*ones8) ^ letter<<4) // a letter, and only a letter, is above 9
}

// packHexDigits is packDecimal for upper-case hex characters.
func packHexDigits(p, digits []byte) (ok bool) {
	n, t, all := len(p), pairs, uint16(isPair)
	if n < 8 {
		for i := range p {
			all &= t.pack(p[i:], digits[2*i:])
		}
		return all != 0
	}
	for i := 0; i < n; i += 8 {
		i = min(i, n-8) // some of the last eight for the second of two times
		p, c := p[i:i+8:i+8], digits[2*i:2*i+16:2*i+16]
		all &= t.pack(p, c) & t.pack(p[1:], c[2:]) & t.pack(p[2:], c[4:]) & t.pack(p[3:], c[6:]) &
			t.pack(p[4:], c[8:]) & t.pack(p[5:], c[10:]) & t.pack(p[6:], c[12:]) & t.pack(p[7:], c[14:])
	}
	return all != 0
}

// pairTable has the byte that two upper-case hex characters are, the first one lowest, with isPair, and 0 for what is
// none. Of its 128 KiB only the few pages that such characters come to are touched.
type pairTable [1 << 16]uint16

const isPair = 0x100

var pairs = func() *pairTable {
	var t pairTable
	for i, chars := range charsOf {
		t[chars] = uint16(i) | isPair
	}
	return &t
}()

// pack writes the byte that two characters are, and gives what the table has.
func (t *pairTable) pack(p, chars []byte) uint16 {
	pair := t[bin.LittleEndian.Uint16(chars)]
	p[0] = byte(pair)
	return pair
}

// isTrack tells whether all characters are those of a track.
func isTrack(b []byte) bool {
	n := len(b)
	if n < 8 {
		return indexNot(b, &nibbleOf) < 0
	}
	for last := b[n-8:]; ; b = b[8:] { // some of the last eight for the second of two times
		if len(b) < 8 {
			b = last
		}
		if _, bad := hex8(bin.LittleEndian.Uint64(b)); bad&^halfs8 != 0 && indexNot(b[:8], &nibbleOf) >= 0 {
			return false
		}
		if len(b) == 8 {
			return true
		}
	}
}

// packNibbles is packDecimal for the characters of a track.
func packNibbles(p, digits []byte) (ok bool) {
	for len(digits) >= 8 {
		if x, bad := hex8(bin.LittleEndian.Uint64(digits)); bad&^halfs8 == 0 {
			bin.LittleEndian.PutUint32(p, pack8(x))
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
func unpackDigits(p, raw []byte) (over uint16) {
	n := len(raw)
	if n < 8 {
		for i := range raw {
			over |= unpackByte(p[2*i:], raw[i:])
		}
		return over & letters2
	}
	for i := 0; i < n; i += 8 {
		i = min(i, n-8) // some of the last eight for the second of two times
		p, c := p[2*i:2*i+16:2*i+16], raw[i:i+8:i+8]
		over |= unpackByte(p, c) | unpackByte(p[2:], c[1:]) | unpackByte(p[4:], c[2:]) | unpackByte(p[6:], c[3:]) |
			unpackByte(p[8:], c[4:]) | unpackByte(p[10:], c[5:]) | unpackByte(p[12:], c[6:]) | unpackByte(p[14:], c[7:])
	}
	return over & letters2
}

// unpackByte writes a byte as two hex characters, and gives these.
func unpackByte(p, raw []byte) uint16 {
	chars := charsOf[raw[0]]
	bin.LittleEndian.PutUint16(p, chars)
	return chars
}

// charsOf is the two hex characters of each byte, the first one lowest.
var charsOf = func() (t [256]uint16) {
	for i := range t {
		t[i] = uint16(upperDigits[i>>4]) | uint16(upperDigits[i&15])<<8
	}
	return t
}()

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
	for ; len(b) >= 8; b = b[8:] {
		bad |= notDecimal(bin.LittleEndian.Uint64(b))
	}
	return bad&tops8 == 0 && indexNot(b, &decimalOf) < 0
}

// notDecimal sets the highest bit of a byte that is no decimal digit, or of one above it in the word.
func notDecimal(x uint64) uint64 {
	x ^= zeros8
	return x + 0x76*ones8 | x
}

// copyDecimal copies decimal digits to p, which has room for just these. ok is false when they are none.
func copyDecimal(p, digits []byte) (ok bool) {
	n := len(digits)
	if n < 8 || len(p) != n {
		copy(p, digits)
		return indexNot(digits, &decimalOf) < 0
	}
	x := bin.LittleEndian.Uint64(digits[n-8:]) // the last eight first, some of them for the first of two times
	bin.LittleEndian.PutUint64(p[n-8:], x)
	bad := notDecimal(x)
	for len(digits) > 8 && len(p) > 8 {
		x = bin.LittleEndian.Uint64(digits)
		bin.LittleEndian.PutUint64(p, x)
		bad |= notDecimal(x)
		digits, p = digits[8:], p[8:]
	}
	return bad&tops8 == 0
}

// copyPlain is copyDecimal for printable ASCII characters.
func copyPlain(p, text []byte) (ok bool) {
	n := len(text)
	if n < 8 || len(p) != n {
		copy(p, text)
		return isPlain(text)
	}
	x := bin.LittleEndian.Uint64(text[n-8:])
	bin.LittleEndian.PutUint64(p[n-8:], x)
	bad := notPlain(x)
	for len(text) > 8 && len(p) > 8 {
		x = bin.LittleEndian.Uint64(text)
		bin.LittleEndian.PutUint64(p, x)
		bad |= notPlain(x)
		text, p = text[8:], p[8:]
	}
	return bad&tops8 == 0
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
	bad := uint64(0)
	for ; len(b) >= 8; b = b[8:] {
		bad |= notPlain(bin.LittleEndian.Uint64(b))
	}
	for _, c := range b {
		if c < 0x20 || c > 0x7E {
			return false
		}
	}
	return bad&tops8 == 0
}

// notPlain sets the highest bit of a byte that is no printable character, or of one above it in the word.
func notPlain(x uint64) uint64 { return x | (x - 0x20*ones8) | (x + ones8) }

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
