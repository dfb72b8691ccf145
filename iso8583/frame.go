package iso8583

import (
	"errors"
	"fmt"
	"io"
)

// frameSpec is what surrounds a message.
type frameSpec struct {
	length      lengthKind
	max         int // bytes of a payload
	tpduBytes   int
	headerBytes int
	tpdu        string // standard values, hex
	header      string
	ownHeader   bool // an answer has the standard header, else the request's
}

// lengthKind is the form of the length in front of a payload. It does not count itself.
type lengthKind string

const (
	lengthBin2   lengthKind = "bin2"   // 2 bytes, big-endian
	lengthBCD2   lengthKind = "bcd2"   // 2 bytes, 4 BCD digits
	lengthASCII4 lengthKind = "ascii4" // 4 ASCII digits
)

func (k lengthKind) size() int {
	if k == lengthASCII4 {
		return 4
	}
	return 2
}

// limit is the longest payload that the prefix can count.
func (k lengthKind) limit() int {
	if k == lengthBin2 {
		return 0xFFFF
	}
	return 9999
}

func (k lengthKind) read(b []byte) (int, bool) {
	switch k {
	case lengthBin2:
		return lengthBinary.read(b)
	case lengthBCD2:
		return lengthBCD.read(b)
	default:
		return lengthASCII.read(b)
	}
}

// AppendFrame appends payload with its length prefix to dst.
func (d *Dialect) AppendFrame(dst, payload []byte) ([]byte, error) {
	n := len(payload)
	if n > d.frame.max {
		return dst, faultAt("frame", -1, "%d bytes exceed the dialect's limit of %d", n, d.frame.max)
	}
	switch d.frame.length {
	case lengthBin2:
		dst = append(dst, byte(n>>8), byte(n))
	case lengthBCD2:
		dst = append(dst, bcd(n/100), bcd(n%100))
	default:
		dst = fmt.Appendf(dst, "%04d", n)
	}
	return append(dst, payload...), nil
}

// SplitFrame is a bufio.SplitFunc that gives payloads without their length prefix. An empty payload is a poll by
// which some hosts keep a line alive. A length that no message has is a *FieldError: the stream has lost its step.
func (d *Dialect) SplitFrame(data []byte, atEOF bool) (int, []byte, error) {
	size := d.frame.length.size()
	if len(data) < size {
		return 0, nil, incomplete(data, atEOF)
	}
	n, ok := d.frame.length.read(data[:size])
	switch {
	case !ok:
		return 0, nil, faultAt("frame", 0, "length is not %s", d.frame.length).hint("the stream has lost its step, or the length has another form")
	case n > d.frame.max:
		return 0, nil, faultAt("frame", 0, "length %d exceeds the dialect's limit of %d", n, d.frame.max).hint("the stream has lost its step, or the length has another form")
	case len(data) < size+n:
		return 0, nil, incomplete(data, atEOF)
	}
	return size + n, data[size : size+n : size+n], nil
}

func incomplete(data []byte, atEOF bool) error {
	if atEOF && len(data) > 0 {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// Reply gives TPDU and header of the answer to req: TPDU addresses swapped, header as the dialect wants.
func (d *Dialect) Reply(req *Message) (tpdu, header string) {
	tpdu, header = req.TPDU, req.Header
	if len(tpdu) == 10 { // id, destination, source
		tpdu = tpdu[:2] + tpdu[6:] + tpdu[2:6]
	}
	if d.frame.ownHeader {
		header = d.frame.header
	}
	return tpdu, header
}

// UnpackPasted reads a message as a technician finds it in a trace: with or without its length prefix, which may be
// wrong. The note says what was odd about the prefix, and is empty when nothing was. When nothing can be read, the
// error is that of the reading that came farthest.
func (d *Dialect) UnpackPasted(b []byte) (m *Message, trailing int, note string, err error) {
	size := d.frame.length.size()
	if len(b) < size {
		m, trailing, err = d.Unpack(b)
		return m, trailing, "", err
	}
	said, isLength := d.frame.length.read(b[:size])
	right := isLength && said == len(b)-size
	if right {
		if m, trailing, err = d.Unpack(b[size:]); err == nil {
			return m, trailing, "", nil
		}
	}
	bare, left, bareErr := d.Unpack(b)
	if bareErr == nil {
		return bare, left, "", nil
	}
	if !right {
		note = fmt.Sprintf("%d bytes follow the length prefix, but it says otherwise", len(b)-size)
		if m, trailing, err = d.Unpack(b[size:]); err == nil {
			return m, trailing, note, nil
		}
	}
	if offset(err) > offset(bareErr) {
		return nil, 0, note, err
	}
	return nil, 0, "", bareErr
}

// offset is how far a reading came.
func offset(err error) int {
	var f *FieldError
	if errors.As(err, &f) {
		return f.Offset
	}
	return -1
}
