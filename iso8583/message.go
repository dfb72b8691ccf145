package iso8583

import (
	"encoding/hex"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// MaxField is the highest field number: three bitmaps of 64.
const MaxField = 192

// Message is one message: TPDU, header and MTI in hex digits, and fields 2 to 192.
//
// A field's value is text (digits, track nibbles with D, or UTF-8 that Pack turns into the dialect's character set)
// or bytes. The zero value is an empty message. A Message owns its values in one buffer that Wipe overwrites, and
// it prints as MTI and field numbers only. It is not safe for concurrent use.
type Message struct {
	TPDU, Header, MTI string

	buf  []byte // owned by the message; every value lies in it
	set  presence
	at   [MaxField + 1]span // of the fields that are in set; the others are leftovers
	maps int                // bitmaps it came with: it leaves with as many, even if the last is empty

	// TPDU and header as UnpackInto last read them, so that the next equal ones need no new strings.
	lastHead             []byte
	lastTPDU, lastHeader string
}

// presence has a bit for each field; field 1 is the lowest bit of the first word, since loops are fastest from there.
type presence [MaxField / 64]uint64

func (p *presence) has(n int) bool { return p[uint(n-1)/64]&(1<<(uint(n-1)%64)) != 0 }
func (p *presence) add(n int)      { p[uint(n-1)/64] |= 1 << (uint(n-1) % 64) }
func (p *presence) drop(n int)     { p[uint(n-1)/64] &^= 1 << (uint(n-1) % 64) }

// next is the first field after n, or 0.
func (p *presence) next(n int) int {
	for i := uint(n) / 64; i < uint(len(p)); i++ {
		if rest := p[i] >> (uint(n) % 64) << (uint(n) % 64); rest != 0 {
			return int(i)*64 + bits.TrailingZeros64(rest) + 1
		}
		n = 0
	}
	return 0
}

// last is the last field before n, or 0.
func (p *presence) last(n int) int {
	for n--; n > 0; n-- {
		if p.has(n) {
			return n
		}
	}
	return 0
}

// mirrored turns a bitmap of the wire, read with its first byte lowest, into a word of presence, and back.
func mirrored(x uint64) uint64 {
	const odd, pairs = 0x5555555555555555, 0x3333333333333333
	x = x>>1&odd | x&odd<<1
	x = x>>2&pairs | x&pairs<<2
	return x>>4&halfs8 | x&halfs8<<4
}

// bitmaps is how many are needed.
func (p *presence) bitmaps() int {
	for i := len(p) - 1; i > 0; i-- {
		if p[i] != 0 {
			return i + 1
		}
	}
	return 1
}

// span is where a value lies, and what Pack must know to give the same bytes back.
type span struct {
	off, n int32
	kind   valueKind
	pad    int8 // nibble 0..15 that filled the odd half byte, -1 for the dialect's own
}

type valueKind uint8

const (
	absent valueKind = iota
	isText
	isBytes
)

// slack is spare room behind decoded values, so that reading one more seldom moves them.
const slack = 8

// noPad leaves the pad nibble to the dialect.
const noPad = -1

// Set gives field n a text value, replacing any other. A number outside 2..192 is ignored.
func (m *Message) Set(n int, text string) {
	if valid(n) {
		m.reserve(len(text))
		m.place(n, isText, len(text))
		m.buf = append(m.buf, text...)
	}
}

// SetBytes gives field n raw bytes, replacing any other value. The bytes are copied.
func (m *Message) SetBytes(n int, b []byte) {
	if valid(n) {
		m.reserve(len(b))
		m.place(n, isBytes, len(b))
		m.buf = append(m.buf, b...)
	}
}

// Text gives field n as text: digits, text, or "hex:.." for bytes. It is "" where the field is absent.
func (m *Message) Text(n int) string {
	if !m.Has(n) {
		return ""
	}
	v := m.value(n)
	if m.at[n].kind == isBytes {
		return hexText(v)
	}
	return string(v)
}

// Bytes gives field n's value as it lies in the message: text as UTF-8, bytes as they are. It is nil where the
// field is absent, and valid until the next Set or Wipe.
func (m *Message) Bytes(n int) []byte {
	if !m.Has(n) {
		return nil
	}
	return m.value(n)
}

// Has tells whether field n is there; an empty value counts.
func (m *Message) Has(n int) bool { return valid(n) && m.set.has(n) }

// Unset takes field n away and overwrites its value.
func (m *Message) Unset(n int) {
	if m.Has(n) {
		clear(m.value(n))
		m.set.drop(n)
	}
}

// Next is the number of the first field after that one, or 0 where no more follow. Next(0) is the first.
func (m *Message) Next(after int) int { return m.set.next(max(0, min(after, MaxField))) }

// Fields lists the fields that are there, in order.
func (m *Message) Fields() []int {
	list := make([]int, 0, 24)
	for n := m.Next(0); n > 0; n = m.Next(n) {
		list = append(list, n)
	}
	return list
}

// Wipe overwrites every value and empties the message, so that no card data stays on the heap.
func (m *Message) Wipe() {
	clear(m.buf[:cap(m.buf)])
	*m = Message{buf: m.buf[:0]}
}

// Reset is Wipe for a message that is used again at once: the next one of its kind needs no new memory.
func (m *Message) Reset() {
	clear(m.buf[:cap(m.buf)])
	m.buf = m.buf[:0]
	m.TPDU, m.Header, m.MTI, m.maps, m.set = "", "", "", 0, presence{}
}

// String gives MTI and field numbers, never a value.
func (m *Message) String() string {
	if m == nil {
		return "(no message)"
	}
	return listed(m.MTI, &m.set)
}

// listed is how messages and views print.
func listed(mti string, set *presence) string {
	text := append(make([]byte, 0, 96), mti...)
	sep := " ["
	for n := set.next(0); n > 0; n = set.next(n) {
		text = strconv.AppendInt(append(text, sep...), int64(n), 10)
		sep = " "
	}
	if sep != " " {
		text = append(text, sep...)
	}
	return string(append(text, ']'))
}

// Format keeps every fmt verb, %#v included, from the values, of a copy, too.
func (m Message) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(m.String())) }

func valid(n int) bool { return n >= 2 && n <= MaxField }

func (m *Message) value(n int) []byte {
	s := m.at[n]
	return m.buf[s.off : s.off+s.n]
}

// hexText is how bytes look as text, everywhere.
func hexText(b []byte) string { return hexMark + strings.ToUpper(hex.EncodeToString(b)) }

const hexMark = "hex:"

// setValue takes a value as JSON and dialect files write it: "hex:.." is bytes, all else is text.
func (m *Message) setValue(n int, v string) {
	if digits, ok := strings.CutPrefix(v, hexMark); ok {
		if b, err := hex.DecodeString(digits); err == nil {
			m.SetBytes(n, b)
			return
		}
	}
	m.Set(n, v)
}

// place lays the span of field n over the next size bytes of the buffer, which the caller then appends.
func (m *Message) place(n int, kind valueKind, size int) {
	m.Unset(n)
	m.set.add(n)
	m.at[n] = span{off: int32(len(m.buf)), n: int32(size), kind: kind, pad: noPad}
}

// more makes the buffer longer and gives the new part, whatever it holds.
func (m *Message) more(size int) []byte {
	at := len(m.buf)
	m.reserve(size)
	m.buf = m.buf[:at+size]
	return m.buf[at:]
}

// reserve makes room and wipes the buffer it leaves behind: append alone would strand a copy on the heap.
func (m *Message) reserve(size int) {
	if cap(m.buf)-len(m.buf) >= size {
		return
	}
	old := m.buf
	m.buf = append(make([]byte, 0, 2*len(old)+size+64), old...)
	clear(old)
}
