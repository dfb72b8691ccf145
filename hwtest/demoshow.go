package main

import (
	"fmt"
	"io"
	"strings"
)

// stage shows a demo to a shop owner and a technician at once.
type stage struct{ out io.Writer }

// ruleCells is how wide the stage is.
const ruleCells = 78

func (s stage) line(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// heading begins a part.
func (s stage) heading(title string) {
	s.line("\n── %s %s", title, strings.Repeat("─", max(2, ruleCells-4-cells(title))))
}

// who is what the actors are called, in Chinese too.
var who = map[string]string{
	"till": "收银 till", "customer": "顾客 customer", "supervisor": "主管 supervisor", "host": "银行 host", "wallet": "钱包 wallet",
	"printer": "打印机 printer", "scanner": "扫码器 scanner", "reader": "读卡器 reader", "posd": "posd", "demo": "演示 demo",
}

// say is one step: who does what.
func (s stage) say(actor, format string, args ...any) {
	s.line("   %s %s", padded(who[actor], 16), fmt.Sprintf(format, args...))
}

// slip shows paper in a box.
func (s stage) slip(text string) {
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	for i := 1; i < len(lines); i++ {
		lines[i] = centred(lines[i-1], lines[i])
	}
	wide := 0
	for _, l := range lines {
		wide = max(wide, cells(l))
	}
	indent := strings.Repeat(" ", 14)
	s.line("%s┌%s┐", indent, strings.Repeat("─", wide+2))
	for _, l := range lines {
		s.line("%s│ %s │", indent, padded(l, wide))
	}
	s.line("%s└%s┘", indent, strings.Repeat("─", wide+2))
}

// centred moves a slip's title, which follows a rule in letters of double width, to where it stands on paper. The
// simulated printer gives its text in single ones, indented as the wide ones need it.
func centred(above, line string) string {
	text := strings.TrimLeft(line, " ")
	indent := len(line) - len(text)
	paper := len(above)
	free := paper - 2*cells(text) - 2*indent
	if indent == 0 || strings.Trim(above, "-") != "" || free < 0 || free > 1 {
		return line
	}
	return strings.Repeat(" ", (paper-cells(text))/2) + text
}

// table shows rows under the first one, numbers to the right: columns that begin with ">".
func (s stage) table(rows [][]string) {
	wide := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, c := range r {
			wide[i] = max(wide[i], cells(strings.TrimPrefix(c, ">")))
		}
	}
	for _, r := range rows {
		var b strings.Builder
		for i, c := range r {
			text, right := strings.CutPrefix(c, ">")
			gap := strings.Repeat(" ", wide[i]-cells(text))
			if right {
				text = gap + text
			} else {
				text += gap
			}
			b.WriteString("  " + text)
		}
		s.line(" %s", strings.TrimRight(b.String(), " "))
	}
}

// yuanText shows minor units as people write them.
func yuanText(cents int64) string {
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	return fmt.Sprintf("%s¥%d.%02d", sign, cents/100, cents%100)
}
