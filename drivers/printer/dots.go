package printer

import (
	"slices"

	"posd/drivers/printer/glyph"
	"posd/drivers/printer/profile"
)

// way is how a printer prints pictures. The zero value is: not at all.
type way byte

const (
	noDots     way = iota
	rasterDots     // GS v 0
	columnDots     // ESC * 33, in strips of 24 dots
	pinDots        // ESC * 1, in strips of 8 dots, as printers with needles do: 160 dots to the inch across, 72 down
)

// means is what a printer has for codes and pictures. Layout and encoder go by the same.
type means struct {
	way      way
	dots     int  // across the paper, for modules of codes
	across   int  // dots across the paper, for pictures
	bars, qr bool // it draws barcodes, QR codes itself
}

// usualMeans are those of a printer that has everything.
func usualMeans(columns int) means {
	dots := columns * glyph.Width
	return means{way: rasterDots, dots: dots, across: dots, bars: true, qr: true}
}

func meansOf(p *profile.Profile, columns int) means {
	m := means{dots: columns * glyph.Width, across: p.Dots, bars: p.Barcodes, qr: p.QR}
	if columns < p.Columns { // on narrower paper, with as many dots to the inch
		m.across = p.Dots * columns / p.Columns
	}
	switch {
	case p.Raster:
		m.way = rasterDots
	case p.Bits:
		m.way = columnDots
	case p.Pins:
		m.way, m.dots = pinDots, m.across/2 // a module is twice as many dots across as down
	}
	return m
}

// native tells whether the printer draws a code itself. It goes by all that a line says of its code: withCode.
func (m means) native(l Line) bool {
	if l.Kind == QR {
		low, high := qrLength(l)
		return m.qr && printableASCII(l.Data) && !realTime(low, high)
	}
	return m.bars && l.barNumber() > 0
}

// fitting is Line.fitting for this printer. What needles print is coarser, and is asked for in fewer dots.
func (m means) fitting(l Line) (Line, bool) {
	l = l.withCode()
	if m.native(l) {
		return l.byPrinter().fitting(m.dots)
	}
	if m.way == pinDots {
		l.Code.Module, l.Code.Height = coarse(l.Code.Module), coarse(l.Code.Height)
	}
	l, fits := l.fitting(m.dots)
	return l, fits && m.way != noDots
}

// coarse is a length of 203 dots to the inch in dots of needles.
func coarse(n int) int { return max(1, (n*2+2)/5) }

// code draws a code that fits.
func (m means) code(l Line) ([][]byte, bool) {
	across := l.Code.Module
	if m.way == pinDots {
		across *= 2
	}
	picture, ok := codePicture(l, across)
	return m.parts(picture), ok
}

// parts is a picture as commands, one after the other.
func (m means) parts(b *bitmap) [][]byte {
	switch {
	case b == nil || m.way == noDots:
		return nil
	case m.way == rasterDots:
		return b.raster()
	case m.way == columnDots:
		return b.strips(bits24)
	default:
		return b.strips(bits8)
	}
}

// bits is a way of ESC *: its m, and the bytes of a column.
type bits struct {
	mode byte
	high int
}

var (
	bits24 = bits{mode: 33, high: 3}
	bits8  = bits{mode: 1, high: 1}
)

// Lines next to each other, and at their usual distance. 16 is the height of a strip of needles in 1/144 inch; printers of dots
// feed at least the height of what is on the line.
var (
	escLineSpace   = []byte{0x1B, '3', 16} // ESC 3 n
	escUsualSpaces = []byte{0x1B, '2'}     // ESC 2
)

// strips is a picture as lines of ESC *. Each part leaves all modes as they were.
func (b *bitmap) strips(how bits) [][]byte {
	var parts [][]byte
	for top := 0; top < b.h; top += how.high * 8 {
		parts = append(parts, slices.Concat(escLineSpace, b.inline(top, how), []byte{'\n'}, escUsualSpaces))
	}
	return parts
}

// inline is a strip of a picture as ESC *, within a line.
func (b *bitmap) inline(top int, how bits) []byte {
	out := []byte{0x1B, '*', how.mode, byte(b.w), byte(b.w >> 8)}
	for x := range b.w {
		out = append(out, b.packed(how.high, func(i int) bool { return top+i < b.h && b.pix[(top+i)*b.w+x] })...)
	}
	harmless(out[5:])
	return out
}

// squeezed is a picture of w dots across, which are fewer. No stroke is lost.
func (b *bitmap) squeezed(w int) *bitmap {
	out := newBitmap(w, b.h)
	for i, black := range b.pix {
		if black {
			out.pix[i/b.w*w+i%b.w*w/b.w] = true
		}
	}
	return out
}
