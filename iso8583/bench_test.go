package iso8583_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"posd/iso8583"
)

// saleMessage is a chip sale with 20 fields; in unionpay 280 bytes from MTI to MAC.
func saleMessage() *iso8583.Message {
	m := &iso8583.Message{MTI: "0200"}
	for n, v := range [65]string{
		2: "4111111111111111", 3: "000000", 4: "000000001999", 7: "1122193800", 11: "000123", 12: "193800", 13: "1122", 14: "3012",
		22: "051", 25: "00", 35: "4111111111111111D30122010000000000000", 37: "123456789012", 41: "10000001", 42: "100000000000001",
		49: "156", 52: "hex:1122334455667788", 53: "2600000000000000", 55: "hex:" + strings.Repeat("9F", 140), 60: "22000007000500",
		64: "hex:0000000000000000",
	} {
		if digits, ok := strings.CutPrefix(v, "hex:"); ok {
			raw, _ := hex.DecodeString(digits) // the ones above
			m.SetBytes(n, raw)
		} else if v != "" {
			m.Set(n, v)
		}
	}
	return m
}

func BenchmarkPack(b *testing.B) {
	d, m := unionpay(b), saleMessage()
	buf := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Pack(buf, m); err != nil {
			b.Fatal(err)
		}
	}
}

func packedSale(b *testing.B, d *iso8583.Dialect) []byte {
	packed, err := d.Pack(nil, saleMessage())
	if err != nil {
		b.Fatal(err)
	}
	return packed
}

func BenchmarkView(b *testing.B) {
	d := unionpay(b)
	packed := packedSale(b, d)
	var v iso8583.View
	b.ReportAllocs()
	for b.Loop() {
		if err := d.View(&v, packed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnpackInto(b *testing.B) {
	d := unionpay(b)
	packed := packedSale(b, d)
	var m iso8583.Message
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.UnpackInto(&m, packed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnpack(b *testing.B) {
	d := unionpay(b)
	packed := packedSale(b, d)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := d.Unpack(packed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	d := unionpay(b)
	k, err := iso8583.NewKeys(bytes.Repeat([]byte{1}, 16))
	if err == nil {
		err = k.Set(iso8583.MAK, bytes.Repeat([]byte{2}, 8))
	}
	if err = errors.Join(err); err != nil {
		b.Fatal(err)
	}
	packed := packedSale(b, d)
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Sign(packed, k); err != nil {
			b.Fatal(err)
		}
	}
}
