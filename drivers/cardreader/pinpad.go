package cardreader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"posd/drivers/port"
)

// Frame is how a PIN pad or terminal frames its messages: STX, length, command, data, ETX, check byte. Makers differ in
// what they count and check, and tell it under NDA only: so it is data. The zero value is no frame; see PINPadFrame.
type Frame struct {
	Start, End byte
	LenBytes   int  // of the length field: 0 for none, 1 or 2
	LenLittle  bool // low byte first
	LenBCD     bool // two decimal digits a byte
	LenOfAll   bool // counts the whole frame; else command and data
	CmdBytes   int  // of the command
	SumStart   bool // the check byte is over Start, too
	SumEnd     bool // and over End
	MaxData    int  // bytes of data; more is refused, on the way out and in
	AnyCmd     bool // an answer has a command of its own; else it has that of what it answers, and any other is none
	// Yes and No answer a frame that was received whole, or not. 0 for protocols without answers.
	Yes, No byte
}

// PINPadFrame is the frame that most of them have: two bytes of length, two of command, XOR from length to ETX, ACK, NAK.
var PINPadFrame = Frame{
	Start: stx, End: etx, LenBytes: 2, CmdBytes: 2, SumEnd: true, MaxData: 1024, Yes: 0x06, No: 0x15,
}

// Errors of a PIN pad. After any error of an exchange the command may have been carried out, unless it wraps ErrNotSent.
var (
	ErrNotSent  = errors.New("the command was not sent")
	ErrFrame    = errors.New("frame of the PIN pad")
	ErrNoAnswer = errors.New("the PIN pad does not answer")
	ErrRejected = errors.New("the PIN pad rejects the frame")
)

// Append writes a frame. cmd must have CmdBytes bytes.
func (f Frame) Append(to, cmd, data []byte) ([]byte, error) {
	if len(cmd) != f.CmdBytes || len(data) > f.MaxData {
		return to, fmt.Errorf("%w: command of %d bytes, data of %d; want %d and at most %d",
			ErrFrame, len(cmd), len(data), f.CmdBytes, f.MaxData)
	}
	first := len(to)
	to = append(to, f.Start)
	to = f.appendLen(to, len(cmd)+len(data))
	to = append(append(to, cmd...), data...)
	to = append(to, f.End)
	return append(to, f.sum(to[first:])), nil
}

// overhead is what a frame has beside command and data.
func (f Frame) overhead() int { return f.LenBytes + 3 }

func (f Frame) appendLen(to []byte, n int) []byte {
	if f.LenOfAll {
		n += f.overhead()
	}
	field := make([]byte, f.LenBytes)
	for i := range field {
		at := len(field) - 1 - i
		if f.LenLittle {
			at = i
		}
		if f.LenBCD {
			field[at] = byte(n%10 | n/10%10<<4)
			n /= 100
			continue
		}
		field[at] = byte(n)
		n >>= 8
	}
	return append(to, field...)
}

// readLen gives the number of bytes of command and data; -1 for what can be no length.
func (f Frame) readLen(field []byte) int {
	n := 0
	for i := range field {
		at := i
		if f.LenLittle {
			at = len(field) - 1 - i
		}
		c := int(field[at])
		switch {
		case !f.LenBCD:
			n = n<<8 | c
		case c>>4 > 9 || c&15 > 9:
			return -1
		default:
			n = n*100 + c>>4*10 + c&15
		}
	}
	if f.LenOfAll {
		n -= f.overhead()
	}
	return n
}

// sum is the XOR over a frame from Start to End, both in b.
func (f Frame) sum(b []byte) byte {
	if !f.SumStart {
		b = b[1:]
	}
	if !f.SumEnd {
		b = b[:len(b)-1]
	}
	var x byte
	for _, c := range b {
		x ^= c
	}
	return x
}

// Split is a bufio.SplitFunc for frames and for the single bytes Yes and No. Other bytes before a frame are skipped.
func (f Frame) Split(data []byte, _ bool) (int, []byte, error) {
	switch c := data[0]; {
	case c != f.Start && (c == f.Yes || c == f.No) && c != 0:
		return 1, data[:1], nil
	case c != f.Start:
		return 1, nil, nil
	case f.LenBytes == 0:
		return f.splitAtEnd(data)
	case len(data) < 1+f.LenBytes:
		return 0, nil, nil
	}
	n := f.readLen(data[1 : 1+f.LenBytes])
	if n < f.CmdBytes || n > f.CmdBytes+f.MaxData {
		return 1, nil, nil
	}
	if n += f.overhead(); len(data) < n {
		return 0, nil, nil
	}
	return n, data[:n], nil
}

// splitAtEnd cuts a frame without a length at its End. The check byte follows.
func (f Frame) splitAtEnd(data []byte) (int, []byte, error) {
	limit := f.CmdBytes + f.MaxData + 2
	end := bytes.IndexByte(data[:min(len(data), limit)], f.End)
	switch {
	case end < 0 && len(data) >= limit:
		return 1, nil, nil
	case end < 0 || len(data) < end+2:
		return 0, nil, nil
	default:
		return end + 2, data[:end+2], nil
	}
}

// Open gives command and data of a frame, parts of it. The error tells no content.
func (f Frame) Open(frame []byte) (cmd, data []byte, err error) {
	n, head := len(frame), 1+f.LenBytes
	switch {
	case n < f.overhead()+f.CmdBytes || frame[0] != f.Start:
		return nil, nil, fmt.Errorf("%w: %d bytes are none", ErrFrame, n)
	case frame[n-2] != f.End:
		return nil, nil, fmt.Errorf("%w: no end byte where its length says; look at the length's form", ErrFrame)
	case frame[n-1] != f.sum(frame[:n-1]):
		return nil, nil, fmt.Errorf("%w: check byte of %d bytes", ErrFrame, n)
	}
	return frame[head : head+f.CmdBytes], frame[head+f.CmdBytes : n-2], nil
}

// PINPad is a PIN pad or terminal behind such frames. It is the extension point for a maker's own driver, as DRIVERS.md says: posd
// has none yet, since makers publish their commands under NDA, and only tests use it. One goroutine owns it.
type PINPad struct {
	conn  port.Conn
	frame Frame
	limit time.Duration // of one wait for an answer
}

const (
	pinTries = 3                     // how often a frame is sent that was rejected on its way, and received that is no answer
	pinQuiet = 20 * time.Millisecond // without a byte, before a command is sent
)

// NewPINPad takes over a connection and sends nothing.
func NewPINPad(c port.Conn, f Frame, limit time.Duration) *PINPad {
	return &PINPad{conn: c, frame: f, limit: limit}
}

// Exchange sends a command and waits for the answering frame, whose data are the caller's to wipe. A frame that is
// answered with No is sent again, at most three times; one that is not answered never is: it may have been carried out.
//
// What came before the command is no answer to it, nor is a frame of another command. A late answer that comes after the same
// command was sent again cannot be told from the answer: a maker's driver compares numbers or amounts that are in the data.
func (p *PINPad) Exchange(ctx context.Context, cmd, data []byte) (answer port.Secret, err error) {
	frame, err := p.frame.Append(nil, cmd, data)
	if err == nil {
		err = p.drain(ctx)
	}
	if err != nil {
		return port.Secret{}, fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	defer clear(frame)
	for range pinTries {
		if err := p.conn.Write(ctx, frame); err != nil {
			return port.Secret{}, err
		}
		answer, err = p.receive(ctx, cmd)
		if !errors.Is(err, ErrRejected) {
			return answer, err
		}
	}
	return port.Secret{}, fmt.Errorf("%w %d times; look at the form of frames in its driver", ErrRejected, pinTries)
}

// drain takes in and wipes what came since the last exchange, until nothing comes for a moment: the answer to a command that was
// given up.
func (p *PINPad) drain(ctx context.Context) error {
	whole, cancel := context.WithTimeout(ctx, p.limit)
	defer cancel()
	for {
		quiet, stop := context.WithTimeout(whole, pinQuiet)
		b, err := p.conn.Next(quiet, all)
		stop()
		clear(b)
		switch {
		case whole.Err() != nil && ctx.Err() == nil:
			return fmt.Errorf("%w: it goes on sending; look at baud rate and port", ErrFrame)
		case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
			return nil
		case err != nil:
			return err
		}
	}
}

// all takes what is there.
func all(data []byte, _ bool) (int, []byte, error) { return len(data), data, nil }

// receive waits for the answer to a command, and answers a frame that is damaged with No: the PIN pad then sends it again.
func (p *PINPad) receive(ctx context.Context, cmd []byte) (port.Secret, error) {
	for range pinTries {
		b, err := p.next(ctx)
		if err != nil {
			return port.Secret{}, err
		}
		answer, is, err := p.answer(b, cmd)
		clear(b)
		switch {
		case is:
			return answer, p.reply(ctx, p.frame.Yes)
		case err == nil:
			err = p.reply(ctx, p.frame.Yes)
		case p.frame.No != 0:
			err = p.reply(ctx, p.frame.No)
		}
		if err != nil {
			return port.Secret{}, err
		}
	}
	return port.Secret{}, fmt.Errorf("%w: %d frames that are damaged or no answer to it; look at cable and baud rate", ErrFrame, pinTries)
}

// answer gives a copy of the data of a frame, if it is the answer to a command.
func (p *PINPad) answer(frame, cmd []byte) (answer port.Secret, is bool, err error) {
	got, data, err := p.frame.Open(frame)
	if err != nil || !p.frame.AnyCmd && !bytes.Equal(got, cmd) {
		return port.Secret{}, false, err
	}
	return port.NewSecret(bytes.Clone(data)), true, nil
}

// next waits for a frame and takes in what is only an answer.
func (p *PINPad) next(ctx context.Context) ([]byte, error) {
	wait, cancel := context.WithTimeout(ctx, p.limit)
	defer cancel()
	for {
		b, err := p.conn.Next(wait, p.frame.Split)
		switch {
		case err != nil && ctx.Err() == nil && wait.Err() != nil:
			return nil, fmt.Errorf("%w: nothing whole in %v; look at cable and baud rate", ErrNoAnswer, p.limit)
		case err != nil:
			return nil, err
		case len(b) > 1:
			return b, nil
		case b[0] == p.frame.No:
			return nil, ErrRejected
		}
	}
}

func (p *PINPad) reply(ctx context.Context, b byte) error {
	if b == 0 {
		return nil
	}
	return p.conn.Write(ctx, []byte{b})
}
