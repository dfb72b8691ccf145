package port

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/windows"
)

// cancelGrace is how long Close waits for a driver to end what it was told to end, and cancelEvery how often it tells it: a
// call may have begun just after it was told.
const (
	cancelGrace = time.Second
	cancelEvery = 10 * time.Millisecond
)

// overlapped is a device that was opened with FILE_FLAG_OVERLAPPED: it is written to while it is listened to. An *os.File of
// such a device does one after the other, and a Read that waits for a word of the device holds up every Write.
type overlapped struct {
	handle windows.Handle
	in     *transfer
	out    *transfer
	mu     sync.Mutex
	closed bool           // guarded by mu
	calls  sync.WaitGroup // of Read and Write; none begins when closed
}

// transfer is one direction. What Windows writes to behind Go's back stands in it, on the heap, since a stack moves.
type transfer struct {
	begin func(windows.Handle, []byte, *uint32, *windows.Overlapped) error
	mu    sync.Mutex // held for a whole transfer; guards the rest
	state windows.Overlapped
	bytes []byte
}

// newOverlapped owns the handle from then on.
func newOverlapped(h windows.Handle) (*overlapped, error) {
	c := &overlapped{handle: h, in: &transfer{begin: windows.ReadFile}, out: &transfer{begin: windows.WriteFile}}
	for _, t := range []*transfer{c.in, c.out} {
		event, err := windows.CreateEvent(nil, 1, 0, nil)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("make an event: %w", err), c.Close())
		}
		t.state.HEvent = event
	}
	return c, nil
}

// Read waits for what the device says. Nothing without an error is a device that has nothing to say.
func (c *overlapped) Read(p []byte) (int, error) {
	own := make([]byte, len(p))
	defer clear(own)
	n, err := c.call(c.in, own)
	copy(p, own[:n])
	return n, err
}

// Write waits until the device has taken the bytes.
func (c *overlapped) Write(p []byte) (int, error) {
	own := bytes.Clone(p)
	defer clear(own)
	return c.call(c.out, own)
}

func (c *overlapped) call(t *transfer, b []byte) (int, error) {
	if !c.enter() {
		return 0, os.ErrClosed
	}
	defer c.calls.Done()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bytes = b
	var atOnce, n uint32
	err := t.begin(c.handle, t.bytes, &atOnce, &t.state)
	if err == nil || errors.Is(err, windows.ERROR_IO_PENDING) {
		err = windows.GetOverlappedResult(c.handle, &t.state, &n, true)
	}
	t.bytes = nil
	if err != nil && c.isClosed() {
		err = os.ErrClosed
	}
	return int(n), err
}

// enter counts a call, if there may be one still.
func (c *overlapped) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.calls.Add(1)
	return true
}

func (c *overlapped) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// Close ends what is waiting. A driver that does not end it keeps it, and the events with it.
func (c *overlapped) Close() error {
	c.mu.Lock()
	again := c.closed
	c.closed = true
	c.mu.Unlock()
	if again {
		return os.ErrClosed
	}
	ended := c.cancel()
	err := windows.CloseHandle(c.handle)
	for _, t := range []*transfer{c.in, c.out} {
		if ended && t.state.HEvent != 0 {
			err = errors.Join(err, windows.CloseHandle(t.state.HEvent))
		}
	}
	return err
}

// cancel tells the driver to end what is waiting, and tells whether it did.
func (c *overlapped) cancel() bool {
	done := make(chan struct{})
	go func() { c.calls.Wait(); close(done) }()
	for range cancelGrace / cancelEvery {
		_ = windows.CancelIoEx(c.handle, nil) // an error is that nothing is waiting
		select {
		case <-done:
			return true
		case <-time.After(cancelEvery):
		}
	}
	return false
}
