package paper

import (
	"fmt"
	"strings"

	"posd/drivers/printer/escpos"
)

// Text is a slip as plain text: a picture is [IMAGE], a code [QR data]. Characters are one behind the other, however wide
// they are on paper.
func Text(s escpos.Slip, dots int) string {
	var b strings.Builder
	for _, l := range s.Lines {
		b.WriteString(LineText(l, dots))
	}
	return b.String()
}

// LineText is one line of the paper as plain text, or some, each with its line feed.
func LineText(l escpos.Line, dots int) string {
	columns := dots / escpos.DotsPerColumn
	switch {
	case l.Symbol != nil:
		return pad("["+l.Symbol.Kind+" "+clean(l.Symbol.Data)+"]", l.Align, columns) + "\n"
	case len(l.Cells) == 0 && len(l.Pictures) > 0:
		p := l.Pictures[0].Image.Rect
		return pad(fmt.Sprintf("[IMAGE %dx%d]", p.Dx(), p.Dy()), l.Align, columns) + "\n"
	case len(l.Cells) == 0:
		return strings.Repeat("\n", l.Feed)
	default:
		return strings.TrimRight(cells(l), " ") + "\n"
	}
}

func pad(text string, align escpos.Align, columns int) string {
	free := max(columns-len(text), 0)
	return strings.Repeat(" ", free*int(align)/2) + text
}

// clean leaves no control character in a text.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F {
			return '·'
		}
		return r
	}, s)
}

// drawn stands for a column of a picture within a line, which likely is a character that the printer does not have.
const drawn = '▒'

// cells writes characters with the gaps between them.
func cells(l escpos.Line) string {
	unit := unitOf(l.Cells)
	var b strings.Builder
	at, pictures := 0, l.Pictures
	to := func(x int) {
		if gap := (x - at + unit/2) / unit; gap > 0 {
			b.WriteString(strings.Repeat(" ", gap))
		}
	}
	picture := func(p escpos.Picture) {
		to(p.X)
		b.WriteString(strings.Repeat(string(drawn), max(1, p.Image.Rect.Dx()/unit)))
		at = p.X + p.Image.Rect.Dx()
	}
	for _, c := range l.Cells {
		for len(pictures) > 0 && pictures[0].X <= c.X {
			picture(pictures[0])
			pictures = pictures[1:]
		}
		to(c.X)
		b.WriteRune(c.Rune)
		at = c.X + c.Width
	}
	for _, p := range pictures {
		picture(p)
	}
	return b.String()
}

// unitOf is how many dots a space takes in a line: as many as in its smallest font.
func unitOf(all []escpos.Cell) int {
	unit := escpos.DotsPerColumn
	for _, c := range all {
		if !c.Style.FontB {
			return escpos.DotsPerColumn
		}
		unit = 9
	}
	return unit
}
