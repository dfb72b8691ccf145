package printer_test

import (
	"bytes"
	"strings"
	"testing"

	"posd/drivers/printer"
	"posd/drivers/printer/escpos"
)

// shownCode is a code on 80 mm paper, by a printer that draws barcodes and QR codes itself: as its own code, or as dots.
func shownCode(t *testing.T, l printer.Line) (symbol *escpos.Symbol, dots bool, p printer.Preview) {
	t.Helper()
	p = show(t, printer.Document{Lines: []printer.Line{l}}, "chinese-80")
	for _, line := range p.Print.Slips[0].Lines {
		if line.Symbol != nil {
			symbol = line.Symbol
		}
		dots = dots || len(line.Pictures) > 0
	}
	return symbol, dots, p
}

// GS k has no number for them. UPC-A's, with which they were sent, takes in all that follows up to the next zero.
func TestAKindOfBarcodeThatNoPrinterDrawsItselfIsSentAsAPicture(t *testing.T) {
	for _, kind := range []string{"PDF417", "Aztec", "DataMatrix", "GS1-128"} {
		t.Run(kind, func(t *testing.T) {
			symbol, dots, p := shownCode(t, printer.Line{Kind: printer.Barcode, Data: "0112345678", Code: printer.Code{Kind: kind}})
			if symbol != nil || !dots || bytes.Contains(p.Bytes, []byte("\x1dk")) || len(p.Missing) > 0 {
				t.Errorf("sent %q", p.Bytes)
			}
		})
	}
	symbol, _, _ := shownCode(t, printer.Line{Kind: printer.Barcode, Data: "0112345678", Code: printer.Code{Kind: "QR"}})
	if symbol == nil || symbol.Kind != "QR" || symbol.Data != "0112345678" || symbol.Module != 6 {
		t.Errorf("a QR code that is called a barcode is %+v", symbol)
	}
	upce := printer.Line{Kind: printer.Barcode, Data: "01234565", Code: printer.Code{Kind: "UPC-E"}}
	if err := printer.Check(printer.Document{Lines: []printer.Line{upce}}); err == nil || !strings.Contains(err.Error(), "UPC-E cannot hold") {
		t.Errorf("a kind that nobody here can draw: %v", err)
	}
}
