package printer

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"posd/drivers/printer/escpos"
	"posd/drivers/printer/profile"
)

// denials tell whether a profile denies the command that a stream begins with.
var denials = map[string]func(p *profile.Profile, command []byte) bool{
	"\x1dv0": func(p *profile.Profile, _ []byte) bool { return !p.Raster },
	"\x1b*":  func(p *profile.Profile, c []byte) bool { return c[2] >= 32 && !p.Bits || c[2] < 32 && !p.Pins },
	"\x1dk":  func(p *profile.Profile, _ []byte) bool { return !p.Barcodes },
	"\x1dh":  func(p *profile.Profile, _ []byte) bool { return !p.Barcodes },
	"\x1dw":  func(p *profile.Profile, _ []byte) bool { return !p.Barcodes },
	"\x1dH":  func(p *profile.Profile, _ []byte) bool { return !p.Barcodes },
	"\x1d(k": func(p *profile.Profile, _ []byte) bool { return !p.QR },
	"\x1dV":  func(p *profile.Profile, _ []byte) bool { return p.Cutter == profile.CutNone },
	"\x1bp":  func(p *profile.Profile, _ []byte) bool { return !p.Drawer },
	"\x1bt":  func(p *profile.Profile, c []byte) bool { return p.CodePages[c[2]] == "" },
	"\x1c&":  func(p *profile.Profile, _ []byte) bool { return p.Wide == profile.WideNone },
	"\x1cC":  func(p *profile.Profile, _ []byte) bool { return p.Wide != profile.ShiftJIS },
	"\x1c(C": func(p *profile.Profile, _ []byte) bool { return !p.UTF8 },
}

// denied are the commands of a stream that a profile denies.
func denied(p *profile.Profile, stream []byte) (all []string) {
	m := escpos.New(escpos.Options{Columns: p.Columns, WideOff: true})
	for len(stream) > 0 {
		n := m.Step(stream)
		if n == 0 {
			return append(all, "cut off")
		}
		for head, denies := range denials {
			if bytes.HasPrefix(stream, []byte(head)) && denies(p, stream[:n]) {
				all = append(all, fmt.Sprintf("%q", stream[:min(n, 12)]))
			}
		}
		stream = stream[n:]
	}
	return all
}

// everything has all kinds of lines that need something of a printer.
func everything(t *testing.T) Document {
	t.Helper()
	return Document{Lines: []Line{
		{Runs: []Run{{Text: "Café 中文 감사 €"}, {Text: "Ö中", Double: true, Underline: true}}},
		{Kind: Barcode, Data: "6901234567892", Code: Code{Kind: "EAN13", Text: true}},
		{Kind: Barcode, Data: "A1B2", Align: Right},
		{Kind: QR, Data: "https://example.com/r/1"},
		{Kind: QR, Data: "中文小票"},
		{Kind: Image, Data: blackPicture(t, 600, 50), Align: Center},
		{Kind: Drawer},
		{Kind: Cut},
	}}
}

func encodeFor(d Document, p *profile.Profile) job {
	return encode(d, look{columns: p.Columns, cut: cutKind(p.Cutter), face: newFace(p.Wide, p.CodePages), profile: p, utf8: p.UTF8})
}

func TestNoPrinterIsSentACommandThatItsProfileDenies(t *testing.T) {
	for _, name := range profile.Names() {
		p, _ := profile.Lookup(name)
		got := encodeFor(everything(t), p)
		if all := denied(p, got.bytes); len(all) > 0 || len(got.missing) > 0 {
			t.Errorf("%s is sent %s, and lacks %q", name, all, string(got.missing))
		}
	}
}

// No model that is known has no pictures at all; one that had would get words.
func TestWithoutPicturesACodeIsTextAndIsReported(t *testing.T) {
	p := &profile.Profile{Columns: 42, Dots: 504, Wide: profile.WideNone, Cutter: profile.CutPartial, Drawer: true}
	got := encodeFor(everything(t), p)
	if all := denied(p, got.bytes); len(all) > 0 {
		t.Errorf("it is sent %s", all)
	}
	for _, want := range []string{"6901234567892\n", "A1B2\n", "https://example.com/r/1\n", "Caf?? ???? ???? ??", "[picture]"} {
		if !bytes.Contains(got.bytes, []byte(want)) {
			t.Errorf("%q is not in %q", want, got.bytes)
		}
	}
	if missing := string(got.missing); !strings.ContainsRune(missing, Geta) || !strings.ContainsRune(missing, '中') || len(got.drawn) > 0 {
		t.Errorf("missing %q, drawn %q", missing, string(got.drawn))
	}
}

func TestACodeThatDoesNotFitThePaperIsReported(t *testing.T) {
	p, _ := profile.Lookup("TM-U220")
	got := encodeFor(Document{Lines: []Line{{Kind: Barcode, Data: strings.Repeat("AB", 10)}, {Kind: QR, Data: strings.Repeat("x", 900)}}}, p)
	if string(got.missing) != string(Geta) || bytes.Contains(got.bytes, []byte("\x1b*")) {
		t.Errorf("missing %q in %q", string(got.missing), got.bytes)
	}
}

// A block may end between two strips: whoever goes on there finds all modes as at the beginning.
func TestStripsOfAPictureLeaveNoMode(t *testing.T) {
	for _, how := range []bits{bits8, bits24} {
		parts := newBitmap(30, 50).strips(how)
		if want := (50 + how.high*8 - 1) / (how.high * 8); len(parts) != want {
			t.Errorf("%d parts, want %d", len(parts), want)
		}
		for _, part := range parts {
			if !bytes.HasPrefix(part, escLineSpace) || !bytes.HasSuffix(part, slices.Concat([]byte{'\n'}, escUsualSpaces)) {
				t.Errorf("a strip is %q", part)
			}
		}
	}
}

// Whatever of a slip was cut off, as many zeros as mend sends at most end it.
func TestNoCommandIsLongerThanTheZerosThatEndIt(t *testing.T) {
	longest := 0
	for _, name := range profile.Names() {
		p, _ := profile.Lookup(name)
		d := everything(t)
		d.Lines = append(d.Lines, Line{Kind: QR, Data: strings.Repeat("x", 2953), Code: Code{Level: "L"}})
		m := escpos.New(escpos.Options{Columns: p.Columns, WideOff: true})
		for rest := encodeFor(d, p).bytes; len(rest) > 0; {
			n := m.Step(rest)
			if n == 0 || n > mendedLong {
				t.Fatalf("%s: a command of %d bytes", name, n)
			}
			longest, rest = max(longest, n), rest[n:]
		}
	}
	if longest < 2900 {
		t.Errorf("the longest command has %d bytes: where is the QR code?", longest)
	}
}
