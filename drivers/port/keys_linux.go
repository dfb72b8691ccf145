package port

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"os"

	"golang.org/x/sys/unix"
)

const (
	grabKeys  = 0x40044590              // EVIOCGRAB
	eventSize = 2*(bits.UintSize/8) + 8 // struct input_event: two longs of time, type, code, value
)

// openKeys opens a keyboard by evdev and takes it for itself: what it types reaches no other program until Close, or
// until posd ends in whatever way.
func openKeys(a Address) (Conn, error) {
	f, err := openNode(a.Path)
	if err != nil {
		return nil, err
	}
	err = control(f, func(fd int) error { return unix.IoctlSetInt(fd, grabKeys, 1) })
	if err == nil {
		return NewConn(&keys{File: f}, a.Stall), nil
	}
	_ = f.Close()
	if errors.Is(err, unix.EBUSY) {
		return nil, fmt.Errorf("the keyboard is taken (EVIOCGRAB): %w", held(a.Path))
	}
	return nil, fmt.Errorf("take the keyboard (EVIOCGRAB): %w", err)
}

// keys reads a keyboard as text.
type keys struct {
	*os.File
	board Keyboard // owned by the reader
}

// Read waits for keys and gives what they type. It leaves no copy of it.
func (k *keys) Read(p []byte) (int, error) {
	raw := make([]byte, 64*eventSize)
	defer clear(raw)
	n, err := k.File.Read(raw)
	text := p[:0]
	for e := range eventsOf(raw[:max(n, 0)]) {
		text = k.board.Type(text, e)
	}
	return len(text), err
}

// Write fails: a keyboard takes no bytes.
func (k *keys) Write([]byte) (int, error) { return 0, fmt.Errorf("keyboard: %w", ErrNotOffered) }

// eventsOf reads what the kernel wrote; it writes whole events only.
func eventsOf(raw []byte) func(yield func(KeyEvent) bool) {
	return func(yield func(KeyEvent) bool) {
		for ; len(raw) >= eventSize; raw = raw[eventSize:] {
			b := raw[eventSize-8:]
			e := KeyEvent{binary.NativeEndian.Uint16(b), binary.NativeEndian.Uint16(b[2:]), int32(binary.NativeEndian.Uint32(b[4:]))}
			if !yield(e) {
				return
			}
		}
	}
}
