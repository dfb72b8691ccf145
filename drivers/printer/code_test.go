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

// Printers print the digits of such a code as text, and confirm them.
func TestABarcodeThatThePrinterWouldRefuseIsDrawnOrRefused(t *testing.T) {
	const native, drawn, refused = "native", "drawn", "refused"
	for _, c := range []struct{ kind, data, want string }{
		{"EAN13", "690123456789", native},
		{"EAN13", "6901234567892", native},
		{"EAN13", "9638507", refused},
		{"EAN13", "96385074", refused},
		{"EAN8", "9638507", native},
		{"EAN8", "96385074", native},
		{"EAN8", "690123456789", refused},
		{"EAN8", "6901234567892", refused},
		{"UPC-A", "03600029145", native},
		{"UPC-A", "036000291452", native},
		{"UPC-A", "123456", refused},
		{"UPC-A", "1234567", refused},
		{"CODE39", "ABC-1 $%+./", native},
		{"CODE39", "abc-1", drawn},
		{"CODE39", "A*B", drawn},
		{"CODE39", "A,B", drawn},
		{"ITF", "1234", native},
		{"ITF", "123", refused},
		{"CODABAR", "A1234B", native},
		{"CODABAR", "1234", refused},
	} {
		t.Run(c.kind+" "+c.data, func(t *testing.T) {
			l := printer.Line{Kind: printer.Barcode, Data: c.data, Code: printer.Code{Kind: c.kind}}
			if err := printer.Check(printer.Document{Lines: []printer.Line{l}}); (err != nil) != (c.want == refused) {
				t.Fatalf("Check says %v", err)
			}
			if c.want == refused {
				return
			}
			symbol, dots, p := shownCode(t, l)
			if got := symbol != nil; got != (c.want == native) || dots != (c.want == drawn) || len(p.Missing) > 0 {
				t.Errorf("%+v, dots: %v, sent %q", symbol, dots, p.Bytes)
			}
		})
	}
}

// GS w takes 2 to 6, and a printer keeps the width that it had before.
func TestAPrinterIsAskedOnlyForModulesOfBarcodesThatItHas(t *testing.T) {
	for _, c := range []struct{ asked, want int }{{1, 2}, {2, 2}, {6, 6}, {7, 6}, {16, 6}, {17, 2}} {
		l := printer.Line{Kind: printer.Barcode, Data: "1", Code: printer.Code{Module: c.asked}}
		if symbol, _, _ := shownCode(t, l); symbol == nil || symbol.Module != c.want {
			t.Errorf("module %d: got %+v, want %d", c.asked, symbol, c.want)
		}
	}
	tooLong := printer.Line{Kind: printer.Barcode, Data: strings.Repeat("AB", 15), Code: printer.Code{Module: 1}}
	if err := printer.Check(printer.Document{Lines: []printer.Line{tooLong}}); err == nil {
		t.Error("a barcode that fits 80 mm paper only in modules that no printer has is no error")
	}
}

// The length of these is 10 04 or 10 05, which a printer takes out of the command as DLE EOT and DLE ENQ.
func TestNoQRCodeHasALengthThatIsACommand(t *testing.T) {
	for _, n := range []int{1036, 1037, 1038, 1293} {
		symbol, dots, p := shownCode(t, printer.Line{Kind: printer.QR, Data: strings.Repeat("x", n), Code: printer.Code{Level: "L", Module: 2}})
		if taken := n == 1037 || n == 1293; taken != (symbol == nil) || taken != dots || len(p.Missing) > 0 {
			t.Errorf("of %d characters: sent %.60q", n, p.Bytes)
		}
	}
}
