package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"posd/iso8583"
)

// isoDiffCmd is the verb iso diff.
type isoDiffCmd struct {
	dialectFlag
	DialectA string `name:"dialect-a" placeholder:"NAME" help:"The dialect of A, where it is not that of --dialect."`
	DialectB string `name:"dialect-b" placeholder:"NAME" help:"The dialect of B, where it is not that of --dialect."`
	JSON     bool   `name:"json" help:"Print JSON: {\"only_a\",\"only_b\",\"differs\",\"same\"}."`
	Reveal   bool   `help:"Show card numbers, tracks and PIN blocks. They are masked otherwise; compared are the values themselves."`
	A        string `arg:"" help:"A message: a file with hex, a dump or JSON; or the hex digits themselves, in quotes if they have spaces. -: from standard input."`
	B        string `arg:"" help:"The other one."`
}

// Help teaches by example.
func (isoDiffCmd) Help() string {
	return `Fields are compared by their number, what stands inside of them by its path (60.2, 55.9F26), so that the order of
data objects does not matter. The two may be of different dialects. The exit code is 0 when nothing differs and 1 when
something does.

Examples:

  hwtest iso diff monday.txt today.txt          # what has changed since it worked
  hwtest iso diff ours.json theirs.hex
  hwtest iso diff --dialect-a unionpay --dialect-b new-host.toml old.txt new.txt`
}

// errDiffer makes the exit code of messages that are not the same.
var errDiffer = errors.New("the messages differ")

// Run compares two messages.
func (c *isoDiffCmd) Run(g *globals) error {
	a, err := c.rows(g, c.DialectA, c.A)
	if err != nil {
		return fmt.Errorf("message A: %w", err)
	}
	b, err := c.rows(g, c.DialectB, c.B)
	if err != nil {
		return fmt.Errorf("message B: %w", err)
	}
	d := sideBySide(a, b)
	if c.JSON {
		err = d.printJSON(g.Out, c.Reveal)
	} else {
		d.print(g.Out, c.Reveal)
	}
	if err == nil && d.found() > 0 {
		err = errDiffer
	}
	return err
}

func (c *isoDiffCmd) rows(g *globals, dialect, message string) ([]isoRow, error) {
	if dialect == "" {
		dialect = c.Dialect
	}
	d, err := dialectFlag{dialect}.load()
	if err != nil {
		return nil, err
	}
	m, err := readMessage(g, d, []string{message})
	if err != nil {
		return nil, err
	}
	defer m.Wipe()
	head := []isoRow{{path: "tpdu", shown: m.TPDU, text: m.TPDU}, {path: "header", shown: m.Header, text: m.Header}, {path: "mti", shown: m.MTI, text: m.MTI, name: mtiWords(m.MTI)}}
	return append(head, messageRows(d, m)...), nil
}

// readMessage reads a message that is JSON, hex or a dump, given as it is or in a file.
func readMessage(g *globals, d *iso8583.Dialect, args []string) (*iso8583.Message, error) {
	text, err := textInput(g, args)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(strings.TrimSpace(string(text)), `{"`) {
		return parseFull(d, text)
	}
	raw, err := hexText(g, text)
	if err != nil {
		return nil, err
	}
	m, trailing, err := unpack(g, d, raw)
	if trailing > 0 {
		fmt.Fprintf(g.Err, "note: %d bytes after the last field\n", trailing)
	}
	return m, err
}

// difference is what two messages do not have in common.
type difference struct {
	onlyA, onlyB []isoRow
	differs      [][2]isoRow
	same         int
}

func (d *difference) found() int { return len(d.onlyA) + len(d.onlyB) + len(d.differs) }

// sideBySide lays two messages side by side. A field that both could open is compared by its parts; of what only one has,
// only the outermost is named.
func sideBySide(a, b []isoRow) *difference {
	d := &difference{}
	inA, inB, decided := byPath(a), byPath(b), map[string]bool{}
	for _, r := range a {
		other, both := inB[r.path]
		switch {
		case decided[parent(r.path)]:
		case !both:
			d.onlyA = append(d.onlyA, r)
		case r.group && other.group:
			continue // its parts follow
		case r.text == other.text:
			d.same++
		default:
			d.differs = append(d.differs, [2]isoRow{r, other})
		}
		decided[r.path] = true
	}
	for _, r := range b {
		if _, both := inA[r.path]; !both && !decided[parent(r.path)] {
			d.onlyB = append(d.onlyB, r)
			decided[r.path] = true
		}
	}
	d.addOrder(a, inB, decided)
	return d
}

// addOrder adds the fields whose parts are all the same but lie in another order or form.
func (d *difference) addOrder(a []isoRow, inB map[string]isoRow, decided map[string]bool) {
	for _, r := range a {
		other := inB[r.path]
		below := func(x isoRow) bool { return strings.HasPrefix(x.path, r.path+".") }
		if decided[r.path] || r.text == other.text || strings.Contains(r.path, ".") || slices.ContainsFunc(d.onlyA, below) || slices.ContainsFunc(d.onlyB, below) ||
			slices.ContainsFunc(d.differs, func(pair [2]isoRow) bool { return below(pair[0]) }) {
			continue
		}
		r.note = "the parts are the same, their order or their form is not"
		d.differs = append(d.differs, [2]isoRow{r, other})
	}
}

func byPath(rows []isoRow) map[string]isoRow {
	m := make(map[string]isoRow, len(rows))
	for _, r := range rows {
		m[r.path] = r
	}
	return m
}

// parent is the path of what a part stands in, itself for a field.
func parent(path string) string {
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		return path[:i]
	}
	return path
}

func (d *difference) print(w io.Writer, reveal bool) {
	printRows(w, "only in A", d.onlyA, reveal)
	printRows(w, "only in B", d.onlyB, reveal)
	if len(d.differs) > 0 {
		fmt.Fprintln(w, "differs")
	}
	for _, pair := range d.differs {
		a, b := pair[0], pair[1]
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("  %-8s  %s", a.path, a.name), " "))
		fmt.Fprintf(w, "  %8s  A: %s\n  %8s  B: %s\n", "", a.value(reveal), "", b.value(reveal))
		if note := pairNote(a, b, reveal); note != "" {
			fmt.Fprintf(w, "  %8s  %s\n", "", note)
		}
	}
	fmt.Fprintf(w, "same: %d\n", d.same)
}

// pairNote says what the two values do not show.
func pairNote(a, b isoRow, reveal bool) string {
	switch {
	case a.note != "" && b.note == "":
		return a.note
	case a.value(reveal) == b.value(reveal) && !reveal:
		return "they differ in what is masked"
	default:
		return ""
	}
}

func printRows(w io.Writer, title string, rows []isoRow, reveal bool) {
	if len(rows) > 0 {
		fmt.Fprintln(w, title)
	}
	for _, r := range rows {
		fmt.Fprintf(w, "  %-8s  %s: %s\n", r.path, r.name, r.value(reveal))
	}
}

// jsonRow is a row in JSON; a and b stand where both messages have the field.
type jsonRow struct {
	Path  string  `json:"path"`
	Name  string  `json:"name,omitempty"`
	Value *string `json:"value,omitempty"`
	A     *string `json:"a,omitempty"`
	B     *string `json:"b,omitempty"`
}

func (d *difference) printJSON(w io.Writer, reveal bool) error {
	out := struct {
		OnlyA   []jsonRow `json:"only_a"`
		OnlyB   []jsonRow `json:"only_b"`
		Differs []jsonRow `json:"differs"`
		Same    int       `json:"same"`
	}{jsonRows(d.onlyA, reveal), jsonRows(d.onlyB, reveal), []jsonRow{}, d.same}
	for _, pair := range d.differs {
		a, b := pair[0].value(reveal), pair[1].value(reveal)
		out.Differs = append(out.Differs, jsonRow{Path: pair[0].path, Name: pair[0].name, A: &a, B: &b})
	}
	return printJSON(w, out)
}

func jsonRows(rows []isoRow, reveal bool) []jsonRow {
	list := []jsonRow{}
	for _, r := range rows {
		value := r.value(reveal)
		list = append(list, jsonRow{Path: r.path, Name: r.name, Value: &value})
	}
	return list
}
