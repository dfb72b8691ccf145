package hostsim_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"posd/hwtest/hostsim"
	"posd/iso8583"
)

// A card may be named by an encrypted track, which nobody here opens: in whole blocks, and with the number of its key.
func TestACiphertextIsACardOnlyWithTheNumberOfItsKey(t *testing.T) {
	d, err := iso8583.Load("sealed.toml", []byte(strings.Join([]string{
		`base = "unionpay"`, `fields.57 = { format = "ans..100 LLL", class = "secret" }`, `fields.58 = { format = "ans..20 LLL", class = "secret" }`,
		`[transaction.sale]`, `mti = "0200"`, `[transaction.sale.set]`, `3 = "000000"`, `4 = "{amount}"`, `11 = "{trace}"`, `22 = "{entry}2"`,
		`25 = "00"`, `35 = "{track2}"`, `41 = "{terminal}"`, `42 = "{merchant}"`, `49 = "156"`, `57 = "{encrypted.track2}"`,
		`58 = "{encrypted.ksn}"`, `60 = "22{batch}000500"`, `64 = "{mac}"`,
	}, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	a := unionpay(t)
	a.dialect = d
	for name, c := range map[string]struct {
		track, ksn, code string
	}{
		"whole":                {strings.Repeat("C1", 24), "FFFF9876543210E00001", "00"},
		"no key":               {strings.Repeat("C1", 24), "", "30"},
		"half a block":         {strings.Repeat("C1", 20), "FFFF9876543210E00001", "30"},
		"half a key":           {strings.Repeat("C1", 24), "FFFF98765432", "30"},
		"a key, no ciphertext": {"", "FFFF9876543210E00001", "30"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := hostFor(t, a, hostsim.Options{})
				b := join(t, h, a)
				b.signOn()
				m := b.build("sale", false, iso8583.VarMap{
					"trace": "000077", "amount": ten, "track2": "", "pan": "", "encrypted.track2": c.track, "encrypted.ksn": c.ksn,
				})
				if code, _ := b.exchange(m); code != c.code || (h.Net(nil) != 0) != (c.code == "00") {
					t.Errorf("answered %q, want %q; net %d", code, c.code, h.Net(nil))
				}
			})
		})
	}
}
