package iso8583_test

import (
	"testing"

	"posd/iso8583"
)

func TestFieldOfTheNetworkFollowsTheTPDU(t *testing.T) {
	plain, err := iso8583.Preset("iso87-bcd")
	if err != nil {
		t.Fatal(err)
	}
	for tpdu, want := range map[string]string{"": "003", "6001230000": "123", "6000000000": "003", "6010450000": "045"} {
		d, err := plain.Addressed(tpdu, "")
		if err != nil {
			t.Fatal(err)
		}
		m, err := d.Build("sale", everyVar())
		if err != nil || m.Text(24) != want {
			t.Errorf("TPDU %q: field 24 is %s, want %s, %v", tpdu, m.Text(24), want, err)
		}
		if m, err = d.BuildReversal("sale", everyVar()); err != nil || m.Text(24) != want {
			t.Errorf("TPDU %q: reversed with %s, want %s, %v", tpdu, m.Text(24), want, err)
		}
	}
	d := load(t, "base = \"iso87-bcd\"\nframe.tpdu = \"6000990000\"\n")
	if m, err := d.Build("echo", everyVar()); err != nil || m.Text(24) != "099" {
		t.Errorf("a TPDU of the file: field 24 is %s, %v", m.Text(24), err)
	}
}
