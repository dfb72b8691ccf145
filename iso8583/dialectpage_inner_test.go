package iso8583

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The tables of the page for integrators are held against the code: nothing is missing, nothing is made up, and a default
// that is named is the one that is taken. The tests of hwtest run the page's blocks.

// rowsOf gives the rows of a table of the page, by its first column's title. Cells lose the backquotes around them.
func rowsOf(t *testing.T, title string) (rows [][]string) {
	t.Helper()
	page, err := os.ReadFile("dialects/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(page), "\n| "+title+" |")
	for i, line := range strings.Split(table, "\n") {
		if i < 2 { // the rest of the title, and the rule under it
			continue
		}
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for n, c := range cells {
			cells[n] = plainCell(c)
		}
		rows = append(rows, cells)
	}
	if !found || len(rows) == 0 {
		t.Fatalf("the page has no table %q", title)
	}
	return rows
}

// plainCell takes the backquotes from a cell that is all code.
func plainCell(c string) string {
	c = strings.TrimSpace(c)
	if strings.Count(c, "`") == 2 && strings.HasPrefix(c, "`") && strings.HasSuffix(c, "`") {
		c = strings.Trim(c, "`")
	}
	return c
}

// firstCells gives the first column.
func firstCells(rows [][]string) (list []string) {
	for _, r := range rows {
		list = append(list, r[0])
	}
	return list
}

// sameList compares what the page has with what the code has.
func sameList(t *testing.T, what string, page, code []string) {
	t.Helper()
	for _, s := range page {
		if !slices.Contains(code, s) {
			t.Errorf("the page has a %s that there is not: %s", what, s)
		}
	}
	for _, s := range code {
		if !slices.Contains(page, s) {
			t.Errorf("the page lacks the %s %s", what, s)
		}
	}
	if len(page) != len(code) {
		t.Errorf("the page has %d of %s, want %d", len(page), what, len(code))
	}
}

// placeholdersOf names what a key of a file's map is, by the map's own key.
var keysOfMaps = map[string]string{
	"frame.request.words": "DIGIT", "fields": "N", "override": "MTI", "override.MTI": "N", "sub.tags": "TAG", "sub.fields": "N",
	"reply.roles": "ROLE", "transaction": "NAME", "transaction.NAME.set": "FIELD", "transaction.NAME.reversal.set": "FIELD",
	"reversal.reasons": "REASON", "settlement.kinds": "NAME", "answers": "CODE",
}

// fileKeys gives the keys that a dialect file may have, with their types in words. What a field has stands once.
func fileKeys(path string, t reflect.Type, all map[string]string) {
	switch {
	case t == reflect.TypeFor[fieldFile]() && path != "fields.N":
		all[path] = "table"
	case t == reflect.TypeFor[[]fieldFile]():
		all[path] = "list of tables"
	case t.Kind() == reflect.Pointer, t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		fileKeys(path, t.Elem(), all)
	case t.Kind() == reflect.Map:
		fileKeys(path+"."+keysOfMaps[path], t.Elem(), all)
	case t.Kind() == reflect.Struct:
		if t == reflect.TypeFor[fieldFile]() {
			all[path] = "table"
		}
		for field := range t.Fields() {
			key := field.Tag.Get("toml")
			fileKeys(strings.TrimPrefix(path+"."+key, "."), field.Type, all)
		}
	default:
		all[path] = typeWords[t.String()]
	}
}

var typeWords = map[string]string{
	"string": "string", "int": "integer", "bool": "boolean", "[]string": "list of strings", "[]int": "list of integers",
}

func TestPageHasEveryKeyOfADialectFileWithItsType(t *testing.T) {
	want := map[string]string{}
	fileKeys("", reflect.TypeFor[dialectFile](), want)
	rows := rowsOf(t, "key")
	sameList(t, "key", firstCells(rows), slices.Collect(maps.Keys(want)))
	for _, r := range rows {
		if r[1] != want[r[0]] {
			t.Errorf("%s is a %s on the page, in the code a %s", r[0], r[1], want[r[0]])
		}
	}
}

// least is a dialect that says no more than it must.
const least = `name = "least"
fields.3  = { format = "n6" }
fields.4  = { format = "n12" }
fields.11 = { format = "n6" }
fields.41 = { format = "ans8" }
fields.42 = { format = "ans15" }
fields.64 = { format = "b8" }
mac.algorithm = "x9.19"
mac.field     = 64
`

// withKey is least, or least with one more line.
func withKey(t *testing.T, line string) *Dialect {
	t.Helper()
	d, err := Load("least.toml", []byte(least+line+"\n"))
	if err != nil {
		t.Errorf("%s: %v", line, err)
	}
	return d
}

func TestPageNamesTheDefaultsThatAreTaken(t *testing.T) {
	plain, tried := withKey(t, ""), 0
	for _, r := range rowsOf(t, "key") {
		written := regexp.MustCompile(`^("|\[|[0-9]|true|false)`).MatchString(r[2])
		if !written || regexp.MustCompile(`\b[A-Z]+\b|^sub\.`).MatchString(r[0]) {
			continue
		}
		tried++
		if said := withKey(t, r[0]+" = "+r[2]); said != nil && !reflect.DeepEqual(emptied(*said), emptied(*plain)) {
			t.Errorf("%s = %s is not what is taken when nothing is said", r[0], r[2])
		}
	}
	if tried < 35 {
		t.Errorf("only %d defaults were tried", tried)
	}
	for _, r := range rowsOf(t, "role") {
		if place := plain.RoleField(r[0]); r[1] != strings.TrimSuffix(fmt.Sprint(place), "0") && r[1] != fmt.Sprint(place) {
			t.Errorf("role %s is in %q on the page, in the code in %d", r[0], r[1], place)
		}
	}
}

// emptied makes empty and missing lists and tables the same.
func emptied(d Dialect) Dialect {
	s := &d.settlement
	if len(s.balanced) == 0 {
		s.balanced = nil
	}
	if len(s.unbalanced) == 0 {
		s.unbalanced = nil
	}
	return d
}

func TestPageHasEveryRole(t *testing.T) {
	_, err := Load("least.toml", []byte(least+"reply.roles.none = \"1\"\n"))
	if err == nil {
		t.Fatal("an unknown role is taken")
	}
	_, names, _ := strings.Cut(err.Error(), "there are: ")
	sameList(t, "role", firstCells(rowsOf(t, "role")), strings.Fields(names))
}

func TestPageHasEveryPlaceholder(t *testing.T) {
	rows := rowsOf(t, "placeholder")
	want := []string{"{" + macPlaceholder + "}"}
	for name := range placeholders {
		want = append(want, "{"+name+"}")
	}
	sameList(t, "placeholder", firstCells(rows), want)
	for _, r := range rows {
		if must := placeholders[strings.Trim(r[0], "{}")]; must != (r[1] == "must") {
			t.Errorf("%s must be there: %t, the page says %q", r[0], must, r[1])
		}
	}
}

func TestPageNamesEveryTransactionThatPosdKnows(t *testing.T) {
	d, err := Preset("unionpay") // which has them all
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, cell := range firstCells(rowsOf(t, "transaction")) {
		for _, m := range regexp.MustCompile("`?([a-z-]{4,})`?").FindAllStringSubmatch(cell, -1) {
			names = append(names, m[1])
		}
	}
	sameList(t, "transaction", names, d.Transactions())
}

func TestPageWritesFormatsAsTheyAreOnTheWire(t *testing.T) {
	for _, r := range rowsOf(t, "format") {
		more := r[1]
		if more != "" {
			more = ", " + more
		}
		d, err := Load("row.toml", fmt.Appendf(nil, "name = \"row\"\nfields.2 = { format = %q%s }\n", r[0], more))
		if err != nil {
			t.Errorf("%v: %v", r, err)
			continue
		}
		m := &Message{MTI: "0200"}
		m.setValue(2, r[2])
		packed, err := d.Pack(nil, m)
		if err != nil {
			t.Errorf("%v: %v", r, err)
			continue
		}
		if got := fmt.Sprintf("% X", packed[10:]); got != r[3] { // behind MTI and bitmap
			t.Errorf("%s, %s of %q is %s, the page has %s", r[0], r[1], r[2], got, r[3])
		}
		if back, _, err := d.Unpack(packed); err != nil || strings.TrimSpace(back.written(2)) != strings.TrimSpace(r[2]) && !strings.Contains(r[1], "fill") {
			t.Errorf("%s, %s: %v comes back", r[0], r[1], errors.Join(err, fmt.Errorf("%q", back.written(2))))
		}
	}
}

func TestPageTellsPresetsByTheirFirstBytes(t *testing.T) {
	rows := rowsOf(t, "the frame begins with")
	for _, name := range Presets() {
		d, err := Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := d.Build("sign-on", VarMap{"trace": "000001", "batch": "000001", "terminal": "10000001", "merchant": "898000000000001", "currency": "156"})
		if err != nil {
			t.Fatal(err)
		}
		packed, err := d.Pack(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		frame, err := d.AppendFrame(nil, packed)
		if err != nil {
			t.Fatal(err)
		}
		text, says := fmt.Sprintf("% X", frame), []string(nil)
		for _, r := range rows {
			if regexp.MustCompile("^" + r[0]).MatchString(text) {
				says = append(says, r[2])
			}
		}
		if !slices.Equal(says, []string{name}) {
			t.Errorf("a sign-on of %s looks like %v", name, says)
		}
	}
}

func TestPageCallsFaultsAsTheDoctorDoes(t *testing.T) {
	for _, cell := range firstCells(rowsOf(t, "doctor says")) {
		name, zh, _ := strings.Cut(strings.TrimSuffix(cell, ")"), " (")
		if known := faultsKnown[FaultName(name)]; known.zh != zh {
			t.Errorf("no fault is called %s", cell)
		}
	}
	for _, r := range rowsOf(t, "class") {
		for word := range strings.SplitSeq(strings.ReplaceAll(r[0], "`", ""), ", ") {
			if _, known := classes[word]; !known && word != "or none said" {
				t.Errorf("there is no class %s", word)
			}
		}
	}
}
