package printer

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	_ "image/jpeg" // pictures may be JPEG
	_ "image/png"  // and PNG

	xdraw "golang.org/x/image/draw"

	"posd/drivers/printer/glyph"
)

// bitmap is a picture of dots.
type bitmap struct {
	w, h int
	pix  []bool // true is black
}

func newBitmap(w, h int) *bitmap { return &bitmap{w: w, h: h, pix: make([]bool, w*h)} }

// Limits of pictures.
const (
	maxPixels = 16 << 20 // of a picture that comes in
	maxRows   = 4096     // on paper
	sliceSize = 1792     // bytes of one command, which fit a window: 24 rows on 80 mm paper
	sliceRows = 255      // at most, however narrow it is
)

var errPicture = errors.New("the picture cannot be printed")

// readPicture reads a PNG or JPEG in base64, makes it no wider than the paper and dithers it (Floyd-Steinberg).
func readPicture(data string, to scale) (*bitmap, error) {
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return nil, fmt.Errorf("%w: it is no base64", errPicture)
	}
	size, _, err := image.DecodeConfig(bytes.NewReader(raw))
	if err != nil || size.Width*size.Height > maxPixels || size.Width <= 0 || size.Height <= 0 {
		return nil, fmt.Errorf("%w: want PNG or JPEG of at most %d pixels", errPicture, maxPixels)
	}
	img, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errPicture, err)
	}
	return dither(img, to)
}

// scale is how pictures, which have 203 dots to the inch, fit a printer. The zero values of across and down are one.
type scale struct {
	dots         int // across the paper
	across, down float64
}

// pinScale is that of needles.
func pinScale(dots int) scale { return scale{dots: dots, across: 160. / 203, down: 72. / 203} }

// size is how large a picture is printed.
func (s scale) size(w, h int) (int, int) {
	across, down := cmp.Or(s.across, 1), cmp.Or(s.down, 1)
	if widest := float64(s.dots) / across; float64(w) > widest {
		across, down = across*widest/float64(w), down*widest/float64(w)
	}
	return max(1, int(float64(w)*across)), max(1, int(float64(h)*down))
}

func dither(img image.Image, to scale) (*bitmap, error) {
	from := img.Bounds()
	w, h := to.size(from.Dx(), from.Dy())
	if h > maxRows {
		return nil, fmt.Errorf("%w: %d dots high, the most is %d", errPicture, h, maxRows)
	}
	gray := image.NewGray(image.Rect(0, 0, w, h))
	draw.Draw(gray, gray.Rect, image.White, image.Point{}, draw.Src) // what is transparent is paper
	xdraw.ApproxBiLinear.Scale(gray, gray.Rect, img, from, draw.Over, nil)
	ink := image.NewPaletted(gray.Rect, color.Palette{color.White, color.Black})
	draw.FloydSteinberg.Draw(ink, ink.Rect, gray, image.Point{})
	b := newBitmap(w, h)
	for i, p := range ink.Pix {
		b.pix[i] = p == 1
	}
	return b, nil
}

// raster is a picture as GS v 0, in slices, each a command.
func (b *bitmap) raster() [][]byte {
	var slices [][]byte
	stride := (b.w + 7) / 8
	most := min(max(sliceSize/max(stride, 1), 1), sliceRows)
	for top := 0; top < b.h; top += most {
		rows := min(most, b.h-top)
		out := []byte{0x1D, 'v', '0', 0, byte(stride), byte(stride >> 8), byte(rows), byte(rows >> 8)}
		data := len(out)
		for y := top; y < top+rows; y++ {
			out = append(out, b.packed(stride, func(i int) bool { return i < b.w && b.pix[y*b.w+i] })...)
		}
		harmless(out[data:])
		slices = append(slices, out)
	}
	return slices
}

// harmless makes one dot black before what a printer would take out of a picture: DLE EOT, DLE ENQ and DLE DC4 work on
// receipt, wherever they stand (ESC/POS Command Reference, "real-time commands"), and the picture would lack their bytes.
func harmless(data []byte) {
	for i := range len(data) - 1 {
		if realTime(data[i], data[i+1]) {
			data[i] |= 0x08
		}
	}
}

// realTime tells whether a command begins so that works on receipt.
func realTime(first, second byte) bool {
	const dle, eot, enq, dc4 = 0x10, 0x04, 0x05, 0x14
	return first == dle && (second == eot || second == enq || second == dc4)
}

// packed packs n bytes, the first dot in the highest bit.
func (b *bitmap) packed(n int, black func(i int) bool) []byte {
	row := make([]byte, n)
	for i := range n * 8 {
		if black(i) {
			row[i/8] |= 0x80 >> (i % 8)
		}
	}
	return row
}

// drawGlyph draws a character so many times as wide and as high as usual.
func drawGlyph(r rune, columns, across, down int) *bitmap {
	bits, ok := glyph.Draw(r, columns)
	b := newBitmap(glyph.Width*columns*across, glyph.Height*down)
	if !ok {
		return b
	}
	for i := range b.pix {
		b.pix[i] = bits.Pix[i/b.w/down*bits.W+i%b.w/across] == 1
	}
	return b
}

// drawRow draws a whole row of text, for printers that have no pictures within a line.
func drawRow(runs []Run, f *face) *bitmap {
	w, h := 0, glyph.Height
	for _, run := range runs {
		across, down := run.size()
		h = max(h, glyph.Height*down)
		for _, r := range run.Text {
			w += f.find(r).columns * glyph.Width * across
		}
	}
	out, x := newBitmap(w, h), 0
	for _, run := range runs {
		across, down := run.size()
		for _, r := range run.Text {
			g := drawGlyph(r, f.find(r).columns, across, down)
			for i, black := range g.pix {
				out.pix[(h-g.h+i/g.w)*w+x+i%g.w] = black != run.Invert
			}
			x += g.w
		}
	}
	return out
}
