package port_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/drivers/port"
	"posd/drivers/port/porttest"
)

func TestNextGivesFramesHoweverTheyArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, dev := porttest.Pair(0)
		defer host.Close()
		for _, part := range []string{"al", "pha\r", "\nbe", "ta\r\ngamma\n", "rest"} {
			_, _ = dev.Write([]byte(part))
			synctest.Wait()
		}
		for _, want := range []string{"alpha", "beta", "gamma"} {
			got, err := host.Next(t.Context(), bufio.ScanLines)
			if err != nil || string(got) != want {
				t.Fatalf("got %q, %v, want %q", got, err, want)
			}
		}
		_ = dev.Close()
		if got, err := host.Next(t.Context(), bufio.ScanLines); string(got) != "rest" {
			t.Errorf("at the end: got %q, %v", got, err)
		}
		if _, err := host.Next(t.Context(), bufio.ScanLines); !errors.Is(err, port.ErrUnplugged) {
			t.Errorf("after the end: got %v, want ErrUnplugged", err)
		}
	})
}

func TestNextKeepsItsBytesWhenItsTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, dev := porttest.Pair(0)
		defer host.Close()
		_, _ = dev.Write([]byte("half"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := host.Next(ctx, bufio.ScanLines); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v, want the deadline", err)
		}
		_, _ = dev.Write([]byte("+half\n"))
		if got, err := host.Next(t.Context(), bufio.ScanLines); string(got) != "half+half" {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestNextBoundsItsBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, dev := porttest.Pair(0)
		defer host.Close()
		_, _ = dev.Write(bytes.Repeat([]byte{'x'}, port.MaxFrame+1))
		if _, err := host.Next(t.Context(), bufio.ScanLines); !errors.Is(err, port.ErrTooLong) {
			t.Fatalf("got %v, want ErrTooLong", err)
		}
		_, _ = dev.Write([]byte("\nok\n"))
		for {
			got, err := host.Next(t.Context(), bufio.ScanLines)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) == "ok" {
				return
			}
		}
	})
}

func TestABadSplitFunctionStopsNothing(t *testing.T) {
	splits := map[string]bufio.SplitFunc{
		"advances too far": func(b []byte, _ bool) (int, []byte, error) { return len(b) + 1, b, nil },
		"goes back":        func([]byte, bool) (int, []byte, error) { return -1, nil, nil },
		"stalls":           func(b []byte, _ bool) (int, []byte, error) { return 0, b, nil },
		"refuses":          func([]byte, bool) (int, []byte, error) { return 0, nil, errors.New("bad sum") },
	}
	for name, split := range splits {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				host, dev := porttest.Pair(0)
				defer host.Close()
				_, _ = dev.Write([]byte("x"))
				if _, err := host.Next(t.Context(), split); !errors.Is(err, port.ErrBadFrame) {
					t.Errorf("got %v, want ErrBadFrame", err)
				}
				_, _ = dev.Write([]byte("ok\n"))
				if got, err := host.Next(t.Context(), bufio.ScanLines); string(got) != "ok" {
					t.Errorf("next frame: got %q, %v", got, err)
				}
			})
		})
	}
}

func TestCloseIsToldFromUnplug(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, _ := porttest.Pair(0)
		time.AfterFunc(time.Second, func() { _ = host.Close() })
		if _, err := host.Next(t.Context(), bufio.ScanLines); !errors.Is(err, port.ErrClosed) {
			t.Errorf("Next: got %v, want ErrClosed", err)
		}
		if err := host.Write(t.Context(), []byte("x")); !errors.Is(err, port.ErrClosed) {
			t.Errorf("Write: got %v, want ErrClosed", err)
		}
		if err := host.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	})
}

func TestWriteEndsWithItsTimeAndIsNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, dev := porttest.Pair(8)
		start := time.Now()
		if err := host.Write(t.Context(), make([]byte, 20)); !errors.Is(err, port.ErrStalled) {
			t.Errorf("got %v, want ErrStalled", err)
		}
		if took := time.Since(start); took < port.DefaultStall || took > port.DefaultStall+time.Second {
			t.Errorf("took %v, want %v and a moment", took, port.DefaultStall)
		}
		if err := host.Write(t.Context(), []byte("more")); !errors.Is(err, port.ErrStalled) {
			t.Errorf("second write: got %v, want ErrStalled", err)
		}
		_ = host.Close()
		_ = dev.Close()
	})
}

// chunky writes one byte at a time, panics or reads nothing: what real stacks do.
type chunky struct {
	got   bytes.Buffer
	read  func([]byte) (int, error)
	close chan struct{}
}

func (c *chunky) Read(p []byte) (int, error)  { return c.read(p) }
func (c *chunky) Write(p []byte) (int, error) { return c.got.Write(p[:1]) }
func (c *chunky) Close() error                { close(c.close); return nil }

func TestShortWritesAreGoneOnWith(t *testing.T) {
	raw := &chunky{close: make(chan struct{})}
	raw.read = func([]byte) (int, error) { <-raw.close; return 0, io.EOF }
	c := port.NewConn(raw, 0)
	if err := c.Write(t.Context(), []byte("whole")); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if raw.got.String() != "whole" {
		t.Errorf("got %q", raw.got.String())
	}
}

func TestReadsThatPanicOrSpinAreAnUnplug(t *testing.T) {
	reads := map[string]func([]byte) (int, error){
		"panic": func([]byte) (int, error) { panic("index out of range [17] with length 16") },
		"spin":  func([]byte) (int, error) { return 0, nil },
	}
	for name, read := range reads {
		t.Run(name, func(t *testing.T) {
			c := port.NewConn(&chunky{read: read, close: make(chan struct{})}, 0)
			defer c.Close()
			if _, err := c.Next(t.Context(), bufio.ScanLines); !errors.Is(err, port.ErrUnplugged) {
				t.Errorf("got %v, want ErrUnplugged", err)
			}
		})
	}
}

func TestTraceShowsContentOnlyWhereAllowed(t *testing.T) {
	for name, want := range map[string][]string{
		"lengths": {"+0 > (2 bytes)", "+0 < (16 bytes)"},
		"content": {"+0 > 1b40", "+0 < 34313131313131313131313131313131"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				redact := map[string]port.Redaction{"lengths": port.Lengths, "content": port.Content}[name]
				host, dev := porttest.Pair(0)
				var lines []string
				c := port.Trace(host, port.Tracer{
					Sink: func(l string) { lines = append(lines, l) }, Now: time.Now, Redact: redact,
				})
				defer c.Close()
				_ = c.Write(t.Context(), []byte("\x1b@"))
				_, _ = dev.Write([]byte("4111111111111111\n"))
				_, _ = c.Next(t.Context(), bufio.ScanLines)
				if got := strings.Join(lines, "\n"); got != strings.Join(want, "\n") {
					t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
				}
			})
		})
	}
}

func TestParseAddress(t *testing.T) {
	for in, want := range map[string]string{
		"/dev/ttyUSB0": "serial:/dev/ttyUSB0", "COM3": "serial:COM3", "tcp://10.0.0.9:9100": "tcp:10.0.0.9:9100",
		"usb://04b8:0202:X1": "usb:04b8:0202:X1", "serial:///dev/ttyACM0": "serial:/dev/ttyACM0",
	} {
		if got, err := port.ParseAddress(in); err != nil || got.String() != want {
			t.Errorf("%q: got %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"", "lpt://1", "tcp://"} {
		if _, err := port.ParseAddress(in); err == nil {
			t.Errorf("%q: no error", in)
		}
	}
}
