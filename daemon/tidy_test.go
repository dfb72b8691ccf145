package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	maxFileLines     = 400
	maxFunctionLines = 60
	maxFileSize      = 256 << 10
)

func tooLong(files []source) []string {
	var found []string
	for _, s := range files {
		if n := s.lines(); n > maxFileLines {
			found = append(found, fmt.Sprintf("%s: %d lines, want at most %d", s.path, n, maxFileLines))
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			n := s.fset.Position(f.Body.Rbrace).Line - s.fset.Position(f.Body.Lbrace).Line - 1
			if n > maxFunctionLines {
				found = append(found, fmt.Sprintf("%s: %s has %d lines, want at most %d", s.path, f.Name, n, maxFunctionLines))
			}
		}
	}
	return found
}

// undocumented gives the exported names of packages that others may import and that say nothing of themselves.
func undocumented(files []source) []string {
	var found []string
	for _, s := range files {
		if s.test() || s.main() {
			continue
		}
		for _, d := range s.file.Decls {
			for _, name := range silent(d) {
				found = append(found, fmt.Sprintf("%s: %s has no comment", s.path, name))
			}
		}
	}
	return found
}

// silent gives the exported names of a declaration that have no comment of their own nor of their group.
func silent(d ast.Decl) []string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Doc == nil && d.Name.IsExported() && exportedReceiver(d) {
			return []string{d.Name.Name}
		}
	case *ast.GenDecl:
		if d.Doc != nil && (d.Tok != token.TYPE || len(d.Specs) == 1) {
			return nil
		}
		return silentSpecs(d)
	}
	return nil
}

func silentSpecs(d *ast.GenDecl) []string {
	var names []string
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Doc == nil && spec.Name.IsExported() {
				names = append(names, spec.Name.Name)
			}
		case *ast.ValueSpec:
			if spec.Doc == nil && spec.Comment == nil && spec.Names[0].IsExported() {
				names = append(names, spec.Names[0].Name)
			}
		}
	}
	return names
}

func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	exported := false
	ast.Inspect(f.Recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && !exported {
			exported = id.IsExported()
			return false
		}
		return true
	})
	return exported
}

var (
	unfinished = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME)\b`)
	digits     = regexp.MustCompile(`[0-9]+`)
	// madeUp are the ranges of numbers that no bank gives out: what schemes and gateways publish for tests.
	madeUp = regexp.MustCompile(`^(411111|401288|400000|424242|555555|510510|222300|378282|371449|353011|305693|385200|601111|601100|620000)` +
		`|0{6}|12345678|(0123|1111|2222|3333|4444|5555|6666|7777|8888|9999){2}`)
	scheme = []struct {
		prefix  *regexp.Regexp
		lengths []int
	}{
		{regexp.MustCompile(`^4`), []int{13, 16, 19}},
		{regexp.MustCompile(`^(5[1-5]|35|2[2-7])`), []int{16}},
		{regexp.MustCompile(`^3[47]`), []int{15}},
		{regexp.MustCompile(`^3[068]`), []int{14}},
		{regexp.MustCompile(`^(6|5[06-8])`), []int{16, 17, 18, 19}},
	}
)

// looksLikeCard tells whether a run of digits could be somebody's card number.
func looksLikeCard(run string) bool {
	for _, s := range scheme {
		if s.prefix.MatchString(run) && slices.Contains(s.lengths, len(run)) {
			return luhn(run) && !madeUp.MatchString(run)
		}
	}
	return false
}

func luhn(number string) bool {
	sum := 0
	for i := range len(number) {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum%10 == 0
}

// untidyText looks through every text file of the tree, Go or not. Checksum files are not prose.
func untidyText(t *testing.T, root string) []string {
	t.Helper()
	var found []string
	err := walk(root, func(name string) error {
		text, err := os.ReadFile(name)
		if err != nil || path.Ext(name) == ".sum" {
			return err
		}
		rel, _ := filepath.Rel(root, name)
		if len(text) > maxFileSize {
			found = append(found, fmt.Sprintf("%s: %d bytes, want at most %d", rel, len(text), maxFileSize))
		}
		if bytes.IndexByte(text, 0) >= 0 {
			return nil
		}
		for i, line := range strings.Split(string(text), "\n") {
			if unfinished.MatchString(line) {
				found = append(found, fmt.Sprintf("%s:%d: work left for later belongs into an issue", rel, i+1))
			}
			if slices.ContainsFunc(digits.FindAllString(line, -1), looksLikeCard) {
				found = append(found, fmt.Sprintf("%s:%d: this looks like a card number; use one of the test ranges", rel, i+1))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestHouseFilesAndFunctionsAreShort(t *testing.T) {
	report(t, tooLong(sources(t, "..")))
}

func TestHouseExportedNamesAreDocumented(t *testing.T) {
	report(t, undocumented(sources(t, "..")))
}

func TestHouseTextIsTidy(t *testing.T) {
	report(t, untidyText(t, ".."))
}

// TestHouseRulesCatchWhatBreaksThem plants one of each fault in a small tree: a rule that finds nothing proves nothing.
func TestHouseRulesCatchWhatBreaksThem(t *testing.T) {
	root := t.TempDir()
	long := strings.Repeat("\n", maxFunctionLines+2)
	for name, text := range map[string]string{
		"iso8583/codec.go":           "// Package iso8583 is a codec.\npackage iso8583\n\nimport _ \"posd/daemon/journal\"\n",
		"daemon/acquirer/a.go":       "// Package acquirer is a tender.\npackage acquirer\n\nimport _ \"posd/hwtest/hostsim\"\n",
		"daemon/acquirer/a_test.go":  "package acquirer_test\n\nimport _ \"posd/hwtest/hostsim\"\n",
		"util/util.go":               "// Package util has no place here.\npackage util\n",
		"config/config.go":           "package config\n\n// Config is documented.\ntype Config struct{}\n\nfunc Load() {" + long + "}\n",
		"daemon/main.go":             "// Package main is no comment for a command.\npackage main\n",
		"daemon/payment/long.go":     "// Package payment is too long.\npackage payment\n" + strings.Repeat("// line\n", maxFileLines),
		"drivers/port/porttest/p.go": "// Package porttest is for tests.\npackage porttest\n\nimport _ \"posd/drivers/port\"\n",
		"NOTES.md":                   "TO" + "DO: everything\nof card 4539578763" + "621486\nand of card 4111111111111111\n",
	} {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := sources(t, root)
	got := slices.Concat(wrongImports(files), wrongPackageComments(files), tooLong(files), undocumented(files), untidyText(t, root),
		fakes([]string{"fmt", "posd/daemon/api", "posd/hwtest/hostsim", "posd/drivers/port/porttest"}))
	want := []string{
		"NOTES.md:1: work left for later belongs into an issue",
		"NOTES.md:2: this looks like a card number; use one of the test ranges",
		"config/config.go: Load has 61 lines, want at most 60",
		"config/config.go: Load has no comment",
		"config: 0 files have a package comment, want 1",
		"daemon/acquirer/a.go: daemon/acquirer may not import hwtest/hostsim",
		"daemon/main.go: the package comment begins \"Package main is no comment for a command.\", want \"Command \"",
		"daemon/payment/long.go: 402 lines, want at most 400",
		"iso8583/codec.go: iso8583 may not import daemon/journal",
		"posd would ship posd/drivers/port/porttest",
		"posd would ship posd/hwtest/hostsim",
		"util/util.go: package util has no row in the import table",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
