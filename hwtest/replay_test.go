package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"posd/drivers/port"
	"posd/drivers/trace"
)

// verb runs one command line and gives its exit code and what it printed.
func verb(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = hwtest(t.Context(), &globals{In: strings.NewReader(""), Out: &o, Err: &e}, args)
	return code, o.String(), e.String()
}

func TestReplayHoldsEveryDriverAgainstItsTraces(t *testing.T) {
	for _, kind := range []string{"scanner", "cardreader", "printer"} {
		files, err := filepath.Glob("../drivers/" + kind + "/testdata/*.trace")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d traces, %v", kind, len(files), err)
		}
		for _, f := range files {
			if code, _, errs := verb(t, "replay", f); code != success {
				t.Errorf("%s: %s", f, errs)
			}
		}
	}
}

// write makes a trace of a line scanner and gives its path.
func write(t *testing.T, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.trace")
	text := port.TraceHeader + "\n#Device: test\n#Source: device\n#Driver: line\n" + body
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReplaySaysWhatIsNotAsExpected(t *testing.T) {
	cases := map[string]struct {
		args []string
		body string
		want string
	}{
		"another code":    {nil, "#Expect: code - 1\n+0 < \"2\\r\"\n", `result 1 is not what the trace expects: got "code - 2", want "code - 1"`},
		"one too few":     {nil, "#Expect: code - 1\n#Expect: refused\n+0 < \"1\\r\"\n", `result 2 is not what the trace expects: got "nothing", want "refused"`},
		"another driver":  {[]string{"--driver", "ssi"}, "#Expect: code - 1\n+0 < \"1\\r\"\n", `got "nothing", want "code - 1"`},
		"no such driver":  {[]string{"--driver", "laser"}, "+0 < 00\n", `no driver "laser"`},
		"no such option":  {[]string{"--option", "sufix=cr"}, "+0 < 00\n", `unknown option "sufix"`},
		"backwards":       {[]string{"--speed=-1"}, "+0 < 00\n", "want 0 or more"},
		"redacted":        {nil, "+0 < (3 bytes)\n", "line 5: redacted to its length"},
		"a silent driver": {[]string{"--option", "suffix=etx"}, "#Do: beep\n+0 < \"1\\r\"\n", `command "beep": the driver has none`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			code, _, errs := verb(t, append([]string{"replay", write(t, c.body)}, c.args...)...)
			if code != problem || !strings.Contains(errs, c.want) {
				t.Errorf("exit %d, %q, want %q", code, errs, c.want)
			}
		})
	}
}

func TestReplayAsksAPrinterAsLongAsItsTraceGoesOn(t *testing.T) {
	well := "+0 > 100401\n+2 < 12\n+3 > 100402\n+5 < 12\n+6 > 100403\n+8 < 12\n+9 > 100404\n+11 < 12\n"
	cases := map[string]struct {
		body string
		code int
		out  string
		want string
	}{
		"expected":      {"#Expect: ok, paper low false\n" + well, success, "ok, paper low false\n", ""},
		"nothing is":    {well + well, success, "ok, paper low false\nok, paper low false\n", ""},
		"one too few":   {"#Expect: ok, paper low false\n#Expect: cover open\n" + well, problem, "ok, paper low false\n", `result 2 is not what the trace expects: got "nothing"`},
		"something new": {"+0 > 1b40\n+2 < 12\n", problem, "", "the host writes something else than was recorded"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			code, out, errs := verb(t, "replay", "--driver", "escpos", write(t, c.body))
			if code != c.code || out != c.out || !strings.Contains(errs, c.want) {
				t.Errorf("exit %d, %q, %q, want %d, %q, %q", code, out, errs, c.code, c.out, c.want)
			}
		})
	}
}

// onNetwork replays a trace on a port of its own for the duration of the test, and gives the address.
func onNetwork(t *testing.T, path string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		hwtest(ctx, &globals{In: strings.NewReader(""), Out: w, Err: io.Discard}, append([]string{"replay", path, "--listen", "127.0.0.1:0"}, args...))
		_ = w.Close()
	}()
	t.Cleanup(func() { cancel(); _ = r.Close(); <-ended })
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(strings.TrimSpace(line), "ready ")
}

const codes = "+0 < \"6901234567892\\r\\n\"\n+40 < \"A4\\x01\\r\\n\"\n"

func TestWhatIsRecordedCanBeReplayed(t *testing.T) {
	address := onNetwork(t, write(t, codes))
	out := filepath.Join(t.TempDir(), "new.trace")
	// The device hangs up at the end of the trace, which ends the recording with an error: that is how it is known here.
	_, _, errs := verb(t, "record", address, "--kind", "scanner", "--device", "test", "--driver", "line", "--test-data", "-o", out)
	if !strings.Contains(errs, "device is gone") || strings.Contains(errs, "690123") {
		t.Errorf("said %q: want the end, and nothing of the codes", errs)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := trace.Parse(string(text))
	if err != nil || tr.Check() != nil || strings.Join(tr.All(trace.Expect), "; ") != "code - 6901234567892; refused" {
		t.Errorf("recorded\n%s\n%v", text, err)
	}
	if code, printed, errs := verb(t, "replay", out); code != success || printed != "code - 6901234567892\nrefused\n" {
		t.Errorf("replayed: exit %d, %q, %q", code, printed, errs)
	}
	if code, _, errs := verb(t, "record", address, "--kind", "scanner", "--device", "test", "-o", out); code != problem || !strings.Contains(errs, "exists") {
		t.Errorf("a recording was written over: exit %d, %q", code, errs)
	}
}

func TestARecordingShowsNothingOfCardsAndCodesUnlessTheyAreTests(t *testing.T) {
	address := onNetwork(t, write(t, codes))
	for kind, want := range map[string]string{"scanner": "< " + strings.Repeat("30", 13) + "0d0a", "reader": "< ("} {
		_, out, _ := verb(t, "record", address, "--kind", kind, "--device", "test")
		if !strings.Contains(out, want) || strings.Contains(out, "363930") || strings.Contains(out, trace.Expect) {
			t.Errorf("%s: recorded\n%s\nwant %s", kind, out, want)
		}
	}
	code, _, errs := verb(t, "record", address, "--kind", "reader", "--device", "test", "--redact", "whole")
	if code != problem || !strings.Contains(errs, "needs --test-data") {
		t.Errorf("exit %d, %q", code, errs)
	}
}

func TestARecordingOfNoTimeIsRefused(t *testing.T) {
	for _, span := range []string{"0", "-1s"} {
		code, _, errs := verb(t, "record", "tcp://127.0.0.1:1", "--kind", "scanner", "--device", "test", "--for="+span)
		if code != problem || !strings.Contains(errs, "--for: want a time above 0") {
			t.Errorf("--for=%s: exit %d, %q", span, code, errs)
		}
	}
	quiet, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer quiet.Close()
	if code, _, errs := verb(t, "record", "tcp://"+quiet.Addr().String(), "--kind", "scanner", "--device", "test", "--for=50ms"); code != success {
		t.Errorf("exit %d, %q", code, errs)
	}
}

func TestAReplayedDeviceTalksToAnyProgram(t *testing.T) {
	path := write(t, "+0 > \"A\"\n+1 < \"a\"\n+2 > \"B\"\n+3 < \"b\"\n")
	address, err := port.ParseAddress(onNetwork(t, path, "--tolerant"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := port.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, q := range []string{"..B", "A"} {
		if err := c.Write(t.Context(), []byte(q)); err != nil {
			t.Fatal(err)
		}
		b, err := c.Next(t.Context(), bufio.ScanBytes)
		if want := strings.ToLower(q[len(q)-1:]); err != nil || string(b) != want {
			t.Errorf("asked %q: got %q, %v", q, b, err)
		}
	}
}
