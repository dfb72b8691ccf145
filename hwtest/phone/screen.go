package phone

import (
	"fmt"
	"html"
	"image/color"
	"io"
	"strings"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/code128"
	"github.com/boombuler/barcode/qr"
)

// The light margins that the symbols' standards ask for, in modules (ISO/IEC 18004 9.1, ISO/IEC 15417 4.4.2.6).
const (
	qrQuiet  = 4
	barQuiet = 10
)

// grid is a symbol's dark modules, margin included.
type grid struct {
	width, height int
	dark          func(x, y int) bool
}

// symbols draws a code as QR and as Code 128, which is one module high.
func symbols(digits string) (square, bars grid, err error) {
	q, err := qr.Encode(digits, qr.M, qr.Numeric)
	if err != nil {
		return grid{}, grid{}, fmt.Errorf("draw the code as QR: %w", err)
	}
	b, err := code128.Encode(digits)
	if err != nil {
		return grid{}, grid{}, fmt.Errorf("draw the code as Code 128: %w", err)
	}
	return gridOf(q, qrQuiet, qrQuiet), gridOf(b, barQuiet, 0), nil
}

// gridOf adds a margin at the sides, and above and below.
func gridOf(b barcode.Barcode, side, above int) grid {
	size := b.Bounds().Size()
	return grid{size.X + 2*side, size.Y + 2*above, func(x, y int) bool {
		x, y = x-side, y-above
		return x >= 0 && y >= 0 && x < size.X && y < size.Y && color.GrayModel.Convert(b.At(x, y)) == color.Gray{}
	}}
}

// Black on white, whatever the terminal's own colours are: scanners want dark modules on light ground.
const (
	ink   = "\x1b[30;107m"
	plain = "\x1b[0m"
)

// Draw writes a code as QR and Code 128 for a terminal of 80 columns. With colour it is black on white; without, ground
// is drawn and ink is left out, which is right on a dark terminal. digits stand below, in fours, unless they are hidden.
func Draw(w io.Writer, digits string, colour bool) error {
	square, bars, err := symbols(digits)
	if err != nil {
		return err
	}
	for _, line := range square.halves(!colour) {
		put(w, line, colour)
	}
	line := bars.sides(!colour)
	for range barLines {
		put(w, line, colour)
	}
	fmt.Fprintf(w, "%s\n", fours(digits))
	return nil
}

// barLines is how many lines of a terminal a Code 128 is high.
const barLines = 5

func put(w io.Writer, line string, colour bool) {
	if colour {
		line = ink + line + plain
	}
	fmt.Fprintln(w, line)
}

// halves draws two rows of modules into one line of characters, which are twice as high as wide.
func (g grid) halves(inverse bool) (lines []string) {
	for y := 0; y < g.height; y += 2 {
		var b strings.Builder
		for x := range g.width {
			upper, lower := g.dark(x, y) != inverse, (y+1 < g.height && g.dark(x, y+1)) != inverse
			b.WriteRune(pair(upper, lower, [4]rune{' ', '▄', '▀', '█'}))
		}
		lines = append(lines, b.String())
	}
	return lines
}

// sides draws two columns of the first row into one character.
func (g grid) sides(inverse bool) string {
	var b strings.Builder
	for x := 0; x < g.width; x += 2 {
		left, right := g.dark(x, 0) != inverse, (x+1 < g.width && g.dark(x+1, 0)) != inverse
		b.WriteRune(pair(left, right, [4]rune{' ', '▐', '▌', '█'}))
	}
	return b.String()
}

func pair(first, second bool, of [4]rune) rune {
	n := 0
	if first {
		n = 2
	}
	if second {
		n++
	}
	return of[n]
}

// fours groups digits as wallets show them.
func fours(digits string) string {
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// Sizes of the picture, in modules.
const (
	qrModule  = 6 // of a QR's module
	barModule = 3
	barHeight = 80
)

// SVG writes a code as a picture of QR and Code 128, for a screen that a real scanner reads.
func SVG(w io.Writer, digits, title string) error {
	square, bars, err := symbols(digits)
	if err != nil {
		return err
	}
	width := max(square.width*qrModule, bars.width*barModule)
	top := square.height * qrModule
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="%[2]d" viewBox="0 0 %[1]d %[2]d" shape-rendering="crispEdges">`,
		width, top+barHeight+barQuiet*barModule)
	fmt.Fprintf(&b, "\n<title>%s</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n<path d=\"", html.EscapeString(title))
	square.path(&b, place{(width - square.width*qrModule) / 2, 0, qrModule, qrModule})
	bars.path(&b, place{(width - bars.width*barModule) / 2, top, barModule, barHeight})
	b.WriteString("\"/>\n</svg>\n")
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the picture: %w", err)
	}
	return nil
}

// place is where a grid stands in a picture, and how large one module is there.
type place struct{ left, top, width, height int }

// path adds the dark modules, one rectangle for each run of them in a row.
func (g grid) path(b *strings.Builder, p place) {
	for y := range g.height {
		for x := 0; x < g.width; x++ {
			from := x
			for x < g.width && g.dark(x, y) {
				x++
			}
			if x > from {
				n := (x - from) * p.width
				fmt.Fprintf(b, "M%d %dh%dv%dh-%dz", p.left+from*p.width, p.top+y*p.height, n, p.height, n)
			}
		}
	}
}
