package port

import (
	"context"
	"encoding/binary"
	"os"
	"testing"
	"time"
)

func TestWhatAKeyboardTypesIsAStreamOfCharacters(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c := NewConn(&keys{File: r}, 0)
	defer c.Close()
	event := func(kind, code uint16, value int32) []byte {
		b := make([]byte, eventSize)
		binary.NativeEndian.PutUint16(b[eventSize-8:], kind)
		binary.NativeEndian.PutUint16(b[eventSize-6:], code)
		binary.NativeEndian.PutUint32(b[eventSize-4:], uint32(value))
		return b
	}
	for _, code := range []uint16{30, 2, 28} { // a 1 enter
		for _, value := range []int32{pressed, released} {
			_, _ = w.Write(append(event(evKey, code, value), event(evSyn, synReport, 0)...))
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	whole := func(b []byte, _ bool) (int, []byte, error) {
		if len(b) < 3 {
			return 0, nil, nil
		}
		return 3, b[:3], nil
	}
	if got, err := c.Next(ctx, whole); string(got) != "a1\r" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := c.Write(ctx, []byte("beep")); err == nil {
		t.Error("a keyboard took bytes")
	}
}

func TestDeviceIDIsReadHoweverItsLengthIsSaid(t *testing.T) {
	for name, c := range map[string]struct{ answer, want string }{
		"by the book":    {"\x00\x0fMFG:X;MDL:Y;\x00", "MFG:X;MDL:Y;"},
		"junk behind it": {"\x00\x08MFG:X;\x00\x00junk", "MFG:X;"},
		"little-endian":  {"\x08\x00MFG:X;", "MFG:X;"},
		"without itself": {"\x00\x06MFG:X;", "MFG:X;"},
		"nothing":        {"", ""},
		"length only":    {"\x00\x02", ""},
	} {
		if got := cutDeviceID([]byte(c.answer)); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
