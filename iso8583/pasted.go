package iso8583

import (
	"bytes"
	"errors"
	"fmt"
)

// UnpackPasted reads a message as a technician finds it in a trace: with or without its length prefix, which may be
// wrong. The note says what was odd about the prefix, and is empty when nothing was. When nothing can be read, the
// error is that of the reading that came farthest.
func (d *Dialect) UnpackPasted(b []byte) (m *Message, trailing int, note string, err error) {
	size := d.frame.length.size()
	if len(b) < size {
		m, trailing, err = d.Unpack(b)
		return m, trailing, "", err
	}
	inner, right := d.frame.unframe(b)
	if right {
		if m, trailing, err = d.Unpack(inner); err == nil {
			return m, trailing, "", nil
		}
	}
	bare, left, bareErr := d.Unpack(b)
	if bareErr == nil {
		return bare, left, "", nil
	}
	if !right {
		note = d.frame.prefixNote(b)
		if m, trailing, err = d.Unpack(inner); err == nil {
			return m, trailing, note, nil
		}
	}
	if offset(err) > offset(bareErr) {
		return nil, 0, note, err
	}
	return nil, 0, "", bareErr
}

// unframe takes away length and trailer; right tells whether they are as they should be.
func (f *frameSpec) unframe(b []byte) (inner []byte, right bool) {
	size := f.length.size()
	inner = b[size:]
	said, ok := f.length.read(b[:size])
	n, tail := f.payload(said)
	if ok && n >= 0 && n+tail == len(inner) && bytes.Equal(inner[n:], f.trailer[:tail]) {
		return inner[:n], true
	}
	return bytes.TrimSuffix(inner, f.trailer), false
}

// prefixNote says what is odd about a length prefix.
func (f *frameSpec) prefixNote(b []byte) string {
	size := f.length.size()
	said, ok := f.length.read(b[:size])
	rest := len(b) - size
	switch {
	case ok && !f.inclusive && said == len(b):
		return "the length prefix counts itself; in this dialect it does not"
	case ok && f.inclusive && said == rest:
		return "the length prefix does not count itself; in this dialect it does"
	}
	for _, other := range []lengthKind{lengthBin2, lengthBCD2, lengthASCII4, lengthHex4} {
		if n, ok := other.read(b[:size]); ok && other != f.length && other.size() == size && n == rest {
			return fmt.Sprintf("the length prefix is %s; this dialect has %s", other, f.length)
		}
	}
	return fmt.Sprintf("%d bytes follow the length prefix, but it says otherwise", rest)
}

// offset is how far a reading came.
func offset(err error) int {
	var f *FieldError
	if errors.As(err, &f) {
		return f.Offset
	}
	return -1
}
