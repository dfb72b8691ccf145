package printer_test

import (
	"path/filepath"
	"strings"
	"testing"

	"posd/drivers/printer"
	"posd/drivers/printer/escpos"
)

// receiptlines are documents in the ReceiptLine language: every kind of alignment, width, border and mark.
var receiptlines = []string{
	"Tea | 9.50", "abc", "|abc", "abc|", "|abc|", "| abc |", "a|b|c", "a | b | c | d |", "|a |b |c |", "a| b| c", "---|---",
	"Asparagus | 0.99\nBroccoli | 1.99\n---\n^TOTAL | ^5.97", "{width:10 * 8}\n| x | y | z |\n{width:auto}\nabc",
	"{border:line}\nName | 12.00\nlong long long long text here | 3\n{border:space}\nend",
	"{border:line;width:8 8}\n a | b\n---\nc|d\n{border:none}\ne|f",
	"{width:10;align:left}\nabc def ghi jkl\n{align:right}\nabc\n{align:center}\nabc",
	"{text:nowrap}\nabc def ghi jkl mno pqr stu vwx yz 012 345 678 | 1",
	"_under_ \"bold\" `inv` ^dw^ ^^dh^^ ^^^big^^^ \\| \\{ ~x\\nnext", "中文商品|12.00\n中文", "x\\x41y", "{border:2}\na|b|c",
	"{width:5 5 5}\naaaaaaaaaa|bbbbbbbbb|cccc", "{border:line}\n中|b", "{width:0 *}\na|b", "^^^big|x", "①éΩ|", "^中^文 | ￥9.50",
	strings.Repeat("w", 61), strings.Repeat("中", 31), "a" + strings.Repeat("中", 31), "aaaa bbbb cccc dddd eeee ffff gggg hhhh iiii jjjj|",
	"{w:10,10;b:line}\n---\na|b\n---", "{width:8 8}\na|b|c", "{width:8 8 4}\na|b", "{width:20 20}\na|b", "{width:*,10,10,10}\na|b|c|d",
	"{width:5}\na|b", "^a^^b^c", "^a^b", "^^a^b^^c", "a^\\^b", "{width:10}\n---\nabc", "{align:left;width:10}\n---",
	"{align:right;border:line;width:5 5}\na|b\n\nc\n{width:auto}\nxyz", "{border:line}\na|b|c\nd|e\nf",
	"{border:line}\na\n===\nb", "a\\nb|c", "^^^中|", "\\-\\-", "a||b", "~~a~|b", "{width:* 4;border:none}\nabc|d", "a  b   |c",
	"{border:line;align:left;width:4 4}\na|b\n{width:6 6}\nc|d\n{width:4 4 4}\ne|f|g\n{align:right}\nh|i|j", "a|\n|b",
	"{width:10 10;text:nowrap}\n ^abcdefghijkl | b", "{w:0}\nabc", "{w:30}\nabc", "{width:4}\n^abc", "{comment:x}\na", "ab\tc|d",
	"^^^上海便利店\n浦东新区|分店 8\n---\n{width:* 4 10}\n可口可乐 330ml 罐装 | 2 | 7.00\n康师傅红烧牛肉面（五连包装家庭装） | 1| 15.50\n---\n^合计 | ^￥22.50\n谢谢惠顾，欢迎再来\n=",
}

// expanded is the text of a print as receiptline writes it: one character per column, with spaces behind large ones.
func expanded(p printer.Preview) []string {
	var out []string
	for _, s := range p.Print.Slips {
		for _, l := range s.Lines {
			if l.Symbol != nil || len(l.Pictures) > 0 && len(l.Cells) == 0 {
				continue
			}
			if len(l.Cells) == 0 {
				out = append(out, make([]string, l.Feed)...)
				continue
			}
			var b strings.Builder
			for _, c := range l.Cells {
				usual := 1
				if c.Wide {
					usual = 2
				}
				b.WriteString(string(c.Rune) + strings.Repeat(" ", c.Width/escpos.DotsPerColumn-usual))
			}
			out = append(out, strings.TrimRight(b.String(), " "))
		}
	}
	return trimmed(out)
}

// trimmed leaves out what cannot be seen.
func trimmed(lines []string) []string {
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

type theirs struct {
	Text  string
	Bytes int
}

// receiptline lets the npm package lay out documents.
func receiptline(t *testing.T, folder string, columns int) []theirs {
	t.Helper()
	var all []theirs
	run(t, filepath.Join(folder, "cells.js"), map[string]any{"columns": columns, "encoding": "gb18030", "documents": receiptlines}, &all)
	if len(all) != len(receiptlines) {
		t.Fatalf("receiptline: %d answers", len(all))
	}
	return all
}

// TestReceiptlineLaysOutTheSameCells compares with receiptline's own program, and the bytes that both send.
func TestReceiptlineLaysOutTheSameCells(t *testing.T) {
	folder := npm(t, "testdata/receiptline/cells.js", "receiptline@4.0.4")
	ours, other := 0, 0
	for _, columns := range []int{24, 32, 48} {
		for i, want := range receiptline(t, folder, columns) {
			p, err := printer.Show(printer.Receiptline(receiptlines[i]), "chinese-80", columns)
			if err != nil {
				t.Errorf("%q: %v", receiptlines[i], err)
				continue
			}
			ours, other = ours+len(p.Bytes), other+want.Bytes
			if float64(len(p.Bytes)) > 1.2*float64(want.Bytes) {
				t.Errorf("%d columns, %q: %d bytes, receiptline sends %d", columns, receiptlines[i], len(p.Bytes), want.Bytes)
			}
			got, want := strings.Join(expanded(p), "\n"), strings.Join(trimmed(strings.Split(want.Text, "\n")), "\n")
			if got != want {
				t.Errorf("%d columns, %q: got\n%s\nreceiptline prints\n%s", columns, receiptlines[i], got, want)
			}
		}
	}
	t.Logf("%d documents on 3 widths: %d bytes, receiptline sends %d (%.2f)", len(receiptlines), ours, other, float64(ours)/float64(other))
	if float64(ours) > 1.2*float64(other) {
		t.Errorf("%d bytes, want at most 1.2 times receiptline's %d", ours, other)
	}
}

func FuzzReceiptlineIsAlwaysADocument(f *testing.F) {
	for _, d := range receiptlines {
		f.Add(d)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<10 {
			return
		}
		d := printer.Receiptline(text)
		rows, _ := printer.Layout(d, 32)
		for _, r := range rows {
			if w := paperWidth(r); w > 32 {
				t.Errorf("%q: %q takes %d cells of 32", text, r.String(), w)
			}
		}
	})
}
