package iso8583_test

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"posd/iso8583"
)

// digitRun is what no error may hold: so many digits can be a card number's.
var digitRun = regexp.MustCompile(`[0-9]{7}`)

// FuzzTLV: what parses as BER-TLV is put together again, byte for byte, when a part gets its own value in the shortest
// form; and what does not gives a FieldError without content.
func FuzzTLV(f *testing.F) {
	for _, seed := range []string{chipData, "72079F1804800000008604AABBCCDD", "00FF9F2681089F10112233445566", "70065A0441111111FF", "9F268841111111111111111100", "1F", "DF8183"} {
		f.Add(unhex(f, seed[:len(seed)&^1]))
	}
	d := partsDialect(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		m := &iso8583.Message{MTI: "0200"}
		m.SetBytes(55, b)
		parts, err := d.Parts(m, 55)
		wellTold(t, 55, err)
		if err != nil {
			return
		}
		for _, p := range some(parts) {
			if p.Group || !inShortForm(b, p) {
				continue
			}
			if err := d.SetPart(m, p.Path, p.Text()); err != nil {
				t.Fatalf("%v: %v", p, err)
			}
			if !bytes.Equal(m.Bytes(55), b) {
				t.Fatalf("%v set to itself:\n got %X\nwant %X", p, m.Bytes(55), b)
			}
		}
	})
}

// some takes a few parts from all over the list: of hundreds, looking at each with each takes seconds.
func some(parts []iso8583.Part) []iso8583.Part {
	var list []iso8583.Part
	for i := 0; i < len(parts); i += 1 + len(parts)/6 {
		list = append(list, parts[i])
	}
	return list
}

// inShortForm tells whether all lengths around a part have one byte, as SetPart writes short ones.
func inShortForm(b []byte, p iso8583.Part) bool {
	long := func(c byte) bool { return c > 0x80 && c < 0x85 }
	return len(b) < 0x80 && !slices.ContainsFunc(b[:p.Offset], long)
}

func wellTold(t *testing.T, field int, err error) {
	t.Helper()
	var f *iso8583.FieldError
	switch {
	case err == nil:
	case !errors.As(err, &f) || f.Field != field || f.Path == "" || f.Rule == "":
		t.Fatalf("%v does not tell field, path and rule", err)
	case digitRun.MatchString(err.Error()):
		t.Fatalf("the error may hold content: %v", err)
	}
}

// FuzzParts: in any layout, no value panics; parts lie within their field, and one that is set reads back as set, while
// the others stay as they were.
func FuzzParts(f *testing.F) {
	f.Add(byte(48), []byte("01006000007PN0164111111111111111"), "123456")
	f.Add(byte(60), []byte("2200000700050"), "7")
	f.Add(byte(61), unhex(f, "0123024142AABBCCDD"), "hex:00")
	f.Add(byte(62), unhex(f, "A100020199B20001FF"), "0199")
	f.Add(byte(63), []byte("CUP                    x"), "中国")
	f.Add(byte(127), append(unhex(f, "4000008000000001"), "06ORDER10284000000010000000000000001999800000147Z"...), "ORDER2")
	d := partsDialect(f)
	f.Fuzz(func(t *testing.T, field byte, b []byte, value string) {
		n := int(field)
		build := func() *iso8583.Message {
			m := &iso8583.Message{MTI: "0200"}
			if field == 60 || field == 48 || field == 63 {
				m.Set(n, string(b))
			} else {
				m.SetBytes(n, b)
			}
			return m
		}
		parts, err := d.Parts(build(), n)
		if err != nil {
			wellTold(t, n, err)
			return
		}
		for _, p := range parts {
			if p.Offset < 0 || p.Size < 0 || p.Offset+p.Size > 2*len(b) {
				t.Fatalf("%v lies at %d, %d bytes, of %d", p, p.Offset, p.Size, len(b))
			}
		}
		for _, p := range some(parts) {
			setAndCompare(t, d, build(), p, some(parts), value)
		}
	})
}

// setAndCompare sets one part and looks at all of them.
func setAndCompare(t *testing.T, d *iso8583.Dialect, m *iso8583.Message, p iso8583.Part, parts []iso8583.Part, value string) {
	t.Helper()
	if err := d.SetPart(m, p.Path, value); err != nil {
		wellTold(t, m.Fields()[0], err)
		return
	}
	for _, q := range parts {
		got, ok := d.Part(m, q.Path)
		same := q.Path != p.Path && !strings.HasPrefix(q.Path, p.Path+".") && !strings.HasPrefix(p.Path, q.Path+".")
		if same && (!ok || got != q.Text()) {
			t.Fatalf("%v became %q when %v was set to %q", q, got, p, value)
		}
	}
}
