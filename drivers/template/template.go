// Package template is a driver to copy: a scanner that sends frames and wants them acknowledged. posd does not use it.
//
// DRIVERS.md says how a driver comes of it. A copy lives in drivers/scanner, loses the prefix "scanner.", and registers
// Driver in its init.
package template

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"posd/drivers/port"
	"posd/drivers/scanner"
)

// Bytes of the protocol, in the manual's words. Cite document, section and page.
const (
	stx = 0x02 // begins a frame: STX, code, ETX, check byte
	etx = 0x03
	ack = 0x06 // answers a frame that was received whole
	nak = 0x15 // answers one that was not: the scanner sends it again
)

// maxCode limits a code: a device is never trusted with memory.
const maxCode = 4 << 10

// Driver is what stands in the registry. Its Doc and those of its options are the manual.
var Driver = scanner.Driver{
	Name: "template",
	For:  []port.Match{{Kind: port.Serial, When: "it speaks what no device does"}},
	Doc: "Scanners that frame each code by STX and ETX with a check byte, and want an answer. An example that no device " +
		"speaks. No recorded trace of a real device yet.",
	Options: []port.Option{
		{Name: "answer", Default: "yes", Kind: port.YesNo, Doc: "acknowledge each frame; no is for scanners that are set not to wait"},
	},
	// Open takes over the connection. It sends nothing, and cannot fail: what is wrong shows in the first Next.
	Open: func(c port.Conn, s port.Settings) scanner.Source { return &source{conn: c, answer: s.Yes("answer")} },
}

// source is one scanner. All of it is owned by the caller of Next: no goroutine, no lock.
type source struct {
	conn   port.Conn
	answer bool
}

// Next is the only place that does I/O. It reads a frame, answers it, and gives its code.
func (s *source) Next(ctx context.Context) (scanner.Code, error) {
	frame, err := s.conn.Next(ctx, split)
	if errors.Is(err, port.ErrTooLong) || errors.Is(err, port.ErrBadFrame) {
		return scanner.Code{}, fmt.Errorf("%w: %w", scanner.ErrRefused, err) // the port goes on: so does the scanner
	}
	if err != nil {
		return scanner.Code{}, err // unplugged, closed, or ctx: posd opens the device anew, and says why it is offline
	}
	defer clear(frame) // a frame may hold a customer's code
	data, err := decode(frame)
	if s.answer {
		err = errors.Join(err, s.conn.Write(ctx, []byte{answerTo(err)}))
	}
	if err != nil {
		return scanner.Code{}, err
	}
	return scanner.Code{Data: port.NewSecret(bytes.Clone(data))}, nil
}

func answerTo(err error) byte {
	if err != nil {
		return nak
	}
	return ack
}

// split finds frames. It is pure: the same bytes give the same frames however they arrive, and noise is skipped.
func split(data []byte, _ bool) (int, []byte, error) {
	start := bytes.IndexByte(data, stx)
	if start != 0 {
		if start < 0 {
			start = len(data)
		}
		return start, nil, nil
	}
	end := bytes.IndexByte(data[:min(len(data), maxCode+2)], etx)
	switch {
	case end < 0 && len(data) >= maxCode+2:
		return 1, nil, nil // no end within reason: look for the next STX
	case end < 0 || len(data) < end+2:
		return 0, nil, nil // more bytes are needed
	default:
		return end + 2, data[:end+2], nil
	}
}

// decode gives the code of a frame, a part of it. It is pure, too; its error tells where, and nothing of what was scanned.
func decode(frame []byte) ([]byte, error) {
	n := len(frame)
	var sum byte
	for _, c := range frame[1 : n-1] {
		sum ^= c
	}
	switch data := frame[1 : n-2]; {
	case sum != frame[n-1]:
		return nil, fmt.Errorf("%w: check byte of a frame of %d bytes; look at cable and baud rate", scanner.ErrRefused, n)
	case len(data) == 0:
		return nil, fmt.Errorf("%w: a frame without a code", scanner.ErrRefused)
	default:
		return data, nil
	}
}
