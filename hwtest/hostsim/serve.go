package hostsim

import (
	"bufio"
	"context"
	"net"
	"sync"
	"time"
)

// maxFrame limits what the host takes for one message.
const maxFrame = 64 << 10

// Serve takes connections until ctx ends, then closes the listener and every connection, and waits for them.
func (h *Host) Serve(ctx context.Context, ln net.Listener) error {
	stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
	defer stop()
	var conns sync.WaitGroup
	defer conns.Wait()
	for {
		c, err := ln.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		conns.Go(func() { h.ServeConn(ctx, c) })
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
	in := bufio.NewScanner(c)
	in.Buffer(nil, maxFrame)
	in.Split(h.dialect.SplitFrame)
	for in.Scan() {
		if len(in.Bytes()) == 0 { // a poll
			continue
		}
		if !s.do(ctx, h.handle(in.Bytes())) {
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
	aside sync.WaitGroup // late answers; ServeConn waits for them
	mu    sync.Mutex     // one frame at a time
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
	for i, f := range a.frames {
		if !s.write(f, a.half && i == len(a.frames)-1) {
			return false
		}
	}
	if a.close {
		_ = s.conn.Close()
	}
	return !a.close
}

func (s *server) write(payload []byte, half bool) bool {
	frame, err := s.host.dialect.AppendFrame(nil, payload)
	if err != nil {
		s.host.log.Error("answer cannot be framed", "err", err)
		return false
	}
	if half {
		frame = frame[:len(frame)/2]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err = s.conn.Write(frame)
	return err == nil
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
