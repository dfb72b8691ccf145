package escpos_test

import (
	"slices"
	"testing"

	"posd/drivers/printer/escpos"
)

func TestNamesAreThoseThatAPrinterMayLack(t *testing.T) {
	names := escpos.Names()
	for _, want := range []string{"GS v", "GS ( k", "GS ( H", "FS ( C", "ESC p", "DLE EOT"} {
		if !slices.Contains(names, want) {
			t.Errorf("%q is not among them", want)
		}
	}
	if slices.Contains(names, "GS (") || !slices.IsSorted(names) {
		t.Errorf("got %q", names)
	}
	good := escpos.Read([]byte("\x1dv0\x00\x01\x00\x01\x00A"), escpos.Options{})
	bad := escpos.Read([]byte("\x1dv0\x00\x01\x00\x01\x00A"), escpos.Options{Lacks: []string{"GS v"}})
	if len(good.Slips) == 0 || len(bad.Events) == 0 || bad.Events[0].Kind != escpos.Trouble {
		t.Errorf("with it %+v, without it %+v", good, bad)
	}
}
