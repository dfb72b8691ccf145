package escpos

import (
	"bytes"
	"image"
	"image/color"
)

// Ink is the palette of every picture: paper, then black.
var Ink = color.Palette{color.White, color.Black}

// init registers the commands for pictures.
func init() {
	register(esc, map[byte]command{'*': {size: columnsSize, run: (*Machine).columns}})
	register(gs, map[byte]command{
		'v': {size: rasterSize, run: (*Machine).raster}, '*': {size: defineSize, run: (*Machine).define},
		'8': {size: largeSize, run: (*Machine).large}, 'D': {size: byArg(map[byte]int{'0': 5})}, 'Q': {size: func(b []byte) int {
			if len(b) < 8 {
				return 0
			}
			return 8 + word(b[4:])*word(b[6:])
		}},
	})
}

// columnsSize is the size of ESC * m nL nH d...: n columns of 8 dots, or of 24 when m is 32 or 33.
func columnsSize(b []byte) int {
	if len(b) < 5 {
		return 0
	}
	return 5 + word(b[3:])*columnBytes(b[2])
}

func columnBytes(m byte) int {
	if m >= 32 {
		return 3
	}
	return 1
}

// columns is ESC *: a picture within the line.
func (m *Machine) columns(args []byte) {
	n, high := word(args[1:]), columnBytes(args[0])
	data, across, down := args[3:], 2-int(args[0]&1), 3/high
	m.inline(fromColumns(data, n, high, across, down))
}

// fromColumns reads columns of high bytes each, top bit first; a dot becomes across x down dots.
func fromColumns(data []byte, n, high, across, down int) *image.Paletted {
	p := image.NewPaletted(image.Rect(0, 0, n*across, high*8*down), Ink)
	for x := range p.Rect.Dx() {
		for y := range p.Rect.Dy() {
			row := y / down
			if data[x/across*high+row/8]>>(7-row%8)&1 != 0 {
				p.Pix[y*p.Stride+x] = 1
			}
		}
	}
	return p
}

// inline puts a picture on the line, as far as it fits.
func (m *Machine) inline(p *image.Paletted) {
	if p.Rect.Empty() {
		return
	}
	m.room(min(p.Rect.Dx(), m.area.width))
	m.line.Pictures = append(m.line.Pictures, Picture{X: m.x, Image: p})
	m.line.Height = max(m.line.Height, p.Rect.Dy())
	m.x += p.Rect.Dx()
}

// rasterSize is the size of GS v 0 m xL xH yL yH d....
func rasterSize(b []byte) int {
	if len(b) < 8 {
		return 0
	}
	return 8 + word(b[4:])*word(b[6:])
}

// raster is GS v 0: a picture on its own; bit 0 of m doubles its width, bit 1 its height.
func (m *Machine) raster(args []byte) {
	p := fromRows(args[6:], word(args[2:])*8, word(args[4:]))
	m.block(enlarge(p, 1+int(args[1]&1), 1+int(args[1]>>1&1)))
}

// fromRows reads rows of whole bytes.
func fromRows(data []byte, width, height int) *image.Paletted {
	p := image.NewPaletted(image.Rect(0, 0, width, height), Ink)
	stride := (width + 7) / 8
	for i := range p.Pix {
		x, y := i%width, i/width
		p.Pix[i] = data[y*stride+x/8] >> (7 - x%8) & 1
	}
	return p
}

// enlarge makes each dot across x down dots.
func enlarge(p *image.Paletted, across, down int) *image.Paletted {
	if p == nil || across == 1 && down == 1 {
		return p
	}
	q := image.NewPaletted(image.Rect(0, 0, p.Rect.Dx()*across, p.Rect.Dy()*down), p.Palette)
	for i := range q.Pix {
		q.Pix[i] = p.Pix[i/q.Stride/down*p.Stride+i%q.Stride/across]
	}
	return q
}

// block prints a picture without distance to what follows.
func (m *Machine) block(p *image.Paletted) {
	m.flush()
	if p == nil || p.Rect.Empty() {
		return
	}
	x := m.area.left + max(m.area.width-p.Rect.Dx(), 0)*int(m.mode.align)/2
	m.add(Line{Align: m.mode.align, Height: p.Rect.Dy(), Pictures: []Picture{{X: x, Image: p}}})
}

// defineSize is the size of GS * x y d...: x times y times 8 bytes.
func defineSize(b []byte) int {
	if len(b) < 4 {
		return 0
	}
	return 4 + int(b[2])*int(b[3])*8
}

// define is GS *: a picture in columns, kept for GS /.
func (m *Machine) define(args []byte) {
	m.defs = fromColumns(args[2:], int(args[0])*8, int(args[1]), 1, 1)
}

// maxCopies is how often one stream gets a picture that it sent once: five bytes more, and it would fill the memory.
const maxCopies = 16

// printDefined is GS / m.
func (m *Machine) printDefined(args []byte) {
	if m.copies++; m.defs == nil || m.copies > maxCopies {
		m.event(Trouble, "GS /", args, "no picture was defined, or it was printed very often")
		return
	}
	m.block(enlarge(m.defs, 1+int(args[0]&1), 1+int(args[0]>>1&1)))
}

// largeSize is the size of GS 8 L p1 p2 p3 p4 ..., which is GS ( L with a length of four bytes.
func largeSize(b []byte) int {
	if len(b) < 7 {
		return 0
	}
	return 7 + word(b[3:]) + word(b[5:])<<16
}

func (m *Machine) large(args []byte) {
	if body := args[5:]; args[0] == 'L' && len(body) >= 2 {
		m.graphics(body)
	}
}

// graphics is GS ( L: fn 112 and 113 store a picture, fn 50 prints it. Pictures kept in the printer are not known here.
func (m *Machine) graphics(body []byte) {
	fn, args := body[1], body[2:]
	switch {
	case fn == 112 || fn == 113:
		m.store(fn, args)
	case fn == 50 || fn == 2:
		m.block(m.stored)
		m.stored = nil
	default:
		m.event(Known, "GS ( L", body, "")
	}
}

// store reads a bx by c xL xH yL yH d...: rows for fn 112, columns for fn 113.
func (m *Machine) store(fn byte, args []byte) {
	const header = 8
	if len(args) < header {
		m.event(Trouble, "GS ( L", args, "too short for a picture")
		return
	}
	width, height := word(args[4:]), word(args[6:])
	data := args[header:]
	want := (width + 7) / 8 * height
	if fn == 113 {
		want = width * ((height + 7) / 8)
	}
	if len(data) < want || want == 0 {
		m.event(Trouble, "GS ( L", args, "its length and its picture's size differ")
		return
	}
	p := fromRows
	if fn == 113 {
		p = func(data []byte, width, height int) *image.Paletted {
			return fromColumns(data, width, (height+7)/8, 1, 1)
		}
	}
	m.stored = enlarge(p(bytes.Clone(data), width, height), max(1, min(int(args[1]), 2)), max(1, min(int(args[2]), 2)))
}
