package port

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	chunkSize  = 4 << 10
	chunkQueue = 16              // chunks read ahead of Next; more stay with the operating system
	closeGrace = 2 * time.Second // Close waits so long for its two goroutines
	writeGrace = time.Second / 5 // a Write whose time is over gets so much more: one that has just begun is not stuck
	emptyReads = 1000            // so many empty reads in a row, each at once, are a device that is gone
)

// NewConn makes a Conn of a blocking byte stream and owns it from then on. A Read of (0, nil) is a time-out and is
// repeated. Close of raw must end its Read.
func NewConn(raw io.ReadWriteCloser, stall time.Duration) Conn {
	if stall <= 0 {
		stall = DefaultStall
	}
	s := &stream{
		raw: raw, stall: stall,
		chunks: make(chan []byte, chunkQueue), writes: make(chan writeJob), closing: make(chan struct{}),
		done: make(chan struct{}),
	}
	var running sync.WaitGroup
	running.Go(s.readLoop)
	running.Go(s.writeLoop)
	go func() { running.Wait(); close(s.done) }()
	return s
}

// stream is a Conn with one goroutine that reads and one that writes. Both end with Close.
type stream struct {
	raw     io.ReadWriteCloser
	stall   time.Duration
	chunks  chan []byte // closed by readLoop, after readErr is set
	writes  chan writeJob
	closing chan struct{}
	done    chan struct{} // both goroutines have ended
	once    sync.Once
	stalled atomic.Bool // a Write was given up: what the device got of it is not known

	buf     []byte // owned by the caller of Next
	ended   bool   // owned by the caller of Next: chunks is closed
	readErr error  // set by readLoop before it closes chunks
	closeEr error  // set once by Close
}

// writeJob is one Write on its way to writeLoop, which owns bytes and wipes them.
type writeJob struct {
	bytes []byte
	done  chan error // buffered
}

func (s *stream) Next(ctx context.Context, split bufio.SplitFunc) ([]byte, error) {
	for {
		if frame, err := s.cut(split); frame != nil || err != nil {
			return frame, err
		}
		if s.ended {
			s.drop()
			return nil, s.readErr
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for a frame: %w", ctx.Err())
		case chunk, ok := <-s.chunks:
			s.ended = !ok
			s.keep(chunk)
		}
		if len(s.buf) > MaxFrame+chunkSize {
			s.drop()
			return nil, ErrTooLong
		}
	}
}

// cut takes the next frame off the buffer; nil, nil means that more bytes are needed.
func (s *stream) cut(split bufio.SplitFunc) ([]byte, error) {
	for len(s.buf) > 0 {
		n, token, err := split(s.buf, s.ended)
		if err != nil && !errors.Is(err, bufio.ErrFinalToken) {
			s.drop()
			return nil, fmt.Errorf("%w: %w", ErrBadFrame, err)
		}
		if n < 0 || n > len(s.buf) || (n == 0 && token != nil) {
			s.drop()
			return nil, fmt.Errorf("%w: split function moves by %d", ErrBadFrame, n)
		}
		if n == 0 {
			break
		}
		frame := bytes.Clone(token)
		s.advance(n)
		if frame != nil {
			return frame, nil
		}
	}
	if len(s.buf) > MaxFrame {
		s.drop()
		return nil, ErrTooLong
	}
	return nil, nil
}

// keep appends a chunk and wipes it, and the old buffer where that moves.
func (s *stream) keep(chunk []byte) {
	if need := len(s.buf) + len(chunk); need > cap(s.buf) {
		bigger := make([]byte, len(s.buf), max(2*cap(s.buf), need, 256))
		copy(bigger, s.buf)
		clear(s.buf)
		s.buf = bigger
	}
	s.buf = append(s.buf, chunk...)
	clear(chunk)
}

// advance forgets n bytes and wipes where they stood.
func (s *stream) advance(n int) {
	rest := copy(s.buf, s.buf[n:])
	clear(s.buf[rest:])
	s.buf = s.buf[:rest]
}

func (s *stream) drop() { s.advance(len(s.buf)) }

func (s *stream) readLoop() {
	defer close(s.chunks)
	p := make([]byte, chunkSize)
	for empty := 0; ; {
		start := time.Now()
		n, err := s.readOnce(p)
		if n > 0 {
			empty = 0
			chunk := bytes.Clone(p[:n])
			clear(p[:n])
			select {
			case s.chunks <- chunk:
			case <-s.closing:
				clear(chunk)
				s.readErr = ErrClosed
				return
			}
		}
		if n == 0 && err == nil {
			// Some stacks answer an unplugged device with empty reads for ever, others answer a time-out so.
			if empty++; time.Since(start) > time.Millisecond {
				empty = 0
			}
			if empty > emptyReads {
				err = errors.New("only empty reads")
			}
		}
		if err != nil {
			s.readErr = s.explain(err)
			return
		}
	}
}

// readOnce reads and turns a panic of the serial library into an error: it indexes out of range when the process has
// 1024 or more files open (go.bug.st/serial v1.8.0 uses select(2)).
func (s *stream) readOnce(p []byte) (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			n, err = 0, fmt.Errorf("read panicked (too many open files?): %v", r)
		}
	}()
	return s.raw.Read(p)
}

// explain tells our own Close from a device that is gone; the serial library gives the same error for both.
func (s *stream) explain(err error) error {
	select {
	case <-s.closing:
		return ErrClosed
	default:
		return fmt.Errorf("%w: %w", ErrUnplugged, err)
	}
}

func (s *stream) Write(ctx context.Context, b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if s.stalled.Load() {
		return ErrStalled
	}
	if err := ctx.Err(); err != nil { // nothing is given up that was never begun
		return fmt.Errorf("write: %w", err)
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.stall)
		defer cancel()
	}
	job := writeJob{bytes: bytes.Clone(b), done: make(chan error, 1)}
	select {
	case <-s.closing:
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("write: %w", ctx.Err())
	case s.writes <- job:
	}
	select {
	case err := <-job.done:
		return err
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) { // the bytes go on their way, and so does the device
			return fmt.Errorf("write: %w", ctx.Err())
		}
		return s.overdue(ctx, job)
	case <-s.closing:
		return ErrClosed
	}
}

// overdue gives a write up whose time is over, after a moment.
func (s *stream) overdue(ctx context.Context, job writeJob) error {
	grace := time.NewTimer(writeGrace)
	defer grace.Stop()
	select {
	case err := <-job.done:
		return err
	case <-s.closing:
		return ErrClosed
	case <-grace.C:
		s.stalled.Store(true)
		return fmt.Errorf("%w: %w", ErrStalled, ctx.Err())
	}
}

func (s *stream) writeLoop() {
	for {
		select {
		case <-s.closing:
			return
		case job := <-s.writes:
			job.done <- s.writeAll(job.bytes)
			clear(job.bytes)
		}
	}
}

// writeAll writes until all is gone. It checks for Close between two writes: the file's number may be another's by then.
func (s *stream) writeAll(b []byte) error {
	for len(b) > 0 {
		select {
		case <-s.closing:
			return ErrClosed
		default:
		}
		n, err := s.raw.Write(b)
		if errors.Is(err, syscall.EINTR) {
			err = nil
		} else if err == nil && n == 0 {
			err = io.ErrShortWrite
		}
		if err != nil {
			return s.explain(err)
		}
		b = b[n:]
	}
	return nil
}

// Close ends what is waiting and waits for both goroutines, but not for ever: a write that the operating system does
// not end (a line held by XOFF or CTS) is left behind.
func (s *stream) Close() error {
	s.once.Do(func() {
		close(s.closing)
		s.closeEr = s.raw.Close()
		t := time.NewTimer(closeGrace)
		defer t.Stop()
		select {
		case <-s.done:
		case <-t.C:
		}
	})
	return s.closeEr
}
