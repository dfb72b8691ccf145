package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"posd/config"
	"posd/iso8583"
)

// The page for integrators is run from its first line to its last: what it tells a reader to write is written, what it
// tells him to call is called, and what it shows must be what he will see.
const (
	dialectPage = "../iso8583/dialects/README.md"
	pageHost    = "127.0.0.1:5000" // the simulated host's address on the page; a free port takes its place
)

// block is what stands between two fences of the page. Its name is the second word behind the first fence: a file.
type block struct {
	line             int
	kind, name, text string
}

func blocksOf(t *testing.T) (list []block) {
	t.Helper()
	page, err := os.ReadFile(dialectPage)
	if err != nil {
		t.Fatal(err)
	}
	open := false
	for i, line := range strings.Split(string(page), "\n") {
		info, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open:
			open = false
		case fence:
			open = true
			kind, name, _ := strings.Cut(info, " ")
			list = append(list, block{line: i + 1, kind: kind, name: name})
		case open:
			list[len(list)-1].text += line + "\n"
		}
	}
	if len(list) < 20 || open {
		t.Fatalf("the page has %d blocks, and the last one is open: %t", len(list), open)
	}
	return list
}

// reader does what the page says, in a folder of his own.
type reader struct {
	t    *testing.T
	host string // where the simulated host really listens
}

func TestPageForIntegratorsDoesWhatItSays(t *testing.T) {
	blocks := blocksOf(t)
	t.Chdir(t.TempDir())
	r := &reader{t: t}
	for _, b := range blocks {
		switch {
		case b.kind == "console":
			r.session(b)
		case b.kind == "toml" && b.name == "example.toml": // it grows from block to block, and is whole after each
			r.write(b, os.O_APPEND)
			r.fine(b, b.name)
		case b.kind == "toml" && b.name == "":
			b.name = fmt.Sprintf("line%d.toml", b.line)
			r.write(b, os.O_EXCL)
			r.fine(b, b.name)
		case slices.Contains([]string{"toml", "json", "text"}, b.kind) && b.name != "":
			r.write(b, os.O_EXCL)
		default:
			t.Errorf("line %d: nothing is known of a block %q %q", b.line, b.kind, b.name)
		}
	}
	if r.host == "" {
		t.Error("nobody talked to a host")
	}
	sampleIsTheDialects(t)
	posdTakesIt(t)
}

func (r *reader) write(b block, how int) {
	r.t.Helper()
	f, err := os.OpenFile(b.name, os.O_CREATE|os.O_WRONLY|how, 0o600)
	if err != nil {
		r.t.Fatalf("line %d: %v", b.line, err)
	}
	defer f.Close()
	if b.kind == "toml" {
		b.text += "\n"
	}
	if _, err := f.WriteString(b.text); err != nil {
		r.t.Fatal(err)
	}
}

// fine wants a dialect without mistakes. Warnings are for blocks that show one thing and leave out the rest.
func (r *reader) fine(b block, file string) {
	r.t.Helper()
	if out, complaint, code := bench(r.t, "", "iso", "check", file); code != success {
		r.t.Errorf("line %d: %s%s", b.line, out, complaint)
	}
}

// session calls each command of a block and compares what it prints.
func (r *reader) session(b block) {
	r.t.Helper()
	if !strings.HasPrefix(b.text, "$ ") {
		r.t.Fatalf("line %d: a session begins with a command", b.line)
	}
	for _, part := range strings.Split("\n"+b.text, "\n$ ")[1:] {
		command, want, _ := strings.Cut(part, "\n")
		want = strings.TrimRight(want, "\n") + "\n"
		got, code := r.call(command)
		if !shows(want, got) {
			r.t.Errorf("line %d: $ %s\ngot:\n%s\nwant:\n%s", b.line, command, got, want)
		}
		if lines := strings.Split(strings.TrimSpace(want), "\n"); (code == success) == strings.HasPrefix(lines[len(lines)-1], "hwtest ") {
			r.t.Errorf("line %d: $ %s: exit code %d", b.line, command, code)
		}
	}
}

// call runs a command line, or several joined by pipes, and gives what would stand on the screen.
func (r *reader) call(line string) (screen string, code int) {
	r.t.Helper()
	if sim, ok := strings.CutSuffix(line, " &"); ok {
		s := start(r.t, strings.Fields(strings.Replace(sim, pageHost, "127.0.0.1:0", 1))[1:]...)
		r.host = s.address
		return fmt.Sprintf("ready host %s control=%s\n", pageHost, s.control), success
	}
	in := ""
	for command := range strings.SplitSeq(line, " | ") {
		words := strings.Fields(strings.Replace(command, pageHost, cmp.Or(r.host, pageHost), 1))
		if words[0] != "hwtest" {
			r.t.Fatalf("$ %s: only hwtest can be called here", line)
		}
		out, complaint, exit := bench(r.t, in, words[1:]...)
		in, screen, code = out, screen+complaint, exit
	}
	return strings.ReplaceAll(in+screen, cmp.Or(r.host, pageHost), pageHost), code
}

// shows compares what is printed with the page, where … stands for anything in a line, and alone for any lines.
func shows(want, got string) bool {
	var pattern strings.Builder
	for line := range strings.Lines(want) {
		line = strings.TrimSuffix(line, "\n")
		if line == "…" {
			pattern.WriteString(`(?:.*\n)*?`)
			continue
		}
		pattern.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*") + `\n`)
	}
	return regexp.MustCompile(`^` + pattern.String() + `$`).MatchString(got)
}

// sampleIsTheDialects builds the sale of the page by its template: it is the acquirer's sample, to the last byte.
func sampleIsTheDialects(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile("example.toml")
	if err != nil {
		t.Fatal(err)
	}
	d, err := iso8583.Load("example.toml", text)
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.Build("sale", iso8583.VarMap{
		"amount": "000000001999", "trace": "000123", "time": "193800", "date": "1122", "entry": "02", "batch": "000001",
		"track2": "4111111111111111D30121011234567890123", "terminal": "10000001", "merchant": "898000000000001", "currency": "156",
	})
	if err != nil {
		t.Fatal(err)
	}
	packed, err := d.Pack(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Sign(packed, plainKey{0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10}); err != nil {
		t.Fatal(err)
	}
	frame, err := d.AppendFrame(nil, packed)
	if err != nil {
		t.Fatal(err)
	}
	sample, err := os.ReadFile("sample.hex")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprintf("%X", frame), strings.Join(strings.Fields(string(sample)), ""); got != want {
		t.Errorf("the sale is\n%s, the sample\n%s", got, want)
	}
}

// posdTakesIt reads the page's posd.toml as posd does.
func posdTakesIt(t *testing.T) {
	t.Helper()
	for name, text := range map[string]string{"tmk": testTMK, "sell.token": strings.Repeat("5E", 32), "supervisor.token": strings.Repeat("A1", 32), "seal.key": strings.Repeat("0F", 32)} {
		if err := os.WriteFile(name, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Load("posd.toml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Secrets(); err != nil {
		t.Error(err)
	}
	if filepath.Base(c.Acquirer.DialectFile) != "example.toml" || !c.Acquirer.Enabled {
		t.Errorf("posd would use %q", c.Acquirer.DialectFile)
	}
}
