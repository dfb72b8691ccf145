package link_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/iso8583"
	"posd/iso8583/link"
)

// line is a connection whose host says what it was given, in pieces, as soon as something was written to it.
type line struct {
	pieces  [][]byte
	write   func(p []byte) (int, error) // nil takes all
	written chan struct{}               // closed by the first Write
	once    sync.Once
	closed  chan struct{}
	hangUp  sync.Once
	after   error // what a read gives after the pieces; nil waits for Close

	mu   sync.Mutex
	seen [][]byte // guarded by mu; the buffers that were read into
}

func newLine(pieces ...[]byte) *line {
	return &line{pieces: pieces, written: make(chan struct{}), closed: make(chan struct{})}
}

func (l *line) Read(p []byte) (int, error) {
	l.mu.Lock()
	l.seen = append(l.seen, p)
	l.mu.Unlock()
	select {
	case <-l.written:
	case <-l.closed:
		return 0, net.ErrClosed
	}
	if len(l.pieces) == 0 {
		if l.after != nil {
			return 0, l.after
		}
		<-l.closed
		return 0, net.ErrClosed
	}
	n := copy(p, l.pieces[0])
	if l.pieces[0] = l.pieces[0][n:]; len(l.pieces[0]) == 0 {
		l.pieces = l.pieces[1:]
	}
	return n, nil
}

func (l *line) Write(p []byte) (int, error) {
	defer l.once.Do(func() { close(l.written) })
	if l.write != nil {
		return l.write(p)
	}
	return len(p), nil
}

func (l *line) Close() error {
	l.hangUp.Do(func() { close(l.closed) })
	return nil
}

func (l *line) LocalAddr() net.Addr              { return nil }
func (l *line) RemoteAddr() net.Addr             { return nil }
func (l *line) SetDeadline(time.Time) error      { return nil }
func (l *line) SetReadDeadline(time.Time) error  { return nil }
func (l *line) SetWriteDeadline(time.Time) error { return nil }

// over links to the host by one line, and fails a second dial.
func (l *line) over(d *iso8583.Dialect, late func([]byte)) *link.Link {
	dialled := false
	return link.New(link.Options{Dialect: d, Late: late, Dial: func(context.Context) (net.Conn, error) {
		if dialled {
			return nil, errRefused
		}
		dialled = true
		return l, nil
	}})
}

// split cuts a stream into pieces.
func split(r *rand.Rand, stream []byte) (pieces [][]byte) {
	for len(stream) > 0 {
		n := 1 + r.IntN(min(len(stream), 1+r.IntN(200)))
		pieces = append(pieces, append([]byte(nil), stream[:n]...))
		stream = stream[n:]
	}
	return pieces
}

func TestAnyChunkingOfTheStreamGivesTheSameFrames(t *testing.T) {
	h := newHost(t)
	answer := h.message("0210", "000001")
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 7))
		want := make([][]byte, 0, 20)
		at := r.IntN(20)
		for i := range 20 {
			m := []byte(nil) // a poll
			switch {
			case i == at:
				m = answer
			case r.IntN(3) > 0:
				m = h.message("0210", "0000"+string(rune('1'+r.IntN(9)))+"9")
			case r.IntN(4) == 0:
				m = []byte(strings.Repeat("x", 4096-r.IntN(2)*r.IntN(4096))) // the longest does not fit the first buffer
			}
			want = append(want, m)
		}
		l := newLine(split(r, h.stream(want...))...)
		l.after = io.EOF
		var got [][]byte
		k := l.over(h.d, func(p []byte) { got = append(got, p) })
		reply, err := k.Exchange(t.Context(), h.message("0200", "000001"), h.key(h.message("0200", "000001")))
		if err != nil || string(reply) != string(answer) {
			t.Fatalf("seed %d: got %X, %v", seed, reply, err)
		}
		<-l.closed
		if err := k.Close(); err != nil { // waits for the reader
			t.Fatal(err)
		}
		for i, m := range want {
			if i == at || len(m) == 0 {
				continue
			}
			if len(got) == 0 || string(got[0]) != string(m) {
				t.Fatalf("seed %d: frame %d is not what was sent", seed, i)
			}
			got = got[1:]
		}
		if len(got) > 0 {
			t.Fatalf("seed %d: %d frames more than were sent", seed, len(got))
		}
	}
}

func TestHostThatStopsWithinAFrameLosesTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		got := h.exchange(time.Minute, h.message("0200", "000001"))
		c := <-h.ends
		h.take(c)
		answer := h.stream(h.message("0210", "000001"))
		start := time.Now()
		if _, err := c.Write(answer[:len(answer)-4]); err != nil {
			t.Fatal(err)
		}
		r := <-got
		mustBeUnknown(t, r)
		if time.Since(start) != 10*time.Second || !strings.Contains(r.err.Error(), "within a frame") {
			t.Errorf("after %s: %v, want 10s", time.Since(start), r.err)
		}
	})
}

func TestSlowFrameIsNoStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		got := h.exchange(time.Hour, h.message("0200", "000001"))
		c := <-h.ends
		h.take(c)
		for _, b := range h.stream(h.message("0210", "000001")) {
			time.Sleep(9 * time.Second)
			if _, err := c.Write([]byte{b}); err != nil {
				t.Fatal(err)
			}
		}
		mustArrive(t, <-got, h.message("0210", "000001"))
		time.Sleep(time.Hour) // and a whole frame is followed by nothing
		if !h.link.Status().Up {
			t.Error("the connection has ended")
		}
	})
}

func TestAnyWriteMayHaveArrived(t *testing.T) {
	for name, write := range map[string]func([]byte) (int, error){
		"nothing was taken": func([]byte) (int, error) { return 0, os.ErrDeadlineExceeded },
		"a part was taken":  func(p []byte) (int, error) { return len(p) / 2, io.ErrShortWrite },
		"all, with an error": func(p []byte) (int, error) {
			return len(p), errors.New("connection reset by peer")
		},
		"on a closed line": func([]byte) (int, error) { return 0, net.ErrClosed },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			l := newLine()
			l.write = write
			k := l.over(h.d, nil)
			reply, err := k.Exchange(t.Context(), h.message("0200", "000001"), "key")
			mustBeUnknown(t, result{reply, err})
			if err := k.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestBuffersThatCarriedMessagesAreWiped(t *testing.T) {
	h := newHost(t)
	message, answer := h.message("0200", "000001"), h.message("0210", "000001")
	stray := h.message("0210", "000777")
	stream := h.stream(answer, stray, answer)
	l := newLine(split(rand.New(rand.NewPCG(3, 3)), stream[:len(stream)-3])...)
	var sent []byte
	l.write = func(p []byte) (int, error) {
		sent = p
		return len(p), nil
	}
	l.after = io.EOF
	var late [][]byte
	k := l.over(h.d, func(p []byte) { late = append(late, p) })
	reply, err := k.Exchange(t.Context(), message, h.key(message))
	if err != nil || string(reply) != string(answer) {
		t.Fatalf("got %X, %v", reply, err)
	}
	<-l.closed
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	if strings.Trim(string(sent), "\x00") != "" {
		t.Errorf("the frame that was sent is still there: % X", sent)
	}
	for _, b := range l.seen {
		if strings.Trim(string(b), "\x00") != "" {
			t.Fatalf("a read buffer still holds % X", b)
		}
	}
	if len(late) != 1 || string(late[0]) != string(stray) {
		t.Errorf("late: got %X", late)
	}
}
