package escpos

import (
	"unicode/utf8"
)

// text prints the character that b begins with and gives its length; 0 when more bytes are needed.
func (m *Machine) text(b []byte) int {
	switch {
	case b[0] < 0x80:
		m.char(m.country(b[0]), 1)
		return 1
	case m.mode.utf8:
		return m.utf8(b)
	case m.mode.wide:
		return m.wide(b)
	}
	name := m.opt.CodePages[m.mode.page]
	page, ok := CodePage(name)
	r := utf8.RuneError
	if ok {
		r = page.DecodeByte(b[0])
	}
	if r == utf8.RuneError {
		m.event(Trouble, "", b[:1], "no character in code page "+pageName(m.mode.page, name))
	}
	m.char(r, 1)
	return 1
}

func (m *Machine) utf8(b []byte) int {
	if !utf8.FullRune(b) {
		return 0
	}
	r, n := utf8.DecodeRune(b)
	if r == utf8.RuneError {
		m.event(Trouble, "", b[:n], "no UTF-8")
	}
	m.char(r, Columns(r))
	return n
}

// wide prints a character of the two-byte font.
func (m *Machine) wide(b []byte) int {
	w := m.opt.Wide
	n := w.length(b)
	if n == 0 {
		return 0
	}
	r, ok := w.decode(b[:n])
	if !ok {
		m.event(Trouble, "", b[:n], "no such character in "+string(w.name()))
	}
	m.char(r, min(n, 2))
	return n
}

// country gives what a national character set (ESC R) has in place of an ASCII character.
func (m *Machine) country(c byte) rune {
	if set, ok := countries[m.mode.country]; ok {
		for i, at := range []byte(countryPlaces) {
			if at == c {
				return set[i]
			}
		}
	}
	return rune(c)
}

// char puts a character of so many columns on the line; a full line is printed first.
func (m *Machine) char(r rune, columns int) {
	w, h := DotsPerColumn, dotsHigh
	if m.mode.style.FontB && columns == 1 {
		w, h = dotsFontB, dotsHighB
	}
	w, h = w*columns*m.mode.width, h*m.mode.height
	if columns == 2 {
		w, h = double(w, m.mode.wideDouble[0] && m.mode.width == 1), double(h, m.mode.wideDouble[1] && m.mode.height == 1)
	}
	m.room(w)
	m.line.Cells = append(m.line.Cells, Cell{Rune: r, Wide: columns == 2, X: m.x, Width: w, Height: h, Style: m.mode.style})
	m.line.Height = max(m.line.Height, h)
	m.x += w + m.mode.gap*m.mode.width
}

func double(n int, on bool) int {
	if on {
		return 2 * n
	}
	return n
}

// room prints the line if w more dots do not fit on it.
func (m *Machine) room(w int) {
	if m.x+w > m.area.width && m.begun() {
		m.printLine()
	}
}

// tab goes to the next tab stop: every eight columns, or as ESC D says.
func (m *Machine) tab() {
	column := m.x / DotsPerColumn
	next := (column/8 + 1) * 8
	if m.mode.tabs != nil {
		next = column
		for _, t := range m.mode.tabs {
			if int(t) > column {
				next = int(t)
				break
			}
		}
	}
	if x := next * DotsPerColumn; x <= m.area.width {
		m.x = max(x, m.x)
	}
}
