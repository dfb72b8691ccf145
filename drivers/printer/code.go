package printer

import (
	"slices"
	"strings"

	"posd/drivers/printer/symbol"
)

// withCode fills in what a line does not say of its code. A QR code that is called a barcode is a QR code.
func (l Line) withCode() Line {
	c := &l.Code
	usual := Code{Kind: symbol.Code128, Module: 2, Height: 60}
	switch {
	case l.Kind == QR || c.Kind == symbol.QR:
		usual = Code{Kind: symbol.QR, Module: 6, Level: "M"}
		l.Kind, c.Kind = QR, usual.Kind
	case c.Kind == symbol.Aztec || c.Kind == symbol.DataMatrix:
		usual.Module = 6
	}
	if c.Kind == "" {
		c.Kind = usual.Kind
	}
	if c.Module < 1 || c.Module > 16 {
		c.Module = usual.Module
	}
	if c.Height < 1 || c.Height > 255 {
		c.Height = usual.Height
	}
	if !slices.Contains([]string{"L", "M", "Q", "H"}, c.Level) {
		c.Level = usual.Level
	}
	return l
}

// narrowest are the smallest modules that printers print, in dots: of barcodes (GS w), and of QR codes that still can be read.
var narrowest = map[Kind]int{Barcode: 2, QR: 2}

// widestBar is the largest module of a barcode that GS w takes.
const widestBar = 6

// byPrinter is a line whose code the printer draws itself, with a module that it has.
func (l Line) byPrinter() Line {
	if l.Kind == Barcode {
		l.Code.Module = min(max(l.Code.Module, narrowest[Barcode]), widestBar)
	}
	return l
}

// fitting gives a line with a code the largest module, up to the one that was asked for, with which it fits so many dots.
// False means that the code cannot hold its data, or not on this paper.
func (l Line) fitting(dots int) (Line, bool) {
	l = l.withCode()
	if l.Data == "" || l.Kind == Barcode && !printableASCII(l.Data) {
		return l, false
	}
	c, err := symbol.Draw(l.Code.Kind, l.Data, l.Code.Level)
	if err != nil {
		return l, false
	}
	modules := c.W
	if l.Code.Kind == symbol.Code128 {
		modules = 11*len(l.Data) + 35 // in code set B, as barcode writes it: start, data, check, stop
	}
	for l.Code.Module > narrowest[l.Kind] && modules*l.Code.Module > dots {
		l.Code.Module--
	}
	return l, modules*l.Code.Module <= dots
}

// barcodeNumbers are the kinds of GS k, form B. A kind without a number is drawn.
var barcodeNumbers = map[string]byte{
	symbol.UPCA: 65, symbol.EAN13: 67, symbol.EAN8: 68, symbol.Code39: 69, symbol.ITF: 70, symbol.Codabar: 71,
	symbol.Code93: 72, symbol.Code128: 73,
}

// code39Letters are what a printer takes in CODE39, which has no others of its own. "*" begins and ends it.
const code39Letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%+-./"

// barNumber is that of GS k; 0 is none: the printer lacks the kind, or characters of the data.
func (l Line) barNumber() byte {
	if l.Code.Kind == symbol.Code39 && strings.Trim(l.Data, code39Letters) != "" {
		return 0
	}
	return barcodeNumbers[l.Code.Kind]
}

// codePicture draws a code for a printer that cannot, with modules so many dots across.
func codePicture(l Line, across int) (*bitmap, bool) {
	c, err := symbol.Draw(l.Code.Kind, l.Data, l.Code.Level)
	if err != nil {
		return nil, false
	}
	down := l.Code.Module
	if c.Flat() {
		down = l.Code.Height
	}
	b := newBitmap(c.W*across, c.H*down)
	for i := range b.pix {
		b.pix[i] = c.Dark(i%b.w/across, i/b.w/down)
	}
	return b, true
}
