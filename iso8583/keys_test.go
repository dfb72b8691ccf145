package iso8583_test

import (
	"bytes"
	"crypto/des"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"posd/iso8583"
)

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
			if err != nil || wantErr != nil || !bytes.Equal(got[:], want) {
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

// publicBlock is the key block of the sign-on reply that a public Go library shows (testdata/unionpay_messages.json,
// "go-8583 sign-on response"), under the master key of the same author's Java one, which prints both keys.
const (
	publicTMK   = "258FB0AB70D025CDB99DF2C4D302D646"
	publicBlock = "46F161A743497B32EAC760DF5EA57DF5900ECCE3977731A7EA402DDF0000000000000000CFF1592A"
	publicPIK   = "D931648F3DE313A4A22C15DCA4F4299E"
	publicMAK   = "AB7C577CC7A18045"
)

// opened gives the keys of a block as "slot wrapping place length zeros fits key".
func opened(t *testing.T, tmk string, block []byte) []string {
	t.Helper()
	keys, err := iso8583.OpenWorkingKeys(unhex(t, tmk), block)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, k := range keys {
		list = append(list, fmt.Sprintf("%s %s %d %d %t %t %X", k.Slot, k.Wrapping, k.Place, k.Length, k.Zeros, k.Fits(), k.Reveal()))
	}
	return list
}

func TestPublicSignOnReplyOpensUnderItsMasterKey(t *testing.T) {
	got := opened(t, publicTMK, unhex(t, publicBlock))
	want := []string{"PIK DES 16 16 false true " + publicPIK, "MAK DES 16 8 true true " + publicMAK}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMACKeyIsSingleLengthHoweverItsPlaceIsFilled(t *testing.T) {
	tmk, err := des.NewTripleDESCipher(unhex(t, publicTMK+publicTMK[:16]))
	if err != nil {
		t.Fatal(err)
	}
	for name, right := range map[string]string{
		"zeros under the master key": "0000000000000000", "the same key again": publicMAK, "anything": "0123456789ABCDEF",
	} {
		block := unhex(t, publicBlock)
		tmk.Encrypt(block[28:], unhex(t, right))
		k, err := iso8583.NewKeys(unhex(t, publicTMK))
		if err != nil {
			t.Fatal(err)
		}
		if err := k.LoadWorkingKeys(block); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		rule := iso8583.MACRule{Algorithm: iso8583.UnionPayECB}
		got, err := k.MAC(rule, []byte("data"))
		want, wantErr := rule.Compute(unhex(t, publicMAK), []byte("data"))
		if err != nil || wantErr != nil || !bytes.Equal(got[:], want) {
			t.Errorf("%s: got %X, %v, want %X", name, got, err, want)
		}
	}
}

func TestKeysWrappedBySM4AreRecognised(t *testing.T) {
	// A public page on bank terminals: master key, key under it, plain key, and the check value 861E83E31FAEBF10.
	const tmk, wrapped, plain = "1234567890ABCDEFABCDEF0987654321", "3D66234C49E4296FF9C78D8BACBD6A76", "F351D490994603795C6EBEE8FAEBB481"
	block := unhex(t, wrapped+"861E83E3"+wrapped+"861E83E3")
	want := []string{"PIK SM4 16 16 false true " + plain, "MAK SM4 16 16 false true " + plain}
	if got := opened(t, tmk, block); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	again, err := iso8583.WrapWorkingKeysSM4(unhex(t, tmk), unhex(t, plain), unhex(t, plain), nil)
	if err != nil || !bytes.Equal(again, block) {
		t.Errorf("wrapped again: %X, %v", again, err)
	}
	k, err := iso8583.NewKeys(unhex(t, tmk))
	if err != nil {
		t.Fatal(err)
	}
	if err := k.LoadWorkingKeys(block); err != nil {
		t.Fatal(err)
	}
	if _, err := k.MAC(iso8583.MACRule{Algorithm: iso8583.UnionPaySM4}, []byte("data")); err != nil {
		t.Error(err)
	}
	if _, err := iso8583.WrapWorkingKeysSM4(unhex(t, tmk), make([]byte, 8), make([]byte, 8), nil); err == nil {
		t.Error("SM4 wrapped a key of 8 bytes")
	}
}

func TestBlockUnderAnotherMasterKeyFitsNowhereAndSaysSo(t *testing.T) {
	keys, err := iso8583.OpenWorkingKeys(unhex(t, testTMK), unhex(t, publicBlock))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		var keyErr *iso8583.KeyError
		if err := k.Err(); k.Fits() || !errors.As(err, &keyErr) || keyErr.Slot != k.Slot || !strings.Contains(err.Error(), "master key") {
			t.Errorf("%s: %v", k, err)
		}
	}
}

func TestCheckValuesOfPublicKeys(t *testing.T) {
	for _, c := range []struct {
		wrapping  iso8583.Wrapping
		key, want string
	}{
		{iso8583.WrappedDES, publicPIK, "900ECCE3"},
		{iso8583.WrappedDES, publicMAK, "CFF1592A"},
		{iso8583.WrappedSM4, "F351D490994603795C6EBEE8FAEBB481", "861E83E3"},
	} {
		got, err := iso8583.CheckValue(c.wrapping, unhex(t, c.key))
		if err != nil || fmt.Sprintf("%X", got) != c.want {
			t.Errorf("got %X, %v, want %s", got, err, c.want)
		}
	}
	for w, size := range map[iso8583.Wrapping]int{iso8583.WrappedDES: 9, iso8583.WrappedSM4: 24} {
		if _, err := iso8583.CheckValue(w, make([]byte, size)); err == nil {
			t.Errorf("%s: a check value of %d bytes", w, size)
		}
	}
}

func TestSlotsTakeTheirLengthsOnly(t *testing.T) {
	k := keysWith(t, "0123456789ABCDEF")
	for _, slot := range []iso8583.Slot{iso8583.TMK, iso8583.PIK, iso8583.MAK, iso8583.TDK} {
		for size := range 41 {
			want := size == 0 || size == 8 || size == 16 || size == 24 || size == 32 && slot == iso8583.MAK
			err := k.Set(slot, make([]byte, size))
			if (err == nil) != want || want && k.Has(slot) != (size > 0) {
				t.Errorf("%s of %d bytes: %v", slot, size, err)
			}
		}
	}
	if _, err := k.MAC(iso8583.MACRule{Algorithm: iso8583.X99}, nil); err == nil {
		t.Error("the MAC key of another length was used")
	}
}

func TestNewMACKeyIsUsedAtOnce(t *testing.T) {
	k := keysWith(t, "0123456789ABCDEF")
	rule := iso8583.MACRule{Algorithm: iso8583.X99}
	old, err := k.MAC(rule, []byte("data"))
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Set(iso8583.MAK, unhex(t, publicMAK)); err != nil {
		t.Fatal(err)
	}
	if got, err := k.MAC(rule, []byte("data")); err != nil || got == old {
		t.Errorf("got the old key's MAC, %v", err)
	}
	k.Wipe()
	if _, err := k.MAC(rule, []byte("data")); !errors.Is(err, iso8583.ErrNoKey) {
		t.Errorf("after Wipe: %v", err)
	}
}

func TestAnyBlockIsTakenOrRefusedWithoutItsContent(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		block := make([]byte, random.IntN(100))
		if random.IntN(2) == 0 {
			block = make([]byte, []int{24, 40, 60, 84}[random.IntN(4)])
		}
		for i := range block {
			block[i] = byte(random.IntN(4)) * byte(random.Uint32()) // many of them zero
		}
		tmk := unhex(t, strings.Repeat(testTMK, 2))[:8*(1+random.IntN(3))]
		k, err := iso8583.NewKeys(tmk)
		if err != nil {
			t.Fatal(err)
		}
		err = k.LoadWorkingKeys(block)
		keys, openErr := iso8583.OpenWorkingKeys(tmk, block)
		said := fmt.Sprintf("%v %v %+v %#v %x", err, openErr, keys, keys, k)
		for _, key := range keys {
			for _, secret := range []string{fmt.Sprintf("%x", key.Reveal()), fmt.Sprint(key.Reveal())} {
				if len(key.Reveal()) > 0 && strings.Contains(strings.ToLower(said), secret) {
					t.Fatalf("a key shows in %s", said)
				}
			}
		}
		if k.Has(iso8583.MAK) != (err == nil) {
			t.Fatalf("%v, and yet a MAC key: %t", err, k.Has(iso8583.MAK))
		}
	}
}
