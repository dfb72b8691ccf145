package iso8583_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"posd/iso8583"
)

func other(t testing.TB) *iso8583.Dialect { return testDialect(t, "other.toml") }

func oddDialect(t testing.TB) *iso8583.Dialect { return testDialect(t, "odd.toml") }

func testDialect(t testing.TB, name string) *iso8583.Dialect {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	d, err := iso8583.Load(name, text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// frameOf is a unionpay message from the hex of what follows TPDU and header.
func frameOf(t *testing.T, mti, bitmap, fields string) []byte {
	t.Helper()
	return unhex(t, "6000030000602200000000"+mti+bitmap+fields)
}

func TestFieldsKeepTheirHalfBytesAndTexts(t *testing.T) {
	d := unionpay(t)
	for name, c := range map[string]struct {
		mti, bitmap, fields string
		field               int
		want                string
	}{
		"F60 padded with F":      {"0810", "0000000000000010", "001100000001003F", 60, "00000001003"},
		"F60 padded with 0":      {"0810", "0000000000000010", "0011000000010030", 60, "00000001003"},
		"F22 left aligned":       {"0200", "0000040000000000", "0210", 22, "021"},
		"F22 padded with D":      {"0200", "0000040000000000", "021D", 22, "021"},
		"F23 right aligned":      {"0200", "0000020000000000", "0123", 23, "123"},
		"F23 padded with F":      {"0200", "0000020000000000", "F123", 23, "123"},
		"F35 odd, padded with F": {"0200", "0000000020000000", "05123D4F", 35, "123D4"},
		"F35 with all nibbles":   {"0200", "0000000020000000", "060ABCDE", 35, "0ABCDE"},
		"F43 in GBK":             {"0210", "0000000000200000", "D6D0B9FABDA8C9E8" + strings.Repeat("20", 32), 43, "中国建设" + strings.Repeat(" ", 32)},
		"F63 in GBK":             {"0210", "0000000000000002", "0011435550D6D0B9FAD2F8C1AA", 63, "CUP中国银联"},
		"F63 that is no text":    {"0210", "0000000000000002", "0003430055", 63, "hex:430055"},
		"F63 cut in a character": {"0210", "0000000000000002", "000243D6", 63, "hex:43D6"},
		"F63 empty":              {"0210", "0000000000000002", "0000", 63, ""},
		"F70 in a second bitmap": {"0800", "80000000000000000400000000000000", "0301", 70, "301"},
		"an empty second bitmap": {"0800", "80200000000000000000000000000000", "000123", 11, "000123"},
		"F100, odd":              {"0200", "80000000000000000000000010000000", "031230", 100, "123"},
	} {
		t.Run(name, func(t *testing.T) {
			raw := frameOf(t, c.mti, c.bitmap, c.fields)
			m, trailing, err := d.Unpack(raw)
			if err != nil || trailing != 0 {
				t.Fatalf("%v, %d trailing", err, trailing)
			}
			if got := m.Text(c.field); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			again, err := d.Pack(nil, m)
			if err != nil || !bytes.Equal(again, raw) {
				t.Errorf("%v\n got %X\nwant %X", err, again, raw)
			}
			text, err := d.JSON(m, 0, true)
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := iso8583.ParseJSON(text)
			if err != nil {
				t.Fatal(err)
			}
			if again, err = d.Pack(nil, parsed); !strings.Contains(name, "empty second") && !bytes.Equal(again, raw) {
				t.Errorf("through JSON: %v\n got %X\nwant %X", err, again, raw)
			}
		})
	}
}

func TestBrokenMessagesSayWhereAndWhy(t *testing.T) {
	d := unionpay(t)
	for name, c := range map[string]struct {
		raw    string
		path   string
		offset int
		says   string
	}{
		"empty":                 {"", "tpdu", 0, "0 bytes"},
		"header cut":            {"60000300006022", "header", 5, "2 bytes"},
		"prefix in front":       {"0018600003000060220000000008000020000000000000000001", "mti", 11, "length prefix"},
		"ASCII MTI":             {"600003000060220000000030323030", "mti", 11, "ASCII"},
		"no TPDU":               {"02003020048000C08015000000000000001234", "mti", 11, "start with its MTI"},
		"bitmap cut":            {"60000300006022000000000200302004", "bitmap", 13, "3 bytes"},
		"third bitmap":          {"60000300006022000000000200800000000000000080000000000000000000", "bitmap", 21, "third"},
		"unknown field":         {"600003000060220000000002000000001000000000", "F28", 21, "no such field"},
		"letter in a number":    {"6000030000602200000000020020000000000000000A0000", "F3", 21, "above 9"},
		"length no BCD":         {"600003000060220000000002004000000000000000" + "1A" + "6228", "F2", 21, "binary"},
		"length too long":       {"600003000060220000000002004000000000000000" + "20" + strings.Repeat("11", 10), "F2", 21, "exceeds 19"},
		"length counts bytes":   {"600003000060220000000002000000000000000010" + "0019" + strings.Repeat("11", 8), "F60", 21, "counts"},
		"field cut in the tail": {"600003000060220000000002003000000000000000" + "000000" + "0000", "F4", 24, "F3 ended here"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := d.Unpack(unhex(t, c.raw))
			var f *iso8583.FieldError
			if !errors.As(err, &f) {
				t.Fatalf("got %v, want a FieldError", err)
			}
			if f.Path != c.path || f.Offset != c.offset || !strings.Contains(f.Error(), c.says) {
				t.Errorf("got %v, want %s at %d with %q", f, c.path, c.offset, c.says)
			}
		})
	}
}

func TestValuesThatDoNotFitAreRefusedWithoutBeingShown(t *testing.T) {
	d := unionpay(t)
	for name, set := range map[string]func(m *iso8583.Message){
		"short amount":      func(m *iso8583.Message) { m.Set(4, "4111") },
		"long card number":  func(m *iso8583.Message) { m.Set(2, strings.Repeat("4111", 5)) },
		"letters in digits": func(m *iso8583.Message) { m.Set(3, "4111AB") },
		"masked track":      func(m *iso8583.Message) { m.Set(35, "4111******") },
		"bytes as number":   func(m *iso8583.Message) { m.SetBytes(11, []byte("4111")) },
		"long text":         func(m *iso8583.Message) { m.Set(41, "4111411141") },
		"short bytes":       func(m *iso8583.Message) { m.SetBytes(52, []byte("4111")) },
		"no GBK character":  func(m *iso8583.Message) { m.Set(63, "4111😀") },
		"second bitmap":     func(m *iso8583.Message) { m.Set(65, "4111") },
		"header":            func(m *iso8583.Message) { m.Header = "4111" },
		"TPDU":              func(m *iso8583.Message) { m.TPDU = "411141114X" },
		"MTI":               func(m *iso8583.Message) { m.MTI = "4111" },
	} {
		t.Run(name, func(t *testing.T) {
			m := &iso8583.Message{MTI: "0200"}
			set(m)
			out, err := d.Pack([]byte("kept"), m)
			var f *iso8583.FieldError
			if !errors.As(err, &f) || string(out) != "kept" {
				t.Fatalf("got %q, %v, want what was there and a FieldError", out, err)
			}
			if strings.Contains(err.Error(), "4111") {
				t.Errorf("the error shows content: %v", err)
			}
		})
	}
}

func TestMessagesLongerThanTheLimitAreRefused(t *testing.T) {
	d := unionpay(t)
	if _, _, err := d.Unpack(make([]byte, 5000)); err == nil {
		t.Error("unpacked 5000 bytes, the limit is 4096")
	}
	m := &iso8583.Message{MTI: "0200"}
	for _, n := range []int{46, 47, 56, 57, 59} {
		m.Set(n, strings.Repeat("x", 999))
	}
	if _, err := d.Pack(nil, m); err == nil {
		t.Error("packed 5000 bytes, the limit is 4096")
	}
}
