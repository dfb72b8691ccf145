package suite_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/drivers/port"
	"posd/drivers/port/porttest"
	"posd/drivers/printer"
	"posd/hwtest/devicesim"
	"posd/hwtest/suite"
)

// table is a printer on a table, with its cable.
type table struct {
	t   *testing.T
	sim *devicesim.Printer

	mu   sync.Mutex
	host port.Conn // guarded by mu; the end that is plugged in
	out  bool      // guarded by mu; pulled out
}

func (b *table) open(context.Context) (port.Conn, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.out {
		return nil, port.ErrMissing
	}
	host, line := porttest.Pair(512)
	b.host = host
	go func() { _ = b.sim.Serve(b.t.Context(), line) }()
	return host, nil
}

func (b *table) pull(out bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.out = out; out {
		_ = b.host.Close()
	}
}

func options(t *testing.T, b *table) suite.Options {
	t.Helper()
	d, _ := printer.Lookup("escpos")
	s, err := port.Settle(d.Options, nil)
	if err != nil {
		t.Fatal(err)
	}
	return suite.Options{Open: b.open, Settings: s, Now: time.Now}
}

// try runs the suite against a simulated printer, in a bubble.
func try(t *testing.T, o devicesim.PrinterOptions, prepare func(*table, *suite.Options)) suite.Suite {
	t.Helper()
	var s suite.Suite
	synctest.Test(t, func(t *testing.T) {
		b := &table{t: t, sim: devicesim.NewPrinter(o)}
		opt := options(t, b)
		if prepare != nil {
			prepare(b, &opt)
		}
		var err error
		if s, err = suite.Run(t.Context(), opt); err != nil {
			t.Fatal(err)
		}
	})
	return s
}

func numbers(s suite.Suite, v suite.Verdict) (all []int) {
	for _, r := range s.Results {
		if r.Verdict == v {
			all = append(all, r.Number)
		}
	}
	return all
}

func told(s suite.Suite) string {
	var all strings.Builder
	for _, r := range s.Results {
		fmt.Fprintf(&all, "%d %s %s: %s -> %s\n", r.Number, r.Verdict, r.Name.EN, r.Why.EN, r.Remedy.EN)
	}
	return all.String()
}

// byHand are the checks that need a person, and 11, which the profile has nothing for.
var byHand = []int{11, 21, 22, 23, 24}

func TestAGoodPrinterPassesWhateverNeedsNoPerson(t *testing.T) {
	for name, o := range map[string]devicesim.PrinterOptions{
		"at once":        {},
		"XON/XOFF":       {Buffer: 4 << 10, Speed: 960, Flow: devicesim.FlowXON},
		"hardware lines": {Buffer: 4 << 10, Speed: 2000},
	} {
		t.Run(name, func(t *testing.T) {
			s := try(t, o, nil)
			if got := numbers(s, suite.Failed); len(got) > 0 {
				t.Errorf("failed: %v\n%s", got, told(s))
			}
			if got := numbers(s, suite.Skipped); !slices.Equal(got, byHand) {
				t.Errorf("skipped: %v\n%s", got, told(s))
			}
		})
	}
}

// bad are printers with a fault, and the checks that find it.
var bad = map[string]struct {
	options devicesim.PrinterOptions
	do      func(*devicesim.Printer)
	failed  []int
	after   int   // all checks behind this one are skipped, if it is not 0
	skipped []int // besides those that need a person
	why     string
}{
	"mute":            {options: devicesim.PrinterOptions{Mute: true}, failed: []int{2}, after: 2, why: "answers nothing"},
	"switched off":    {do: func(p *devicesim.Printer) { p.SetPower(false) }, failed: []int{2}, after: 2, why: "answers nothing"},
	"jammed":          {do: func(p *devicesim.Printer) { p.SetCutterJam(true) }, failed: []int{3}, after: 3, why: "the cutter is jammed"},
	"without paper":   {do: func(p *devicesim.Printer) { p.SetPaper(false) }, failed: []int{3}, after: 3, why: "paper is out"},
	"cover open":      {do: func(p *devicesim.Printer) { p.SetCover(true) }, failed: []int{3}, after: 3, why: "the cover is open"},
	"nameless":        {options: devicesim.PrinterOptions{Lacks: []string{"GS I"}}, failed: []int{4}, why: "neither maker nor model"},
	"clone":           {options: devicesim.PrinterOptions{Clone: true}, failed: []int{5}, why: "does not know GS ( H"},
	"no ASB":          {options: devicesim.PrinterOptions{Lacks: []string{"GS a"}}, failed: []int{10}, why: "does not know GS a"},
	"no barcodes":     {options: devicesim.PrinterOptions{Lacks: []string{"GS k"}}, failed: []int{13}, why: "does not know GS k"},
	"clone, barcodes": {options: devicesim.PrinterOptions{Clone: true, Lacks: []string{"GS k"}}, failed: []int{5, 13}, why: "does not know GS k"},
	"without QR":      {options: devicesim.PrinterOptions{Lacks: []string{"GS ( k"}}, failed: []int{14}, why: "does not know GS ( k"},
	"clone, no QR":    {options: devicesim.PrinterOptions{Clone: true, Lacks: []string{"GS ( k"}}, failed: []int{5, 14}, why: "does not know GS ( k"},
	"no pictures": {
		options: devicesim.PrinterOptions{Lacks: []string{"GS v"}}, failed: []int{15}, skipped: []int{7, 19}, why: "it does not know GS v 0, by whose pictures",
	},
	"clone, no pictures": {
		options: devicesim.PrinterOptions{Clone: true, Lacks: []string{"GS v"}}, failed: []int{5, 15}, skipped: []int{7, 19}, why: "see check 15",
	},
	"no fence": {
		options: devicesim.PrinterOptions{Clone: true, Lacks: []string{"GS r"}}, failed: []int{5, 6},
		skipped: []int{7, 8, 9, 12, 13, 14, 15, 16, 17, 18, 19, 20}, why: "of 3 questions (GS r 1) 0 were answered",
	},
	"no flow control": {
		options: devicesim.PrinterOptions{Buffer: 5 << 10, Speed: 960, Flow: devicesim.FlowNone}, failed: []int{19},
		why: "lost when they come faster",
	},
	"XOFF for ever": {
		options: devicesim.PrinterOptions{Buffer: 8 << 10, Speed: 960, Flow: devicesim.FlowStuck}, failed: []int{19}, why: "XOFF and never XON",
	},
	"slow": {options: devicesim.PrinterOptions{Buffer: 4 << 10, Speed: 250}, failed: []int{20}, why: "bytes a second"},
}

func TestABadPrinterFailsTheRightCheck(t *testing.T) {
	for name, c := range bad {
		t.Run(name, func(t *testing.T) {
			s := try(t, c.options, func(b *table, _ *suite.Options) {
				if c.do != nil {
					c.do(b.sim)
				}
			})
			if got := numbers(s, suite.Failed); !slices.Equal(got, c.failed) || !strings.Contains(told(s), c.why) {
				t.Errorf("failed: %v, want %v\n%s", got, c.failed, told(s))
			}
			want := append(slices.Clone(byHand), c.skipped...)
			for n := c.after + 1; c.after > 0 && n <= len(suite.Names()); n++ {
				want = append(want, n)
			}
			slices.Sort(want)
			if got := numbers(s, suite.Skipped); !slices.Equal(got, slices.Compact(want)) {
				t.Errorf("skipped: %v, want %v\n%s", got, slices.Compact(want), told(s))
			}
		})
	}
}

func TestLostBytesAreFound(t *testing.T) {
	for name, o := range map[string]devicesim.PrinterOptions{
		"every 700th":        {Loses: 700},
		"every 3000th":       {Loses: 3000},
		"every 9000th":       {Loses: 9000},
		"every 30000th":      {Loses: 30000},
		"a buffer too small": {Buffer: 1 << 10, Speed: 960, Flow: devicesim.FlowNone},
		"a clone":            {Clone: true, Loses: 9000},
	} {
		t.Run(name, func(t *testing.T) {
			s := try(t, o, nil)
			if !slices.Contains(numbers(s, suite.Failed), 7) || !strings.Contains(told(s), "bytes were lost in part") {
				t.Errorf("%s", told(s))
			}
		})
	}
}

func TestAPersonWorksTheSensorsAndTheCable(t *testing.T) {
	asked := 0
	s := try(t, devicesim.PrinterOptions{}, func(b *table, o *suite.Options) {
		o.Ask = func(context.Context, suite.Words) (bool, error) { asked++; return true, nil }
		o.Please = func(w suite.Words) {
			do, ok := map[string]func(){
				"Open the cover.": func() { b.sim.SetCover(true) }, "Close the cover.": func() { b.sim.SetCover(false) },
				"Take the paper out, and close the cover.":                   func() { b.sim.SetPaper(false) },
				"Put the paper in, and close the cover.":                     func() { b.sim.SetPaper(true) },
				"Put in a roll that is nearly used up, and close the cover.": func() { b.sim.SetPaperLow(true) },
				"Put the full roll in again.":                                func() { b.sim.SetPaperLow(false) },
				"Pull the printer's data cable out.":                         func() { b.pull(true) },
				"Plug it in again, into another port if you like.":           func() { b.pull(false) },
			}[w.EN]
			if !ok {
				t.Errorf("nobody knows what to do when told %q", w.EN)
				return
			}
			time.AfterFunc(7*time.Second, do)
		}
	})
	if len(numbers(s, suite.Failed)) > 0 || !slices.Equal(numbers(s, suite.Skipped), []int{11}) || asked < 6 {
		t.Errorf("asked %d times\n%s", asked, told(s))
	}
}

func TestAPersonWhoDoesNothingOrSeesRubbishFailsThoseChecks(t *testing.T) {
	s := try(t, devicesim.PrinterOptions{}, func(_ *table, o *suite.Options) {
		o.Ask = func(context.Context, suite.Words) (bool, error) { return false, nil }
		o.Please = func(suite.Words) {}
	})
	if got := numbers(s, suite.Failed); !slices.Equal(got, []int{12, 13, 14, 15, 16, 17, 18, 21, 22, 23, 24}) {
		t.Errorf("failed: %v\n%s", got, told(s))
	}
}

func TestAPortThatDoesNotOpenEndsAllWithItsRemedy(t *testing.T) {
	s := try(t, devicesim.PrinterOptions{}, func(_ *table, o *suite.Options) {
		o.Open = func(context.Context) (port.Conn, error) { return nil, fmt.Errorf("open /dev/x: %w", port.ErrBusy) }
	})
	if got := numbers(s, suite.Failed); !slices.Equal(got, []int{1}) || len(numbers(s, suite.OK)) > 0 || !strings.Contains(told(s), "port is in use") {
		t.Errorf("%s", told(s))
	}
}

func TestARemedyOfAPortFitsWhatIsWrongWithIt(t *testing.T) {
	for want, cause := range map[string]error{
		"end the other program that uses it, posd too": port.ErrBusy, "plugged in": port.ErrMissing, "belong to the group": port.ErrPermission,
	} {
		s := try(t, devicesim.PrinterOptions{}, func(_ *table, o *suite.Options) {
			o.Open = func(context.Context) (port.Conn, error) { return nil, fmt.Errorf("open /dev/x: %w", cause) }
		})
		if got := s.Results[0].Remedy; !strings.Contains(got.EN, want) || got.ZH == "" {
			t.Errorf("%v: the remedy is %q, want %s", cause, got, want)
		}
	}
}

func TestALineThatBreaksInTheMiddleIsTold(t *testing.T) {
	for n := 10; n < 200; n += 17 {
		s := try(t, devicesim.PrinterOptions{}, func(b *table, o *suite.Options) {
			o.Open = func(ctx context.Context) (port.Conn, error) {
				c, err := b.open(ctx)
				if err != nil {
					return nil, err
				}
				return porttest.FailAt(c, n, port.ErrUnplugged), nil
			}
		})
		if len(numbers(s, suite.Failed)) == 0 || !strings.Contains(told(s), "device is gone") {
			t.Fatalf("operation %d failed: %s", n, told(s))
		}
	}
}

func TestOnlySomeChecksAndWhatTheyNeedAreRun(t *testing.T) {
	s := try(t, devicesim.PrinterOptions{}, func(_ *table, o *suite.Options) { o.Only = []int{14} })
	if got := numbers(s, suite.OK); !slices.Equal(got, []int{1, 2, 3, 5, 6, 14}) || len(s.Results) != 6 {
		t.Errorf("run: %v\n%s", got, told(s))
	}
}

func TestEveryVerdictIsInWordsOfBothLanguages(t *testing.T) {
	seen := 0
	for _, o := range []devicesim.PrinterOptions{{}, {Mute: true}, {Clone: true, Lacks: []string{"GS ( k", "GS k", "GS a", "GS I"}}, {Loses: 700}} {
		for _, r := range try(t, o, nil).Results {
			if r.Name.EN == "" || r.Name.ZH == "" || r.Why.EN == "" || r.Why.ZH == "" {
				t.Errorf("%d %+v says nothing in one language", r.Number, r.Why)
			}
			if needs := r.Verdict == suite.Failed; needs != (r.Remedy.EN != "") || needs != (r.Remedy.ZH != "") {
				t.Errorf("check %d, %s: remedy %q", r.Number, r.Verdict, r.Remedy)
			}
			seen++
		}
	}
	if seen != 4*len(suite.Names()) {
		t.Errorf("%d verdicts", seen)
	}
}

func TestTheReportNeedsNoOtherFileAndShowsThePaper(t *testing.T) {
	s := try(t, devicesim.PrinterOptions{Model: "X80 <b>"}, nil)
	var page bytes.Buffer
	if err := suite.HTML(&page, s, suite.About{Device: "maker & co", Port: "/dev/usb/lp0", Driver: "escpos"}); err != nil {
		t.Fatal(err)
	}
	if kind := http.DetectContentType(page.Bytes()); !strings.HasPrefix(kind, "text/html") {
		t.Errorf("it is %s", kind)
	}
	for _, want := range []string{"<svg", "收银小票", "maker &amp; co", "X80 &lt;b&gt;", "QR https://example.com/r/1", "需要人工配合", "data:image/png"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("%q is not in the report", want)
		}
	}
	for _, elsewhere := range []string{`src="`, `href="http`, "url(", "<script", "@import"} {
		if strings.Contains(page.String(), elsewhere) {
			t.Errorf("it needs something else: %s", elsewhere)
		}
	}
	tidy := xml.NewDecoder(&page)
	tidy.Strict, tidy.AutoClose, tidy.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		if _, err := tidy.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("tags do not match: %v", err)
		}
	}
}

func TestJUnitCountsWhatTheSuiteFound(t *testing.T) {
	s := try(t, devicesim.PrinterOptions{Clone: true}, nil)
	var out bytes.Buffer
	if err := suite.JUnit(&out, s, suite.About{Port: "/dev/usb/lp0"}); err != nil {
		t.Fatal(err)
	}
	var read struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Skipped  int `xml:"skipped,attr"`
		Suites   []struct {
			Cases []struct {
				Name    string `xml:"name,attr"`
				Failure *struct {
					Message string `xml:"message,attr"`
				} `xml:"failure"`
				Skipped *struct{} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(out.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	cases := read.Suites[0].Cases
	if read.Tests != len(suite.Names()) || len(cases) != read.Tests || read.Failures != 1 || read.Skipped != len(byHand) {
		t.Errorf("%d tests, %d failures, %d skipped, %d cases", read.Tests, read.Failures, read.Skipped, len(cases))
	}
	if f := cases[4].Failure; f == nil || !strings.Contains(f.Message, "GS ( H") || cases[23].Skipped == nil {
		t.Errorf("case 5: %+v, case 24: %+v", cases[4], cases[23])
	}
}
