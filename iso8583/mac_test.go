package iso8583_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
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

func TestKnownAnswersOfEveryAlgorithm(t *testing.T) {
	for name, c := range map[string]struct {
		alg             string
		key, data, want string
	}{
		// FIPS 113 and ANSI X9.9 example: "7654321 Now is the time for "
		"x9.9": {iso8583.X99, "0123456789ABCDEF", "37363534333231204E6F77206973207468652074696D6520666F7220", "F1D30F6849312CA4"},
		// RFC 4493, example 3
		"cmac": {
			iso8583.CMAC, "2B7E151628AED2A6ABF7158809CF4F3C",
			"6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E5130C81C46A35CE411", "DFA66747DE9AE63030CA32611497C827",
		},
		"cmac of nothing": {iso8583.CMAC, "2B7E151628AED2A6ABF7158809CF4F3C", "", "BB1D6929E95937287FA37D129B756746"},
		// X9.19 with one key twice is X9.9
		"x9.19": {
			iso8583.X919, "0123456789ABCDEF0123456789ABCDEF", "37363534333231204E6F77206973207468652074696D6520666F7220",
			"F1D30F6849312CA4",
		},
		"unionpay": {iso8583.UnionPayECB, "7F52E3201FDF045E", "0200302004C020C0981100000000000000000101386702100006379001100000000027D00000000000000000000031313131353030373132333435363738393131313131353135363D87C8B8FA17C67C26000000000000000011220014370000", "28C7AFB533AEE74D"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := iso8583.MACRule{Algorithm: c.alg, Padding: iso8583.PadZero}.Compute(unhex(t, c.key), unhex(t, c.data))
			if err != nil || !bytes.Equal(got, unhex(t, c.want)) {
				t.Errorf("got %X, %v, want %s", got, err, c.want)
			}
		})
	}
}

func TestKeysOfTheWrongLengthAreRefused(t *testing.T) {
	for _, alg := range []string{iso8583.UnionPayECB, iso8583.X99, iso8583.X919, iso8583.CMAC, "md5"} {
		for _, size := range []int{0, 7, 33} {
			if _, err := (iso8583.MACRule{Algorithm: alg}).Compute(make([]byte, size), nil); err == nil {
				t.Errorf("%s took a key of %d bytes", alg, size)
			}
		}
	}
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

func TestPublicWorkingKeyUnwraps(t *testing.T) {
	// testdata/unionpay_mac.json, "key unwrap + result" and "TAK unwrap": master key, key under it, plain key
	for _, v := range [][3]string{
		{"44444444444444444444444444444444", "C9E3E3B489B520FE", "7F52E3201FDF045E"},
		{"44444444444444444444444444444444", "84C5491C3834928E7B26B5409A942BCF", "4567C298FB0B045DAB54BF499E10EFCD"},
		{"70F2A84CCBC2AE8625CBB0F2C22AB923", "96D605EA176B7E9E", "C24A8FB57AA20123"},
	} {
		plain := unhex(t, v[2])
		block, err := iso8583.WrapWorkingKeys(unhex(t, v[0]), plain, plain, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%X", block[:len(plain)]); got != v[1] {
			t.Errorf("got %s, want %s", got, v[1])
		}
	}
}

func TestSignOnKeysOfEveryLayoutLoad(t *testing.T) {
	tmk := unhex(t, testTMK)
	key := func(n int) []byte {
		return unhex(t, strings.Repeat("1122334455667788A1B2C3D4E5F60718293A4B5C6D7E8F90", 1))[:n]
	}
	data := []byte("data")
	for _, c := range []struct{ pik, mak, tdk, block int }{
		{8, 8, 0, 24}, {16, 16, 0, 40}, {16, 8, 0, 40}, {16, 16, 16, 60}, {16, 8, 16, 60}, {24, 24, 24, 84}, {24, 16, 24, 84},
	} {
		t.Run(fmt.Sprintf("%d %d %d", c.pik, c.mak, c.tdk), func(t *testing.T) {
			var tdk []byte
			if c.tdk > 0 {
				tdk = key(c.tdk)
			}
			block, err := iso8583.WrapWorkingKeys(tmk, key(c.pik), key(c.mak), tdk)
			if err != nil || len(block) != c.block {
				t.Fatalf("got %d bytes, %v", len(block), err)
			}
			k, err := iso8583.NewKeys(tmk)
			if err != nil {
				t.Fatal(err)
			}
			if err := k.LoadWorkingKeys(block); err != nil {
				t.Fatal(err)
			}
			rule := iso8583.MACRule{Algorithm: iso8583.UnionPayECB, Padding: iso8583.PadZero}
			got, err := k.MAC(rule, data)
			want, wantErr := rule.Compute(key(c.mak), data)
			if err != nil || wantErr != nil || !bytes.Equal(got, want) {
				t.Errorf("got %X, %v, want %X", got, err, want)
			}
			if k.Has(iso8583.TDK) != (c.tdk > 0) {
				t.Error("track key")
			}
		})
	}
}

func TestWrongCheckValueAndLengthLeaveNoWorkingKey(t *testing.T) {
	block, err := iso8583.WrapWorkingKeys(unhex(t, testTMK), make([]byte, 16), bytes.Repeat([]byte{7}, 16), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{
		"check value": append(bytes.Clone(block[:39]), block[39]^1),
		"key":         append([]byte{block[0] ^ 1}, block[1:]...),
		"length":      block[:39],
		"zeros":       make([]byte, 40),
		"nothing":     nil,
	} {
		k := keysWith(t, "0123456789ABCDEF")
		var keyErr *iso8583.KeyError
		if err := k.LoadWorkingKeys(bad); !errors.As(err, &keyErr) {
			t.Errorf("%s: got %v, want a KeyError", name, err)
		}
		if k.Has(iso8583.MAK) {
			t.Errorf("%s: the old MAC key is still there", name)
		}
	}
}

func TestKeysAndMessagesPrintMasked(t *testing.T) {
	k := keysWith(t, "0123456789ABCDEF")
	m := &iso8583.Message{MTI: "0200"}
	m.Set(2, "4111111111111111")
	m.SetBytes(52, []byte("PINBLOCK"))
	for _, v := range []any{k, m} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			out := fmt.Sprintf(verb, v)
			if strings.Contains(out, "4111") || strings.Contains(out, "PINB") || strings.Contains(out, "171") || strings.Contains(out, "[1 35") {
				t.Errorf("%s prints %s", verb, out)
			}
		}
	}
	if got := m.String(); got != "0200 [2 52]" {
		t.Errorf("got %q", got)
	}
	m.Wipe()
	if m.Has(2) || m.String() != " []" {
		t.Errorf("after Wipe: %s", m)
	}
	k.Wipe()
	if k.Has(iso8583.TMK) || k.Has(iso8583.MAK) {
		t.Error("keys after Wipe")
	}
}
