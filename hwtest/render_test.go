package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// render runs the verb on a stream from standard input.
func render(t *testing.T, stream string, args ...string) (out, errs string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	g := &globals{In: strings.NewReader(stream), Out: &o, Err: &e}
	code = hwtest(t.Context(), g, append(append([]string{"render"}, args...), "-"))
	return o.String(), e.String(), code
}

func TestRenderShowsSlipsAndListsWhatIsUnknown(t *testing.T) {
	out, errs, code := render(t, "\x1b@\xd6\xd0\xce\xc4\x1b\x99\n\x1dVB\x00tail\n\x1dk")
	if want := "中文\n--- cut: partial ---\ntail\n"; out != want || code != success {
		t.Errorf("got %q, %d, want %q", out, code, want)
	}
	if want := "byte 6: unknown ESC 99 [1B 99]\nbyte 18: truncated GS k [1D 6B]: the stream ends in the middle of it\n"; errs != want {
		t.Errorf("listed %q, want %q", errs, want)
	}
	_, errs, _ = render(t, "\x1b@\x1bp\x00\x19\xfa", "--events")
	if want := "byte 0: reset ESC @\nbyte 2: drawer ESC p [00 19 FA]\n"; errs != want {
		t.Errorf("events %q, want %q", errs, want)
	}
}

func TestRenderKnowsOtherPrinters(t *testing.T) {
	if out, _, _ := render(t, "\x93\xfa\n", "--wide", "shift-jis"); out != "日\n" {
		t.Errorf("Shift-JIS: %q", out)
	}
	if out, _, _ := render(t, "\x82\n", "--wide", "off"); out != "é\n" {
		t.Errorf("code page: %q", out)
	}
	if out, _, _ := render(t, strings.Repeat("x", 33)+"\n", "--columns", "32"); out != strings.Repeat("x", 32)+"\nx\n" {
		t.Errorf("32 columns: %q", out)
	}
}

func TestRenderMakesDocumentsIntoSlips(t *testing.T) {
	out, errs, code := render(t, "中 | 9.50\n=", "--from", "receiptline", "--profile", "chinese-58")
	if want := "中                          9.50"; strings.TrimRight(out, "\n") != want || code != success {
		t.Errorf("got %q, %q, %d, want %q", out, errs, code, want)
	}
	out, _, code = render(t, `{"lines":[{"runs":[{"text":"中"}]}]}`, "--from", "document", "--escpos")
	if want := "\x1b@\x1c.\x1c&\xd6\xd0\x1c.\n"; out != want || code != success {
		t.Errorf("got %q, want %q", out, want)
	}
	_, errs, code = render(t, `{"lines":[{"runs":[{"text":"😀"}]}]}`, "--from", "document")
	if code != success || !strings.Contains(errs, "U+1F600") {
		t.Errorf("a character that nobody has: %d, %q", code, errs)
	}
	for _, args := range [][]string{{"--from", "document"}, {"--profile", "TM-T1"}} {
		if _, errs, code := render(t, "{", args...); code != problem || errs == "" {
			t.Errorf("%v: %d, %q", args, code, errs)
		}
	}
}

func TestRenderDraws(t *testing.T) {
	for flag, begin := range map[string]string{"--svg": "<svg ", "--png": "\x89PNG", "--json": "{\n"} {
		file := filepath.Join(t.TempDir(), "out")
		out, errs, code := render(t, "hello\n", flag, "-o", file)
		got, err := os.ReadFile(file)
		if err != nil || code != success || out != "" || errs != "" || !strings.HasPrefix(string(got), begin) {
			t.Errorf("%s: %v, %d, %q, %q, %.20q", flag, err, code, out, errs, got)
		}
	}
}

func TestRenderSaysWhatIsWrongWithItsArguments(t *testing.T) {
	var e bytes.Buffer
	g := &globals{In: strings.NewReader(""), Out: &e, Err: &e}
	if code := hwtest(t.Context(), g, []string{"render", "no such file"}); code != problem || !strings.Contains(e.String(), "no such file") {
		t.Errorf("missing file: %d, %q", code, e.String())
	}
	if _, errs, code := render(t, "", "--columns", "3"); code != problem || !strings.Contains(errs, "want 8 to 200") {
		t.Errorf("columns: %d, %q", code, errs)
	}
	if _, _, code := render(t, "", "--svg", "--png"); code != usageError {
		t.Errorf("two formats: %d", code)
	}
}
