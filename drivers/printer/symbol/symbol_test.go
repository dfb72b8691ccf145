package symbol_test

import (
	"errors"
	"strings"
	"testing"

	"posd/drivers/printer/symbol"
)

// row is the first row of a code, black as #.
func row(c symbol.Code) string {
	var b strings.Builder
	for x := range c.W {
		if c.Dark(x, 0) {
			b.WriteByte('#')
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

func TestABarcodeBeginsAndEndsAsItsStandardSays(t *testing.T) {
	c, err := symbol.Draw(symbol.EAN13, "690123456789", "")
	if err != nil || !c.Flat() || c.W != 95 || c.Text != "6901234567892" {
		t.Fatalf("got %d x %d, %q, %v", c.W, c.H, c.Text, err)
	}
	if r := row(c); !strings.HasPrefix(r, "# #") || r[45:50] != " # # " || !strings.HasSuffix(r, "# #") {
		t.Errorf("got %q", r)
	}
}

func TestAQRCodeHasItsFinders(t *testing.T) {
	c, err := symbol.Draw(symbol.QR, "hello", "M")
	if err != nil || c.Flat() || c.W != 21 || c.H != 21 {
		t.Fatalf("got %d x %d, %v", c.W, c.H, err)
	}
	if r := row(c); !strings.HasPrefix(r, "####### ") || !strings.HasSuffix(r, " #######") {
		t.Errorf("got %q", r)
	}
	if c.Dark(-1, 0) || c.Dark(0, 21) {
		t.Error("outside of the code it is black")
	}
	low, _ := symbol.Draw(symbol.QR, strings.Repeat("hello ", 20), "L")
	high, _ := symbol.Draw(symbol.QR, strings.Repeat("hello ", 20), "H")
	if low.W >= high.W {
		t.Errorf("level L is %d wide, H %d", low.W, high.W)
	}
}

func TestDataThatDoesNotFitIsRefused(t *testing.T) {
	for _, c := range []struct{ kind, data string }{
		{symbol.EAN13, "6901234567890"},
		{symbol.EAN8, "12"},
		{symbol.UPCA, "abc"},
		{symbol.UPCA, "123456"},
		{symbol.EAN13, "96385074"},
		{symbol.EAN8, "6901234567892"},
		{symbol.ITF, "123"},
		{symbol.Code128, "中"},
		{symbol.QR, strings.Repeat("x", 3000)},
		{symbol.Codabar, "12"},
		{symbol.Code128, ""},
	} {
		if _, err := symbol.Draw(c.kind, c.data, ""); err == nil {
			t.Errorf("%s takes %.20q", c.kind, c.data)
		}
	}
	if _, err := symbol.Draw(symbol.UPCE, "01234565", ""); !errors.Is(err, symbol.ErrKind) {
		t.Errorf("UPC-E: %v", err)
	}
}

func FuzzDrawNeverPanics(f *testing.F) {
	for _, kind := range []string{symbol.Code39, symbol.Code93, symbol.GS1128, symbol.PDF417, symbol.Aztec, symbol.DataMatrix, symbol.QR} {
		f.Add(kind, "A1", "M")
	}
	f.Fuzz(func(t *testing.T, kind, data, level string) {
		if len(data) > 200 {
			return
		}
		c, err := symbol.Draw(kind, data, level)
		if err == nil && (c.W <= 0 || c.H <= 0) {
			t.Errorf("%s of %q has no size", kind, data)
		}
	})
}
