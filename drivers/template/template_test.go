package template_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"posd/drivers/cardreader"
	"posd/drivers/port"
	"posd/drivers/port/porttest"
	"posd/drivers/printer"
	"posd/drivers/scanner"
	"posd/drivers/template"
	"posd/drivers/trace"
)

// TestTheTraceGivesWhatItsHeaderExpects is the test that every driver has.
func TestTheTraceGivesWhatItsHeaderExpects(t *testing.T) {
	all, err := trace.Load(os.DirFS("testdata"))
	if err != nil {
		t.Fatal(err)
	}
	for name, tr := range all {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, err := port.Settle(template.Driver.Options, tr.Options())
				if err != nil {
					t.Fatal(err)
				}
				c, ended, err := trace.Player{Trace: tr, Speed: 1}.Open(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				got := readAll(t, template.Driver.Open(c, s))
				if err := <-ended; err != nil {
					t.Error(err)
				}
				if want := strings.Join(tr.All(trace.Expect), " "); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			})
		})
		if p := trace.Incomplete(template.Driver, []*trace.Trace{tr}); len(p) > 0 {
			t.Error(p)
		}
	}
}

func readAll(t *testing.T, src scanner.Source) string {
	var got []string
	for {
		c, err := src.Next(t.Context())
		switch {
		case errors.Is(err, scanner.ErrRefused):
			got = append(got, "refused")
		case err != nil:
			return strings.Join(got, " ")
		default:
			c.Data.Reveal(func(b []byte) { got = append(got, string(b)) })
			c.Data.Wipe()
		}
	}
}

func TestFaultsAreToldInWords(t *testing.T) {
	for sent, want := range map[string]string{
		"\x02secret\x03\x00":                    "check byte of a frame of 9 bytes; look at cable and baud rate",
		"\x02\x03\x03":                          "a frame without a code",
		"\x02secret":                            "device is gone",
		"noise":                                 "device is gone",
		"\x02" + strings.Repeat("secret", 1000): "device is gone",
	} {
		synctest.Test(t, func(t *testing.T) {
			host, dev := porttest.Pair(0)
			defer host.Close()
			s, _ := port.Settle(template.Driver.Options, map[string]string{"answer": "no"})
			_, _ = dev.Write([]byte(sent))
			_ = dev.Close()
			_, err := template.Driver.Open(host, s).Next(t.Context())
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%.12q: told %v, want %q", sent, err, want)
			}
		})
	}
}

// TestTheGuideListsEveryDriver holds DRIVERS.md against the registries.
func TestTheGuideListsEveryDriver(t *testing.T) {
	text, err := os.ReadFile("../../DRIVERS.md")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range scanner.Drivers() {
		names = append(names, "| scanner | `"+d.Name+"` |")
	}
	for _, d := range cardreader.Drivers() {
		names = append(names, "| reader | `"+d.Name+"` |")
	}
	for _, d := range printer.Drivers() {
		names = append(names, "| printer | `"+d.Name+"` |")
	}
	for _, n := range names {
		if !strings.Contains(string(text), n) {
			t.Errorf("the table lacks a row that begins %s", n)
		}
	}
	for line := range strings.Lines(string(text)) {
		for _, kind := range []string{"scanner", "reader", "printer"} {
			if strings.HasPrefix(line, "| "+kind+" | `") && !hasAny(line, names) {
				t.Errorf("a driver that there is not: %s", line)
			}
		}
	}
}

func hasAny(line string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(line, p) {
			return true
		}
	}
	return false
}
