package pcsc

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"
)

// Socket is where pcscd listens.
const Socket = "/run/pcscd/pcscd.comm"

// Commands of pcscd.
const (
	establishContext = 0x01
	connectCard      = 0x04
	disconnectCard   = 0x06
	transmit         = 0x09
	version          = 0x11
	readersState     = 0x12
)

// Lengths and values of pcscd's structs. All numbers are the machine's own byte order.
const (
	nameLen    = 128
	maxReaders = 16
	stateLen   = 184 // of one reader: name, three numbers, 33 bytes of ATR, padding, two numbers
	atrAt      = 140
	maxATR     = 33
	present    = 0x0004
)

var order = binary.NativeEndian

// daemon is a connection to pcscd.
type daemon struct {
	conn    net.Conn
	context uint32
}

// dialSocket connects to pcscd; path "" is Socket.
func dialSocket(ctx context.Context, path string) (service, error) {
	if path == "" {
		path = Socket
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoService, err)
	}
	c := &daemon{conn: conn}
	if err := c.greet(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

// greet agrees on the protocol and opens a context.
func (c *daemon) greet(ctx context.Context) error {
	v, err := c.ask(ctx, version, numbers(4, 4, 0), 12)
	if err != nil {
		return err
	}
	if rv := order.Uint32(v[8:]); rv != 0 {
		return fmt.Errorf("%w: it speaks protocol %d.%d, want 4.4", ErrNoService, order.Uint32(v), order.Uint32(v[4:]))
	}
	e, err := c.ask(ctx, establishContext, numbers(scopeSystem, 0, 0), 12)
	if err != nil {
		return err
	}
	c.context = order.Uint32(e[4:])
	return explain(order.Uint32(e[8:]))
}

func (c *daemon) close() error { return c.conn.Close() }

func (c *daemon) readers(ctx context.Context) ([]Reader, error) {
	b, err := c.ask(ctx, readersState, nil, maxReaders*stateLen)
	if err != nil {
		return nil, err
	}
	var all []Reader
	for ; len(b) > 0; b = b[stateLen:] {
		name := cString(b[:nameLen])
		if name == "" {
			continue
		}
		n := min(order.Uint32(b[176:]), maxATR)
		r := Reader{Name: name, Present: order.Uint32(b[132:])&present != 0}
		if r.Present {
			r.ATR = append(r.ATR, b[atrAt:atrAt+n]...)
		}
		all = append(all, r)
	}
	return all, nil
}

func (c *daemon) connect(ctx context.Context, reader string) (handle uintptr, protocol uint32, err error) {
	if len(reader) >= nameLen {
		return 0, 0, fmt.Errorf("%w: a name of %d bytes", ErrNoReader, len(reader))
	}
	req := append(numbers(c.context), make([]byte, nameLen)...)
	copy(req[4:], reader)
	b, err := c.ask(ctx, connectCard, append(req, numbers(exclusive, anyProtocol, 0, 0, 0)...), 152)
	if err != nil {
		return 0, 0, err
	}
	if err := explain(order.Uint32(b[148:])); err != nil {
		return 0, 0, fmt.Errorf("connect to the card in %q: %w", reader, err)
	}
	return uintptr(order.Uint32(b[140:])), order.Uint32(b[144:]), nil
}

func (c *daemon) disconnect(ctx context.Context, handle uintptr) error {
	b, err := c.ask(ctx, disconnectCard, numbers(uint32(handle), resetCard, 0), 12)
	if err != nil {
		return err
	}
	return explain(order.Uint32(b[8:]))
}

func (c *daemon) transmit(ctx context.Context, handle uintptr, protocol uint32, apdu []byte) ([]byte, error) {
	const pci = 8
	defer c.until(ctx)()
	head := numbers(uint32(handle), protocol, pci, uint32(len(apdu)), protocol, pci, maxAnswer, 0)
	b, err := c.ask(ctx, transmit, head, len(head), apdu)
	if err != nil {
		return nil, err
	}
	if err := explain(order.Uint32(b[28:])); err != nil {
		return nil, err
	}
	n := order.Uint32(b[24:])
	if n < 2 || n > maxAnswer {
		return nil, fmt.Errorf("the card's answer has %d bytes, want 2 to %d", n, maxAnswer)
	}
	return c.read(ctx, int(n))
}

// ask sends a command with its struct, and data behind it, and reads so many bytes of answer. After an error, ctx's too, the
// connection is of no more use: an answer may still come.
func (c *daemon) ask(ctx context.Context, command uint32, body []byte, answer int, data ...[]byte) ([]byte, error) {
	defer c.until(ctx)()
	message := append(numbers(uint32(len(body)), command), body...)
	for _, d := range data {
		message = append(message, d...)
	}
	defer clear(message)
	if _, err := c.conn.Write(message); err != nil {
		return nil, failed(ctx, err)
	}
	return c.read(ctx, answer)
}

// until ends what is read and written when ctx does, as long as what it gives was not called.
func (c *daemon) until(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
}

// read reads so many bytes.
func (c *daemon) read(ctx context.Context, n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(c.conn, b)
	if err == nil && ctx.Err() == nil {
		return b, nil
	}
	clear(b)
	return nil, failed(ctx, err)
}

// failed is ctx's error where that is why.
func failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", ErrNoService, err)
}

// numbers puts numbers side by side.
func numbers(values ...uint32) (b []byte) {
	for _, v := range values {
		b = order.AppendUint32(b, v)
	}
	return b
}

func cString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
