package printer

import (
	"strings"

	"posd/drivers/printer/symbol"
)

// Receiptline reads a document in the ReceiptLine language (OFSC ReceiptLine specification; README of receiptline 4.0,
// "Grammar"). What the language ignores is ignored; what cannot be printed Check tells of the document.
func Receiptline(text string) Document {
	m := &markup{code: Code{Kind: symbol.Code128, Module: 2, Height: 72, Level: "L"}, cell: 3, align: Center}
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		m.line(line)
	}
	m.close()
	return m.doc
}

// markup is what a document has said so far.
type markup struct {
	doc    Document
	widths []int // nil: as many equal columns as a line has; 0: an equal share; -1: none
	border Border
	align  Align // of the table, where it is narrower than the paper
	nowrap bool
	code   Code // a barcode's
	qr     bool // codes are QR codes, of modules of
	cell   int  // so many dots
	level  string
	top    bool // the upper edge of a table is still to be drawn, when its columns are known
	last   Line // the last line of the table
}

func (m *markup) add(l Line) { m.doc.Lines = append(m.doc.Lines, l) }

// line reads one line: properties, a rule, a cut, or a row of columns.
func (m *markup) line(text string) {
	cells := splitCells(text)
	if len(cells) == 1 {
		body := cells[0].body()
		switch {
		case len(body) > 1 && body[0] == '{' && endOfProperty(body) == len(body)-1:
			m.properties(body[1:len(body)-1], cells[0].align())
			return
		case body != "" && strings.Trim(body, "-") == "":
			m.rule()
			return
		case body != "" && strings.Trim(body, "=") == "":
			m.close()
			m.add(Line{Kind: Cut})
			m.top = m.border == BorderLine
			return
		}
	}
	m.row(m.table(cells))
}

// cell is one column of a line of text, with what is beside it.
type cell struct {
	text        string
	left, right bool // there is a pipe
}

func (c cell) body() string { return strings.Trim(c.text, " \t\u3000") }

// align is where the column's text stands: a pipe attracts what is next to it.
func (c cell) align() Align {
	atLeft := c.left && !strings.HasPrefix(c.text, " ")
	atRight := c.right && !strings.HasSuffix(c.text, " ")
	switch {
	case !c.left && !c.right:
		return Center
	case !c.left && !atRight:
		return Left
	case !c.right && !atLeft:
		return Right
	case atLeft == atRight:
		return Center
	case atLeft:
		return Left
	default:
		return Right
	}
}

// splitCells cuts a line at its pipes. Pipes at both ends are its frame.
func splitCells(line string) []cell {
	line = strings.TrimRight(strings.TrimLeft(line, " \t"), " \t")
	parts := splitAt(line, '|')
	cells := make([]cell, 0, len(parts))
	for i, p := range parts {
		cells = append(cells, cell{text: p, left: i > 0, right: i < len(parts)-1})
	}
	if len(cells) > 1 && cells[0].text == "" {
		cells = cells[1:]
	}
	if n := len(cells); n > 1 && cells[n-1].text == "" {
		cells = cells[:n-1]
	}
	return cells
}

// splitAt cuts text at a sign that is not escaped.
func splitAt(text string, sign byte) []string {
	var parts []string
	from := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case sign:
			parts = append(parts, text[from:i])
			from = i + 1
		}
	}
	return append(parts, text[from:])
}

// endOfProperty is where the brace that a text begins with is closed.
func endOfProperty(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '}':
			return i
		}
	}
	return -1
}

// table makes columns of cells, as wide as was said.
func (m *markup) table(cells []cell) Line {
	l := Line{Kind: Table, Align: m.align, Border: m.border}
	if m.widths == nil {
		for _, c := range cells {
			l.Columns = append(l.Columns, m.column(c, 0))
		}
		return l
	}
	for i, w := range m.widths {
		switch {
		case w < 0:
		case i < len(cells):
			l.Columns = append(l.Columns, m.column(cells[i], w))
		default:
			l.Columns = append(l.Columns, Column{Width: w})
		}
	}
	return l
}

func (m *markup) column(c cell, width int) Column {
	return Column{Width: width, Align: c.align(), Runs: markedRuns(c.body()), NoWrap: m.nowrap}
}

// row adds a row, and the upper edge that waits for it.
func (m *markup) row(l Line) {
	if len(l.Columns) == 0 {
		return
	}
	if m.top {
		m.add(edge(l, m.widths == nil))
	}
	m.top, m.last = false, l
	m.add(l)
}

// edge is the rule that fits a row.
func edge(l Line, auto bool) Line {
	e := Line{Kind: Rule, Align: l.Align, Border: l.Border}
	for _, c := range l.Columns {
		e.Columns = append(e.Columns, Column{Width: c.Width})
	}
	if !auto || l.Border == BorderLine {
		return e
	}
	return Line{Kind: Rule}
}

// rule is a line of "-". At the upper edge of a table it is that edge.
func (m *markup) rule() {
	if m.top {
		return
	}
	l := m.last
	if m.widths != nil {
		l = m.table(nil)
	}
	l.Align, l.Border = m.align, m.border
	if len(l.Columns) == 0 {
		l.Columns = []Column{{}}
	}
	m.add(edge(l, m.widths == nil))
}

// close draws the lower edge of a table; a rule that is there already is that edge.
func (m *markup) close() {
	n := len(m.doc.Lines)
	if m.border != BorderLine || m.top || n == 0 || m.doc.Lines[n-1].Kind == Rule || len(m.last.Columns) == 0 {
		return
	}
	m.add(edge(m.last, m.widths == nil))
}
