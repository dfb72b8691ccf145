package printer

import (
	"strconv"
	"strings"
)

// marks are the toggles of text, besides the size.
const marks = "_\"`"

// markedRuns reads text with its marks.
func markedRuns(text string) []Run {
	var runs []Run
	var style Run
	put := func(s string) {
		if n := len(runs); n == 0 || runs[n-1].style() != style {
			runs = append(runs, style)
		}
		runs[len(runs)-1].Text += s
	}
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '\\':
			s, n := escape(text[i:], "\\|{}-=~_\"`^")
			put(s)
			i += n
			continue
		case c == '~':
			put(" ")
		case c == '^':
			n := len(text[i:]) - len(strings.TrimLeft(text[i:], "^"))
			style = sized(style, n)
			i += n
			continue
		case strings.IndexByte(marks, c) >= 0:
			style = toggled(style, c)
		case c >= ' ' && c != 0x7F:
			put(text[i : i+1])
		}
		i++
	}
	return runs
}

func toggled(style Run, mark byte) Run {
	switch mark {
	case '_':
		style.Underline = !style.Underline
	case '"':
		style.Bold = !style.Bold
	case '`':
		style.Invert = !style.Invert
	}
	return style
}

// sized is what n carets make of a style: double width, double height, then 2 to 6 times as large; the same again ends it.
func sized(style Run, n int) Run {
	w, h := min(n-1, 6), min(n-1, 6)
	switch n {
	case 1:
		w, h = 2, 1
	case 2:
		w, h = 1, 2
	}
	if style.Width == w && style.Height == h {
		w, h = 0, 0
	}
	style.Width, style.Height = w, h
	return style
}

// escape reads an escape sequence: its text, and how many bytes it has. Of signs it gives those in known; what is not known
// is ignored.
func escape(text, known string) (string, int) {
	if len(text) < 2 {
		return "", len(text)
	}
	switch c := text[1]; {
	case c == 'n':
		return "\n", 2
	case c == 'x' && len(text) >= 4:
		if n, err := strconv.ParseUint(text[2:4], 16, 8); err == nil {
			return string(rune(n)), 4
		}
		return "", 2
	case strings.IndexByte(known, c) >= 0:
		return text[1:2], 2
	default:
		return "", 1 + len(string([]rune(text[1:])[0]))
	}
}

// unescape reads a value of a property.
func unescape(value string) string {
	var b strings.Builder
	for i := 0; i < len(value); {
		if value[i] != '\\' {
			b.WriteByte(value[i])
			i++
			continue
		}
		s, n := escape(value[i:], "\\|{};:")
		b.WriteString(s)
		i += n
	}
	return b.String()
}
