package trace_test

import (
	"bufio"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"posd/drivers/port"
	"posd/drivers/port/porttest"
	"posd/drivers/trace"
)

const head = port.TraceHeader + "\n#Device: test\n#Source: device\n#Driver: line\n"

func parse(t *testing.T, text string) *trace.Trace {
	t.Helper()
	tr, err := trace.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestATraceIsReadOrTheLineIsNamed(t *testing.T) {
	tr := parse(t, head+"# a word\n#Option: suffix=cr\n#HID: 05e0:1300 058c\n+0 > 1b40\n+15 < \"ok\\n\"\n+20 ! device is gone\n")
	if got := tr.Steps; len(got) != 3 || string(got[0].Data) != "\x1b@" || string(got[1].Data) != "ok\n" || got[1].At != 15*time.Millisecond {
		t.Errorf("steps %+v", got)
	}
	info, ok, err := tr.HID()
	if !ok || err != nil || info.Vendor != 0x05E0 || info.Product != 0x1300 || string(info.Descriptor) != "\x05\x8c" {
		t.Errorf("HID %+v, %v, %v", info, ok, err)
	}
	if tr.Options()["suffix"] != "cr" || tr.Get(trace.Comment) != "a word" {
		t.Errorf("options %v, comment %q", tr.Options(), tr.Get(trace.Comment))
	}
	for text, want := range map[string]string{
		"":                        "empty",
		"#posd-trace 2\n":         "line 1",
		head + "+0 ? 00":          "line 5: want +milliseconds",
		head + "0 < 00":           "line 5",
		head + "+x < 00":          "milliseconds",
		head + "+0 < 0":           "hex digits",
		head + "+0 < \"ab":        "quoted string",
		head + "+0 < (18 bytes)":  "redacted to its length",
		head + "+99999999999 < 0": "milliseconds",
	} {
		if _, err := trace.Parse(text); !errors.Is(err, trace.ErrTrace) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func TestATraceForATestSaysWhereItComesFrom(t *testing.T) {
	for text, want := range map[string]string{
		head:                           "no bytes",
		port.TraceHeader + "\n+0 < 00": "no #Device",
		strings.Replace(head, "device", "hearsay", 1) + "+0 < 00":  "hearsay",
		strings.Replace(head, "device", "manual:", 1) + "+0 < 00":  "and which one",
		strings.Replace(head, "device", "manual: X", 1) + "+0 < 0": "hex digits",
	} {
		_, err := trace.Load(fstest.MapFS{"a.trace": {Data: []byte(text)}, "b.txt": {Data: []byte("x")}})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "a.trace") {
			t.Errorf("got %v, want %q and the file", err, want)
		}
	}
}

// talk plays text to a host that writes what it is told, and gives what the host read, how long that took, and how the
// play ended.
func talk(t *testing.T, p trace.Player, writes ...string) (got string, took time.Duration, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c, ended, oerr := p.Open(t.Context())
		if oerr != nil {
			t.Fatal(oerr)
		}
		defer c.Close()
		go func() {
			for _, w := range writes {
				_ = c.Write(t.Context(), []byte(w))
			}
		}()
		all := func(data []byte, _ bool) (int, []byte, error) { return len(data), data, nil }
		for {
			b, err := c.Next(t.Context(), all)
			got += string(b)
			if err != nil {
				break
			}
		}
		err, took = <-ended, time.Since(start)
	})
	return got, took, err
}

const questions = head + "+0 < \"hi\"\n+10 > \"A?\"\n+30 < \"a1\"\n+1030 < \"a2\"\n+1040 > \"B?\"\n+1050 < \"b\"\n"

func TestAPlayedDeviceAnswersAsTheRecordedOne(t *testing.T) {
	tr := parse(t, questions)
	cases := map[string]struct {
		player trace.Player
		writes []string
		got    string
		took   time.Duration
		want   error
	}{
		"strict":                 {trace.Player{Trace: tr}, []string{"A?", "B?"}, "hia1a2b", 0, nil},
		"strict, cut otherwise":  {trace.Player{Trace: tr}, []string{"A", "?B", "?"}, "hia1a2b", 0, nil},
		"strict, other order":    {trace.Player{Trace: tr}, []string{"B?", "A?"}, "hi", 0, trace.ErrOther},
		"tolerant, other order":  {trace.Player{Trace: tr, Tolerant: true}, []string{"B?", "A?"}, "hiba1a2", 0, nil},
		"tolerant, more than it": {trace.Player{Trace: tr, Tolerant: true}, []string{"xxA?yy", "zzB?"}, "hia1a2b", 0, nil},
		"tolerant, both at once": {trace.Player{Trace: tr, Tolerant: true}, []string{"B?A?"}, "hiba1a2", 0, nil},
		"as fast as recorded":    {trace.Player{Trace: tr, Speed: 1}, []string{"A?", "B?"}, "hia1a2b", 1030 * time.Millisecond, nil},
		"ten times as fast":      {trace.Player{Trace: tr, Speed: 10, Tolerant: true}, []string{"A?", "B?"}, "hia1a2b", 103 * time.Millisecond, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, took, err := talk(t, c.player, c.writes...)
			if got != c.got || took != c.took || !errors.Is(err, c.want) {
				t.Errorf("got %q in %v, %v; want %q in %v, %v", got, took, err, c.got, c.took, c.want)
			}
		})
	}
}

func TestWhatTheHostDoesNotAskForIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ended, err := trace.Player{Trace: parse(t, questions), Tolerant: true}.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Write(t.Context(), []byte("A?"))
		synctest.Wait()
		_ = c.Close()
		if err := <-ended; err == nil || !strings.Contains(err.Error(), "1 of 2 exchanges were not asked for") {
			t.Errorf("got %v", err)
		}
	})
}

// record gives the lines that are recorded of a code that a scanner sends and of an answer to it.
func record(t *testing.T, r trace.Redaction) (lines []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		host, dev := porttest.Pair(0)
		c := trace.Record(host, trace.Recorder{Sink: func(l string) { lines = append(lines, l) }, Now: time.Now, Redact: r})
		defer c.Close()
		_, _ = io.WriteString(dev, "\x02Ab1;=28\xe4\r\n")
		time.Sleep(7 * time.Millisecond)
		if b, err := c.Next(t.Context(), bufio.ScanLines); err != nil || string(b) != "\x02Ab1;=28\xe4" {
			t.Errorf("redaction changed what is read: %q, %v", b, err)
		}
		_ = c.Write(t.Context(), []byte("\x06"))
	})
	return lines
}

func TestARecordingLeavesOutWhatItMust(t *testing.T) {
	for r, want := range map[trace.Redaction]string{
		trace.Whole:   "+7 < 024162313b3d3238e40d0a\n+7 > 06",
		trace.Shape:   "+7 < 027878303b3d3030780d0a\n+7 > 06",
		trace.Lengths: "+7 < (11 bytes)\n+7 > (1 bytes)",
		"":            "+7 < (11 bytes)\n+7 > (1 bytes)",
	} {
		if got := strings.Join(record(t, r), "\n"); got != want {
			t.Errorf("%q: got %q, want %q", r, got, want)
		}
	}
}

func TestARecordingOfReportsKeepsThemApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, dev := porttest.PairHID(port.HIDInfo{Vendor: 0x05E0}, nil)
		var lines []string
		c := trace.Record(host, trace.Recorder{
			Sink: func(l string) { lines = append(lines, l) }, Now: time.Now, Redact: trace.Shape,
		})
		defer c.Close()
		_, _ = dev.Write([]byte("\x0230a9"))
		_, _ = dev.Write([]byte("\x0225b8"))
		for range 2 {
			if _, err := c.Next(t.Context(), port.SplitReport); err != nil {
				t.Fatal(err)
			}
		}
		if h, ok := c.(port.HID); !ok || h.Info().Vendor != 0x05E0 {
			t.Error("a recorded HID is none any more")
		}
		if got := strings.Join(lines, "; "); got != "+0 < 0233307830; +0 < 0232307830" {
			t.Errorf("got %s", got)
		}
	})
}

func TestWhatWasRecordedCanBePlayed(t *testing.T) {
	for _, r := range []trace.Redaction{trace.Whole, trace.Shape} {
		tr := parse(t, head+strings.Join(record(t, r), "\n"))
		got, _, err := talk(t, trace.Player{Trace: tr}, "\x06")
		if err != nil || len(got) != 11 || !strings.HasSuffix(got, "\r\n") {
			t.Errorf("%s: played %q, %v", r, got, err)
		}
	}
}

// TestAnIncompleteDriverIsRefused: each thing that a driver must have is missed when it is not there.
func TestAnIncompleteDriverIsRefused(t *testing.T) {
	ours := parse(t, strings.Replace(head, "device", "manual: X", 1)+"+0 < 00\n")
	device := parse(t, head+"+0 < 00\n")
	whole := func() port.Driver[int] {
		return port.Driver[int]{
			Name: "line", For: []port.Match{{Kind: port.Serial}}, Doc: "Scanners that send each code as a line. " + trace.NoRecording + ".",
			Options: []port.Option{{Name: "suffix", Doc: "what ends a code", Default: "cr", Values: []string{"cr", "lf"}}},
		}
	}
	if got := trace.Incomplete(whole(), []*trace.Trace{ours}); len(got) > 0 {
		t.Errorf("a complete driver is refused: %q", got)
	}
	cases := map[string]struct {
		change func(*port.Driver[int])
		traces []*trace.Trace
		want   string
	}{
		"no doc":             {func(d *port.Driver[int]) { d.Doc = trace.NoRecording[:30] }, []*trace.Trace{ours}, "does not say which devices"},
		"for nothing":        {func(d *port.Driver[int]) { d.For = nil }, []*trace.Trace{ours}, "names no sort of devices"},
		"mute option":        {func(d *port.Driver[int]) { d.Options[0].Doc = "" }, []*trace.Trace{ours}, `option "suffix" explains nothing`},
		"option of no name":  {func(d *port.Driver[int]) { d.Options[0].Name = "" }, []*trace.Trace{ours}, "explains nothing"},
		"wrong default":      {func(d *port.Driver[int]) { d.Options[0].Default = "tab" }, []*trace.Trace{ours}, "defaults are not allowed"},
		"no trace":           {func(*port.Driver[int]) {}, nil, "no trace in testdata names it"},
		"another's trace":    {func(d *port.Driver[int]) { d.Name = "other" }, []*trace.Trace{ours}, "no trace in testdata names it"},
		"boasts":             {func(d *port.Driver[int]) { d.Doc = strings.Repeat("Tried everywhere. ", 5) }, []*trace.Trace{ours}, "must say"},
		"too modest":         {func(*port.Driver[int]) {}, []*trace.Trace{device}, "but there is one"},
		"trace sets nothing": {func(d *port.Driver[int]) { d.Options = nil }, []*trace.Trace{parse(t, head+"#Option: suffix=cr\n+0 < 00\n")}, "does not have"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := whole()
			c.change(&d)
			got := trace.Incomplete(d, c.traces)
			if !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, c.want) }) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// FuzzParse: whatever a file holds, it is refused by name or can be played.
func FuzzParse(f *testing.F) {
	f.Add(questions)
	f.Fuzz(func(t *testing.T, text string) {
		tr, err := trace.Parse(text)
		if err != nil {
			if !errors.Is(err, trace.ErrTrace) {
				t.Error(err)
			}
			return
		}
		_ = tr.Check()
		_, _, _ = tr.HID()
		for _, s := range tr.Steps {
			if s.Line < 2 || s.At < 0 {
				t.Errorf("step %+v", s)
			}
		}
	})
}
