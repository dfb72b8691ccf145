package printer_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"posd/drivers/port"
	"posd/drivers/printer"
	"posd/drivers/trace"
	"posd/drivers/trace/tracetest"
)

// TestEveryTraceGivesWhatItsHeaderExpects asks a played printer for its status once for each line that it expects.
func TestEveryTraceGivesWhatItsHeaderExpects(t *testing.T) {
	for name, tr := range tracetest.Load(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, _ := printer.Lookup(tr.Get(trace.Driver))
				s, err := port.Settle(d.Options, tr.Options())
				if err != nil {
					t.Fatal(err)
				}
				c, ended, err := trace.Player{Trace: tr}.Open(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				p := d.Open(c, s)
				want := tr.All(trace.Expect)
				var got []string
				for range want {
					st, err := p.Status(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, st.Line())
				}
				if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
					t.Errorf("got\n%s\nwant\n%s", g, w)
				}
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestEveryDriverIsComplete(t *testing.T) {
	tracetest.Complete(t, printer.Drivers(), trace.Incomplete)
}
