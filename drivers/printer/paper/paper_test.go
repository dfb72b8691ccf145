package paper_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"posd/drivers/port/porttest"
	"posd/drivers/printer/escpos"
	"posd/drivers/printer/paper"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// slip has something of everything.
const slip = "\x1b@\x1ba\x01\x1d!\x11\x1bE\x01\xd2\xd1\xb8\xb6\xbf\xee PAID\x1d!\x00\x1bE\x00\n\x1ba\x00" +
	"Tea\x1b$\xf8\x01 9.50\n" + "\x1b-\x01under\x1b-\x00 \x1dB\x01white\x1dB\x00 \x1bM\x01font B\x1bM\x00\n" +
	"\x1ba\x01\x1dv0\x00\x02\x00\x02\x00\xaa\xaa\x55\x55" + "\x1b*\x21\x0c\x00" + "\xff\x00\xff\xff\x00\xff\xff\x00\xff\xff\x00\xff\xff\x00\xff\xff\x00\xff\xff\x00\xff\xff\x00\xff\xff\x00\xff\xff\x00\xff\xff\x00\xff\xff\x00\xff x\n" +
	"\x1dh\x50\x1dw\x02\x1dH\x02\x1dk\x49\x08{BA1B2{{\x1b\x33\x1e\x1bd\x01" +
	"\x1d(k\x03\x001C\x06\x1d(k\x03\x001E1\x1d(k\x17\x001P0https://example.com/\x1d(k\x03\x001Q0\x1bd\x02\x1dVB\x00next <&>\n"

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s differs (%v); got\n%s", path, err, got)
	}
}

func TestTheTextOfASlip(t *testing.T) {
	p := escpos.Read([]byte(slip), escpos.Options{})
	var b strings.Builder
	for _, s := range p.Slips {
		b.WriteString(paper.Text(s, p.Dots))
	}
	golden(t, "slip.txt", []byte(b.String()))
}

func TestSVGIsWellFormedAndHasTheText(t *testing.T) {
	var b bytes.Buffer
	if err := paper.SVG(&b, escpos.Read([]byte(slip), escpos.Options{})); err != nil {
		t.Fatal(err)
	}
	golden(t, "slip.svg", b.Bytes())
	var text strings.Builder
	d := xml.NewDecoder(&b)
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if chars, ok := token.(xml.CharData); ok {
			text.Write(chars)
		}
	}
	for _, want := range []string{"已付款 PAID", "next <&>", "font B", "A1B2{"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestPNGHasADotForADot(t *testing.T) {
	var b bytes.Buffer
	if err := paper.PNG(&b, escpos.Read([]byte(slip), escpos.Options{})); err != nil {
		t.Fatal(err)
	}
	golden(t, "slip.png", b.Bytes())
	img, err := png.Decode(&b)
	if err != nil || img.Bounds().Dx() != 576+48 {
		t.Errorf("%v, %v", img.Bounds(), err)
	}
}

func TestJSONTellsPlacesAndEvents(t *testing.T) {
	var b bytes.Buffer
	if err := paper.JSON(&b, escpos.Read([]byte(slip), escpos.Options{})); err != nil {
		t.Fatal(err)
	}
	var p struct {
		Slips []struct {
			Lines []struct {
				Runs []struct {
					X, Width int
					Text     string
				}
			}
		}
		Events []struct{ Kind string }
	}
	if err := json.Unmarshal(b.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	first := p.Slips[0].Lines[0].Runs[0]
	if first.Text != "已付款 PAID" || first.Width != 2 || first.X != 156 || p.Events[1].Kind != "cut" {
		t.Errorf("got %+v, %+v", first, p.Events)
	}
}

func TestAPrintOfManyMetresIsNoPicture(t *testing.T) {
	p := escpos.Read(bytes.Repeat([]byte("\x1bd\xff"), 10), escpos.Options{})
	if err := paper.PNG(io.Discard, p); !errors.Is(err, paper.ErrTooLong) {
		t.Errorf("got %v", err)
	}
	if err := paper.SVG(io.Discard, p); err != nil {
		t.Errorf("SVG: %v", err)
	}
}

// TestZbarimgReadsOurCodes lets another program read what is drawn.
func TestZbarimgReadsOurCodes(t *testing.T) {
	zbar, err := exec.LookPath("zbarimg")
	if err != nil {
		porttest.NothingToCompare(t, "zbarimg is not installed")
	}
	for name, c := range map[string]struct{ stream, want string }{
		"CODE128":   {"\x1dw\x02\x1dk\x49\x0a{BA1B2{{-9", "CODE-128:A1B2{-9"},
		"CODE128 C": {"\x1dw\x02\x1dk\x49\x05{C\x0c\x22\x38", "CODE-128:123456"},
		"EAN13":     {"\x1dk\x43\x0d6901234567892", "EAN-13:6901234567892"},
		"EAN8":      {"\x1dk\x44\x0896385074", "EAN-8:96385074"},
		"UPC-A":     {"\x1dk\x41\x0c036000291452", "EAN-13:0036000291452"},
		"CODE39":    {"\x1dk\x45\x06ABC-12", "CODE-39:ABC-12"},
		"CODE93":    {"\x1dk\x48\x05Ab-12", "CODE-93:Ab-12"},
		"CODABAR":   {"\x1dk\x47\x06A1234B", "Codabar:A1234B"},
		"ITF":       {"\x1dk\x46\x0812345678", "I2/5:12345678"},
		"QR":        {"\x1d(k\x17\x001P0https://example.com/\x1d(k\x03\x001Q0", "QR-Code:https://example.com/"},
		"QR, UTF-8": {"\x1d(k\x03\x001C\x06\x1d(k\x09\x001P0中文\x1d(k\x03\x001Q0", "QR-Code:中文"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "code.png")
			var b bytes.Buffer
			if err := paper.PNG(&b, escpos.Read([]byte("\x1ba\x01\x1dh\x50"+c.stream), escpos.Options{})); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), zbar, "-q", "-Sdatabar.disable", "-Si25.enable", file).Output()
			if got := strings.Split(strings.TrimSpace(string(out)), "\n"); err != nil || !slices.Contains(got, c.want) {
				t.Errorf("zbarimg reads %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func FuzzEveryPrintCanBeShown(f *testing.F) {
	f.Add([]byte(slip))
	f.Add([]byte("\x1dk\x49\x04{B12\x1d(k\x04\x001P0a\x1d(k\x03\x001Q0\x1b{\x01\x1dB\x01\xd6\xd0\n"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		if len(stream) > 1<<9 {
			return
		}
		p := escpos.Read(stream, escpos.Options{Columns: 16})
		if _, err := paper.Image(p); err != nil && !errors.Is(err, paper.ErrTooLong) {
			t.Errorf("picture: %v", err)
		}
		if err := paper.SVG(io.Discard, p); err != nil {
			t.Errorf("SVG: %v", err)
		}
		for _, s := range p.Slips {
			if text := paper.Text(s, p.Dots); strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' }) {
				t.Errorf("a control character in %q", text)
			}
		}
	})
}
