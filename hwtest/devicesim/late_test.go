package devicesim_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/drivers/port/porttest"
	"posd/drivers/printer"
	"posd/hwtest/devicesim"
)

// slowLine is the printer's end of a line that keeps what the printer says until free, and then gives all of it together.
type slowLine struct {
	io.ReadWriteCloser
	free time.Time

	mu   sync.Mutex
	kept []byte // guarded by mu
}

func (l *slowLine) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait := time.Until(l.free); wait > 0 {
		if l.kept == nil {
			time.AfterFunc(wait, l.let)
		}
		l.kept = append(l.kept, p...)
		return len(p), nil
	}
	return l.ReadWriteCloser.Write(p)
}

// let gives what was kept.
func (l *slowLine) let() {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.ReadWriteCloser.Write(l.kept)
}

// One status byte is like another: DLE EOT's answers do not say which question they answer. A printer with paper near its end,
// which prints, would be told as offline if one of them were taken for the next one's.
func TestAnAnswerToAnEarlierQuestionIsNotTakenForOneToThis(t *testing.T) {
	for name, c := range map[string]struct {
		left   string        // unread when the port is opened
		held   time.Duration // all answers are kept so long
		atRest time.Duration // a byte that nobody asked for comes then
	}{
		"a byte left over at opening":            {left: "\x12"},
		"four bytes left over at opening":        {left: "\x12\x12\x12\x12"},
		"answers come together":                  {held: 3500 * time.Millisecond},
		"answers come together, after long":      {held: time.Minute + 700*time.Millisecond},
		"an answer that nobody asked for":        {atRest: 3 * time.Second},
		"an answer that nobody asked for, later": {atRest: 40 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := devicesim.NewPrinter(devicesim.PrinterOptions{Lacks: []string{"GS a"}})
				sim.SetPaperLow(true)
				host, far := porttest.Pair(0)
				line := &slowLine{ReadWriteCloser: far, free: time.Now().Add(c.held)}
				_, _ = far.Write([]byte(c.left))
				if c.atRest > 0 {
					time.AfterFunc(c.atRest, func() { _, _ = far.Write([]byte{0x12}) })
				}
				go func() { _ = sim.Serve(t.Context(), line) }()
				defer host.Close()
				p := driver(t, host, nil)
				wrong, told := 0, 0
				ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
				defer stop()
				_ = printer.Watch(ctx, p, func(s printer.Status) {
					if told++; time.Now().After(line.free) && (!s.PaperLow || s.Err() != nil) {
						wrong++
					}
				})
				if wrong > 0 || told < 30 {
					t.Errorf("%d of %d times it was not told that paper is low", wrong, told)
				}
				if r, err := p.Print(t.Context(), slip("PAID")); err != nil || r.Confirmed == printer.Unconfirmed {
					t.Errorf("%+v, %v", r, err)
				}
			})
		})
	}
}

// What stops a printer is told as what it is, whatever lay in the port.
func TestWhatStopsAPrinterIsToldRightWithAByteLeftOver(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(*devicesim.Printer)
		want error
	}{
		"paper out":  {func(p *devicesim.Printer) { p.SetPaper(false) }, printer.ErrPaperOut},
		"cover open": {func(p *devicesim.Printer) { p.SetCover(true) }, printer.ErrCoverOpen},
		"jammed":     {func(p *devicesim.Printer) { p.SetCutterJam(true) }, printer.ErrFault},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := devicesim.NewPrinter(devicesim.PrinterOptions{})
				c.do(sim)
				host, far := porttest.Pair(0)
				_, _ = far.Write([]byte{0x12})
				go func() { _ = sim.Serve(t.Context(), far) }()
				defer host.Close()
				p := driver(t, host, nil)
				for range 3 {
					if _, err := p.Print(t.Context(), slip("x")); !errors.Is(err, c.want) {
						t.Errorf("got %v, want %v", err, c.want)
					}
				}
			})
		})
	}
}
