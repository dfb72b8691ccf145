//go:build unix

package devicesim_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"posd/drivers/port"
	"posd/drivers/printer"
	"posd/hwtest/devicesim"
)

// pacedDevice is a device at the end of a serial line: it reads as fast as its line is, and no faster.
type pacedDevice struct {
	devicesim.Device
	line *pacedLine
}

func (d pacedDevice) Serve(ctx context.Context, line io.ReadWriteCloser) error {
	d.line.ReadWriteCloser = line
	return d.Device.Serve(ctx, d.line)
}

// pacedLine gives so many bytes a second, in small parts, and counts them. While there is nothing to read the line is idle,
// and that is not made up for.
type pacedLine struct {
	io.ReadWriteCloser
	rate int // bytes a second

	mu    sync.Mutex
	begun time.Time // guarded by mu; of what is counted
	due   time.Time // guarded by mu; when what was read has come over the line
	bytes int       // guarded by mu
}

// part is how many bytes come at once: what a UART's FIFO holds.
const part = 16

func (l *pacedLine) Read(p []byte) (int, error) {
	asked := time.Now()
	n, err := l.ReadWriteCloser.Read(p[:min(len(p), part)])
	now := time.Now()
	l.mu.Lock()
	if idle := now.Sub(asked) > 100*time.Microsecond; idle && l.due.Before(now) || l.bytes == 0 {
		l.due = now
	}
	l.due = l.due.Add(l.takes(n))
	l.bytes += n
	wait := time.Until(l.due)
	l.mu.Unlock()
	time.Sleep(wait)
	return n, err
}

func (l *pacedLine) takes(bytes int) time.Duration {
	return time.Duration(bytes) * time.Second / time.Duration(l.rate)
}

// count begins to count.
func (l *pacedLine) count() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bytes, l.begun = 0, time.Now()
}

// used is how many bytes came since count, and how much of the line that was.
func (l *pacedLine) used() (int, float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes, 100 * l.takes(l.bytes).Seconds() / time.Since(l.begun).Seconds()
}

// sink takes whatever comes.
type sink struct {
	mu   sync.Mutex
	got  bytes.Buffer // guarded by mu
	want int
	all  chan struct{} // closed when as much came as is wanted
}

func (s *sink) Serve(ctx context.Context, line io.ReadWriteCloser) error {
	defer context.AfterFunc(ctx, func() { _ = line.Close() })()
	p := make([]byte, 1024)
	for {
		n, err := line.Read(p)
		s.mu.Lock()
		before := s.got.Len()
		s.got.Write(p[:n])
		if before < s.want && s.got.Len() >= s.want {
			close(s.all)
		}
		s.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// speeds are the bauds that printers have.
var speeds = []int{9600, 38400, 115200}

// open plugs a device into a serial line of so many baud and opens the other end.
func open(b *testing.B, d devicesim.Device, baud int) (port.Conn, *pacedLine) {
	b.Helper()
	line := &pacedLine{rate: baud / 10}
	link := filepath.Join(b.TempDir(), "line")
	cable, err := devicesim.PlugIn(pacedDevice{d, line}, link)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cable.Close() })
	c, err := port.Open(b.Context(), port.Address{Kind: port.Serial, Path: link, Baud: baud, Stall: time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	return c, line
}

// BenchmarkLinePort is how much of a serial line the port itself uses. The goal is 95 %, of the driver as well.
func BenchmarkLinePort(b *testing.B) {
	for _, baud := range speeds {
		b.Run(fmt.Sprint(baud), func(b *testing.B) {
			data := bytes.Repeat([]byte("0123456789abcdef"), baud/16/4) // two and a half seconds
			s := &sink{want: len(data), all: make(chan struct{})}
			c, line := open(b, s, baud)
			line.count()
			for b.Loop() {
				for at := 0; at < len(data); at += 1024 {
					if err := c.Write(b.Context(), data[at:min(at+1024, len(data))]); err != nil {
						b.Fatal(err)
					}
				}
				<-s.all
			}
			if s.mu.Lock(); !bytes.HasPrefix(s.got.Bytes(), data) {
				b.Error("what came is not what was sent")
			}
			s.mu.Unlock()
			_, share := line.used()
			b.ReportMetric(share, "%line")
			b.ReportMetric(float64(line.rate), "bytes/s-of-line")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkLinePrinter is how much of a serial line a long slip uses on its way to paper, from the first question to the
// last confirmation, and how much of that is the slip itself. The printer has been printed on before.
func BenchmarkLinePrinter(b *testing.B) {
	for _, how := range []string{"process", "fence"} {
		for _, baud := range speeds {
			b.Run(fmt.Sprintf("%s/%d", how, baud), func(b *testing.B) {
				n := baud / 10 * 5 / 60 // five seconds
				doc := longSlip(n)
				shown, err := printer.Show(doc, "chinese-80", 48)
				if err != nil {
					b.Fatal(err)
				}
				sim := devicesim.NewPrinter(devicesim.PrinterOptions{Clone: how == "fence"})
				c, line := open(b, sim, baud)
				p := driver(b, c, nil)
				onto := func(d printer.Document) {
					if r, err := p.Print(b.Context(), d); err != nil || r.Confirmed == printer.Unconfirmed {
						b.Fatalf("%+v, %v", r, err)
					}
				}
				onto(slip("before"))
				slips := 0
				line.count()
				for b.Loop() {
					onto(doc)
					slips++
				}
				all, share := line.used()
				if err := oneEach(sim, n); err != nil && slips == 1 {
					b.Error(err)
				}
				b.ReportMetric(share, "%line")
				b.ReportMetric(share*float64(len(shown.Bytes)*slips)/float64(all), "%slip")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
