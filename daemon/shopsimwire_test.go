package main

import (
	"context"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// plug is one end of a connection in memory. It buffers, it can be closed in one direction, and what is written to it
// comes out at its own time, in its own pieces. All its waits are on channels, as a synctest bubble wants them.
type plug struct {
	name    string
	in, out *flow
	shape   func(b []byte) []piece // how a Write travels; nil brings it over in ping
	ping    time.Duration
}

// piece is a part of what was written, and when it comes out: so long after the Write, and never before the one before it.
type piece struct {
	after time.Duration
	bytes []byte
	end   error // what the reader gets when it has read all before
}

// flow is one direction of a connection.
type flow struct {
	wake chan struct{} // holds one token: something has changed for the reader

	mu       sync.Mutex
	pieces   []due     // guarded by mu
	deadline time.Time // guarded by mu; of the reader
	broken   error     // guarded by mu; the reader's, whatever is under way
	refused  error     // guarded by mu; the writer's
}

// due is a piece on its way.
type due struct {
	at    time.Time
	sent  time.Time
	bytes []byte
	end   error
}

// pair makes the two ends of a connection.
func pair(name string, ping time.Duration) (a, b *plug) {
	x, y := &flow{wake: make(chan struct{}, 1)}, &flow{wake: make(chan struct{}, 1)}
	return &plug{name: name, in: x, out: y, ping: ping}, &plug{name: name, in: y, out: x, ping: ping}
}

func (f *flow) nudge() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// put sends pieces on their way.
func (f *flow) put(pieces ...piece) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refused != nil {
		return f.refused
	}
	for _, p := range pieces {
		f.add(p)
		if p.end != nil {
			f.refused = syscall.EPIPE
		}
	}
	f.nudge()
	return nil
}

// add lets a piece come behind those before it. The caller holds mu.
func (f *flow) add(p piece) {
	now := time.Now()
	at := now.Add(p.after)
	if n := len(f.pieces); n > 0 && f.pieces[n-1].at.After(at) {
		at = f.pieces[n-1].at
	}
	f.pieces = append(f.pieces, due{at, now, append([]byte(nil), p.bytes...), p.end})
}

// sever ends the flow as the end of its writer does. What was written in this very moment never left: whether it was
// before or after, no order tells.
func (f *flow) sever(last piece) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	f.pieces = slices.DeleteFunc(f.pieces, func(d due) bool { return d.sent.Equal(now) })
	f.add(last)
	f.refused = last.end
	f.nudge()
}

// stop ends the flow at once: for the reader, for the writer, or for both.
func (f *flow) stop(reader, writer error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken == nil {
		f.broken = reader
	}
	if f.refused == nil {
		f.refused = writer
	}
	f.nudge()
}

// forever is longer than any day.
const forever = 10000 * time.Hour

// take gives what has come, or how long it is until something may.
func (f *flow) take(p []byte) (n int, wait time.Duration, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	switch {
	case f.broken != nil:
		return 0, 0, f.broken
	case f.deadline.IsZero():
		wait = forever
	case !f.deadline.After(now):
		return 0, 0, os.ErrDeadlineExceeded
	default:
		wait = f.deadline.Sub(now)
	}
	for len(f.pieces) > 0 {
		d := &f.pieces[0]
		if d.at.After(now) {
			return 0, min(wait, d.at.Sub(now)), nil
		}
		if len(d.bytes) == 0 && d.end != nil {
			return 0, 0, d.end
		}
		n = copy(p, d.bytes)
		if d.bytes = d.bytes[n:]; len(d.bytes) == 0 && d.end == nil {
			f.pieces = f.pieces[1:]
		}
		if n > 0 {
			return n, 0, nil
		}
	}
	return 0, wait, nil
}

// Read waits for what comes next.
func (p *plug) Read(b []byte) (int, error) {
	for {
		n, wait, err := p.in.take(b)
		if n > 0 || err != nil || len(b) == 0 {
			return n, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-p.in.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// Write sends b on its way and never waits.
func (p *plug) Write(b []byte) (int, error) {
	pieces := []piece{{after: p.ping, bytes: b}}
	if p.shape != nil {
		pieces = p.shape(b)
	}
	if err := p.out.put(pieces...); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Close says goodbye: the far end reads what is under way, and then the end.
func (p *plug) Close() error {
	_ = p.out.put(piece{after: p.ping, end: io.EOF})
	p.out.stop(nil, net.ErrClosed)
	p.in.stop(net.ErrClosed, syscall.ECONNRESET)
	return nil
}

// isOver tells that this end is closed: nothing is written to it any more.
func (p *plug) isOver() bool {
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	return p.out.refused != nil
}

// die is the end of the process that holds this end: what it has sent before arrives, and after that a reset.
func (p *plug) die() {
	p.out.sever(piece{after: p.ping, end: syscall.ECONNRESET})
	p.in.stop(syscall.ECONNRESET, syscall.ECONNRESET)
}

// SetReadDeadline wakes the reader, which looks at it.
func (p *plug) SetReadDeadline(at time.Time) error {
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	p.in.deadline = at
	p.in.nudge()
	return nil
}

// SetDeadline is SetReadDeadline: no Write waits.
func (p *plug) SetDeadline(at time.Time) error { return p.SetReadDeadline(at) }

// SetWriteDeadline does nothing: no Write waits.
func (p *plug) SetWriteDeadline(time.Time) error { return nil }

// LocalAddr is a name.
func (p *plug) LocalAddr() net.Addr { return address(p.name) }

// RemoteAddr is the same name.
func (p *plug) RemoteAddr() net.Addr { return address(p.name) }

// address is where something listens in memory.
type address string

// Network says that it looks like TCP.
func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }

// ear is a listener in memory.
type ear struct {
	name   string
	calls  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func listenAt(name string) *ear {
	return &ear{name: name, calls: make(chan net.Conn, 64), closed: make(chan struct{})}
}

// Accept waits for a call.
func (e *ear) Accept() (net.Conn, error) {
	select {
	case c := <-e.calls:
		return c, nil
	case <-e.closed:
		return nil, net.ErrClosed
	}
}

// Close refuses further calls.
func (e *ear) Close() error {
	e.once.Do(func() { close(e.closed) })
	return nil
}

// Addr is where it listens.
func (e *ear) Addr() net.Addr { return address(e.name) }

// call connects with whoever listens.
func (e *ear) call(c net.Conn) error {
	select {
	case <-e.closed:
		return syscall.ECONNREFUSED
	default:
	}
	select {
	case e.calls <- c:
		return nil
	case <-e.closed:
		return syscall.ECONNREFUSED
	}
}

// nap lets virtual time pass, and tells whether ctx still lives.
func nap(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
