package drivers_test

import (
	"bufio"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/drivers"
	"posd/drivers/port"
	"posd/drivers/port/porttest"
)

// statusPrinter answers DLE EOT 1 to 4 with what stands in it, and counts the questions.
type statusPrinter struct {
	mu    sync.Mutex
	says  [4]byte // guarded by mu
	asked [4]int  // guarded by mu
}

func (p *statusPrinter) Serve(_ context.Context, line io.ReadWriteCloser) error {
	defer line.Close()
	for in := bufio.NewReader(line); ; {
		var question [3]byte
		if _, err := io.ReadFull(in, question[:]); err != nil {
			return err
		}
		if _, err := line.Write([]byte{p.answer(int(question[2] - 1))}); err != nil {
			return err
		}
	}
}

func (p *statusPrinter) answer(n int) byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked[n]++
	return p.says[n]
}

func (p *statusPrinter) say(says [4]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.says = says
}

func (p *statusPrinter) questions() [4]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

func TestAPrinterAtRestIsAskedLittleAndWhatBefallsItIsToldAllTheSame(t *testing.T) {
	well := [4]byte{0x12, 0x12, 0x12, 0x12}
	const soon, late = 2 * time.Second, 32 * time.Second
	cases := map[string]struct {
		says [4]byte
		want string
		in   time.Duration
	}{
		"cover":                        {[4]byte{0x1A, 0x16, 0x12, 0x12}, "cover", soon},
		"cover, said to be online":     {[4]byte{0x12, 0x16, 0x12, 0x12}, "cover", late},
		"cutter":                       {[4]byte{0x1A, 0x52, 0x1A, 0x12}, "cutter", soon},
		"paper out":                    {[4]byte{0x1A, 0x32, 0x12, 0x72}, "paper", soon},
		"paper out, said to be online": {[4]byte{0x12, 0x12, 0x12, 0x72}, "paper", soon},
		"paper low":                    {[4]byte{0x12, 0x12, 0x12, 0x1E}, "paper", soon},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, d, p := porttest.NewBench(), &diary{}, &statusPrinter{says: well}
				b.Attach("/dev/usb/lp0", p)
				s := watched(t, b, d, &kernel{}, drivers.Config{
					Name: "slips", Kind: drivers.Printer, Driver: "escpos", Address: port.Address{Kind: port.LP, Path: "/dev/usb/lp0"},
				})
				time.Sleep(time.Hour)
				n := p.questions()
				if got := s.Status()[0]; !got.Online || n[0] < 1500 || n[0] != n[3] || n[1] > 150 || n[1] != n[2] {
					t.Fatalf("%+v after questions %v", got, n)
				}
				p.say(c.says)
				time.Sleep(c.in)
				got := s.Status()[0]
				if text := got.Why + got.Note; !strings.Contains(strings.ToLower(text), c.want) {
					t.Fatalf("%q, want %q", text, c.want)
				}
				p.say(well)
				time.Sleep(soon)
				if got := s.Status()[0]; !got.Online || got.Note != "" {
					t.Errorf("when it is well again: %+v", got)
				}
			})
		})
	}
}
