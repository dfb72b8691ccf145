// Package glyph has characters as dots, in the size of receipt printers: 12 x 24 dots, or 24 x 24 for Chinese.
//
// The dots come from github.com/hajimehoshi/bitmapfont (M+, Ark Pixel, Cubic 11, misc-fixed and Baekmuk; OFL-1.1 and other
// free licences, see its README), twice as large.
package glyph

import (
	"image"

	"github.com/hajimehoshi/bitmapfont/v3"
	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
)

// Size of a column, in dots.
const (
	Width  = 12
	Height = 24
)

const (
	scale = 2 // the font's dots are 6 x 12 for a column
	above = 2 // rows of the font's 16 above the 12 that are kept
)

// Bits is a character as rows of dots. Pix has one byte for each dot: 1 is black.
type Bits struct {
	W, H int
	Pix  []byte
}

// Draw draws r in so many columns, 1 or 2. False means that no font has it.
func Draw(r rune, columns int) (Bits, bool) {
	face := faceFor(columns)
	if advance, ok := face.GlyphAdvance(r); !ok || advance == 0 {
		return Bits{}, false
	}
	b := Bits{W: Width * columns, H: Height}
	b.Pix = make([]byte, b.W*b.H)
	rect, mask, at, _, ok := face.Glyph(fixed.P(0, face.Metrics().Ascent.Round()), r)
	if !ok {
		return Bits{}, false
	}
	for i := range b.Pix {
		from := image.Pt(i%b.W/scale, i/b.W/scale+above)
		if !from.In(rect) {
			continue
		}
		p := at.Add(from.Sub(rect.Min))
		if _, _, _, alpha := mask.At(p.X, p.Y).RGBA(); alpha > 0x7FFF {
			b.Pix[i] = 1
		}
	}
	return b, true
}

// faceFor gives a font in which characters of ambiguous width are as wide as is needed. It is read when it is first used.
func faceFor(columns int) font.Face {
	if columns > 1 {
		return bitmapfont.FaceSCEA
	}
	return bitmapfont.FaceSC
}
