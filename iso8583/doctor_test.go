package iso8583_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"posd/iso8583"
)

func everyPreset(t testing.TB) []*iso8583.Dialect {
	t.Helper()
	var list []*iso8583.Dialect
	for _, name := range iso8583.Presets() {
		list = append(list, preset(t, name))
	}
	return list
}

func preset(t testing.TB, name string) *iso8583.Dialect {
	t.Helper()
	d, err := iso8583.Preset(name)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// chipSale is a request with every kind of field in it. The card number is of a test range.
func chipSale(mti string) *iso8583.Message {
	m := &iso8583.Message{MTI: mti}
	for n, v := range map[int]string{
		2: "6228480000000000000", 3: "000000", 4: "000000012345", 11: "000123", 12: "101530", 13: "1122", 14: "2712",
		22: "051", 23: "001", 25: "00", 35: "6228480000000000000D27122010000000000", 37: "112210000123", 41: "10000001",
		42: "100000000000001", 49: "156", 60: "22000001000500",
	} {
		m.Set(n, v)
	}
	chip, _ := hex.DecodeString("9F2608A1B2C3D4E5F601029F2701809F101307010103A0A002010A010000000000112233449F37041122334495050000000000")
	m.SetBytes(55, chip)
	m.SetBytes(64, []byte("A1B2C3D4"))
	return m
}

func packed(t testing.TB, d *iso8583.Dialect, m *iso8583.Message) []byte {
	t.Helper()
	out, err := d.Pack(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func enveloped(t testing.TB, d *iso8583.Dialect, payload []byte) []byte {
	t.Helper()
	out, err := d.AppendFrame(nil, payload)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// placeOf gives where field n lies in a packed message.
func placeOf(t testing.TB, d *iso8583.Dialect, b []byte, n int) iso8583.Place {
	t.Helper()
	var v iso8583.View
	if err := d.View(&v, b); err != nil {
		t.Fatal(err)
	}
	return v.Place(n)
}

// sick is a message with one thing wrong, and what the doctor has to say.
type sick struct {
	name    string
	frame   []byte
	dialect string
	fault   iso8583.FaultName
	path    string
}

func sickFrames(t testing.TB) (list []sick) {
	t.Helper()
	up := preset(t, "unionpay")
	good := packed(t, up, chipSale("0200"))
	at := func(n int) iso8583.Place { return placeOf(t, up, good, n) }
	add := func(name string, frame []byte, fault iso8583.FaultName, path string) {
		list = append(list, sick{name, frame, "unionpay", fault, path})
	}
	put := func(offset int, b ...byte) []byte {
		out := bytes.Clone(good)
		copy(out[offset:], b)
		return out
	}
	text := func(b []byte) []byte { return []byte(strings.ToUpper(hex.EncodeToString(b))) }
	plainLength := []byte{byte(len(good) >> 8), byte(len(good))}
	bcd := func(n int) byte { return byte(n/10<<4 | n%10) }

	add("track counted in bytes", enveloped(t, up, put(at(35).Start, 0x19)), iso8583.FaultCountBytes, "F35")
	add("card number counted in bytes", enveloped(t, up, put(at(2).Start, 0x10)), iso8583.FaultCountBytes, "F2")
	add("F60 counted in bytes, bare", put(at(60).Start, 0x00, 0x07), iso8583.FaultCountBytes, "F60")
	both := put(at(35).Start, 0x19)
	both[at(60).Start+1] = 0x07
	add("F35 and F60 counted in bytes", enveloped(t, up, both), iso8583.FaultCountBytes, "F35")
	add("frame length in BCD", cat([]byte{bcd(len(good) / 100), bcd(len(good) % 100)}, good), iso8583.FaultBCDLength, "frame")
	chip := at(55)
	size := chip.End - chip.Value
	add("F55 length in binary", enveloped(t, up, put(chip.Start, byte(size>>8), byte(size))), iso8583.FaultBinaryLength, "F55")
	self := len(good) + 2
	add("length counts itself", cat([]byte{byte(self >> 8), byte(self)}, good), iso8583.FaultInclusive, "frame")
	add("bitmap in ASCII", enveloped(t, up, cat(good[:13], text(good[13:21]), good[21:])), iso8583.FaultTextBitmap, "bitmap")
	add("MTI in ASCII", enveloped(t, up, cat(good[:11], []byte("0200"), good[13:])), iso8583.FaultTextMTI, "mti")
	for _, n := range []int{13, 23, 37, 49, 55, 64} {
		b := bytes.Clone(good)
		b[13+(n-1)/8] &^= 0x80 >> ((n - 1) % 8)
		add(fmt.Sprintf("F%d without its bit", n), enveloped(t, up, b), iso8583.FaultNoBit, fmt.Sprintf("F%d", n))
	}
	for _, n := range []int{26, 32, 52} {
		b := bytes.Clone(good)
		b[13+(n-1)/8] |= 0x80 >> ((n - 1) % 8)
		add(fmt.Sprintf("bit %d without its field", n), enveloped(t, up, b), iso8583.FaultNoField, fmt.Sprintf("F%d", n))
	}
	add("two stray bytes, counted", enveloped(t, up, cat(good, []byte{0x0D, 0x0A})), iso8583.FaultTrailing, "frame")
	add("stray bytes, not counted", cat(plainLength, good, []byte{0, 0, 0, 0}), iso8583.FaultTrailing, "frame")
	add("two messages in one", cat(enveloped(t, up, good), enveloped(t, up, good)), iso8583.FaultTrailing, "frame")
	add("TPDU missing", enveloped(t, up, good[5:]), iso8583.FaultNoTPDU, "tpdu")
	add("TPDU missing, bare", good[5:], iso8583.FaultNoTPDU, "tpdu")
	add("TPDU doubled", enveloped(t, up, cat(good[:5], good)), iso8583.FaultTwoTPDUs, "tpdu")
	add("cut short", enveloped(t, up, good)[:len(good)-20], iso8583.FaultCut, "F55")
	add("wrong length", cat([]byte{0x00, 0xFF}, good), iso8583.FaultLength, "frame")
	add("a letter in a number", enveloped(t, up, put(at(4).Value+2, 0x0A)), iso8583.FaultValue, "F4")
	line := enveloped(t, up, good)
	add("STX and ETX around it", cat([]byte{0x02}, line, []byte{0x03, 0x7E}), iso8583.FaultSerial, "frame")
	add("a length of four bytes", cat([]byte{0, 0}, line), iso8583.FaultLeading, "frame")
	add("length counts itself and the TPDU is doubled", cat([]byte{byte((self + 5) >> 8), byte(self + 5)}, good[:5], good), iso8583.FaultInclusive, "frame")
	return list
}

func TestExamineNamesTheFaultOfABrokenFrame(t *testing.T) {
	dialects := everyPreset(t)
	for _, s := range sickFrames(t) {
		t.Run(s.name, func(t *testing.T) {
			list := iso8583.Examine(s.frame, dialects...)
			v := list[slices.IndexFunc(list, func(v iso8583.Verdict) bool { return v.Dialect == s.dialect })]
			if len(v.Faults) == 0 || v.Faults[0].Name != s.fault || v.Faults[0].Path != s.path {
				t.Errorf("got %v, want %s in %s; or %v, doubts %q, err %v", v.Faults, s.fault, s.path, v.Or, v.Doubts, v.Err)
			}
			if list[0].Dialect != s.dialect && list[0].Fits {
				t.Logf("%s says that it fits", list[0].Dialect)
			}
		})
	}
}

func TestExamineReadsABitmapInAnyHexCharacters(t *testing.T) {
	const digits = "3238010020C00011"
	lower := strings.ToLower(digits)
	ebcdic := func(s string) string {
		return strings.NewReplacer("C", "\xC3", "0", "\xF0", "1", "\xF1", "2", "\xF2", "3", "\xF3", "8", "\xF8").Replace(s)
	}
	for _, c := range []struct {
		dialect, bitmap string
		fault           iso8583.FaultName
	}{
		{"unionpay", digits, iso8583.FaultTextBitmap},
		{"unionpay", lower, iso8583.FaultTextBitmap},
		{"iso87-ebcdic", digits, iso8583.FaultTextBitmap},
		{"iso87-ebcdic", lower, iso8583.FaultTextBitmap},
		{"iso87-ebcdic", ebcdic(digits), iso8583.FaultTextBitmap},
		{"postilion", lower, iso8583.FaultTextBitmap},
		{"iso87-ascii", lower, iso8583.FaultBitmapForm},
		{"iso87-ascii", ebcdic(digits), iso8583.FaultBitmapForm},
	} {
		d := preset(t, c.dialect)
		m := &iso8583.Message{MTI: "0200"}
		for n, v := range map[int]string{3: "000000", 4: "000000012345", 7: "1122101530", 11: "000123", 12: "101530", 13: "1122", 24: "003", 35: "6228480000000000000D2712", 41: "10000001", 42: "100000000000001", 60: "22000001"} {
			m.Set(n, v)
		}
		m.SetBytes(64, someMAC)
		good := packed(t, d, m)
		size := 8
		if strings.HasSuffix(c.dialect, "ascii") {
			size = 16
		}
		var v iso8583.View
		if err := d.View(&v, good); err != nil {
			t.Fatal(err)
		}
		at := v.Place(3).Start - size
		sick := enveloped(t, d, cat(good[:at], []byte(c.bitmap), good[at+size:]))
		if got := iso8583.Examine(sick, d)[0]; len(got.Faults) != 1 || got.Faults[0].Name != c.fault || got.Faults[0].Path != "bitmap" {
			t.Errorf("%s, %q: got %v, doubts %q, want %s", c.dialect, c.bitmap, got.Faults, got.Doubts, c.fault)
		}
	}
}

func TestExamineFindsThePresetOfAGoodMessage(t *testing.T) {
	dialects := everyPreset(t)
	for _, d := range dialects {
		for _, name := range d.Transactions() {
			t.Run(d.Name()+"/"+name, func(t *testing.T) {
				m := sample(t, d, name)
				for _, raw := range [][]byte{packed(t, d, m), enveloped(t, d, packed(t, d, m))} {
					for _, v := range iso8583.Examine(raw, dialects...) {
						if v.Dialect == d.Name() && len(v.Faults) > 0 {
							t.Errorf("got %v, doubts %q, want none", v.Faults, v.Doubts)
						}
					}
				}
			})
		}
	}
}

// sample builds a transaction with values of the right shape.
func sample(t testing.TB, d *iso8583.Dialect, name string) *iso8583.Message {
	t.Helper()
	m, err := d.Build(name, iso8583.VarMap{
		"amount": "000000012345", "trace": "000123", "batch": "000001", "terminal": "10000001", "merchant": "100000000000001",
		"currency": "156", "entry": "02", "pan": "6228480000000000000", "expiry": "2712", "track2": "6228480000000000000D27122010000000000",
		"time": "101530", "date": "1122", "original.trace": "000122", "original.batch": "000001", "original.date": "1122",
		"original.time": "101500", "original.rrn": "112210000122", "original.approval": "123456", "approval": "123456",
		"amount.original": "000000012345", "code": "620000000000000000", "order": "ORDER0000000001", "reason": "no_answer",
		"debit.amount": "000000012345", "debit.count": "001", "credit.amount": "000000000000", "credit.count": "000",
		"items.count": "01", "batch.count": "0001", "items": "0000012300006228480000000000000000000012345",
		"item.pan": "6228480000000000000", "item.trace": "000122", "item.amount": "000000012345", "item.expiry": "2712",
		"item.rrn": "112210000122", "item.approval": "123456", "item.date": "1122", "item.time": "101500", "item.kind": "0200",
	})
	if err != nil {
		t.Skipf("cannot be built from these values: %v", err)
	}
	return m
}

func TestExamineKnowsTheFrameOfADialectFile(t *testing.T) {
	const text = `base = "iso87-bcd"
name = "other"
title = "other lengths, a trailer"
[frame]
length = "bcd2"
length_includes_itself = true
trailer = "03"
[codec]
lengths = "binary"
`
	d, err := iso8583.Load("other.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	good := packed(t, d, chipSale("0200"))
	frame := enveloped(t, d, good)
	bcd := packed(t, preset(t, "iso87-bcd"), chipSale("0200"))
	n := len(good)
	for _, c := range []struct {
		fault iso8583.FaultName
		frame []byte
	}{
		{iso8583.FaultNoTrailer, frame[:len(frame)-1]},
		{iso8583.FaultExclusive, cat([]byte{byte(n / 100), byte(n%100/10<<4 | n%10)}, frame[2:])},
		{iso8583.FaultBinaryLength, cat([]byte{0, byte(n + 2)}, frame[2:])},
		{iso8583.FaultBCDLength, enveloped(t, d, bcd)},
		{iso8583.FaultNoTPDU, enveloped(t, d, good[5:])},
	} {
		if v := iso8583.Examine(c.frame, d)[0]; len(v.Faults) != 1 || v.Faults[0].Name != c.fault {
			t.Errorf("%s: got %v, or %v, doubts %q", c.fault, v.Faults, v.Or, v.Doubts)
		}
	}
	if v := iso8583.Examine(frame, d)[0]; !v.Fits {
		t.Errorf("a good one: got %v, doubts %q", v.Faults, v.Doubts)
	}
}

func TestExamineFindsWhereADigitWasLost(t *testing.T) {
	up := preset(t, "unionpay")
	text := hex.EncodeToString(enveloped(t, up, packed(t, up, chipSale("0200"))))
	for _, cut := range []int{40, 120, 200} {
		v := iso8583.ExamineOddHex(text[:cut]+text[cut+1:], everyPreset(t)...)[0]
		if len(v.Faults) == 0 || v.Faults[0].Name != iso8583.FaultOddHex || v.Faults[0].Offset < 0 {
			t.Fatalf("digit %d lost: got %v", cut, v.Faults)
		}
		if off := v.Faults[0].Offset - cut/2; off < -8 || off > 8 {
			t.Errorf("digit %d (byte %d) lost: found at byte %d", cut, cut/2, v.Faults[0].Offset)
		}
	}
}

func TestExamineTellsNoContent(t *testing.T) {
	up := everyPreset(t)
	for _, s := range sickFrames(t) {
		for _, v := range iso8583.Examine(s.frame, up...) {
			said := fmt.Sprintf("%v %v %q %v", v.Faults, v.Or, v.Doubts, v.Err)
			for _, secret := range []string{"6228480", "0000000", "2712201", "A1B2C3"} {
				if strings.Contains(said, secret) {
					t.Errorf("%s: %s is told: %s", s.name, secret, said)
				}
			}
		}
	}
}

func FuzzExamineEndsOnAnyBytes(f *testing.F) {
	for _, s := range sickFrames(f) {
		f.Add(s.frame)
	}
	f.Add([]byte{})
	dialects := everyPreset(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 2048 {
			return
		}
		if n := len(iso8583.Examine(b, dialects...)); n != len(dialects) {
			t.Errorf("%d verdicts on %d dialects", n, len(dialects))
		}
	})
}
