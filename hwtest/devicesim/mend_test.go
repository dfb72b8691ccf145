package devicesim_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"posd/drivers/port/porttest"
	"posd/drivers/printer"
	"posd/hwtest/devicesim"
)

// cutOffPicture is a slice of a picture, of which 1,628 bytes of 1,728 are missing.
var cutOffPicture = "half a slip\n\x1Dv0\x00\x48\x00\x18\x00" + strings.Repeat("\xAA", 100)

// A picture takes in more than ends any other command. Whatever the way to confirm, that is found out before the slip is sent.
func TestASlipAfterAPictureThatWasCutOffIsConfirmedAsUsual(t *testing.T) {
	for name, c := range map[string]struct {
		clone bool
		given map[string]string
		again bool // the slip that was cut off is asked after first
		want  printer.Confirmation
	}{
		"by process ids":                     {want: printer.ByProcessID},
		"by process ids, as it is told":      {given: map[string]string{"confirm": "process"}, want: printer.ByProcessID},
		"by fences":                          {clone: true, want: printer.ByFence},
		"by fences, as it is told":           {clone: true, given: map[string]string{"confirm": "fence"}, want: printer.ByFence},
		"by process ids, asked for the rest": {again: true, want: printer.ByProcessID},
		"by fences, asked for the rest":      {clone: true, again: true, want: printer.ByFence},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := devicesim.NewPrinter(devicesim.PrinterOptions{Clone: c.clone})
				host, line := porttest.Pair(0)
				ended := make(chan struct{})
				go func() { defer close(ended); _ = sim.Serve(t.Context(), line) }()
				defer func() { _ = host.Close(); <-ended }()
				if err := host.Write(t.Context(), []byte(cutOffPicture)); err != nil {
					t.Fatal(err)
				}
				p := driver(t, host, c.given).(printer.Continuer)
				if c.again {
					_, err := p.PrintTry(t.Context(), slip("PAID"), printer.Try{Tag: "try 1", Begun: 1})
					if !errors.Is(err, printer.ErrCannotSay) || errors.Is(err, printer.ErrQuiet) {
						t.Errorf("asked for the rest: %v", err)
					}
				}
				r, err := p.Print(t.Context(), slip("PAID"))
				if err != nil || r.Confirmed != c.want {
					t.Fatalf("got %+v, %v", r, err)
				}
				if all := sim.Slips(); len(all) != 1 || strings.Count(all[0], "PAID") != 1 || !strings.Contains(all[0], "￥19.99") {
					t.Errorf("printed %q", all)
				}
			})
		})
	}
}

// A printer that is well is not sent zeros for seconds.
func TestAPrinterThatAnswersIsNotSentMoreThanEndsAShortCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := devicesim.NewPrinter(devicesim.PrinterOptions{})
		host, line := porttest.Pair(0)
		defer host.Close()
		go func() { _ = sim.Serve(t.Context(), line) }()
		over := &overheard{Conn: host}
		if _, err := driver(t, over, nil).Print(t.Context(), slip("PAID")); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(over.taken(), "\x00"); n < 512 || n > 600 {
			t.Errorf("it was sent %d zeros", n)
		}
	})
}
