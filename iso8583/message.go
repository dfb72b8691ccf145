package iso8583

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// MaxField is the highest field number; a third bitmap is not supported.
const MaxField = 128

// Message is one message: TPDU, header and MTI in hex digits, and fields 2 to 128.
//
// A field's value is text (digits, track nibbles with D, or UTF-8 that Pack turns into the dialect's character set)
// or bytes. The zero value is an empty message. A Message owns its values in one buffer that Wipe overwrites, and
// it prints as MTI and field numbers only. It is not safe for concurrent use.
type Message struct {
	TPDU, Header, MTI string

	buf  []byte // owned by the message; every value lies in it
	at   [MaxField + 1]span
	wide bool // it came with a second bitmap, so it leaves with one even if that is empty
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

// noPad leaves the pad nibble to the dialect.
const noPad = -1

// Set gives field n a text value, replacing any other. A number outside 2..128 is ignored.
func (m *Message) Set(n int, text string) { m.put(n, isText, noPad, text) }

// SetBytes gives field n raw bytes, replacing any other value. The bytes are copied.
func (m *Message) SetBytes(n int, b []byte) {
	if valid(n) {
		m.reserve(len(b))
		m.place(n, isBytes, noPad, len(b))
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
func (m *Message) Has(n int) bool { return valid(n) && m.at[n].kind != absent }

// Unset takes field n away and overwrites its value.
func (m *Message) Unset(n int) {
	if m.Has(n) {
		clear(m.value(n))
		m.at[n] = span{}
	}
}

// Fields lists the fields that are there, in order.
func (m *Message) Fields() []int {
	list := make([]int, 0, 24)
	for n := range m.at {
		if m.at[n].kind != absent {
			list = append(list, n)
		}
	}
	return list
}

// Wipe overwrites every value and empties the message, so that no card data stays on the heap.
func (m *Message) Wipe() {
	clear(m.buf[:cap(m.buf)])
	*m = Message{buf: m.buf[:0]}
}

// String gives MTI and field numbers, never a value.
func (m *Message) String() string {
	if m == nil {
		return "(no message)"
	}
	var b strings.Builder
	b.WriteString(m.MTI + " [")
	for i, n := range m.Fields() {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.Itoa(n))
	}
	return b.String() + "]"
}

// Format keeps every fmt verb, %#v included, from the values.
func (m *Message) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(m.String())) }

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

func (m *Message) put(n int, kind valueKind, pad int8, text string) {
	if valid(n) {
		m.reserve(len(text))
		m.place(n, kind, pad, len(text))
		m.buf = append(m.buf, text...)
	}
}

// place lays the span of field n over the next size bytes of the buffer, which the caller then appends.
func (m *Message) place(n int, kind valueKind, pad int8, size int) {
	m.Unset(n)
	m.at[n] = span{off: int32(len(m.buf)), n: int32(size), kind: kind, pad: pad}
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
