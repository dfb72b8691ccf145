package hostsim

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"sync"
	"time"
)

// maxFrame limits what the host takes for one message.
const maxFrame = 128 << 10

// Serve takes connections until ctx ends or none can be taken any more, which is an error. Then it closes the listener and every
// connection, and waits for them.
func (h *Host) Serve(ctx context.Context, ln net.Listener) error {
	serving, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(serving, func() { _ = ln.Close() })
	defer stop()
	var conns sync.WaitGroup
	defer conns.Wait()
	defer cancel()
	for {
		c, err := ln.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		conns.Go(func() { h.ServeConn(serving, c) })
	}
}

// ServeConn serves one connection until it ends or ctx does, and closes it.
func (h *Host) ServeConn(ctx context.Context, c net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	s := &server{host: h, conn: c}
	defer s.aside.Wait()
	defer cancel()
	if h.keepAlive > 0 {
		s.aside.Go(func() { s.poll(ctx) })
	}
	in := bufio.NewScanner(c)
	in.Buffer(nil, maxFrame)
	in.Split(h.dialect.SplitFrame)
	for in.Scan() {
		if !s.do(ctx, s.react(in.Bytes())) {
			return
		}
	}
	if err := in.Err(); err != nil && ctx.Err() == nil {
		h.log.Info("connection ended", "err", err)
	}
}

// server is one connection and what is still to be written to it.
type server struct {
	host  *Host
	conn  net.Conn
	aside sync.WaitGroup // late answers and keep-alive frames; ServeConn waits for them
	mu    sync.Mutex     // one frame at a time
}

// react says what to do after a frame. One without a message keeps the connection alive.
func (s *server) react(payload []byte) act {
	switch {
	case len(payload) > 0:
		return s.host.handle(payload)
	case s.host.dialect.EchoesEmptyFrames():
		return act{frames: [][]byte{nil}}
	default:
		return act{}
	}
}

// poll sends a keep-alive frame every so often, until ctx ends.
func (s *server) poll(ctx context.Context) {
	for pause(ctx, s.host.keepAlive) {
		s.finish(ctx, act{frames: [][]byte{nil}})
	}
}

// do carries out an act and tells whether the connection goes on.
func (s *server) do(ctx context.Context, a act) bool {
	if a.aside {
		s.aside.Go(func() {
			if pause(ctx, a.wait) {
				s.finish(ctx, a)
			}
		})
		return true
	}
	return pause(ctx, a.wait) && s.finish(ctx, a)
}

// finish does what is left of an act when its wait is over.
func (s *server) finish(ctx context.Context, a act) bool {
	if a.again != nil {
		return s.do(ctx, s.host.resume(a.again))
	}
	ok := s.write(ctx, a)
	if a.reset {
		reset(s.conn)
	}
	if a.close {
		_ = s.conn.Close()
	}
	return ok && !a.close
}

// write sends an act's frames, in the pieces that it wants.
func (s *server) write(ctx context.Context, a act) bool {
	var pieces [][]byte
	for _, payload := range a.frames {
		frame, err := s.host.dialect.AppendFrame(nil, payload)
		if err != nil {
			s.host.log.Error("answer cannot be framed", "err", err)
			return false
		}
		pieces = append(pieces, frame)
	}
	if last := len(pieces) - 1; a.half && last >= 0 {
		pieces[last] = pieces[last][:len(pieces[last])/2]
	}
	if a.glue {
		pieces = [][]byte{bytes.Join(pieces, nil)}
	}
	if a.slow {
		pieces = bytes.SplitAfter(bytes.Join(pieces, nil), nil)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range pieces {
		if _, err := s.conn.Write(p); err != nil || a.slow && !pause(ctx, time.Millisecond) {
			return false
		}
	}
	return true
}

// reset makes the close that follows a TCP reset, under TLS too. What is no TCP connection is only closed.
func reset(c net.Conn) {
	if under, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = under.NetConn()
		defer func() { _ = c.Close() }() // TLS would say goodbye first
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // where it fails it is closed as usual
	}
}

// pause waits and tells whether ctx still lives.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
