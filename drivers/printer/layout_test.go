package printer_test

import (
	"slices"
	"strings"
	"testing"

	"posd/drivers/printer"
)

// texts lays out a document and gives its rows as text.
func texts(d printer.Document, columns int) []string {
	rows, _ := printer.Layout(d, columns)
	out := make([]string, 0, len(rows))
	for _, r := range rows {
		out = append(out, r.String())
	}
	return out
}

// paperWidth is how many cells a row takes on paper.
func paperWidth(r printer.Row) int {
	n := 0
	for _, run := range r.Runs {
		w := 0
		for _, c := range run.Text {
			w += printer.Cells(c)
		}
		times := max(run.Width, 1)
		if run.Double && run.Width == 0 {
			times = 2
		}
		n += w * times
	}
	return n
}

func TestAColumnForWhichThereIsNoRoomIsReportedAsMissing(t *testing.T) {
	columns := func(n int, text string) (all []printer.Column) {
		for range n {
			all = append(all, printer.Column{Runs: []printer.Run{{Text: text}}})
		}
		return all
	}
	for name, c := range map[string]struct {
		line    printer.Line
		missing string
	}{
		"all have room":      {printer.Line{Kind: printer.Table, Columns: columns(8, "x")}, ""},
		"two have none":      {printer.Line{Kind: printer.Table, Columns: columns(10, "x")}, string(printer.Geta)},
		"and nothing to say": {printer.Line{Kind: printer.Table, Columns: columns(10, "")}, ""},
		"a rule beside it":   {printer.Line{Kind: printer.Rule, Columns: columns(10, "x")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if _, missing := printer.Layout(printer.Document{Lines: []printer.Line{c.line}}, 16); string(missing) != c.missing {
				t.Errorf("missing %q, want %q", string(missing), c.missing)
			}
		})
	}
}

func TestLayoutIsRightToTheCell(t *testing.T) {
	cases := map[string]struct {
		line printer.Line
		want []string
	}{
		"pair":        {printer.Pair("金额", "19.99"), []string{"金额           19.99"}},
		"pair full":   {printer.Pair("0123456789", "012345678"), []string{"0123456789 012345678"}},
		"pair long":   {printer.Pair("商户名称", "上海浦东新区便利店"), []string{"商户名称", "  上海浦东新区便利店"}},
		"end alone":   {printer.Line{End: []printer.Run{{Text: "right"}}}, []string{"               right"}},
		"center":      {printer.Line{Align: printer.Center, Runs: []printer.Run{{Text: "已付款"}}}, []string{"       已付款"}},
		"right":       {printer.Line{Align: printer.Right, Runs: []printer.Run{{Text: "已付款"}}}, []string{"              已付款"}},
		"words":       {printer.Plain("please keep this slip for you"), []string{"please keep this", "slip for you"}},
		"long word":   {printer.Plain(strings.Repeat("x", 25)), []string{strings.Repeat("x", 20), "xxxxx"}},
		"odd chinese": {printer.Plain("a中文中文中文中文中文"), []string{"a中文中文中文中文中", "文"}},
		"newline":     {printer.Plain("one\ntwo"), []string{"one", "two"}},
		"empty":       {printer.Plain(""), []string{""}},
		"double":      {printer.Line{Runs: []printer.Run{{Text: "0123456789A", Double: true}}}, []string{"0123456789", "A"}},
		"bad barcode": {printer.Line{Kind: printer.Barcode, Data: "码"}, []string{"码"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := texts(printer.Document{Lines: []printer.Line{c.line}}, 20); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestCells(t *testing.T) {
	for r, want := range map[rune]int{
		'a': 1, '~': 1, '中': 2, '，': 2, '￥': 2, '“': 2, '…': 2, '×': 2, 'é': 2, 'Ω': 2, '〓': 2, 'ñ': 1,
	} {
		if got := printer.Cells(r); got != want {
			t.Errorf("%q takes %d cells, want %d", r, got, want)
		}
	}
}

func FuzzLayoutNeverLeavesThePaper(f *testing.F) {
	f.Add("金额 Amount", "￥19.99", 32, true)
	f.Add("a b c\n\x1b@ 😀", "", 16, false)
	f.Fuzz(func(t *testing.T, left, right string, columns int, double bool) {
		columns = min(max(columns, printer.MinColumns), 96)
		rows, _ := printer.Layout(printer.Document{Lines: []printer.Line{
			{Runs: []printer.Run{{Text: left, Double: double}}, End: []printer.Run{{Text: right}}},
			{Align: printer.Center, Runs: []printer.Run{{Text: left}, {Text: right, Double: double}}},
		}}, columns)
		for _, r := range rows {
			if w := paperWidth(r); w > columns {
				t.Errorf("%q takes %d cells of %d", r.String(), w, columns)
			}
			for _, c := range r.String() {
				if c < ' ' || c == 0x7F {
					t.Errorf("%q has a control character", r.String())
				}
			}
		}
	})
}
