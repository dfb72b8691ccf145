// Package paper shows what a printer prints: as text, as a picture (SVG, PNG), as JSON.
package paper

import (
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"io"

	"posd/drivers/printer/escpos"
	"posd/drivers/printer/glyph"
	"posd/drivers/printer/symbol"
)

const (
	margin    = 24     // dots of paper around the print
	cutGap    = 36     // dots between slips
	maxHeight = 32_000 // of a picture, in dots: four metres of paper
	quiet     = 4      // modules around a code
)

// ErrTooLong says that a print is longer than a picture may be.
var ErrTooLong = errors.New("the print is too long for a picture")

// placed is a line with its place on the paper.
type placed struct {
	escpos.Line
	y, height int
	code      *drawnCode
}

// drawnCode is a code in dots.
type drawnCode struct {
	symbol.Code
	x, w, h, module int
	err             error
}

// sheet is a print as it is drawn: one slip below the other.
type sheet struct {
	w, h  int
	lines []placed
	cuts  []int // where slips end
}

// lay places all lines.
func lay(p escpos.Print) sheet {
	s := sheet{w: p.Dots + 2*margin, h: margin}
	for _, slip := range p.Slips {
		for _, l := range slip.Lines {
			at := placed{Line: l, y: s.h, height: l.Height}
			if l.Symbol != nil {
				at.code = place(l, p.Dots)
				at.height = at.code.h + textHeight(*l.Symbol)
			}
			s.lines, s.h = append(s.lines, at), s.h+at.height
		}
		if slip.Cut != "" {
			s.cuts = append(s.cuts, s.h+cutGap/2)
			s.h += cutGap
		}
	}
	s.h += margin
	return s
}

func textHeight(s escpos.Symbol) int {
	if s.Text {
		return glyph.Height
	}
	return 0
}

// place draws a code and finds its place on the line.
func place(l escpos.Line, dots int) *drawnCode {
	s := l.Symbol
	c := &drawnCode{module: max(s.Module, 1)}
	c.Code, c.err = symbol.Draw(s.Kind, s.Data, s.Level)
	c.w, c.h = c.W*c.module, s.Height
	if !c.Flat() || s.Height == 0 {
		c.h = (c.H + 2*quiet) * c.module
	}
	if c.err == nil && c.w > dots {
		c.err = fmt.Errorf("%s is %d dots wide, the paper %d", s.Kind, c.w, dots)
	}
	if c.err != nil {
		c.w, c.h = dots, 2*glyph.Height
	}
	c.x = (dots - c.w) * int(l.Align) / 2
	return c
}

// PNG writes a print as a picture of one dot per dot.
func PNG(w io.Writer, p escpos.Print) error {
	img, err := Image(p)
	if err != nil {
		return err
	}
	return png.Encode(w, img)
}

// Image is a print as a picture of one dot per dot, with a margin.
func Image(p escpos.Print) (*image.Paletted, error) {
	s := lay(p)
	if s.h > maxHeight {
		return nil, fmt.Errorf("%w: %d dots high, the most is %d", ErrTooLong, s.h, maxHeight)
	}
	c := canvas{image.NewPaletted(image.Rect(0, 0, s.w, s.h), escpos.Ink)}
	for _, l := range s.lines {
		c.line(l)
	}
	for _, y := range s.cuts {
		for x := 0; x < s.w; x += 12 {
			c.fill(image.Rect(x, y, x+6, y+1), 1)
		}
	}
	return c.Paletted, nil
}

// canvas is a picture that is being drawn.
type canvas struct{ *image.Paletted }

func (c canvas) fill(r image.Rectangle, ink byte) {
	r = r.Intersect(c.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			c.Pix[y*c.Stride+x] = ink
		}
	}
}

func (c canvas) line(l placed) {
	if l.code != nil {
		c.code(l)
		return
	}
	base := baseline(l.Line)
	for _, p := range l.Pictures {
		at := image.Pt(margin+p.X, l.y+base-min(base, p.Image.Rect.Dy()))
		draw.Draw(c, p.Image.Rect.Add(at), p.Image, image.Point{}, draw.Src)
	}
	for _, cell := range l.Cells {
		c.cell(cell, image.Rect(margin+cell.X, l.y+base-cell.Height, margin+cell.X+cell.Width, l.y+base))
	}
}

// baseline is how far below the top of a line its characters stand.
func baseline(l escpos.Line) int {
	high := 0
	for _, c := range l.Cells {
		high = max(high, c.Height)
	}
	for _, p := range l.Pictures {
		high = max(high, p.Image.Rect.Dy())
	}
	return high
}

// cell draws one character into its rectangle; a box when no font has it.
func (c canvas) cell(cell escpos.Cell, r image.Rectangle) {
	ink, paper := byte(1), byte(0)
	if cell.Style.Invert {
		ink, paper = paper, ink
		c.fill(r, paper)
	}
	if bits, ok := glyph.Draw(cell.Rune, wide(cell)); ok {
		c.bits(bits, r, cell.Style, ink)
	} else if cell.Rune != ' ' {
		in := r.Inset(2)
		c.fill(in, ink)
		c.fill(in.Inset(2), paper)
	}
	if cell.Style.Underline {
		c.fill(image.Rect(r.Min.X, r.Max.Y-2, r.Max.X, r.Max.Y), ink)
	}
}

// wide is how many columns a character has by its own nature.
func wide(c escpos.Cell) int {
	if c.Wide {
		return 2
	}
	return 1
}

// bits draws dots, as large as the rectangle.
func (c canvas) bits(b glyph.Bits, r image.Rectangle, s escpos.Style, ink byte) {
	for y := range r.Dy() {
		for x := range r.Dx() {
			from := y*b.H/r.Dy()*b.W + x*b.W/r.Dx()
			if s.UpsideDown {
				from = len(b.Pix) - 1 - from
			}
			if b.Pix[from] == 0 {
				continue
			}
			at := image.Rect(r.Min.X+x, r.Min.Y+y, r.Min.X+x+1, r.Min.Y+y+1)
			if s.Bold {
				at.Max.X++
			}
			c.fill(at, ink)
		}
	}
}

// code draws a code with its text, or a box that says why not.
func (c canvas) code(l placed) {
	k := l.code
	x, y := margin+k.x, l.y
	if k.err != nil {
		c.fill(image.Rect(x, y, x+k.w, y+k.h), 1)
		c.fill(image.Rect(x, y, x+k.w, y+k.h).Inset(2), 0)
		c.words(clean(l.Symbol.Kind+" "+l.Symbol.Data), x+glyph.Width, y+glyph.Height/2, k.w-2*glyph.Width)
		return
	}
	k.each(func(r image.Rectangle) { c.fill(r.Add(image.Pt(x, y)), 1) })
	if l.Symbol.Text {
		c.words(k.Text, x+max(0, (k.w-len(k.Text)*glyph.Width)/2), y+k.h, k.w)
	}
}

// each gives the black rectangles of a code, from its left upper corner.
func (k *drawnCode) each(black func(image.Rectangle)) {
	for y := range k.H {
		for x := 0; x < k.W; x++ {
			from := x
			for k.Dark(x, y) {
				x++
			}
			if x == from {
				continue
			}
			if k.Flat() {
				black(image.Rect(from*k.module, 0, x*k.module, k.h))
			} else {
				top := (y + quiet) * k.module
				black(image.Rect(from*k.module, top, x*k.module, top+k.module))
			}
		}
	}
}

// words writes plain text into so many dots.
func (c canvas) words(text string, x, y, width int) {
	end := x + width
	for _, r := range text {
		columns := escpos.Columns(r)
		if x+columns*glyph.Width > end {
			return
		}
		at := image.Rect(x, y, x+columns*glyph.Width, y+glyph.Height)
		c.cell(escpos.Cell{Rune: r, Wide: columns == 2}, at)
		x = at.Max.X
	}
}
