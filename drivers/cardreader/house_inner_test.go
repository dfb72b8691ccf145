package cardreader

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// verbs are those of fmt in a format string.
var verbs = regexp.MustCompile(`%[^a-zA-Z%]*[a-zA-Z]`)

// TestCardDataPassesThroughNothingThatKeepsIt reads this package's source: no conversion of bytes to a string but the
// masking, of bufio the type of a split function only, no JSON, and fmt with numbers, durations and errors only.
func TestCardDataPassesThroughNothingThatKeepsIt(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		seen++
		for _, imp := range file.Imports {
			if strings.HasPrefix(imp.Path.Value, `"encoding/`) && imp.Path.Value != `"encoding/binary"` {
				t.Errorf("%s imports %s", f.Name(), imp.Path.Value)
			}
		}
		for _, d := range file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			ast.Inspect(d, func(n ast.Node) bool {
				if what := leaks(n, ok && fn.Name.Name == "mask"); what != "" {
					t.Errorf("%s: %s", fset.Position(n.Pos()), what)
				}
				return true
			})
		}
	}
	if seen < 5 {
		t.Errorf("only %d files were looked at", seen)
	}
}

// leaks says what is wrong with a piece of source, if anything is.
func leaks(n ast.Node, masking bool) string {
	if s, ok := n.(*ast.SelectorExpr); ok {
		if x, ok := s.X.(*ast.Ident); ok && x.Name == "bufio" && s.Sel.Name != "SplitFunc" {
			return "bufio." + s.Sel.Name + " buffers what nobody wipes"
		}
	}
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return ""
	}
	if f, ok := call.Fun.(*ast.Ident); ok && f.Name == "string" && !masking {
		return "a string cannot be wiped"
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if x, ok := f.X.(*ast.Ident); !ok || x.Name != "fmt" {
		return ""
	}
	lit, ok := call.Args[0].(*ast.BasicLit)
	if !ok || f.Sel.Name != "Errorf" {
		return "fmt." + f.Sel.Name + " without a constant format"
	}
	format, err := strconv.Unquote(lit.Value)
	if err != nil {
		return err.Error()
	}
	for _, v := range verbs.FindAllString(format, -1) {
		if v != "%w" && v != "%d" && v != "%v" {
			return "the verb " + v + " may show content"
		}
	}
	return ""
}
