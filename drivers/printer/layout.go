package printer

import (
	"slices"
	"strings"
)

// MinColumns is the narrowest paper that Layout lays out for.
const MinColumns = 16

// Row is one line as it stands on the paper: text filled up with spaces, or another kind of line as it is.
type Row struct {
	Kind  Kind
	Runs  []Run // text
	Line  Line  // of the other kinds: what was asked for
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

// Layout sets a document for paper of so many columns, for a printer for China. It is pure. Characters that cannot be
// printed at all are replaced by Geta and returned as missing.
func Layout(d Document, columns int) (rows []Row, missing []rune) {
	s := set(d, columns, defaultFace(), usualMeans(max(columns, MinColumns)))
	return s.rows, s.missing
}

// set lays out a document for a printer that has these characters and means.
func set(d Document, columns int, f *face, m means) setter {
	s := setter{columns: max(columns, MinColumns), face: f, means: m}
	for _, l := range d.Lines {
		s.set(l)
	}
	return s
}

// setter lays out one document.
type setter struct {
	columns int
	face    *face
	means   means
	rows    []Row
	missing []rune // no font has them
	drawn   []rune // the printer does not have them
}

// letter is one character in its style.
type letter struct {
	r     rune
	cells int
	style Run // without text
}

func (s *setter) set(l Line) {
	switch l.Kind {
	case Rule:
		s.rule(l)
	case Table:
		s.table(l)
	case Barcode, QR:
		s.code(l)
	case Image:
		s.picture(l)
	case Feed, Cut, Drawer, Raw:
		s.rows = append(s.rows, Row{Kind: l.Kind, Line: l, Count: max(l.Count, 1)})
	case Text:
		s.text(l)
	}
}

// code is a code, or its data as text where the printer cannot print it on this paper. Then it is missing: Geta says so.
func (s *setter) code(l Line) {
	l, fits := s.means.fitting(l)
	if fits {
		s.rows = append(s.rows, Row{Kind: l.Kind, Line: l, Data: l.Data})
		return
	}
	s.lack(Geta)
	s.text(Line{Align: l.Align, Runs: []Run{{Text: l.Data}}})
}

// picture is a picture, or a word in its place where the printer has none.
func (s *setter) picture(l Line) {
	if s.means.way == noDots {
		s.lack(Geta)
		s.text(Line{Align: l.Align, Runs: []Run{{Text: "[picture]"}}})
		return
	}
	s.rows = append(s.rows, Row{Kind: l.Kind, Line: l, Count: 1})
}

// lack notes what cannot be printed.
func (s *setter) lack(r rune) {
	if !slices.Contains(s.missing, r) {
		s.missing = append(s.missing, r)
	}
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
func (s *setter) row(g []letter, align Align) {
	free := s.columns - cells(g)
	switch align {
	case Center:
		g = slices.Concat(spaces(free/2), g)
	case Right:
		g = slices.Concat(spaces(free), g)
	case Left, AtLeft:
	}
	s.rows = append(s.rows, Row{Runs: join(g)})
}

// glyphs measures the text of runs; '\n' in it stays as a letter for wrap.
func (s *setter) glyphs(runs []Run) []letter {
	var out []letter
	for _, run := range runs {
		style := run.style()
		times, _ := run.size()
		for _, r := range run.Text {
			if r == '\n' {
				out = append(out, letter{r: r, style: style})
				continue
			}
			r, n := s.known(r)
			out = append(out, letter{r: r, cells: n * times, style: style})
		}
	}
	return out
}

// known gives r and its columns; Geta where nobody has such a character: control characters above all, which would be
// commands.
func (s *setter) known(r rune) (rune, int) {
	if r == '\t' || r == '\u00a0' {
		r = ' '
	}
	p := s.face.find(r)
	switch p.how {
	case missing:
		s.lack(r)
		return Geta, s.face.find(Geta).columns
	case drawn:
		if !slices.Contains(s.drawn, r) {
			s.drawn = append(s.drawn, r)
		}
	case ascii, wide, paged:
	}
	return r, p.columns
}

// Cells is how many columns r takes on a printer for China: a Chinese font is exactly two cells wide, and in a Chinese
// text ambiguous characters (UAX #11) are too.
func Cells(r rune) int { return defaultFace().find(r).columns }

func cells(g []letter) int {
	n := 0
	for _, c := range g {
		n += c.cells
	}
	return n
}

func spaces(n int) []letter {
	return slices.Repeat([]letter{{r: ' ', cells: 1}}, max(n, 0))
}

// wrap cuts glyphs into rows: at '\n', at the last space that fits, else anywhere; around wide characters always.
func wrap(g []letter, columns int) [][]letter {
	var rows [][]letter
	for {
		n, skip := fit(g, columns)
		rows = append(rows, g[:n])
		if g = g[n+skip:]; len(g) == 0 {
			return rows
		}
	}
}

// fit says how many glyphs go on one row, and how many after them are swallowed by its end.
func fit(g []letter, columns int) (n, skip int) {
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

// join makes runs of glyphs of one style, without plain spaces at the end of the row.
func join(g []letter) []Run {
	for len(g) > 0 && g[len(g)-1].r == ' ' && !g[len(g)-1].style.Underline && !g[len(g)-1].style.Invert {
		g = g[:len(g)-1]
	}
	var runs []Run
	for _, c := range g {
		if n := len(runs); n == 0 || runs[n-1].style() != c.style {
			runs = append(runs, c.style)
		}
		runs[len(runs)-1].Text += string(c.r)
	}
	return runs
}
