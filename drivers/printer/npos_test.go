package printer_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"posd/drivers/port/porttest"
	"posd/drivers/printer"
	"posd/drivers/printer/profile"
)

// npm makes a folder with a script of ours and packages of others. Where npm gives none there is nothing to compare with, which in CI is a failure.
func npm(t *testing.T, script string, packages ...string) (folder string) {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			porttest.NothingToCompare(t, tool+" is not installed")
		}
	}
	folder = t.TempDir()
	source, err := filepath.Abs(script)
	if err != nil {
		t.Fatal(err)
	}
	setUp := fmt.Sprintf(`cp %q . && npm install --fetch-retries=5 --silent --no-audit --no-fund --ignore-scripts "$@"`, source)
	cmd := exec.CommandContext(t.Context(), "sh", append([]string{"-c", setUp, "npm"}, packages...)...)
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		porttest.NothingToCompare(t, fmt.Sprintf("npm does not give %q (%v)\n%s", packages, err, out))
	}
	return folder
}

// run gives a script in as JSON and reads what it says.
func run(t *testing.T, script string, in, out any) {
	t.Helper()
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", script)
	cmd.Stdin = bytes.NewReader(text)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	said, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(said, out)
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(script), err, &complaint)
	}
}

// stream is what a printer is sent, and what npos must know of the printer.
type stream struct {
	Pages  map[byte]string `json:"pages"`
	Wide   profile.Wide    `json:"wide"`
	Stream []byte          `json:"stream"`

	name, want string
}

// streams are all documents on all printers that have their characters: npos reads no pictures. What is wanted is the text that
// was asked, or, where it is laid out, what our own reader reads.
func streams(t *testing.T) (all []stream) {
	t.Helper()
	documents := map[string]printer.Document{}
	for name, text := range decoded {
		documents[name] = printer.Receiptline(text)
	}
	for i, text := range receiptlines {
		documents[fmt.Sprint("receiptline ", i)] = printer.Receiptline(text)
	}
	for language, text := range words {
		documents[language] = printer.Document{Lines: []printer.Line{printer.Plain(text)}}
	}
	for _, model := range profile.Names() {
		known, _ := profile.Lookup(model)
		for _, name := range slices.Sorted(maps.Keys(documents)) {
			if p := show(t, documents[name], model); len(p.Drawn)+len(p.Missing) == 0 {
				want, ok := words[name]
				if !ok {
					want = withoutCodes(slipText(p))
				}
				all = append(all, stream{known.CodePages, known.Wide, p.Bytes, name + " on " + model, printed(want)})
			}
		}
	}
	return all
}

// TestNposFindsTheTextThatWasAsked lets an ESC/POS parser of others tell text from commands in all that we send, and iconv-lite
// read it: code pages, GB18030 and the other two-byte sets, UTF-8.
func TestNposFindsTheTextThatWasAsked(t *testing.T) {
	folder := npm(t, "testdata/npos/text.js", "npos@0.1.19")
	all := streams(t)
	var texts []string
	run(t, filepath.Join(folder, "text.js"), all, &texts)
	if len(texts) != len(all) || len(all) < 1000 {
		t.Fatalf("%d texts of %d streams", len(texts), len(all))
	}
	for i, s := range all {
		got := printed(texts[i])
		if !strings.Contains(s.want, "\n") { // a narrow printer breaks what was one line
			got = strings.ReplaceAll(got, "\n", "")
		}
		if got != s.want {
			t.Errorf("%s: npos reads\n%s\nwant\n%s", s.name, got, s.want)
		}
	}
	t.Logf("%d streams", len(all))
}
