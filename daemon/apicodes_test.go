package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// codeReader finds in the code of posd what the API may answer with.
type codeReader struct {
	constants map[string]string   // that are texts, by name
	refusals  map[string][]string // each code's HTTP statuses; "" where one is set apart from the code
	concerns  map[string][]string // what health names; no statuses
}

// refusing are the packages whose refusals and concerns reach a till.
var refusing = []string{"daemon", "daemon/api", "daemon/payment", "daemon/acquirer", "daemon/wallet", "daemon/wallet/alipay", "daemon/prints"}

func codesOf(t *testing.T) codeReader {
	r := codeReader{map[string]string{}, map[string][]string{}, map[string][]string{}}
	var files []source
	for _, s := range sources(t, "..") {
		if !s.test() && slices.Contains(refusing, s.pkg()) {
			files = append(files, s)
			ast.Inspect(s.file, r.constant)
		}
	}
	for _, s := range files {
		ast.Inspect(s.file, func(n ast.Node) bool { r.look(s.pkg(), n); return true })
	}
	return r
}

// constant notes a constant that is a text.
func (r codeReader) constant(n ast.Node) bool {
	if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == len(v.Names) {
		for i, name := range v.Names {
			if text := literal(v.Values[i]); text != "" {
				r.constants[name.Name] = text
			}
		}
	}
	return true
}

func literal(e ast.Expr) string {
	b, ok := e.(*ast.BasicLit)
	if !ok || b.Kind != token.STRING {
		return ""
	}
	text, _ := strconv.Unquote(b.Value)
	return text
}

// look finds refusals as they are written: payment.Problem{...}, refusal{...}, bad("code", ...), and a code that is set afterwards;
// and concerns: payment.Concern{...}, warn("code", ...).
func (r codeReader) look(pkg string, n ast.Node) {
	switch n := n.(type) {
	case *ast.CompositeLit:
		switch name := typeName(n.Type); {
		case name == "refusal", name == "payment.Problem", name == "Problem" && pkg == "daemon/payment":
			r.made(n, r.refusals)
		case name == "payment.Concern":
			r.made(n, r.concerns)
		case name == "[]payment.Concern":
			for _, e := range n.Elts {
				if one, ok := e.(*ast.CompositeLit); ok {
					r.made(one, r.concerns)
				}
			}
		}
	case *ast.CallExpr:
		switch fmt.Sprint(pkg, " ", typeName(n.Fun)) {
		case "daemon/api bad":
			add(r.refusals, literal(n.Args[0]), "400")
		case "daemon/payment warn":
			add(r.concerns, literal(n.Args[0]), "")
		}
	case *ast.AssignStmt:
		if len(n.Lhs) == len(n.Rhs) {
			for i, to := range n.Lhs {
				r.set(pkg, to, literal(n.Rhs[i]))
			}
		}
	}
}

// set is of a code that is not set where the rest is.
func (r codeReader) set(pkg string, to ast.Expr, code string) {
	field, ok := to.(*ast.SelectorExpr)
	switch name := typeName(to); {
	case ok && strings.EqualFold(field.Sel.Name, "code") && (pkg == "daemon/api" || pkg == "daemon/payment"):
		add(r.refusals, code, "")
	case name == "code" && pkg == "daemon/payment":
		add(r.concerns, code, "")
	}
}

func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return fmt.Sprint(e.X, ".", e.Sel)
	case *ast.ArrayType:
		return "[]" + typeName(e.Elt)
	}
	return ""
}

func (r codeReader) made(n *ast.CompositeLit, into map[string][]string) {
	code, status := "", "503" // a refusal without a status is of a tender that is not ready
	for _, e := range n.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		switch key := fmt.Sprint(kv.Key); {
		case strings.EqualFold(key, "status"):
			status = statusOf(kv.Value)
		case strings.EqualFold(key, "code"):
			code = cmp.Or(literal(kv.Value), r.constants[fmt.Sprint(kv.Value)])
		}
	}
	add(into, code, status)
}

// statusOf reads 409 or http.StatusConflict.
func statusOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		return e.Value
	case *ast.SelectorExpr:
		for n := 400; n < 600; n++ {
			if text := http.StatusText(n); text != "" && "Status"+strings.ReplaceAll(text, " ", "") == e.Sel.Name {
				return strconv.Itoa(n)
			}
		}
	}
	return ""
}

func add(to map[string][]string, code, status string) {
	if code != "" && !slices.Contains(to[code], status) {
		to[code] = append(to[code], status)
	}
}

var (
	refusalRow = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([0-9, ]+) \\| [^|]+ \\| [^|]+ \\|$")
	concernRow = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([^|0-9][^|]*) \\| [^|]+ \\|$")
)

func TestThePageOfCodesHasEveryOneThatTheAPIAnswersAndNoOther(t *testing.T) {
	page, err := os.ReadFile("api/CODES.md")
	if err != nil {
		t.Fatal(err)
	}
	found := codesOf(t)
	for what, tc := range map[string]struct {
		row  *regexp.Regexp
		have map[string][]string
	}{"refusal": {refusalRow, found.refusals}, "concern": {concernRow, found.concerns}} {
		told := map[string][]string{}
		for _, m := range tc.row.FindAllStringSubmatch(string(page), -1) {
			if told[m[1]] != nil {
				t.Errorf("the page has the %s %s twice", what, m[1])
			}
			told[m[1]] = strings.Split(m[2], ", ")
			if tc.have[m[1]] == nil {
				t.Errorf("the page has the %s %s, which nothing answers", what, m[1])
			}
		}
		for _, code := range slices.Sorted(maps.Keys(tc.have)) {
			if told[code] == nil {
				t.Errorf("the page lacks the %s %s %v", what, code, tc.have[code])
				continue
			}
			for _, status := range tc.have[code] {
				if status != "" && what == "refusal" && !slices.Contains(told[code], status) {
					t.Errorf("the page says %v of %s, the code %s", told[code], code, status)
				}
			}
		}
	}
}
