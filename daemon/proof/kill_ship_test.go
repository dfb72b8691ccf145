//go:build proof && linux

package proof

import (
	"bytes"
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestThePosdThatShipsHasNoStepToCrashAt(t *testing.T) {
	t.Parallel()
	for flags, want := range map[string]bool{"": false, "-tags steps": true} {
		binary, err := shipped(t.Context(), strings.Fields(flags)...)
		if err != nil {
			t.Fatal(err)
		}
		symbols, variable := stepsIn(t.Context(), t, binary)
		if (symbols > 0) != want || variable != want {
			t.Errorf("posd built with %q has %d symbols of daemon/step, and %s: %v; want %v", flags, symbols, stepVariable, variable, want)
		}
	}
}

// stepsIn counts the symbols of daemon/step in a binary, and tells whether it knows the variable.
func stepsIn(ctx context.Context, t *testing.T, binary string) (symbols int, variable bool) {
	t.Helper()
	out, err := exec.CommandContext(ctx, "go", "tool", "nm", binary).Output()
	if err != nil {
		t.Fatalf("go tool nm: %v", err)
	}
	text, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(out, []byte("posd/daemon/step.")), bytes.Contains(text, []byte(stepVariable))
}

// A step that no place names is one at which posd is never killed.
func TestEveryStepInTheSourceIsAPlaceToKillAt(t *testing.T) {
	t.Parallel()
	named := map[string]bool{}
	for _, p := range places {
		for stage := range strings.SplitSeq(p.step+","+p.first, ",") {
			named[regexp.MustCompile(`:[0-9]+$`).ReplaceAllString(stage, "")] = true
		}
	}
	found := stepsOf(t, root+"/daemon")
	if len(found) == 0 {
		t.Fatal("there is no step in the source")
	}
	for name, file := range found {
		if !named[name] {
			t.Errorf("%s has the step %q, and no place is there", file, name)
		}
	}
}

// stepsOf lists the names that are given to step.At below a folder, and where.
func stepsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if step, ok := stepAt(n); ok {
				found[step] = name
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// stepAt gives the name in a call of step.At.
func stepAt(n ast.Node) (string, bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) != 1 {
		return "", false
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || f.Sel.Name != "At" {
		return "", false
	}
	of, isName := f.X.(*ast.Ident)
	text, isText := call.Args[0].(*ast.BasicLit)
	if !isName || of.Name != "step" || !isText {
		return "", false
	}
	name, err := strconv.Unquote(text.Value)
	return name, err == nil
}
