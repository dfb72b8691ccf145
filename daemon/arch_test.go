package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// table says which package of the house may import which others. "x/..." is x and all below it. It changes in a commit
// of its own, with its reason.
var table = map[string][]string{
	"config":             {"config/access"}, // of wallets it is told the sections that their packages bring
	"config/access":      nil,               // who may read and change files on Windows: secrets are checked by it, and install closes folders
	"iso8583":            nil,
	"drivers/plug":       nil, // what is plugged in; a port is opened by it, and the bench lists it
	"drivers/port":       {"drivers/plug"},
	"drivers/hid":        nil,
	"drivers/trace":      {"drivers/port"}, // recorded traffic: the bench and drivers' tests, never posd
	"daemon/step":        nil,              // places to crash at, empty in the posd that ships: whatever is durable or leaves has one
	"daemon/journal":     {"daemon/step"},
	"daemon/wallet/sign": nil,
	"iso8583/bench":      {"iso8583"}, // a module of its own: what posd is compared with is none of its dependencies
	"iso8583/link":       {"iso8583"},

	"drivers/printer":         {"drivers/port", "drivers/printer/..."}, // escpos, paper, symbol, glyph: what previews are made with
	"drivers/printer/escpos":  nil,                                     // bytes to what stands on paper: previews, the bench and the simulator
	"drivers/printer/glyph":   nil,                                     // characters as dots: pictures, and what a printer has no character for
	"drivers/printer/symbol":  nil,                                     // codes as modules: pictures, and printers without QR
	"drivers/printer/paper":   {"drivers/printer/escpos", "drivers/printer/glyph", "drivers/printer/symbol"},
	"drivers/printer/profile": nil, // what models of printers can do: data

	"drivers/template":       {"drivers/port", "drivers/scanner"}, // to copy; posd does not use it
	"drivers/pcsc":           nil,                                 // chip cards by pcscd or winscard.dll: the bench; posd takes no payment by chip
	"drivers/emv":            {"drivers/port"},                    // what a chip says for field 55: the bench, likewise; port: secrets
	"drivers/scanner":        {"drivers/port", "drivers/hid"},
	"drivers/cardreader":     {"drivers/port", "drivers/hid"},
	"drivers":                {"drivers/..."},
	"daemon/payment":         {"daemon/journal", "daemon/step"},
	"daemon/acquirer":        {"daemon/payment", "daemon/step", "iso8583", "iso8583/link", "drivers/cardreader"},
	"daemon/wallet":          {"config", "daemon/bill", "daemon/payment", "daemon/step", "daemon/wallet/sign", "drivers/scanner"},
	aWallet:                  {"config", "daemon/bill", "daemon/payment", "daemon/wallet", "daemon/wallet/sign"}, // its section, its bills
	"daemon/wallet/wechat":   {"config", "daemon/bill", "daemon/payment", "daemon/wallet", "daemon/wallet/sign", "daemon/wallet/wechatv3"},
	"daemon/wallet/wechatv3": {"daemon/payment", "daemon/wallet", "daemon/wallet/sign"},
	"daemon/wallet/brands":   {"daemon/wallet/..."}, // the one list
	"daemon/wallet/interop":  nil,                   // a module of its own, tests only: other people's clients against the simulator
	"daemon/bill":            {"daemon/payment"},
	"daemon/reconcile":       {"daemon/bill", "daemon/payment"},                                             // pure: what a bill says against what the journal does
	"daemon/prints":          {"daemon/journal", "daemon/step", "drivers/printer", "drivers/printer/paper"}, // paper: previews
	"daemon/receipt":         {"daemon/payment", "drivers/printer"},
	"daemon/api":             {"daemon/payment", "daemon/step", "daemon/prints", "drivers"},
	"daemon/proof":           nil, // tests only
	"daemon":                 {"config", "config/access", "iso8583/...", "drivers/...", "daemon/..."},
	"hwtest/hostsim":         {"iso8583", "iso8583/link"},
	"hwtest/walletsim":       {"daemon/wallet/sign"},
	"hwtest/phone":           {"hwtest/walletsim"}, // the other end of the simulator's phones' door: its words, and the offline algorithm
	"hwtest/devicesim":       {"drivers/...", "iso8583/link"},
	"hwtest/lab":             {"drivers/..."}, // tests only, in a machine of their own
	"hwtest/suite":           {"drivers/...", "iso8583/link"},
	"hwtest":                 {"config", "iso8583/...", "drivers/...", "hwtest/..."},
}

// aWallet is the row of every package below daemon/wallet that has none of its own: a new one needs none.
const aWallet = "daemon/wallet/*"

// row gives the name of a package's row.
func row(pkg string) string {
	if _, own := table[pkg]; !own && path.Dir(pkg) == path.Dir(aWallet) && !strings.HasSuffix(pkg, "test") {
		return aWallet
	}
	return pkg
}

// inTests is what the tests of a package, and of all below it, may import besides.
var inTests = map[string][]string{
	"drivers":          {"drivers/trace"},
	"drivers/template": {"drivers/..."},      // the guide lists every driver
	"drivers/emv":      {"hwtest/devicesim"}, // a card with an issuer's end that checks its cryptograms
	"daemon":           {"daemon/...", "config", "iso8583/...", "drivers/...", "hwtest/..."},
	"hwtest":           {"hwtest/...", "iso8583/..."},
	// What is said of wallets' sections.
	"config": {"daemon/wallet", "daemon/wallet/brands"},
	// A merchant who signs: what a phone shows is worth what a gateway pays for it.
	"hwtest/phone": {"daemon/wallet/sign"},
}

const module = "posd"

// source is one Go file of the house, whatever its build tags.
type source struct {
	path string // from the root, with slashes
	file *ast.File
	fset *token.FileSet
}

func (s source) pkg() string  { return path.Dir(s.path) }
func (s source) test() bool   { return strings.HasSuffix(s.path, "_test.go") }
func (s source) lines() int   { return s.fset.File(s.file.FileStart).LineCount() }
func (s source) main() bool   { return s.file.Name.Name == "main" }
func (s source) lead() string { return firstLine(s.file.Doc.Text()) }

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// ours gives the file's imports within the house, without the module's name.
func (s source) ours() []string {
	var all []string
	for _, imp := range s.file.Imports {
		if name, err := strconv.Unquote(imp.Path.Value); err == nil {
			if rest, ok := strings.CutPrefix(name, module+"/"); ok {
				all = append(all, rest)
			}
		}
	}
	return all
}

// walk visits the files of the tree below root, but for what git and the Go tool do not see as source.
func walk(root string, visit func(name string) error) error {
	return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			hidden := strings.HasPrefix(d.Name(), ".") && d.Name() != ".ci" && name != root
			if hidden || slices.Contains([]string{"bin", "dist"}, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		return visit(name)
	})
}

func sources(t *testing.T, root string) []source {
	t.Helper()
	var all []source
	fset := token.NewFileSet()
	err := walk(root, func(name string) error {
		rel, err := filepath.Rel(root, name)
		if err != nil || path.Ext(name) != ".go" || strings.Contains(filepath.ToSlash(rel), "testdata/") {
			return err
		}
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		all = append(all, source{path: filepath.ToSlash(rel), file: file, fset: fset})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func matches(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		below, tree := strings.CutSuffix(p, "/...")
		return p == pkg || tree && (pkg == below || strings.HasPrefix(pkg, below+"/"))
	})
}

// allowed tells whether a file of pkg may import what.
func allowed(pkg, what string, test bool) bool {
	if matches(table[row(pkg)], what) {
		return true
	}
	if parent, ok := strings.CutSuffix(pkg, "test"); ok && table[pkg] == nil {
		return what == path.Dir(pkg) || what == parent || test && what == pkg // porttest may import port, which it is for; its tests itself
	}
	if !test {
		return false
	}
	if what == pkg || strings.HasSuffix(what, "test") && !strings.HasPrefix(what, "hwtest") {
		return true
	}
	for above := pkg; above != "."; above = path.Dir(above) {
		if matches(inTests[above], what) {
			return true
		}
	}
	return false
}

func wrongImports(files []source) []string {
	var found []string
	for _, s := range files {
		if _, known := table[row(s.pkg())]; !known && !strings.HasSuffix(s.pkg(), "test") {
			found = append(found, s.path+": package "+s.pkg()+" has no row in the import table")
			continue
		}
		for _, what := range s.ours() {
			if !allowed(s.pkg(), what, s.test()) {
				found = append(found, fmt.Sprintf("%s: %s may not import %s", s.path, s.pkg(), what))
			}
		}
	}
	return found
}

func wrongPackageComments(files []source) []string {
	comments := map[string]int{}
	var found []string
	for _, s := range files {
		if s.test() {
			continue
		}
		comments[s.pkg()] += 0
		if s.file.Doc == nil {
			continue
		}
		comments[s.pkg()]++
		want := "Package " + s.file.Name.Name + " "
		if s.main() {
			want = "Command "
		}
		if !strings.HasPrefix(s.lead(), want) {
			found = append(found, fmt.Sprintf("%s: the package comment begins %q, want %q", s.path, s.lead(), want))
		}
	}
	for pkg, n := range comments {
		if n != 1 {
			found = append(found, fmt.Sprintf("%s: %d files have a package comment, want 1", pkg, n))
		}
	}
	return found
}

func TestHouseImportsPointOneWay(t *testing.T) {
	report(t, wrongImports(sources(t, "..")))
}

// A wallet is one package: nobody else knows it, but the list.
func TestHouseWalletsAreNamedInOneList(t *testing.T) {
	rooms := []string{"daemon/wallet/sign", "daemon/wallet/brands"} // below daemon/wallet, and no wallets
	var found []string
	for _, s := range sources(t, "..") {
		if s.test() || s.pkg() == rooms[1] || strings.HasPrefix(s.pkg(), "daemon/wallet/") {
			continue
		}
		for _, what := range s.ours() {
			if strings.HasPrefix(what, "daemon/wallet/") && !slices.Contains(rooms, what) {
				found = append(found, s.path+" imports "+what)
			}
		}
	}
	report(t, found)
}

func TestHousePackagesSayWhatTheyAre(t *testing.T) {
	report(t, wrongPackageComments(sources(t, "..")))
}

func TestHouseShipsNoFakes(t *testing.T) {
	for _, system := range []string{"linux", "windows"} {
		for _, tags := range []string{"", "usb"} {
			cmd := exec.Command("go", "list", "-deps", "-tags", tags, ".")
			cmd.Env = append(os.Environ(), "GOOS="+system)
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("go list -deps -tags %q on %s: %v", tags, system, err)
			}
			report(t, fakes(strings.Fields(string(out))))
		}
	}
}

// fakes gives the packages that have no place in the shop's binary. Go's own internal ones are Go's business.
func fakes(deps []string) []string {
	var found []string
	for _, dep := range deps {
		if matches([]string{module + "/hwtest/..."}, dep) ||
			dep == "testing" || strings.HasSuffix(dep, "test") && !strings.HasPrefix(dep, "internal/") {
			found = append(found, "posd would ship "+dep)
		}
	}
	return found
}

func report(t *testing.T, found []string) {
	t.Helper()
	slices.Sort(found)
	for _, f := range found {
		t.Error(f)
	}
}
