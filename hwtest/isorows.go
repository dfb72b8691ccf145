package main

import (
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/width"

	"posd/iso8583"
)

// isoRow is one line of a message as people read it: a field, or what stands inside one.
type isoRow struct {
	path, name string // "55.9F26"
	shown      string // masked as the dialect wants
	text       string // as it is: to compare, or to show when that is asked for
	note       string
	length     int
	group      bool // its parts follow
}

// messageRows gives the fields of a message, each with its parts behind it. A field whose inside cannot be read has a
// note that says why.
func messageRows(d *iso8583.Dialect, m *iso8583.Message) []isoRow {
	var rows []isoRow
	open := d.Describe(m, true)
	for i, l := range d.Describe(m, false) {
		row := isoRow{path: fmt.Sprint(l.Field), name: l.Name, shown: l.Value, text: open[i].Value, note: l.Note, length: l.Length}
		parts, err := d.Parts(m, l.Field)
		if err != nil {
			row.note = strings.TrimSpace(row.note + " its inside is not as the dialect has it: " + err.Error())
			if !strings.HasPrefix(row.text, "hex:") {
				parts = nil // it is read as the text that it is
			}
		}
		row.group = len(parts) > 0
		rows = append(rows, row)
		for _, p := range parts {
			rows = append(rows, isoRow{
				path: p.Path, name: strings.TrimSpace(p.Name + " " + p.ZH), shown: p.Shown(false), text: p.Text(), length: len(p.Bytes()), group: p.Group,
			})
		}
	}
	return rows
}

// value is what of a row is printed.
func (r isoRow) value(reveal bool) string {
	switch {
	case r.group && strings.HasPrefix(r.text, "hex:"):
		return fmt.Sprintf("(%d bytes)", r.length)
	case reveal:
		return r.text
	default:
		return r.shown
	}
}

// label is the name of a row, a part's indented behind its tag or number.
func (r isoRow) label() string {
	depth := strings.Count(r.path, ".")
	if depth == 0 {
		return r.name
	}
	return strings.TrimRight(strings.Repeat("  ", depth)+r.path[strings.LastIndexByte(r.path, '.')+1:]+"  "+r.name, " ")
}

// printMessage prints a message as a table.
func printMessage(w io.Writer, d *iso8583.Dialect, m *iso8583.Message, reveal bool) {
	fmt.Fprintf(w, "%s  %s\n", m.MTI, mtiWords(m.MTI))
	if m.TPDU != "" {
		fmt.Fprintf(w, "TPDU   %s\n", m.TPDU)
	}
	if m.Header != "" {
		fmt.Fprintf(w, "header %s\n", m.Header)
	}
	rows := messageRows(d, m)
	names := cells("name")
	for _, r := range rows {
		names = max(names, cells(r.label()))
	}
	fmt.Fprintf(w, "\nfield  length  %s  value\n", padded("name", names))
	for _, r := range rows {
		field := r.path
		if strings.Contains(field, ".") {
			field = ""
		}
		fmt.Fprintf(w, "%5s  %6d  %s  %s\n", field, r.length, padded(r.label(), names), r.value(reveal))
		if r.note != "" {
			fmt.Fprintf(w, "%13s  %s  %s\n", "", padded("", names), r.note)
		}
	}
}

// mtiWords says what a message type is; ISO 8583:1987, 4.1.
func mtiWords(mti string) string {
	class := map[byte]string{
		'1': "authorization", '2': "financial", '3': "file action", '4': "reversal", '5': "reconciliation",
		'6': "administrative", '8': "network management",
	}[mti[1]]
	function := map[byte]string{'0': "request", '1': "answer", '2': "advice", '3': "answer to an advice"}[mti[2]]
	return strings.TrimSpace(class + " " + function)
}

// cells is how wide text stands on a terminal: a Chinese character takes two cells.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n++
		if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
			n++
		}
	}
	return n
}

func padded(s string, to int) string { return s + strings.Repeat(" ", max(0, to-cells(s))) }
