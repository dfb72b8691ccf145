package printer_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"posd/drivers/port/porttest"
	"posd/drivers/printer"
	"posd/drivers/printer/escpos"
	"posd/drivers/printer/paper"
)

// picture is a grey ramp as PNG in base64.
func picture(t *testing.T, width, height int) string {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, width, height))
	for i := range img.Pix {
		img.Pix[i] = byte(i % width * 255 / width)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func TestADocumentInJSONIsLaidOut(t *testing.T) {
	var d printer.Document
	err := json.Unmarshal([]byte(`{"lines":[
		{"kind":"table","border":"line","columns":[
			{"width":10,"runs":[{"text":"可乐 Cola"}]},
			{"align":"right","runs":[{"text":"2"}]},
			{"width":8,"align":"right","runs":[{"text":"7.00","bold":true}]}]},
		{"kind":"rule"},
		{"runs":[{"text":"TOTAL","width":2}],"end":[{"text":"7.00","underline":true}]},
		{"kind":"drawer","pin":5,"pulse":120},
		{"kind":"cut"}]}`), &d)
	if err != nil {
		t.Fatal(err)
	}
	p := show(t, d, "chinese-58")
	want := "|可乐 Cola |         2|    7.00|\n" + strings.Repeat("-", 32) + "\nTOTAL                  7.00\n\n\n\n\n"
	if got := slipText(p); got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	drawer := slices.IndexFunc(p.Print.Events, func(e escpos.Event) bool { return e.Kind == escpos.Drawer })
	if drawer < 0 || !bytes.Equal(p.Print.Events[drawer].Args, []byte{1, 60, 250}) {
		t.Errorf("events %+v, want a pulse of 120 ms on pin 5", p.Print.Events)
	}
}

func TestPicturesAreDitheredAndSliced(t *testing.T) {
	for name, c := range map[string]struct{ width, height, w, h, slices int }{
		"small": {100, 20, 104, 20, 1}, "wide": {1152, 400, 576, 200, 9}, "long": {576, 300, 576, 300, 13},
	} {
		t.Run(name, func(t *testing.T) {
			p := show(t, printer.Document{Lines: []printer.Line{{Kind: printer.Image, Data: picture(t, c.width, c.height)}}}, "chinese-80")
			all := p.Print.Slips[0].Lines
			high, black := 0, 0
			for _, l := range all {
				high += l.Height
				for _, dot := range l.Pictures[0].Image.Pix {
					black += int(dot)
				}
			}
			if w := all[0].Pictures[0].Image.Rect.Dx(); w != c.w || high != c.h || len(all) != c.slices {
				t.Errorf("%d x %d dots in %d slices, want %d x %d in %d", w, high, len(all), c.w, c.h, c.slices)
			}
			if share := float64(black) / float64(c.w*c.h); share < 0.4 || share > 0.6 {
				t.Errorf("a ramp from black to white is %.2f black", share)
			}
		})
	}
}

func TestWhatIsTransparentIsPaper(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 8, 8))
	img.SetNRGBA(0, 0, color.NRGBA{A: 255})
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	p := show(t, printer.Document{Lines: []printer.Line{{Kind: printer.Image, Data: base64.StdEncoding.EncodeToString(b.Bytes())}}}, "chinese-80")
	pix := p.Print.Slips[0].Lines[0].Pictures[0].Image.Pix
	if pix[0] != 1 || slices.Contains(pix[1:], 1) {
		t.Errorf("got %v", pix)
	}
}

func TestWhatCannotBePrintedIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		line printer.Line
		want string
	}{
		"unknown kind":     {printer.Line{Kind: "video"}, `line 2: unknown kind "video"`},
		"no picture":       {printer.Line{Kind: printer.Image, Data: "aGVsbG8="}, "line 2: the picture cannot be printed: want PNG or JPEG"},
		"no base64":        {printer.Line{Kind: printer.Image, Data: "?"}, "line 2: the picture cannot be printed: it is no base64"},
		"wrong EAN":        {printer.Line{Kind: printer.Barcode, Data: "6901234567890", Code: printer.Code{Kind: "EAN13"}}, "EAN13 cannot hold"},
		"unknown barcode":  {printer.Line{Kind: printer.Barcode, Data: "1", Code: printer.Code{Kind: "CODE7"}}, "CODE7 cannot hold"},
		"too much for QR":  {printer.Line{Kind: printer.QR, Data: strings.Repeat("x", 3000)}, "QR cannot hold"},
		"table of nothing": {printer.Line{Kind: printer.Table}, "a table without columns"},
		"raw, no base64":   {printer.Line{Kind: printer.Raw, Data: "?"}, "raw data is no base64"},
	} {
		t.Run(name, func(t *testing.T) {
			err := printer.Check(printer.Document{Lines: []printer.Line{printer.Plain("ok"), c.line}})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if _, err := printer.Show(printer.Document{}, "TM-T1", 0); err == nil {
		t.Error("an unknown profile is no error")
	}
}

func TestACodeIsMadeToFitThePaperOrIsText(t *testing.T) {
	for name, c := range map[string]struct {
		line    printer.Line
		profile string
		module  int // 0: it is printed as text
	}{
		"as asked":              {printer.Line{Kind: printer.Barcode, Data: "0123456789", Code: printer.Code{Module: 3}}, "chinese-80", 3},
		"narrower on 58 mm":     {printer.Line{Kind: printer.Barcode, Data: "AB0123456789", Code: printer.Code{Module: 4}}, "chinese-58", 2},
		"too long for 58 mm":    {printer.Line{Kind: printer.Barcode, Data: strings.Repeat("AB", 10)}, "chinese-58", 0},
		"a QR code of 200 B":    {printer.Line{Kind: printer.QR, Data: strings.Repeat("Ab1/", 50), Code: printer.Code{Module: 16}}, "chinese-58", 6},
		"longer than a barcode": {printer.Line{Kind: printer.Barcode, Data: strings.Repeat("x", 90)}, "chinese-80", 0},
	} {
		t.Run(name, func(t *testing.T) {
			rows, _ := printer.Layout(printer.Document{Lines: []printer.Line{c.line}}, map[string]int{"chinese-80": 48, "chinese-58": 32}[c.profile])
			if got := rows[0].Line.Code.Module; got != c.module || (c.module == 0) != (rows[0].Kind == printer.Text) {
				t.Errorf("module %d, kind %q, want %d", got, rows[0].Kind, c.module)
			}
		})
	}
}

func TestRawBytesGoAsTheyAre(t *testing.T) {
	d := printer.Receiptline("{command:\\x1bE\\x01bold\\n}")
	p := show(t, d, "chinese-80")
	if !bytes.Contains(p.Bytes, []byte("\x1bE\x01bold\n")) {
		t.Errorf("got %q", p.Bytes)
	}
}

// codes are documents whose codes another program reads.
var codes = map[string]struct{ text, want string }{
	"CODE128":      {"{code:A1B2-9}", "CODE-128:A1B2-9"},
	"EAN13":        {"{option:ean hri;code:690123456789}", "EAN-13:6901234567892"},
	"EAN8":         {"{option:jan,3;code:9638507}", "EAN-8:96385074"},
	"UPC-A":        {"{option:upc;code:03600029145}", "EAN-13:0036000291452"},
	"CODE39, left": {"{option:code39}\n|{code:ABC-12}", "CODE-39:ABC-12"},
	"ITF":          {"{option:itf 3 100;code:12345678}", "I2/5:12345678"},
	"CODE93":       {"{option:code93;code:AB-12}", "CODE-93:AB-12"},
	"CODABAR":      {"{option:nw7;code:A1234B}", "Codabar:A1234B"},
	"QR":           {"{option:qrcode 4 m;code:https://example.com/?a=1}", "QR-Code:https://example.com/?a=1"},
	"QR, Chinese":  {"{option:qrcode 6 q;code:中文小票}", "QR-Code:中文小票"},
}

func TestZbarimgReadsTheCodesOfDocuments(t *testing.T) {
	zbar, err := exec.LookPath("zbarimg")
	if err != nil {
		porttest.NothingToCompare(t, "zbarimg is not installed")
	}
	for name, c := range codes {
		for _, profile := range []string{"TM-T88V", "NT-5890K", "TH230", "TM-U220"} { // by the printer; drawn, in rows, strips, by needles
			t.Run(name+" on "+profile, func(t *testing.T) {
				p := show(t, printer.Receiptline(c.text), profile)
				var b bytes.Buffer
				if err := paper.PNG(&b, p.Print); err != nil {
					t.Fatal(err)
				}
				file := filepath.Join(t.TempDir(), "code.png")
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
}

func ExampleReceiptline() {
	p, err := printer.Show(printer.Receiptline("^^^可乐店\n可口可乐 330ml | 3.50\n---\n^合计 | ^3.50"), "chinese-58", 0)
	if err != nil {
		panic(err)
	}
	for _, slip := range p.Print.Slips {
		fmt.Print(paper.Text(slip, p.Print.Dots))
	}
	// Output:
	//           可乐店
	// 可口可乐 330ml              3.50
	// --------------------------------
	// 合计                3.50
}
