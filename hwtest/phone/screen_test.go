package phone_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/oned"
	"github.com/makiuchi-d/gozxing/qrcode"

	"posd/hwtest/phone"
)

const shown = "901234567890123456"

// scan reads a picture as a scanner of other people's making does.
func scan(t *testing.T, what string, reader gozxing.Reader, picture image.Image) string {
	t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		t.Fatal(err)
	}
	result, err := reader.Decode(bitmap, nil)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return result.GetText()
}

func both(t *testing.T, what string, square, bars image.Image) {
	t.Helper()
	for _, digits := range []string{scan(t, what+": QR", qrcode.NewQRCodeReader(), square), scan(t, what+": Code 128", oned.NewCode128Reader(), bars)} {
		if digits != shown {
			t.Errorf("%s reads %s, want %s", what, digits, shown)
		}
	}
}

// picture is a white one with some dark rectangles.
func picture(width, height int, dark ...image.Rectangle) image.Image {
	p := image.NewGray(image.Rect(0, 0, width, height))
	draw.Draw(p, p.Bounds(), image.White, image.Point{}, draw.Src)
	for _, r := range dark {
		draw.Draw(p, r, image.Black, image.Point{}, draw.Src)
	}
	return p
}

func TestAScannerReadsThePicture(t *testing.T) {
	var b bytes.Buffer
	if err := phone.SVG(&b, shown, "a <code>"); err != nil {
		t.Fatal(err)
	}
	var width, height int
	if _, err := fmt.Sscanf(b.String(), `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d"`, &width, &height); err != nil {
		t.Fatal(err)
	}
	var square, bars []image.Rectangle
	for _, m := range regexp.MustCompile(`M\d+ \d+h\d+v\d+`).FindAllString(b.String(), -1) {
		var x, y, w, h int
		if _, err := fmt.Sscanf(m, "M%d %dh%dv%d", &x, &y, &w, &h); err != nil {
			t.Fatal(err)
		}
		if r := image.Rect(x, y, x+w, y+h); h > 10 {
			bars = append(bars, r)
		} else {
			square = append(square, r)
		}
	}
	both(t, "the picture", picture(width, height, square...), picture(width, height, bars...))
	if strings.Contains(b.String(), shown) || !strings.Contains(b.String(), "a &lt;code&gt;") {
		t.Error("the digits are in the picture's text, or its title is not escaped")
	}
}

// halves are the quarters of a character that are drawn: upper and lower half, or left and right.
var halves = map[rune][4]bool{ // upper left, upper right, lower left, lower right
	' ': {}, '█': {true, true, true, true}, '▀': {true, true, false, false}, '▄': {false, false, true, true},
	'▌': {true, false, true, false}, '▐': {false, true, false, true},
}

// terminal is what a terminal of 80 columns shows, as far as something is drawn: a character has four quarters.
func terminal(t *testing.T, lines []string, ink, ground color.Gray) image.Image {
	t.Helper()
	half := image.Pt(4, 8) // pixels: characters are twice as high as wide
	p := image.NewGray(image.Rect(0, 0, utf8.RuneCountInString(lines[0])*2*half.X, len(lines)*2*half.Y))
	draw.Draw(p, p.Bounds(), image.NewUniform(ground), image.Point{}, draw.Src)
	for y, line := range lines {
		for x, r := range []rune(line) {
			on, known := halves[r]
			if x >= 80 || !known {
				t.Fatalf("line %d has %q in column %d", y, r, x)
			}
			for i, drawn := range on {
				if drawn {
					at := image.Pt((x*2+i%2)*half.X, (y*2+i/2)*half.Y)
					draw.Draw(p, image.Rectangle{at, at.Add(half)}, image.NewUniform(ink), image.Point{}, draw.Src)
				}
			}
		}
	}
	return p
}

func TestAScannerReadsTheTerminal(t *testing.T) {
	white, black := color.Gray{255}, color.Gray{}
	for name, c := range map[string]struct {
		colour      bool
		ink, ground color.Gray
	}{
		"black on white":          {true, black, white},
		"a dark terminal, plain":  {false, white, black},
		"a dark terminal, greyer": {false, color.Gray{200}, color.Gray{30}},
	} {
		var b bytes.Buffer
		if err := phone.Draw(&b, shown, c.colour); err != nil {
			t.Fatal(err)
		}
		text := strings.NewReplacer("\x1b[30;107m", "", "\x1b[0m", "").Replace(b.String())
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		rows := len(lines) - 1 - 5
		both(t, name, terminal(t, lines[:rows], c.ink, c.ground), terminal(t, lines[rows:rows+5], c.ink, c.ground))
		if digits := lines[len(lines)-1]; digits != "9012 3456 7890 1234 56" {
			t.Errorf("%s: below stands %q", name, digits)
		}
	}
}
