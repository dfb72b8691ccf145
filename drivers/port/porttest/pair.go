// Package porttest has ports for tests: in memory, and failing. Recorded traffic is played by drivers/trace.
package porttest

import (
	"errors"
	"io"
	"sync"

	"posd/drivers/port"
)

// DefaultLimit is how many bytes an in-memory line holds before a write waits, as a driver's buffer would.
const DefaultLimit = 1 << 20

// Pair connects a port with the far end that a simulated device reads and writes. Closing either end unplugs it.
// It works in a testing/synctest bubble. limit bounds what lies unread in one direction; 0 means DefaultLimit.
func Pair(limit int) (host port.Conn, device io.ReadWriteCloser) {
	if limit <= 0 {
		limit = DefaultLimit
	}
	down, up := newHalf(limit), newHalf(limit)
	return port.NewConn(&end{in: up, out: down}, 0), &end{in: down, out: up}
}

// end is one end of a line in memory.
type end struct{ in, out *half }

func (e *end) Read(p []byte) (int, error)  { return e.in.read(p) }
func (e *end) Write(p []byte) (int, error) { return e.out.write(p) }

func (e *end) Close() error {
	e.in.close()
	e.out.close()
	return nil
}

// half is one direction of a line.
type half struct {
	mu     sync.Mutex
	change *sync.Cond
	buf    []byte // guarded by mu
	limit  int
	closed bool // guarded by mu
}

func newHalf(limit int) *half {
	h := &half{limit: limit}
	h.change = sync.NewCond(&h.mu)
	return h
}

var errHungUp = errors.New("the far end hung up")

func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.buf) == 0 && !h.closed {
		h.change.Wait()
	}
	if len(h.buf) == 0 {
		return 0, io.EOF
	}
	n := copy(p, h.buf)
	h.buf = h.buf[n:]
	h.change.Broadcast()
	return n, nil
}

func (h *half) write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	sent := 0
	for sent < len(p) {
		for len(h.buf) >= h.limit && !h.closed {
			h.change.Wait()
		}
		if h.closed {
			return sent, errHungUp
		}
		n := min(h.limit-len(h.buf), len(p)-sent)
		h.buf = append(h.buf, p[sent:sent+n]...)
		sent += n
		h.change.Broadcast()
	}
	return sent, nil
}

func (h *half) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.change.Broadcast()
}
