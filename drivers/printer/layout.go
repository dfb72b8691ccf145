package printer

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/width"
)

// MinColumns is the narrowest paper that Layout lays out for.
const MinColumns = 16

// Row is one line as it stands on the paper: text filled up with spaces, or another kind of line as it is.
type Row struct {
	Kind  Kind
	Runs  []Run // text
	Data  string
	Count int
}

// String is the row's text, without its style.
func (r Row) String() string {
	var b strings.Builder
	for _, run := range r.Runs {
		b.WriteString(run.Text)
	}
	return b.String()
}

// Layout sets a document for paper of so many columns. It is pure. Characters that no receipt printer has are replaced
// by Geta and returned as missing.
func Layout(d Document, columns int) (rows []Row, missing []rune) {
	s := setter{columns: max(columns, MinColumns)}
	for _, l := range d.Lines {
		s.set(l)
	}
	return s.rows, s.missing
}

// setter lays out one document.
type setter struct {
	columns int
	rows    []Row
	missing []rune
}

// glyph is one character in its style.
type glyph struct {
	r     rune
	cells int
	style Run // without text
}

func (s *setter) set(l Line) {
	switch l.Kind {
	case Rule:
		s.rows = append(s.rows, Row{Kind: Rule, Runs: []Run{{Text: strings.Repeat("-", s.columns)}}})
	case Barcode, QR:
		if !printable(l.Data) {
			s.set(Line{Align: l.Align, Runs: []Run{{Text: l.Data}}})
			return
		}
		s.rows = append(s.rows, Row{Kind: l.Kind, Data: l.Data})
	case Feed, Cut, Drawer:
		s.rows = append(s.rows, Row{Kind: l.Kind, Count: max(l.Count, 1)})
	case Text:
		s.text(l)
	}
}

// printable tells whether a machine-readable code can hold data: printable ASCII of a length that fits the paper.
func printable(data string) bool {
	const most = 256
	for _, c := range []byte(data) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return data != "" && len(data) <= most
}

func (s *setter) text(l Line) {
	left, right := wrap(s.glyphs(l.Runs), s.columns), wrap(s.glyphs(l.End), s.columns)
	if len(l.End) == 0 {
		for _, g := range left {
			s.row(g, l.Align)
		}
		return
	}
	if len(left) == 1 && len(right) == 1 {
		if gap := s.columns - cells(left[0]) - cells(right[0]); gap > 0 || len(left[0]) == 0 && gap == 0 {
			s.row(slices.Concat(left[0], spaces(gap), right[0]), Left)
			return
		}
	}
	for _, g := range left {
		s.row(g, Left)
	}
	for _, g := range right {
		s.row(g, Right)
	}
}

// row puts glyphs on one row of the paper.
func (s *setter) row(g []glyph, align Align) {
	free := s.columns - cells(g)
	switch align {
	case Center:
		g = slices.Concat(spaces(free/2), g)
	case Right:
		g = slices.Concat(spaces(free), g)
	case Left:
	}
	s.rows = append(s.rows, Row{Runs: join(g)})
}

// glyphs measures the text of runs; '\n' in it stays as a glyph for wrap.
func (s *setter) glyphs(runs []Run) []glyph {
	var out []glyph
	for _, run := range runs {
		style := Run{Bold: run.Bold, Double: run.Double}
		for _, r := range run.Text {
			if r == '\n' {
				out = append(out, glyph{r: r, style: style})
				continue
			}
			r = s.known(r)
			n := Cells(r)
			if run.Double {
				n *= 2
			}
			out = append(out, glyph{r: r, cells: n, style: style})
		}
	}
	return out
}

// known gives r, or Geta where printers have no such character: control characters above all, which would be commands.
func (s *setter) known(r rune) rune {
	switch {
	case r >= ' ' && r <= '~':
		return r
	case r == '\t' || r == '\u00a0':
		return ' '
	}
	if _, ok := chinese(r); ok && !unicode.IsControl(r) {
		return r
	}
	if !slices.Contains(s.missing, r) {
		s.missing = append(s.missing, r)
	}
	return Geta
}

// chinese gives the two bytes of r in GB18030. Its four-byte characters are left out: few printers have them.
func chinese(r rune) ([]byte, bool) {
	b, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(string(r)))
	return b, err == nil && len(b) == 2
}

// Cells is how many columns r takes: a Chinese font is exactly two cells wide, and in a Chinese text ambiguous
// characters (UAX #11) are too.
func Cells(r rune) int {
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth, width.EastAsianAmbiguous:
		return 2
	default:
	}
	if _, ok := chinese(r); ok && r > '~' {
		return 2 // neutral by Unicode, but printed from the Chinese font
	}
	return 1
}

func cells(g []glyph) int {
	n := 0
	for _, c := range g {
		n += c.cells
	}
	return n
}

func spaces(n int) []glyph {
	return slices.Repeat([]glyph{{r: ' ', cells: 1}}, max(n, 0))
}

// wrap cuts glyphs into rows: at '\n', at the last space that fits, else anywhere; around wide characters always.
func wrap(g []glyph, columns int) [][]glyph {
	var rows [][]glyph
	for {
		n, skip := fit(g, columns)
		rows = append(rows, g[:n])
		if g = g[n+skip:]; len(g) == 0 {
			return rows
		}
	}
}

// fit says how many glyphs go on one row, and how many after them are swallowed by its end.
func fit(g []glyph, columns int) (n, skip int) {
	used, good := 0, 0
	for i, c := range g {
		if c.r == '\n' {
			return i, 1
		}
		if i > 0 && (c.r == ' ' || c.cells >= 2 && c.r > '~' || g[i-1].r > '~' || g[i-1].r == ' ') {
			good = i
		}
		if used += c.cells; used <= columns {
			continue
		}
		if good == 0 {
			good = max(i, 1)
		}
		if g[good].r == ' ' {
			return good, 1
		}
		return good, 0
	}
	return len(g), 0
}

// join makes runs of glyphs of one style, without spaces at the end of the row.
func join(g []glyph) []Run {
	for len(g) > 0 && g[len(g)-1].r == ' ' {
		g = g[:len(g)-1]
	}
	var runs []Run
	for _, c := range g {
		if n := len(runs); n == 0 || runs[n-1].Bold != c.style.Bold || runs[n-1].Double != c.style.Double {
			runs = append(runs, c.style)
		}
		runs[len(runs)-1].Text += string(c.r)
	}
	return runs
}
