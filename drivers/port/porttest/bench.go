package porttest

import (
	"context"
	"fmt"
	"io"
	"sync"

	"posd/drivers/port"
)

// Device is a simulated device: it talks over line until ctx or the line ends.
type Device interface {
	Serve(ctx context.Context, line io.ReadWriteCloser) error
}

// Bench is a set of simulated devices, each plugged in at a path. Its Open takes the place of port.Open.
type Bench struct {
	mu      sync.Mutex
	sockets map[string]*socket // guarded by mu
	serving sync.WaitGroup
}

// socket is one path. All of it is guarded by the bench's mu.
type socket struct {
	device  Device
	plugged bool
	err     error              // what Open answers instead; nil mostly
	line    io.Closer          // the open line's far end; nil when nobody has it open
	stop    context.CancelFunc // ends the serving of line
}

// NewBench gives an empty bench. Close it before the test ends.
func NewBench() *Bench { return &Bench{sockets: map[string]*socket{}} }

// Attach plugs d in at path.
func (b *Bench) Attach(path string, d Device) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sockets[path] = &socket{device: d, plugged: true}
}

// Unplug pulls the plug: the open connection breaks, and Open finds nothing.
func (b *Bench) Unplug(path string) { b.set(path, func(s *socket) { s.plugged = false; s.hangUp() }) }

// Plug plugs the device in again.
func (b *Bench) Plug(path string) { b.set(path, func(s *socket) { s.plugged = true }) }

// Refuse makes Open at path answer err, nil to stop that: port.ErrBusy, port.ErrPermission ...
func (b *Bench) Refuse(path string, err error) { b.set(path, func(s *socket) { s.err = err }) }

func (b *Bench) set(path string, change func(*socket)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.sockets[path]; s != nil {
		change(s)
	}
}

func (s *socket) hangUp() {
	if s.line != nil {
		s.stop()
		_ = s.line.Close()
		s.line = nil
	}
}

// Open opens the device at a.Path; it is a port.Opener. A device that is open already is busy until its connection is
// closed.
func (b *Bench) Open(_ context.Context, a port.Address) (port.Conn, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.sockets[a.Path]
	switch {
	case s == nil || !s.plugged:
		return nil, fmt.Errorf("open %s: %w", a, port.ErrMissing)
	case s.err != nil:
		return nil, fmt.Errorf("open %s: %w", a, s.err)
	case s.line != nil:
		return nil, fmt.Errorf("open %s: %w", a, port.ErrBusy)
	}
	host, device := Pair(0)
	ctx, stop := context.WithCancel(context.Background())
	s.line, s.stop = device, stop
	b.serving.Go(func() {
		defer stop()
		_ = s.device.Serve(ctx, device) // a device's fate is the test's to look at
		_ = device.Close()
		b.forget(s, device)
	})
	return &freeing{Conn: host, free: func() { b.forget(s, device) }}, nil
}

// freeing is a connection whose socket is free as soon as it is closed, whenever the device notices.
type freeing struct {
	port.Conn
	free func()
}

func (f *freeing) Close() error {
	defer f.free()
	return f.Conn.Close()
}

// forget makes the socket free again after its connection has ended.
func (b *Bench) forget(s *socket, line io.Closer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.line == line {
		s.line = nil
	}
}

// Close unplugs everything and waits for the devices to end.
func (b *Bench) Close() {
	b.mu.Lock()
	for _, s := range b.sockets {
		s.plugged = false
		s.hangUp()
	}
	b.mu.Unlock()
	b.serving.Wait()
}
