package escpos_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"posd/drivers/printer/escpos"
)

// lines are the texts of all lines with cells, and what else stands there in brackets.
func lines(p escpos.Print) []string {
	var out []string
	for _, s := range p.Slips {
		for _, l := range s.Lines {
			var b strings.Builder
			for _, c := range l.Cells {
				b.WriteRune(c.Rune)
			}
			for _, p := range l.Pictures {
				fmt.Fprintf(&b, "<%dx%d at %d>", p.Image.Rect.Dx(), p.Image.Rect.Dy(), p.X)
			}
			if l.Symbol != nil {
				fmt.Fprintf(&b, "<%s %s>", l.Symbol.Kind, l.Symbol.Data)
			}
			out = append(out, b.String())
		}
	}
	return out
}

func troubles(p escpos.Print) []string {
	var out []string
	for _, e := range p.Events {
		if slices.Contains([]escpos.EventKind{escpos.Unknown, escpos.Trouble, escpos.Truncated}, e.Kind) {
			out = append(out, fmt.Sprintf("%d %s %s", e.Offset, e.Kind, e.Command))
		}
	}
	return out
}

func TestTextIsReadInEveryWayOfCodingIt(t *testing.T) {
	for name, c := range map[string]struct {
		stream string
		o      escpos.Options
		want   string
	}{
		"GB18030, on at power-up":       {"a\xd6\xd0b\n", escpos.Options{}, "a中b"},
		"GB18030 after FS &":            {"\x1c&\xd6\xd0\x1c.\x81\n", escpos.Options{WideOff: true}, "中ü"},
		"GB18030 of four bytes":         {"\x90\x30\x81\x30\n", escpos.Options{}, "\U00010000"},
		"Shift-JIS and half-width kana": {"\x93\xfa\xb1\n", escpos.Options{Wide: escpos.ShiftJIS}, "日ｱ"},
		"Big5":                          {"\xa4\xa4\n", escpos.Options{Wide: escpos.Big5}, "中"},
		"EUC-KR":                        {"\xb0\xa1\n", escpos.Options{Wide: escpos.EUCKR}, "가"},
		"code page 437":                 {"\x1c.\x82\xe0\n", escpos.Options{}, "éα"},
		"code page by ESC t":            {"\x1c.\x1bt\x11\x8f\n", escpos.Options{}, "П"},
		"code page by profile":          {"\x1c.\x1bt\x07\xc0\n", escpos.Options{CodePages: map[byte]string{7: "CP1251"}}, "А"},
		"UTF-8 after FS ( C":            {"\x1c(C\x02\x0002中é\n", escpos.Options{}, "中é"},
		"national characters":           {"\x1bR\x02[{\n", escpos.Options{}, "Ää"},
		"China's yuan sign":             {"\x1bR\x0f$\n", escpos.Options{}, "¥"},
	} {
		t.Run(name, func(t *testing.T) {
			p := escpos.Read([]byte(c.stream), c.o)
			if got := lines(p); len(got) != 1 || got[0] != c.want || len(troubles(p)) > 0 {
				t.Errorf("got %q, %v, want %q", got, troubles(p), c.want)
			}
		})
	}
}

func TestCellsStandWhereThePrinterPutsThem(t *testing.T) {
	for name, c := range map[string]struct {
		stream string
		x      []int // of each cell of the last line
		width  int   // of the last cell
	}{
		"left":                {"ab\n", []int{0, 12}, 12},
		"center":              {"\x1ba\x01ab\n", []int{84, 96}, 12},
		"right, as a digit":   {"\x1ba2ab\n", []int{168, 180}, 12},
		"double width":        {"\x1d!\x10ab\n", []int{0, 24}, 24},
		"double by ESC !":     {"\x1b!\x30a\n", []int{0}, 24},
		"wide and double":     {"\x1d!\x11\xd6\xd0a\n", []int{0, 48}, 24},
		"wide by FS !":        {"\x1c!\x0c\xd6\xd0a\n", []int{0, 48}, 12},
		"font B":              {"\x1bM\x01ab\n", []int{0, 9}, 9},
		"full line goes on":   {"0123456789abcdefgh\n", []int{0, 12}, 12},
		"wide does not split": {"0123456789abcde\xd6\xd0\n", []int{0}, 24},
		"absolute place":      {"a\x1b$\x30\x00b\n", []int{0, 48}, 12},
		"back":                {"abc\x1b\\\xf4\xffd\n", []int{0, 12, 24, 24}, 12},
		"tab":                 {"a\tb\n", []int{0, 96}, 12},
		"own tab":             {"\x1bD\x04\x00a\tb\n", []int{0, 48}, 12},
		"left margin":         {"\x1dL\x18\x00a\n", []int{24}, 12},
		"print area":          {"\x1dW\x18\x00abc\n", []int{0}, 12},
		"space between":       {"\x1b \x03ab\n", []int{0, 15}, 12},
	} {
		t.Run(name, func(t *testing.T) {
			p := escpos.Read([]byte(c.stream), escpos.Options{Columns: 16})
			all := p.Slips[0].Lines
			last := all[len(all)-1].Cells
			x := make([]int, 0, len(last))
			for _, cell := range last {
				x = append(x, cell.X)
			}
			if !slices.Equal(x, c.x) || last[len(last)-1].Width != c.width {
				t.Errorf("at %v, width %d, want %v, %d", x, last[len(last)-1].Width, c.x, c.width)
			}
		})
	}
}

func TestPicturesOfEveryCommandAreTheSame(t *testing.T) {
	for name, c := range map[string]struct{ stream, want string }{
		"GS v 0":          {"\x1dv0\x00\x01\x00\x02\x00\xff\x01", "<8x2 at 0>"},
		"GS v 0, doubled": {"\x1ba\x01\x1dv0\x03\x01\x00\x02\x00\xff\x01", "<16x4 at 280>"},
		"GS ( L":          {"\x1d(L\x0c\x00\x30\x70\x30\x01\x01\x31\x08\x00\x02\x00\xff\x01\x1d(L\x02\x00\x30\x32", "<8x2 at 0>"},
		"GS 8 L":          {"\x1d8L\x0c\x00\x00\x00\x30\x70\x30\x01\x01\x31\x08\x00\x02\x00\xff\x01\x1d(L\x02\x00\x30\x32", "<8x2 at 0>"},
		"ESC * 24 dots":   {"a\x1b*\x21\x02\x00\xff\xff\xff\x00\x00\x01b\n", "ab<2x24 at 12>"},
		"ESC * 8 dots":    {"\x1b*\x00\x01\x00\xff\n", "<2x24 at 0>"},
		"GS * and GS /":   {"\x1d*\x01\x01" + strings.Repeat("\xff", 8) + "\x1d/\x00", "<8x8 at 0>"},
	} {
		t.Run(name, func(t *testing.T) {
			p := escpos.Read([]byte(c.stream), escpos.Options{})
			if got := lines(p); len(got) != 1 || got[0] != c.want || len(troubles(p)) > 0 {
				t.Errorf("got %q, %v, want %q", got, troubles(p), c.want)
			}
			pic := p.Slips[0].Lines[0].Pictures[0].Image
			if pic.Pix[0] != 1 {
				t.Errorf("the first dot is not black")
			}
		})
	}
}

func TestCodesKeepTheirDataAndSettings(t *testing.T) {
	stream := "\x1dh\x50\x1dw\x02\x1dH\x02\x1dk\x02690123456789\x00" + "\x1dk\x49\x08{B{{a{C\x0c" + "\x1dk\x45\x03A-1" +
		"\x1d(k\x03\x001C\x05\x1d(k\x03\x001E2\x1d(k\x05\x001P0hi\x1d(k\x03\x001Q0" + "\x1d(k\x04\x000P0x\x1d(k\x03\x000Q0"
	p := escpos.Read([]byte(stream), escpos.Options{})
	want := []string{"<EAN13 690123456789>", "<CODE128 {a12>", "<CODE39 A-1>", "<QR hi>", "<PDF417 x>"}
	if got := lines(p); !slices.Equal(got, want) || len(troubles(p)) > 0 {
		t.Errorf("got %q, %v, want %q", got, troubles(p), want)
	}
	all := p.Slips[0].Lines
	if s := *all[0].Symbol; s.Height != 80 || s.Module != 2 || !s.Text {
		t.Errorf("barcode %+v", s)
	}
	if s := *all[3].Symbol; s.Module != 5 || s.Level != "Q" {
		t.Errorf("QR %+v", s)
	}
}

func TestWhatLeavesNoMarkBecomesAnEvent(t *testing.T) {
	stream := "\x1b@\x1bp\x00\x19\xfa\x10\x14\x01\x00\x02\x1dr\x01\x1dI\x45\x10\x04\x02\x1da\xff\x1d(H\x06\x000042xy\x1dV\x42\x00"
	var got []string
	for _, e := range escpos.Read([]byte(stream), escpos.Options{}).Events {
		got = append(got, fmt.Sprintf("%d %s %s %x%s", e.Offset, e.Kind, e.Command, e.Args, e.Note))
	}
	want := []string{
		"0 reset ESC @ ", "2 drawer ESC p 0019fa", "7 drawer DLE DC4 010002", "12 request GS r 01", "15 request GS I 45",
		"18 request DLE EOT 02", "21 request GS a ff", "24 process GS ( H 34327879", "35 cut  partial",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestACutEndsASlip(t *testing.T) {
	p := escpos.Read([]byte("one\x1dV\x00two\n\x1bi\x1bmthree"), escpos.Options{})
	got := make([]string, 0, 4)
	for _, s := range p.Slips {
		got = append(got, fmt.Sprintf("%d %s", len(s.Lines), s.Cut))
	}
	if want := []string{"1 full", "1 full", "0 partial", "1 "}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWhatIsUnknownIsListedAndTheRestIsRead(t *testing.T) {
	for name, c := range map[string]struct {
		stream string
		want   []string
	}{
		"unknown command":   {"a\x1b\x99b\n", []string{"1 unknown ESC 99"}},
		"control character": {"a\x07b\n", []string{"1 unknown "}},
		"unknown block":     {"a\x1d(Z\x02\x00xxb\n", nil},
		"cut off":           {"ab\n\x1d(k\x40\x00", []string{"3 truncated GS ( k"}},
		"bad character":     {"a\x1c.\x1bt\x63\x80b\n", []string{"6 trouble "}},
		"align in a line":   {"a\x1ba\x01b\n", []string{"1 trouble ESC a"}},
		"short picture":     {"a\x1d(L\x0a\x00\x30\x70\x30\x01\x01\x31\x08\x00\x02\x00b\n", []string{"1 trouble GS ( L"}},
		"no barcode":        {"a\x1dk\x20\x01xb\n", []string{"1 unknown GS k"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := escpos.Read([]byte(c.stream), escpos.Options{})
			text := strings.Join(lines(p), "")
			if got := troubles(p); !slices.Equal(got, c.want) || !strings.HasPrefix(text, "a") || !strings.HasSuffix(text, "b") {
				t.Errorf("got %q and %q, want %q", got, text, c.want)
			}
		})
	}
}

// FuzzRead shows that no stream stops the reader: all bytes are consumed, whole or in pieces alike.
func FuzzRead(f *testing.F) {
	f.Add([]byte("\x1b@\x1c&\xd6\xd0\x1c.\x1d!\x11A\n\x1dVB\x00\x1d(k\x03\x001Q0\x1dk\x49\x04{B12\x1dv0\x00\x01\x00\x01\x00\xff"))
	f.Add([]byte("\x1b*\x21\x01\x00\xff\xff\xff\x1d8L\x0c\x00\x00\x000p0\x01\x011\x08\x00\x02\x00\xff\x01\x1d(L\x02\x0002\x1cg1\x00"))
	f.Add([]byte("\x1b&\x03 !\x01abc\x00\x1cq\x01\x01\x00\x01\x00xxxxxxxx\x1dL\xff\xff\x1dW\x00\x00ab\x1b\\\x00\x80\t\t"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		if len(stream) > 1<<12 {
			return
		}
		p := escpos.Read(stream, escpos.Options{Columns: 16})
		m := escpos.New(escpos.Options{Columns: 16})
		var waiting []byte
		for _, b := range stream {
			waiting = append(waiting, b)
			for len(waiting) > 0 {
				n := m.Step(waiting)
				if n > len(waiting) || n < 0 {
					t.Fatalf("took %d of %d bytes", n, len(waiting))
				}
				if n == 0 {
					break
				}
				waiting = waiting[n:]
			}
		}
		truncated := slices.ContainsFunc(p.Events, func(e escpos.Event) bool { return e.Kind == escpos.Truncated })
		if truncated != (len(waiting) > 0) {
			t.Errorf("read at once it is cut off: %v, in pieces %d bytes are left", truncated, len(waiting))
		}
		for _, s := range p.Slips {
			for _, l := range s.Lines {
				for _, c := range l.Cells {
					if c.X < 0 || c.Width <= 0 || c.Height <= 0 {
						t.Fatalf("a cell at %d of %d x %d dots", c.X, c.Width, c.Height)
					}
				}
			}
		}
	})
}
