package printer_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"posd/drivers/printer"
)

// block is the first block of a language in the README.
func block(t *testing.T, language string) string {
	t.Helper()
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "```"+language+"\n")
	text, _, closed := strings.Cut(rest, "\n```")
	if !ok || !closed {
		t.Fatalf("the README has no block of %s", language)
	}
	return text
}

func TestThePageAndItsDocumentsAreTrue(t *testing.T) {
	var d printer.Document
	dec := json.NewDecoder(strings.NewReader(block(t, "json")))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		t.Fatal(err)
	}
	for name, doc := range map[string]printer.Document{"json": d, "receiptline": printer.Receiptline(block(t, "receiptline"))} {
		p := show(t, doc, "chinese-58")
		text := slipText(p)
		for _, want := range []string{
			"上海便利店", "可口可乐 330ml", "7.00\n", "合计", "￥7.00\n", "[EAN13 6901234567892]", "[QR https://example.com/r/1]",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is not in\n%s", name, want, text)
			}
		}
		if len(p.Missing) > 0 || len(p.Drawn) > 0 {
			t.Errorf("%s: missing %q, drawn %q", name, string(p.Missing), string(p.Drawn))
		}
	}
}

// testSources is the text of all tests that may show a fault of a printer.
func testSources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, folder := range []string{"..", "../../hwtest"} {
		err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			all.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

func TestEveryFaultOfThePageIsShownByATestThatIsThere(t *testing.T) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(page), "| fault | what is told | test |\n")
	table, _, closed := strings.Cut(table, "\n\n")
	if !ok || !closed {
		t.Fatal("the README has no table of faults")
	}
	sources, rows := testSources(t), 0
	for line := range strings.Lines(table) {
		for _, name := range regexp.MustCompile("`(Test[^`]*)`").FindAllStringSubmatch(line, -1) {
			test, row, _ := strings.Cut(name[1], "/")
			if !strings.Contains(sources, "func "+test+"(t *testing.T)") || !strings.Contains(sources, `name: "`+row) {
				t.Errorf("no test shows %s", name[1])
			}
			rows++
		}
	}
	if rows < 25 {
		t.Errorf("the table names %d tests", rows)
	}
	for _, row := range regexp.MustCompile(`\{?\bname: "([^"]+)"`).FindAllStringSubmatch(faultTable(t), -1) {
		if !strings.Contains(table, "/"+row[1]+"`") {
			t.Errorf("%q is not in the README's table", row[1])
		}
	}
}

// faultTable is the source of the table of faults.
func faultTable(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../hwtest/devicesim/fault_test.go")
	_, table, ok := strings.Cut(string(text), "var printerFaults")
	table, _, closed := strings.Cut(table, "\n}\n")
	if err != nil || !ok || !closed {
		t.Fatalf("no table of faults: %v", err)
	}
	return table
}
