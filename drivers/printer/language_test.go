package printer_test

import (
	"slices"
	"strings"
	"testing"

	"posd/drivers/printer"
	"posd/drivers/printer/escpos"
	"posd/drivers/printer/paper"
	"posd/drivers/printer/profile"
)

// words are what is printed in shops.
var words = map[string]string{
	"English": "Thank you, come again", "Chinese": "谢谢惠顾，欢迎再来￥19.99", "traditional": "謝謝光臨", "Japanese": "ありがとう カード",
	"Korean": "감사합니다", "French": "À bientôt, œuvre", "Polish": "Dziękujemy, zażółć", "Russian": "Спасибо за покупку",
	"Greek": "Ευχαριστώ", "Spanish": "¡Señor, ¿año?", "Thai": "ขอบคุณ", "Turkish": "Teşekkürler", "signs": "€ £ ¥ © ° ½ ① → ■",
}

func show(t *testing.T, d printer.Document, profileName string) printer.Preview {
	t.Helper()
	p, err := printer.Show(d, profileName, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range p.Print.Events {
		switch e.Kind {
		case escpos.Unknown, escpos.Trouble, escpos.Truncated:
			t.Errorf("%s: %s %s %x %s", profileName, e.Kind, e.Command, e.Args, e.Note)
		case escpos.Reset, escpos.CutPaper, escpos.Drawer, escpos.Request, escpos.Process, escpos.Known:
		}
	}
	return p
}

func slipText(p printer.Preview) string {
	var b strings.Builder
	for _, s := range p.Print.Slips {
		b.WriteString(paper.Text(s, p.Print.Dots))
	}
	return b.String()
}

// TestEveryPrinterPrintsEveryLanguage shows that what a printer has arrives as it was meant, that the rest is a picture of
// the same width, and that nothing becomes a question mark.
func TestEveryPrinterPrintsEveryLanguage(t *testing.T) {
	for _, name := range profile.Names() {
		for language, text := range words {
			p := show(t, printer.Document{Lines: []printer.Line{printer.Plain(text)}}, name)
			if len(p.Missing) > 0 {
				t.Errorf("%s, %s: %q is missing", name, language, string(p.Missing))
			}
			text := strings.ReplaceAll(text, " ", "")
			if own := ownCharacters(p); own != "" && own != without(text, p.Drawn) {
				t.Errorf("%s, %s: %q arrives as %q, with %q drawn", name, language, text, own, string(p.Drawn))
			}
			if len(p.Drawn) > 0 && !hasPicture(p) {
				t.Errorf("%s, %s: %q are said to be drawn, and are not", name, language, string(p.Drawn))
			}
		}
	}
}

// ownCharacters are those that stand on the paper as characters, without spaces.
func ownCharacters(p printer.Preview) string {
	var b strings.Builder
	for _, l := range p.Print.Slips[0].Lines {
		for _, c := range l.Cells {
			b.WriteString(strings.TrimSpace(string(c.Rune)))
		}
	}
	return b.String()
}

func hasPicture(p printer.Preview) bool {
	return slices.ContainsFunc(p.Print.Slips[0].Lines, func(l escpos.Line) bool { return len(l.Pictures) > 0 })
}

func without(text string, drawn []rune) string {
	return strings.Map(func(r rune) rune {
		if slices.Contains(drawn, r) {
			return -1
		}
		return r
	}, text)
}

func TestALanguageUsesThePrintersOwnCharacters(t *testing.T) {
	for name, c := range map[string]struct{ profile, text, drawn string }{
		"Chinese on a board for China":        {"chinese-80", words["Chinese"] + words["traditional"] + words["Russian"], ""},
		"accents on an Epson":                 {"TM-T88V", words["French"] + words["Polish"] + words["Russian"] + words["Turkish"], ""},
		"a currency that a code page has":     {"TM-T88V", "€ £", ""},
		"Big5 in Taiwan":                      {"TM-T70II-CH-58mm", words["traditional"], ""},
		"a Spanish letter on one for China":   {"chinese-80", "año", "ñ"},
		"Chinese on a printer that lacks it":  {"TM-T88IV", "中文", "中文"},
		"Korean on a printer for China":       {"chinese-58", "감사", "감사"},
		"the same letter twice is named once": {"TM-T88IV", "中中", "中"},
	} {
		t.Run(name, func(t *testing.T) {
			p := show(t, printer.Document{Lines: []printer.Line{printer.Plain(c.text)}}, c.profile)
			if string(p.Drawn) != c.drawn || len(p.Missing) > 0 {
				t.Errorf("drawn %q, missing %q, want %q", string(p.Drawn), string(p.Missing), c.drawn)
			}
		})
	}
}

// Such a font prints nothing for the characters that GBK has besides.
func TestAFontOfGB2312IsSentOnlyWhatItHas(t *testing.T) {
	for text, want := range map[string]bool{"收银小票 上海市": true, "￥①、Б": true, "镕": false, "堃": false, "囍": false, "謝": false, "㐀": false} {
		for _, r := range strings.ReplaceAll(text, " ", "") {
			if _, has := escpos.GB2312.Encode(r); has != want {
				t.Errorf("%c: %v, want %v", r, has, want)
			}
		}
	}
}

func TestDrawnCharactersKeepTheirColumns(t *testing.T) {
	for _, name := range []string{"TM-T88IV", "chinese-58", "TM-T88V"} {
		for _, double := range []bool{false, true} {
			d := printer.Document{Lines: []printer.Line{{
				Runs: []printer.Run{{Text: "año 中", Double: double}}, End: []printer.Run{{Text: "9.50"}},
			}}}
			p := show(t, d, name)
			line := p.Print.Slips[0].Lines[0]
			last := line.Cells[len(line.Cells)-1]
			if end := last.X + last.Width; end != p.Print.Dots {
				t.Errorf("%s, double %v: the price ends at dot %d of %d", name, double, end, p.Print.Dots)
			}
		}
	}
}

func TestAPrinterWithoutPicturesInALineDrawsTheRow(t *testing.T) {
	p := show(t, printer.Document{Lines: []printer.Line{{Runs: []printer.Run{{Text: "año 감", Bold: true}}}, printer.Plain("plain")}}, "POS-5890")
	if got := slipText(p); got != "[IMAGE 72x24]\nplain\n" || string(p.Drawn) != "감" {
		t.Errorf("got %q, drawn %q", got, string(p.Drawn))
	}
}

func TestWhatNoFontHasIsSaid(t *testing.T) {
	p := show(t, printer.Document{Lines: []printer.Line{printer.Plain("a😀b")}}, "TM-T88IV")
	if string(p.Missing) != "😀" || !strings.HasPrefix(slipText(p), "a▒▒b") {
		t.Errorf("missing %q, printed %q", string(p.Missing), slipText(p))
	}
}
