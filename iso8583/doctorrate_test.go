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

// breaker breaks good frames of one dialect in every way of the list.
type breaker struct {
	t    testing.TB
	d    *iso8583.Dialect
	good []byte
	view iso8583.View
	list []sick
}

func (b *breaker) add(name string, frame []byte, fault iso8583.FaultName, path string) {
	b.list = append(b.list, sick{name, frame, b.d.Name(), fault, path})
}

// prefix gives a length prefix of the dialect's form.
func (b *breaker) prefix(n int) []byte {
	framed := enveloped(b.t, b.d, b.good)
	if len(framed)-len(b.good) == 4 {
		return fmt.Appendf(nil, "%04d", n)
	}
	return []byte{byte(n >> 8), byte(n)}
}

// bitmap is where the bitmaps lie.
func (b *breaker) bitmap() (from, to int, text bool) {
	from = len(b.view.TPDU()) + len(b.view.Header()) + 4
	if bcd, _ := hex.DecodeString(b.view.MTI()); bytes.Equal(b.good[from-4:from-2], bcd) {
		from -= 2
	}
	to = b.view.Place(b.view.Next(0)).Start
	return from, to, (to-from)%16 == 0 && bytes.Count(b.good[from:to], []byte{'0'}) > 3
}

func (b *breaker) frames() {
	n := len(b.good)
	b.add("self-inclusive", cat(b.prefix(n+len(b.prefix(n))), b.good), iso8583.FaultInclusive, "frame")
	if len(b.prefix(n)) == 2 && n > 9 {
		b.add("BCD length", cat([]byte{byte(n / 100), byte(n%100/10<<4 | n%10)}, b.good), iso8583.FaultBCDLength, "frame")
	}
	tails := map[string][]byte{"CRLF": []byte("\r\n"), "ETX": {3}, "ETX and LRC": {3, 0x5A}, "message": enveloped(b.t, b.d, b.good), "five bytes": {9, 0xC7, 2, 0x6B, 0x33}}
	for size := 1 + n%5; size <= 20; size += 5 {
		tails[fmt.Sprintf("%d zeros", size)] = make([]byte, size)
		tails[fmt.Sprintf("%d spaces", size)] = bytes.Repeat([]byte{' '}, size)
	}
	for name, tail := range tails {
		b.add(name+", counted", enveloped(b.t, b.d, cat(b.good, tail)), iso8583.FaultTrailing, "frame")
		b.add(name, cat(enveloped(b.t, b.d, b.good), tail), iso8583.FaultTrailing, "frame")
		b.add(name+", no length", cat(b.good, tail), iso8583.FaultTrailing, "frame")
	}
}

func (b *breaker) heads() {
	from, to, text := b.bitmap()
	if text {
		bin, _ := hex.DecodeString(string(b.good[from:to]))
		b.add("binary bitmap", enveloped(b.t, b.d, cat(b.good[:from], bin, b.good[to:])), iso8583.FaultBinaryBitmap, "bitmap")
	} else {
		digits := hex.EncodeToString(b.good[from:to])
		b.add("ASCII bitmap", enveloped(b.t, b.d, cat(b.good[:from], []byte(strings.ToUpper(digits)), b.good[to:])), iso8583.FaultTextBitmap, "bitmap")
		b.add("ASCII bitmap in lower case", cat(b.good[:from], []byte(digits), b.good[to:]), iso8583.FaultTextBitmap, "bitmap")
	}
	if tpdu := b.view.TPDU(); len(tpdu) > 0 {
		b.add("no TPDU", enveloped(b.t, b.d, b.good[len(tpdu):]), iso8583.FaultNoTPDU, "tpdu")
		b.add("no TPDU, no length", b.good[len(tpdu):], iso8583.FaultNoTPDU, "tpdu")
		b.add("two TPDUs", enveloped(b.t, b.d, cat([]byte{0x60, 1, 2, 3, 4}, b.good)), iso8583.FaultTwoTPDUs, "tpdu")
	}
}

func (b *breaker) fields() {
	from, _, text := b.bitmap()
	for n := b.view.Next(2); n > 0 && b.view.Next(n) > 0; n = b.view.Next(n) {
		out := bytes.Clone(b.good)
		if text {
			digit, _ := hex.DecodeString("0" + string(out[from+(n-1)/4]))
			out[from+(n-1)/4] = "0123456789ABCDEF"[digit[0]&^(8>>((n-1)%4))]
		} else {
			out[from+(n-1)/8] &^= 0x80 >> ((n - 1) % 8)
		}
		b.add(fmt.Sprintf("F%d without its bit", n), enveloped(b.t, b.d, out), iso8583.FaultNoBit, fmt.Sprintf("F%d", n))
	}
	for n := b.view.Next(0); n > 0; n = b.view.Next(n) {
		p := b.view.Place(n)
		if size := p.End - p.Value; p.Value > p.Start && (p.Units+1)/2 == size && size > 1 {
			out := bytes.Clone(b.good)
			out[p.Value-1] = byte(size/10<<4 | size%10)
			b.add(fmt.Sprintf("F%d counted in bytes", n), enveloped(b.t, b.d, out), iso8583.FaultCountBytes, fmt.Sprintf("F%d", n))
		}
	}
}

// someMAC stands in the place of a MAC; zeros would look like what is stray.
var someMAC = []byte("5C1F88D2")

// replyTo is what a host answers to a sale.
func replyTo(d *iso8583.Dialect, req *iso8583.Message, code string) *iso8583.Message {
	mti := []byte(req.MTI)
	mti[2]++
	m := &iso8583.Message{MTI: string(mti)}
	m.TPDU, m.Header = d.Reply(req)
	for _, n := range []int{3, 4, 7, 11, 12, 13, 24, 41, 42, 49, 60, 64, 70, 128} {
		if v := req.Text(n); req.Has(n) && !strings.HasPrefix(v, "hex:") {
			m.Set(n, v)
		} else if req.Has(n) {
			m.SetBytes(n, someMAC)
		}
	}
	for n, v := range map[int]string{15: "1122", 32: "01023456789", 37: "112210000124", 38: "654321", 39: code, 44: "01020000"} {
		if d.Name() != "iso93-ascii" || n != 15 {
			m.Set(n, v)
		}
	}
	return m
}

// brokenFrames breaks requests, reversals and answers of every preset.
func brokenFrames(t testing.TB) (list []sick) {
	t.Helper()
	for _, d := range everyPreset(t) {
		code := "00"
		if d.Name() == "iso93-ascii" {
			code = "000"
		}
		sale, echo := sample(t, d, "sale"), sample(t, d, "echo")
		for _, m := range []*iso8583.Message{sale, sample(t, d, "void"), sample(t, d, "sign-on"), echo, replyTo(d, sale, code), replyTo(d, echo, code)} {
			if n := d.MACRule().Field; m.Has(n) {
				m.SetBytes(n, someMAC)
			}
			b := breaker{t: t, d: d, good: packed(t, d, m)}
			if err := d.View(&b.view, b.good); err != nil {
				t.Fatal(err)
			}
			b.frames()
			b.heads()
			b.fields()
			for _, s := range b.list {
				s.name = d.Name() + " " + m.MTI + ": " + s.name
				list = append(list, s)
			}
		}
	}
	return list
}

// TestExamineNamesFaultsInEveryPreset: some bytes can be explained in two ways, and then the doctor may take the other
// one. That must stay rare, for every fault.
func TestExamineNamesFaultsInEveryPreset(t *testing.T) {
	dialects := map[string]*iso8583.Dialect{}
	for _, d := range everyPreset(t) {
		dialects[d.Name()] = d
	}
	all, wrong := map[iso8583.FaultName]int{}, map[iso8583.FaultName][]string{}
	for _, s := range brokenFrames(t) {
		all[s.fault]++
		v := iso8583.Examine(s.frame, dialects[s.dialect])[0]
		named := func(f iso8583.Fault) bool { return f.Name == s.fault }
		if len(v.Faults) != 1 || !named(v.Faults[0]) {
			wrong[s.fault] = append(wrong[s.fault], fmt.Sprintf("%s: got %v, or %v", s.name, v.Faults, v.Or))
		}
		if !slices.ContainsFunc(slices.Concat(v.Faults, v.Or), named) {
			t.Errorf("%s: %s is not told at all, but %v, or %v", s.name, s.fault, v.Faults, v.Or)
		}
	}
	for fault, n := range all {
		t.Logf("%s: %d of %d", fault, n-len(wrong[fault]), n)
		if 100*len(wrong[fault]) > 2*n {
			t.Errorf("%s: %d of %d are named otherwise:\n%s", fault, len(wrong[fault]), n, strings.Join(wrong[fault], "\n"))
		}
	}
}
