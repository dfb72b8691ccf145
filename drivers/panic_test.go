package drivers_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/drivers"
	"posd/drivers/cardreader"
	"posd/drivers/port"
	"posd/drivers/port/porttest"
)

// rotten is a connection on which a driver panics when it has read the word, whatever that means to it.
type rotten struct{ port.Conn }

func (r rotten) Next(ctx context.Context, split bufio.SplitFunc) ([]byte, error) {
	b, err := r.Conn.Next(ctx, split)
	if bytes.Contains(b, []byte("rotten")) {
		_ = b[len(b)]
	}
	return b, err
}

func TestAPanicInADriverEndsItsConnectionOnlyAndIsLoud(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, d := porttest.NewBench(), &diary{}
		b.Attach("/dev/front", talker("good\rrotten\r"))
		b.Attach("/dev/reader", talker("rotten\r"))
		b.Attach("/dev/back", talker("690\r"))
		w := d.world(b)
		var log bytes.Buffer
		w.Log, w.Cards = slog.New(slog.NewTextHandler(&log, nil)), &cardreader.Hub{}
		w.Open = func(ctx context.Context, a port.Address) (port.Conn, error) {
			c, err := b.Open(ctx, a)
			if err != nil {
				return nil, err
			}
			return rotten{c}, nil
		}
		back, reader := front("/dev/back"), front("/dev/reader")
		back.Name, reader.Name, reader.Kind, reader.Driver = "back", "reader", drivers.Reader, "magnetic"
		s, err := drivers.Open(t.Context(), []drivers.Config{front("/dev/front"), back, reader}, w)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for i, want := range []bool{false, true, false} {
			if st := s.Status()[i]; st.Online != want || !want && !strings.Contains(st.Why, "the driver failed: runtime error: index out of range [6] with length 6") {
				t.Errorf("%s: %+v", st.Name, st)
			}
		}
		time.Sleep(time.Second)
		s.Close()
		b.Close()
		if got := strings.Join(d.scanned(), "; "); !strings.HasPrefix(got, "back 690; front good; front good") && !strings.HasPrefix(got, "front good; back 690; front good") {
			t.Errorf("scans %s", got)
		}
		for _, want := range []string{"level=ERROR", "device=front", "device=reader", "stack=", "rotten.Next"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not tell %s", want)
			}
		}
	})
}

// secretive is a driver's panic with content in it.
type secretive struct{ port.Conn }

func (secretive) Next(context.Context, bufio.SplitFunc) ([]byte, error) { panic("4111111111111111") }

func TestAPanicOfADriverIsToldWithoutWhatItSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{}
		w := d.world(porttest.NewBench())
		var log bytes.Buffer
		w.Log = slog.New(slog.NewTextHandler(&log, nil))
		w.Open = func(context.Context, port.Address) (port.Conn, error) {
			c, dev := porttest.Pair(0)
			go func() { _, _ = io.Copy(io.Discard, dev) }()
			return secretive{c}, nil
		}
		s, err := drivers.Open(t.Context(), []drivers.Config{front("/dev/front")}, w)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		s.Close()
		if told := log.String() + d.take(); strings.Contains(told, "4111") || !strings.Contains(told, "the driver failed: a panic with a string") {
			t.Errorf("told %s", told)
		}
	})
}
