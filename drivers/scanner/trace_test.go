package scanner_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"posd/drivers/port"
	"posd/drivers/scanner"
	"posd/drivers/trace"
	"posd/drivers/trace/tracetest"
)

func TestEveryTraceGivesWhatItsHeaderExpects(t *testing.T) {
	for name, tr := range tracetest.Load(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := replay(t, tr)
				want := strings.Join(tr.All(trace.Expect), "\n")
				if got := strings.Join(got, "\n"); got != want {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			})
		})
	}
}

// replay plays a trace as it was recorded, pauses and all, and tells what the driver makes of it.
func replay(t *testing.T, tr *trace.Trace) (got []string) {
	d, ok := scanner.Lookup(tr.Get(trace.Driver))
	if !ok {
		t.Fatalf("no driver %q", tr.Get(trace.Driver))
	}
	s, err := port.Settle(d.Options, tr.Options())
	if err != nil {
		t.Fatal(err)
	}
	c, ended, err := trace.Player{Trace: tr, Speed: 1}.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	src := d.Open(c, s)
	done := make(chan error, 1)
	if cmd, ok := scanner.ParseCommand(tr.Get(trace.Do)); ok {
		commander, _ := src.(scanner.Commander)
		go func() { done <- commander.Do(t.Context(), cmd) }()
	} else {
		done <- nil
	}
	for {
		code, err := src.Next(t.Context())
		switch {
		case errors.Is(err, scanner.ErrRefused):
			got = append(got, "refused")
		case errors.Is(err, scanner.ErrRepeated):
			got = append(got, "repeated")
		case err != nil:
			if err := errors.Join(<-ended, <-done); err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			return got
		default:
			got = append(got, describe(code))
		}
	}
}

func describe(c scanner.Code) (line string) {
	aim := c.AIM
	if aim == "" {
		aim = "-"
	}
	c.Data.Reveal(func(b []byte) { line = "code " + aim + " " + string(b) })
	c.Data.Wipe()
	return line
}

func TestEveryDriverIsComplete(t *testing.T) {
	tracetest.Complete(t, scanner.Drivers(), trace.Incomplete)
}
