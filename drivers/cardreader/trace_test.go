package cardreader_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"posd/drivers/cardreader"
	"posd/drivers/port"
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
	d, ok := cardreader.Lookup(tr.Get(trace.Driver))
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
	for {
		card, err := src.Next(t.Context())
		switch {
		case errors.Is(err, cardreader.ErrUnreadable):
			got = append(got, "unreadable")
		case errors.Is(err, cardreader.ErrNotPayment):
			got = append(got, "not-payment")
		case err != nil:
			if err := <-ended; err != nil {
				t.Error(err)
			}
			return got
		default:
			got = append(got, "card "+card.Masked()+" "+card.Encrypted.Cipher.String())
			card.Wipe()
		}
	}
}

func TestEveryDriverIsComplete(t *testing.T) {
	tracetest.Complete(t, cardreader.Drivers(), trace.Incomplete)
}
