package iso8583_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"posd/iso8583"
)

const testTMK = "0123456789ABCDEFFEDCBA9876543210"

func keysWith(t *testing.T, mak string) *iso8583.Keys {
	t.Helper()
	k, err := iso8583.NewKeys(unhex(t, testTMK))
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Set(iso8583.MAK, unhex(t, mak)); err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSignedMessageIsBelievedAndAnyChangedByteIsNot(t *testing.T) {
	for _, d := range []*iso8583.Dialect{unionpay(t), other(t)} {
		k := keysWith(t, "0123456789ABCDEF1122334455667788")
		m := &iso8583.Message{MTI: "0200"}
		m.Set(3, "000000")
		m.Set(11, "000123")
		m.Set(d.MACRule().Field, "")
		packed, err := d.Pack(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.CheckMAC(packed, k); !errors.Is(err, iso8583.ErrBadMAC) {
			t.Errorf("%s, unsigned: got %v", d.Name(), err)
		}
		if err := d.Sign(packed, k); err != nil {
			t.Fatal(err)
		}
		if err := d.CheckMAC(packed, k); err != nil {
			t.Errorf("%s: %v", d.Name(), err)
		}
		head := 4 // the header of the other
		if d.Name() == "unionpay" {
			head = 11 // with its TPDU
		}
		for i := head; i < len(packed); i++ {
			changed := bytes.Clone(packed)
			changed[i] ^= 1
			if err := d.CheckMAC(changed, k); err == nil {
				t.Errorf("%s: byte %d changed and believed", d.Name(), i)
			}
		}
	}
}

func TestMissingMACMissingKeyAndTailAreToldApart(t *testing.T) {
	d := unionpay(t)
	m := &iso8583.Message{MTI: "0200"}
	m.Set(3, "000000")
	bare, err := d.Pack(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	k := keysWith(t, "0123456789ABCDEF")
	if err := d.CheckMAC(bare, k); !errors.Is(err, iso8583.ErrNoMAC) {
		t.Errorf("no MAC: got %v", err)
	}
	m.Set(64, "")
	packed, err := d.Pack(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	empty, err := iso8583.NewKeys(unhex(t, testTMK))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Sign(packed, empty); !errors.Is(err, iso8583.ErrNoKey) {
		t.Errorf("no key: got %v", err)
	}
	if err := d.Sign(append(packed, 0), k); err == nil {
		t.Error("signed a message with a byte behind its MAC")
	}
	m.Set(70, "301")
	if packed, err = d.Pack(nil, m); err != nil {
		t.Fatal(err)
	}
	if err := d.Sign(packed, k); err == nil {
		t.Error("signed a message with a field behind its MAC")
	}
}

// signedSale is a sale with a MAC under keys.
func signedSale(t testing.TB, d *iso8583.Dialect, c iso8583.Cipher) []byte {
	t.Helper()
	m := &iso8583.Message{MTI: "0200"}
	m.Set(3, "000000")
	m.Set(4, "000000001999")
	m.Set(11, "000123")
	m.Set(41, "10000001")
	m.Set(42, "100000000000001")
	m.Set(64, "")
	packed, err := d.Pack(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Sign(packed, c); err != nil {
		t.Fatal(err)
	}
	return packed
}

func TestRangeTellsWhichBytesCount(t *testing.T) {
	k := keysWith(t, gbt32907)
	for first, start := range map[string]int{"": 11, iso8583.RangeMTI: 11, iso8583.RangeHeader: 5, iso8583.RangeTPDU: 0} {
		d, err := unionpay(t).WithMAC(iso8583.MACRule{Algorithm: iso8583.X919, Padding: iso8583.Pad80, Output: iso8583.OutputBinary, Range: first})
		if err != nil {
			t.Fatal(err)
		}
		packed := signedSale(t, d, k)
		covered, mac, err := d.MACParts(packed, first)
		if err != nil || !bytes.Equal(covered, packed[start:len(packed)-8]) || !bytes.Equal(mac, packed[len(packed)-8:]) {
			t.Errorf("%q: %d bytes covered, MAC of %d, %v", first, len(covered), len(mac), err)
		}
		for i := range packed {
			packed[i] ^= 1
			if err := d.CheckMAC(packed, k); (err == nil) != (i < start) {
				t.Errorf("%q: byte %d changed: %v", first, i, err)
			}
			packed[i] ^= 1
		}
	}
}

func TestOneSampleTellsTheRule(t *testing.T) {
	d := unionpay(t)
	key := unhex(t, gbt32907)
	k := keysWith(t, gbt32907)
	for _, alg := range iso8583.MACAlgorithms() {
		for _, rule := range []iso8583.MACRule{
			{Algorithm: alg, Padding: iso8583.PadZero, Output: iso8583.OutputText, Range: iso8583.RangeMTI, Field: 64, KeyBytes: 16},
			{Algorithm: alg, Padding: iso8583.PadZero, Output: iso8583.OutputBinary, Range: iso8583.RangeTPDU, Field: 64, KeyBytes: 16},
		} {
			other, err := d.WithMAC(rule)
			if err != nil {
				t.Fatal(err)
			}
			packed := signedSale(t, other, k)
			fit, err := d.FittingMACs(packed, key)
			if err != nil || !slices.Contains(fit, rule) {
				t.Errorf("%+v: got %+v, %v", rule, fit, err)
			}
			packed[len(packed)-20] ^= 1
			if fit, err := d.FittingMACs(packed, key); err != nil || len(fit) != 0 {
				t.Errorf("%+v, changed: got %+v, %v", rule, fit, err)
			}
		}
	}
	if _, err := d.WithMAC(iso8583.MACRule{Algorithm: "md5"}); err == nil {
		t.Error("a rule that cannot be was taken")
	}
}

// outside is a Keyring that fails, as a PIN pad may.
type outside struct{ err error }

func (o outside) MAC(iso8583.MACRule, []byte) ([8]byte, error) { return [8]byte{}, o.err }
func (o outside) LoadWorkingKeys([]byte) error                 { return o.err }
func (o outside) Has(iso8583.Slot) bool                        { return true }

func TestKeysMayLiveElsewhere(t *testing.T) {
	var ring iso8583.Keyring = outside{errors.New("pin pad is busy")}
	packed := signedSale(t, unionpay(t), keysWith(t, gbt32907))
	for name, err := range map[string]error{"Sign": unionpay(t).Sign(packed, ring), "CheckMAC": unionpay(t).CheckMAC(packed, ring)} {
		if err == nil || err.Error() != "mac: pin pad is busy" || errors.Is(err, iso8583.ErrBadMAC) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	ring = outside{}
	if err := unionpay(t).CheckMAC(packed, ring); !errors.Is(err, iso8583.ErrBadMAC) {
		t.Errorf("a PIN pad with another key: got %v", err)
	}
}

func TestMACOfWarmKeysAllocatesNothing(t *testing.T) {
	data := make([]byte, 272)
	everyRule(t, func(name string, rule iso8583.MACRule, key []byte) {
		k := keysWith(t, gbt32907)
		if err := k.Set(iso8583.MAK, key); err != nil {
			t.Fatal(err)
		}
		var err error
		if n := testing.AllocsPerRun(100, func() { _, err = k.MAC(rule, data) }); n != 0 || err != nil {
			t.Errorf("%s: %v allocations, %v", name, n, err)
		}
	})
}

func TestSignAndCheckAllocateNothing(t *testing.T) {
	d, k := unionpay(t), keysWith(t, gbt32907)
	packed := signedSale(t, d, k)
	var err error
	if n := testing.AllocsPerRun(100, func() { err = d.Sign(packed, k) }); n != 0 || err != nil {
		t.Errorf("Sign: %v allocations, %v", n, err)
	}
	if n := testing.AllocsPerRun(100, func() { err = d.CheckMAC(packed, k) }); n != 0 || err != nil {
		t.Errorf("CheckMAC: %v allocations, %v", n, err)
	}
}

func TestManyMakeMACsAtOnce(t *testing.T) {
	k := keysWith(t, gbt32907)
	rule := iso8583.MACRule{Algorithm: iso8583.X919, Padding: iso8583.Pad80}
	want, err := k.MAC(rule, []byte("data"))
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			other := iso8583.MACRule{Algorithm: iso8583.UnionPayECB, KeyBytes: 8 * (1 + i%2)}
			for range 50 {
				if got, err := k.MAC(rule, []byte("data")); got != want || err != nil {
					t.Errorf("got %X, %v", got, err)
				}
				if _, err := k.MAC(other, []byte("other data")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkMAC makes MACs of the 272 bytes that stand before field 64 of a long sale.
func BenchmarkMAC(b *testing.B) {
	data := make([]byte, 272)
	everyRule(b, func(name string, rule iso8583.MACRule, key []byte) {
		if rule.Padding == iso8583.Pad80 {
			return
		}
		k, err := iso8583.NewKeys(unhex(b, testTMK))
		if err != nil {
			b.Fatal(err)
		}
		if err := k.Set(iso8583.MAK, key); err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := k.MAC(rule, data); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

// ebcdicDialect has a MAC in EBCDIC characters.
const ebcdicDialect = `name = "ebcdic"
[codec]
mti = "ebcdic"
bitmap = "binary"
numbers = "ebcdic"
text = "ebcdic"
lengths = "ebcdic"
binary = "hex"
[mac]
algorithm = "x9.9"
output = "%s"
field = 64
[fields]
3 = { format = "n6" }
64 = { format = "%s" }
`

func TestMACStandsInTheCodingOfItsField(t *testing.T) {
	for want, c := range map[string]struct{ output, format string }{
		"C6F1C4F3F0C6F6F8":                 {"text", "an8"},  // F1D30F68
		"C6F1C4F3F0C6F6F8F4F9F3F1F2C3C1F4": {"binary", "b8"}, // F1D30F6849312CA4
	} {
		d, err := iso8583.Load("ebcdic.toml", fmt.Appendf(nil, ebcdicDialect, c.output, c.format))
		if err != nil {
			t.Fatal(err)
		}
		m := &iso8583.Message{MTI: "0200"}
		m.Set(3, "000000")
		m.Set(64, "")
		packed, err := d.Pack(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		c := fixed(unhex(t, "F1D30F6849312CA4"))
		if err := d.Sign(packed, c); err != nil || !bytes.HasSuffix(packed, unhex(t, want)) {
			t.Errorf("got %X, %v, want %s", packed, err, want)
		}
		if err := d.CheckMAC(packed, c); err != nil {
			t.Error(err)
		}
	}
}

// fixed is a Cipher that always has the same result.
type fixed [8]byte

func (f fixed) MAC(iso8583.MACRule, []byte) ([8]byte, error) { return f, nil }
