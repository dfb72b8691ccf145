package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"posd/iso8583"
)

// rulerWidth is how many bytes a line of the ruler has.
const rulerWidth = 16

// ruler prints a message as bytes with what they are beside them: one line or more for each field, its length prefix
// before a bar. A byte that holds something secret is **.
type ruler struct {
	w      io.Writer
	raw    []byte // all that was pasted
	reveal bool
}

// printRuler prints what was pasted. m is what was read of it.
func printRuler(w io.Writer, d *iso8583.Dialect, raw []byte, m *iso8583.Message, reveal bool) error {
	at, v, err := findMessage(d, raw, m)
	if err != nil {
		return err
	}
	r := ruler{w: w, raw: raw, reveal: reveal}
	fmt.Fprintf(w, "offset  %-*s  field\n", 3*rulerWidth+1, "bytes")
	r.line(0, 0, at, "length prefix", nil)
	tpdu, head := at+len(v.TPDU()), at+len(v.TPDU())+len(v.Header())
	r.line(at, at, tpdu, "TPDU", nil)
	r.line(tpdu, tpdu, head, "header", nil)
	mti, fields := r.mtiEnd(head, v), at+v.Place(v.Next(0)).Start
	if v.Next(0) == 0 {
		fields = len(raw) - v.Trailing()
	}
	r.line(head, head, mti, "MTI "+v.MTI(), nil)
	r.line(mti, mti, fields, "bitmap "+fieldList(v), nil)
	end := fields
	for _, row := range messageRows(d, m) {
		var n int
		if _, err := fmt.Sscanf(row.path, "%d", &n); err != nil || strings.Contains(row.path, ".") {
			continue
		}
		p := v.Place(n)
		r.line(end, end, at+p.Start, "third bitmap", nil) // where a dialect has it there
		r.line(at+p.Start, at+p.Value, at+p.End, row.path+" "+row.name, hidden(row, v.Raw(n)))
		end = at + p.End
	}
	all := make([]bool, len(raw)-end)
	for i := range all {
		all[i] = true // nobody knows what it is
	}
	r.line(end, end, len(raw), "after the last field", all)
	return nil
}

// findMessage finds the message in what was pasted: behind a length prefix, or at its start. It is the one that gives m.
func findMessage(d *iso8583.Dialect, raw []byte, m *iso8583.Message) (at int, v *iso8583.View, err error) {
	v = &iso8583.View{}
	for _, at := range []int{2, 4, 0} {
		if at > len(raw) {
			continue
		}
		if err = d.View(v, raw[at:]); err != nil {
			continue
		}
		same := v.MTI() == m.MTI && strings.EqualFold(hex.EncodeToString(v.TPDU()), m.TPDU) &&
			strings.EqualFold(hex.EncodeToString(v.Header()), m.Header)
		for n := m.Next(0); same && n > 0; n = m.Next(n) {
			same = v.Has(n)
		}
		if same {
			return at, v, nil
		}
	}
	return 0, nil, fmt.Errorf("the message is not found again in its bytes: %w", err)
}

// mtiEnd is where the bitmap begins: an MTI has four characters, or two bytes of BCD.
func (r *ruler) mtiEnd(pos int, v *iso8583.View) int {
	bcd, err := hex.DecodeString(v.MTI())
	if err == nil && pos+2 <= len(r.raw) && string(r.raw[pos:pos+2]) == string(bcd) {
		return pos + 2
	}
	return min(pos+4, len(r.raw))
}

func fieldList(v *iso8583.View) string {
	var list []string
	for n := v.Next(0); n > 0; n = v.Next(n) {
		list = append(list, fmt.Sprint(n))
	}
	return strings.Join(list, " ")
}

// line prints the bytes from start to end, with a bar before value. hide tells which from value on are secret; nil none.
func (r *ruler) line(start, value, end int, label string, hide []bool) {
	for at := start; at < end; at += rulerWidth {
		var row strings.Builder
		for i := at; i < min(at+rulerWidth, end); i++ {
			switch {
			case i == value && i > start:
				row.WriteByte('|')
			case i > at:
				row.WriteByte(' ')
			}
			if i >= value && !r.reveal && i-value < len(hide) && hide[i-value] {
				row.WriteString("**")
			} else {
				fmt.Fprintf(&row, "%02X", r.raw[i])
			}
		}
		fmt.Fprintln(r.w, strings.TrimRight(fmt.Sprintf("%06X  %-*s  %s", at, 3*rulerWidth+1, row.String(), label), " "))
		label = ""
	}
}

// hidden tells which bytes of a field hold what its row does not show. Where the two cannot be laid side by side, all
// bytes do.
func hidden(row isoRow, raw []byte) []bool {
	hide := make([]bool, len(raw))
	if row.shown == row.text {
		return hide
	}
	shown, text := strings.TrimPrefix(row.shown, "hex:"), strings.TrimPrefix(row.text, "hex:")
	for i := range hide {
		from, to := 0, len(text)
		switch {
		case len(shown) != len(text):
		case len(text) == len(raw): // a character a byte
			from, to = i, i+1
		case len(text) == 2*len(raw): // two digits a byte
			from, to = 2*i, 2*i+2
		case len(text) == 2*len(raw)-1: // an odd digit, before or behind its half byte: both places count
			from, to = max(0, 2*i-1), min(len(text), 2*i+2)
		}
		hide[i] = from < to && (len(shown) != len(text) || shown[from:to] != text[from:to])
	}
	return hide
}
