// Package devicesim is printers, scanners and readers made of software, on PTYs, on TCP and in memory.
//
// Each device is a Go type with an operator's methods (paper out, swipe, scan ...) and with Serve, which talks over any
// byte stream. A device keeps its state when its cable is pulled, as a real one on its own power does.
package devicesim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// Device is a simulated device.
type Device interface {
	// Serve talks over line until ctx or the line ends. It closes line. One line at a time.
	Serve(ctx context.Context, line io.ReadWriteCloser) error
}

// ErrNotConnected says that nobody has the device's line open.
var ErrNotConnected = errors.New("nobody has the device's line open")

// ServeTCP accepts connections on l, one after the other as a network printer does, until ctx ends. It closes l.
func ServeTCP(ctx context.Context, l net.Listener, d Device) error {
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	defer l.Close()
	for {
		c, err := l.Accept()
		if ctx.Err() != nil {
			return nil // closing the listener is how ctx ends Accept
		}
		if err != nil {
			return fmt.Errorf("accept: %w", err)
		}
		_ = d.Serve(ctx, c) // a connection that ends is nothing to tell
	}
}

// emitter is the far end of a device that mostly talks by itself.
type emitter struct {
	mu   sync.Mutex
	line io.Writer // guarded by mu; nil when nobody has it open
}

// Serve takes line for what is emitted and drops what is written to the device.
func (e *emitter) Serve(ctx context.Context, line io.ReadWriteCloser) error {
	defer context.AfterFunc(ctx, func() { _ = line.Close() })()
	defer line.Close()
	e.connect(line)
	defer e.leave(line)
	_, err := io.Copy(io.Discard, line)
	return err
}

func (e *emitter) connect(w io.Writer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.line = w
}

// leave ends the connection over w; a newer one, which is there before the old one has noticed its end, stays.
func (e *emitter) leave(w io.Writer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.line == w {
		e.line = nil
	}
}

// emit sends b over the line, if there is one.
func (e *emitter) emit(b []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.line == nil {
		return ErrNotConnected
	}
	if _, err := e.line.Write(b); err != nil {
		return fmt.Errorf("%w: %w", ErrNotConnected, err)
	}
	return nil
}
