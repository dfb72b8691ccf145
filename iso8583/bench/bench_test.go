package main

import (
	"bytes"
	"strings"
	"testing"

	moov "github.com/moov-io/iso8583"

	"posd/iso8583"
)

// BenchmarkMessage runs what the command's table shows.
func BenchmarkMessage(b *testing.B) {
	list, err := benches()
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range list {
		b.Run(c.String(), c.run)
	}
}

func preset(t *testing.T, name string) *iso8583.Dialect {
	t.Helper()
	d, err := iso8583.Preset(name)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func posdPacked(t *testing.T, d *iso8583.Dialect) []byte {
	t.Helper()
	m := &iso8583.Message{}
	fill(m)
	packed, err := d.Pack(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

func TestMessageIsTheOneThatIsTalkedOf(t *testing.T) {
	if packed := posdPacked(t, preset(t, "unionpay")); len(sale) != 20 || len(packed) != headSize+280 {
		t.Errorf("%d fields in %d bytes from the MTI, want 20 in 280", len(sale), len(packed)-headSize)
	}
}

func TestReferenceGivesTheSameBytesAsPosd(t *testing.T) {
	want := posdPacked(t, preset(t, "unionpay"))
	got, err := referencePack([]byte("before"), saleSample())
	if err != nil || !bytes.Equal(got, append([]byte("before"), want...)) {
		t.Errorf("got  %X, %v\nwant %X", got, err, want)
	}
}

func TestMoovGivesTheSameBytesAsPosd(t *testing.T) {
	for name, c := range map[string]struct {
		spec *moov.MessageSpec
		want []byte
	}{
		"BCD":   {moovBCD(), posdPacked(t, preset(t, "unionpay"))[headSize:]},
		"ASCII": {moovASCII(), posdPacked(t, preset(t, "iso87-ascii"))},
	} {
		m := moov.NewMessage(c.spec)
		if err := moovSet(m); err != nil {
			t.Fatal(err)
		}
		got, err := m.Pack()
		if err != nil || !bytes.Equal(got, c.want) {
			t.Errorf("%s: got  %X, %v\nwant %X", name, got, err, c.want)
		}
	}
}

func TestReferenceAndMoovReadWhatWasPacked(t *testing.T) {
	packed := posdPacked(t, preset(t, "unionpay"))
	decoded := &texts{buf: make([]byte, largest)}
	if err := referenceDecode(decoded, packed); err != nil {
		t.Fatal(err)
	}
	m := moov.NewMessage(moovBCD())
	if err := m.Unpack(packed[headSize:]); err != nil {
		t.Fatal(err)
	}
	if got := decoded.get(0); got != saleTPDU+saleHeader+saleMTI {
		t.Errorf("head %s", got)
	}
	for _, v := range sale {
		want := v.text + string(v.raw)
		if got := decoded.get(v.field); got != want {
			t.Errorf("reference, field %d: %q, want %q", v.field, got, want)
		}
		if got, err := m.GetBytes(v.field); err != nil || string(got) != want {
			t.Errorf("moov, field %d: %q, %v, want %q", v.field, got, err, want)
		}
	}
}

func TestReferenceSignsAsPosd(t *testing.T) {
	d, want := preset(t, "unionpay"), posdPacked(t, preset(t, "unionpay"))
	keys, err := testKeys()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Sign(want, keys); err != nil {
		t.Fatal(err)
	}
	mac, err := newMACer()
	if err != nil {
		t.Fatal(err)
	}
	got := posdPacked(t, d)
	if mac.sign(got); !bytes.Equal(got, want) {
		t.Errorf("got  %X\nwant %X", got, want)
	}
}

func TestReferenceRefusesWhatItMustNotPack(t *testing.T) {
	for _, v := range sale {
		s := saleSample()
		if kind := shapes[v.field].kind; kind == digits || kind == nibbled {
			s.fields[v.field][len(s.fields[v.field])-1] = ':' // follows 9 in ASCII
			if _, err := referencePack(nil, s); err == nil {
				t.Errorf("field %d: a colon was packed as a digit", v.field)
			}
		}
		s.fields[v.field] = make([]byte, largest)
		if _, err := referencePack(nil, s); err == nil {
			t.Errorf("field %d: %d bytes were packed", v.field, largest)
		}
	}
}

func TestReferenceRefusesWhatItMustNotRead(t *testing.T) {
	packed := posdPacked(t, preset(t, "unionpay"))
	decoded := &texts{buf: make([]byte, largest)}
	for n := range packed {
		if referenceDecode(decoded, packed[:n]) == nil {
			t.Errorf("cut after %d bytes, and read", n)
		}
	}
	if referenceDecode(decoded, append(bytes.Clone(packed), 0)) == nil {
		t.Error("a byte too many, and read")
	}
	if err := referenceParse(&decoded.places, packed); err != nil {
		t.Fatal(err)
	}
	for _, v := range sale {
		broken := bytes.Clone(packed)
		last := &broken[decoded.at[v.field].end-1]
		switch shapes[v.field].kind {
		case digits:
			*last = 0xA0
		case printed:
			*last = 0x1F
		default:
			continue
		}
		if referenceDecode(decoded, broken) == nil {
			t.Errorf("field %d: read a byte %02X", v.field, *last)
		}
	}
}

// TestNothingAllocates gates what the goals say of allocations; of time it says nothing.
func TestNothingAllocates(t *testing.T) {
	list, err := benches()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		if c.who == theirs || !c.reuses() {
			continue
		}
		n := testing.AllocsPerRun(100, func() {
			if err := c.once(); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("%v: %.0f allocations", c.key, n)
		}
	}
}

func TestGoalsSayWhatIsMet(t *testing.T) {
	got := results{
		{wireBCD, floor, packing}: {ns: 100}, {wireBCD, theirs, packing}: {ns: 60_000},
		{wireBCD, ours, packing}: {ns: 301}, {wireASCII, ours, packing}: {ns: 100, allocs: 1},
	}
	var out strings.Builder
	if err := printGoals(&out, got); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"600 x  met", "3.0 x  NOT met", "199 x  met", "1  NOT met", "not measured  NOT met"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("lacks %q:\n%s", want, out.String())
		}
	}
	got[key{wireBCD, theirs, packing}] = result{ns: 49_900}
	if err := printGoals(&out, got); err == nil {
		t.Error("a slow reference is taken for one")
	}
}
