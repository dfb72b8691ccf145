package printer

import (
	"slices"
	"strings"
)

// table sets columns side by side, as many rows as the longest of them needs.
func (s *setter) table(l Line) {
	widths, margin := s.widths(l)
	if slices.ContainsFunc(l.Columns[len(widths):], Column.speaks) {
		s.lack(Geta)
	}
	cellRows := make([][][]letter, len(widths))
	rows := 1
	for i := range widths {
		cellRows[i] = chop(s.glyphs(l.Columns[i].Runs), widths[i], l.Columns[i].NoWrap)
		rows = max(rows, len(cellRows[i]))
	}
	for row := range rows {
		g := spaces(margin)
		for i, w := range widths {
			g = append(g, s.between(l.Border, i == 0)...)
			var text []letter
			if row < len(cellRows[i]) {
				text = cellRows[i][row]
			}
			g = append(g, pad(text, w, l.Columns[i].Align)...)
		}
		if l.Border == BorderLine {
			g = append(g, one('|'))
		}
		s.rows = append(s.rows, Row{Runs: join(g)})
	}
}

// speaks tells whether a column has text.
func (c Column) speaks() bool {
	return slices.ContainsFunc(c.Runs, func(r Run) bool { return r.Text != "" })
}

func one(r rune) letter { return letter{r: r, cells: 1} }

// between is what stands before a column.
func (s *setter) between(b Border, first bool) []letter {
	switch {
	case b == BorderLine:
		return []letter{one('|')}
	case first || b == BorderNone:
		return nil
	case b == BorderWide:
		return spaces(2)
	default:
		return spaces(1)
	}
}

// borders is how many columns the borders of a table take.
func borders(b Border, columns int) int {
	switch b {
	case BorderLine:
		return columns + 1
	case BorderNone:
		return 0
	case BorderWide:
		return 2 * (columns - 1)
	case BorderSpace:
	}
	return columns - 1
}

// widths shares the paper out among the columns of a table, and says how far it is from the left edge. Columns for which
// there is no room at all are left out; what they say is missing.
func (s *setter) widths(l Line) (widths []int, margin int) {
	columns := len(l.Columns)
	for columns > 1 && borders(l.Border, columns)+columns > s.columns {
		columns--
	}
	room := s.columns - borders(l.Border, columns)
	widths = make([]int, columns)
	var open, fixed int
	for i, c := range l.Columns[:columns] {
		widths[i] = min(max(c.Width, 0), s.columns)
		fixed += widths[i]
		if widths[i] == 0 {
			open++
		}
	}
	shareOut(widths, max(room-fixed, open), open)
	shrink(widths, room)
	free := room
	for _, w := range widths {
		free -= w
	}
	switch l.Align {
	case Center:
		margin = free / 2
	case Right:
		margin = free
	case Left, AtLeft:
	}
	return widths, margin
}

// shareOut gives the columns that are open equal parts of room; what is over goes to the later ones.
func shareOut(widths []int, room, open int) {
	n := 0
	for i, w := range widths {
		if w == 0 {
			widths[i] = (n+1)*room/open - n*room/open
			n++
		}
	}
}

// shrink makes the widest columns narrower, the last first, until all fit.
func shrink(widths []int, room int) {
	sum := 0
	for _, w := range widths {
		sum += w
	}
	for ; sum > room; sum-- {
		widest := 0
		for i, w := range widths {
			if w >= widths[widest] {
				widest = i
			}
		}
		widths[widest]--
	}
}

// chop cuts text into rows of so many columns, at '\n' and anywhere. A character that is too large for its column is
// printed in its usual size, or not at all where not even that fits.
func chop(g []letter, columns int, onlyOne bool) [][]letter {
	var rows [][]letter
	var row []letter
	used := 0
	for _, c := range g {
		if c.cells > columns {
			times, _ := c.style.size()
			c.cells /= times
			c.style.Double, c.style.Width, c.style.Height = false, 0, 0
		}
		if c.r != '\n' && (c.cells > columns || used+c.cells <= columns) {
			if c.cells <= columns {
				row, used = append(row, c), used+c.cells
			}
			continue
		}
		rows = append(rows, row)
		if onlyOne {
			return rows
		}
		row, used = nil, 0
		if c.r != '\n' {
			row, used = []letter{c}, c.cells
		}
	}
	return append(rows, row)
}

// pad fills text up to so many columns; in the center the larger half is on the left.
func pad(g []letter, columns int, align Align) []letter {
	free := max(columns-cells(g), 0)
	left := 0
	switch align {
	case Center:
		left = (free + 1) / 2
	case Right:
		left = free
	case Left, AtLeft:
	}
	return slices.Concat(spaces(left), g, spaces(free-left))
}

// rule is a line across the paper, or as wide as a table.
func (s *setter) rule(l Line) {
	if len(l.Columns) == 0 {
		s.rows = append(s.rows, Row{Kind: Rule, Runs: []Run{{Text: strings.Repeat("-", s.columns)}}})
		return
	}
	widths, margin := s.widths(l)
	text := strings.Repeat(" ", margin)
	if l.Border != BorderLine {
		sum := borders(l.Border, len(widths))
		for _, w := range widths {
			sum += w
		}
		s.rows = append(s.rows, Row{Kind: Rule, Runs: []Run{{Text: text + strings.Repeat("-", sum)}}})
		return
	}
	for _, w := range widths {
		text += "+" + strings.Repeat("-", w)
	}
	s.rows = append(s.rows, Row{Kind: Rule, Runs: []Run{{Text: text + "+"}}})
}
