// Package symbol draws machine-readable codes as modules: barcodes, QR and their kin, through github.com/boombuler/barcode.
package symbol

import (
	"errors"
	"fmt"
	"image/color"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/aztec"
	"github.com/boombuler/barcode/codabar"
	"github.com/boombuler/barcode/code128"
	"github.com/boombuler/barcode/code39"
	"github.com/boombuler/barcode/code93"
	"github.com/boombuler/barcode/datamatrix"
	"github.com/boombuler/barcode/ean"
	"github.com/boombuler/barcode/pdf417"
	"github.com/boombuler/barcode/qr"
	"github.com/boombuler/barcode/twooffive"
)

// Kinds of codes, as the ESC/POS reference calls them.
const (
	UPCA       = "UPC-A"
	UPCE       = "UPC-E"
	EAN13      = "EAN13"
	EAN8       = "EAN8"
	Code39     = "CODE39"
	ITF        = "ITF"
	Codabar    = "CODABAR"
	Code93     = "CODE93"
	Code128    = "CODE128"
	GS1128     = "GS1-128"
	QR         = "QR"
	PDF417     = "PDF417"
	Aztec      = "Aztec"
	DataMatrix = "DataMatrix"
)

// ErrKind says that codes of this kind cannot be drawn here.
var ErrKind = errors.New("codes of this kind cannot be drawn")

// Code is a code as modules; a barcode is one module high. Quiet zones are the caller's.
type Code struct {
	W, H int
	Text string // what stands below a barcode, with check digit
	dark []bool
}

// Dark tells whether the module is black. What is outside of the code is not.
func (c Code) Dark(x, y int) bool {
	return x >= 0 && y >= 0 && x < c.W && y < c.H && c.dark[y*c.W+x]
}

// Flat tells a barcode from a code of two dimensions.
func (c Code) Flat() bool { return c.H == 1 }

// Draw makes a code. The level is L, M, Q or H, of QR codes only; empty is L.
func Draw(kind, data, level string) (c Code, err error) {
	defer func() {
		if r := recover(); r != nil { // the library trusts its callers more than a printer may trust a stream
			err = fmt.Errorf("%s cannot hold this data: %v", kind, r)
		}
	}()
	b, err := encode(kind, data, level)
	if err != nil {
		return Code{}, err
	}
	size := b.Bounds()
	c = Code{W: size.Dx(), H: size.Dy(), Text: b.Content()}
	c.dark = make([]bool, c.W*c.H)
	for i := range c.dark {
		c.dark[i] = b.At(size.Min.X+i%c.W, size.Min.Y+i/c.W) == color.Black
	}
	return c, nil
}

// digits are how many some codes have, without and with their check digit. The library goes by the data and not by the kind.
var digits = map[string][2]int{UPCA: {11, 12}, EAN13: {12, 13}, EAN8: {7, 8}}

func encode(kind, data, level string) (barcode.Barcode, error) {
	if n, counts := digits[kind]; counts && len(data) != n[0] && len(data) != n[1] {
		return nil, fmt.Errorf("%s has %d digits and a check digit, not %d", kind, n[0], len(data))
	}
	switch kind {
	case UPCA:
		return ean.Encode("0" + data)
	case EAN13, EAN8:
		return ean.Encode(data)
	case Code39:
		return code39.Encode(data, false, true)
	case ITF:
		return twooffive.Encode(data, true)
	case Codabar:
		return codabar.Encode(data)
	case Code93:
		return code93.Encode(data, true, true)
	case Code128:
		return code128.Encode(data)
	case GS1128:
		return code128.Encode(string(code128.FNC1) + data)
	case QR:
		return qr.Encode(data, levels[level], qr.Auto)
	case PDF417:
		return pdf417.Encode(data, 2)
	case Aztec:
		return aztec.Encode([]byte(data), aztec.DEFAULT_EC_PERCENT, aztec.DEFAULT_LAYERS)
	case DataMatrix:
		return datamatrix.Encode(data)
	default:
		return nil, fmt.Errorf("%w: %s", ErrKind, kind)
	}
}

var levels = map[string]qr.ErrorCorrectionLevel{"L": qr.L, "M": qr.M, "Q": qr.Q, "H": qr.H}
