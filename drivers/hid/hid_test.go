package hid_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"posd/drivers/hid"
)

// scanner is a HID-POS scanner's descriptor: report 2 counts its bytes, has an identifier of three, 56 bytes of data, a
// byte of the maker's and one bit that says whether more follows.
var scanner = []byte{
	0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, // usage page, usage, application
	0x09, 0x12, 0xA1, 0x02, 0x85, 0x02, // scanned data report, logical, report 2
	0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 0x08, 0x95, 0x01, 0x05, 0x01, 0x09, 0x3B, 0x81, 0x02,
	0x95, 0x03, 0x05, 0x8C, 0x09, 0xFB, 0x09, 0xFC, 0x09, 0xFD, 0x81, 0x02,
	0x95, 0x38, 0x09, 0xFE, 0x82, 0x02, 0x01,
	0x95, 0x01, 0x06, 0x66, 0xFF, 0x09, 0x04, 0x81, 0x02, 0x81, 0x03,
	0x05, 0x8C, 0x09, 0xFF, 0x75, 0x01, 0x81, 0x02, 0x95, 0x07, 0x81, 0x03,
	0xC0, 0xC0,
}

// keyboard is the boot keyboard's (HID 1.11, appendix E.6): no report numbers, a range of usages, a report to it.
var keyboard = []byte{
	0x05, 0x01, 0x09, 0x06, 0xA1, 0x01, 0x05, 0x07, 0x19, 0xE0, 0x29, 0xE7, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x95, 0x08,
	0x81, 0x02, 0x95, 0x01, 0x75, 0x08, 0x81, 0x01, 0x95, 0x05, 0x75, 0x01, 0x05, 0x08, 0x19, 0x01, 0x29, 0x05, 0x91, 0x02,
	0x95, 0x01, 0x75, 0x03, 0x91, 0x01, 0x95, 0x06, 0x75, 0x08, 0x15, 0x00, 0x25, 0x65, 0x05, 0x07, 0x19, 0x00, 0x29, 0x65,
	0x81, 0x00, 0xC0,
}

func parse(t *testing.T, b []byte) *hid.Descriptor {
	t.Helper()
	d, err := hid.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestPlacesAreFoundInAScannersDescriptor(t *testing.T) {
	d := parse(t, scanner)
	if len(d.Apps) != 1 || d.Apps[0] != 0x8C0002 || !d.Numbered {
		t.Errorf("applications %x, numbered %v", d.Apps, d.Numbered)
	}
	r, ok := d.Report(hid.Input, 2)
	if !ok || r.Len(true) != 64 {
		t.Fatalf("input report 2: %v, %d bytes, want 64", ok, r.Len(true))
	}
	want := map[hid.Usage]hid.Place{
		0x01003B: {ID: 2, Bit: 8, Size: 8, Count: 1},
		0x8C00FB: {ID: 2, Bit: 16, Size: 8, Count: 1},
		0x8C00FD: {ID: 2, Bit: 32, Size: 8, Count: 1},
		0x8C00FE: {ID: 2, Bit: 40, Size: 8, Count: 56},
		0x8C00FF: {ID: 2, Bit: 504, Size: 1, Count: 1},
	}
	for u, p := range want {
		if got, ok := d.Find(hid.Input, u); !ok || got != p {
			t.Errorf("usage %x: got %+v, %v, want %+v", u, got, ok, p)
		}
	}
	if _, ok := d.Find(hid.Output, 0x8C00FE); ok {
		t.Error("decoded data in an output report")
	}
}

func TestRangesOfUsagesAndUnnumberedReports(t *testing.T) {
	d := parse(t, keyboard)
	if got, ok := d.Find(hid.Input, 0x0700E2); !ok || got != (hid.Place{Bit: 2, Size: 1, Count: 1}) {
		t.Errorf("left alt: %+v, %v", got, ok)
	}
	if r, ok := d.Report(hid.Input, 0); !ok || r.Len(false) != 8 {
		t.Errorf("the report has %d bytes, want 8", r.Len(false))
	}
}

func TestValuesAreReadAtTheirPlaces(t *testing.T) {
	report := []byte{0x02, 0x34, 0x12, 0xF0}
	if got := (hid.Place{Bit: 8, Size: 16, Count: 1}).Uint(report); got != 0x1234 {
		t.Errorf("16 bits: %x", got)
	}
	if got := (hid.Place{Bit: 28, Size: 4, Count: 1}).Uint(report); got != 0x0F {
		t.Errorf("4 bits: %x", got)
	}
	if got := (hid.Place{Bit: 24, Size: 16, Count: 1}).Uint(report); got != 0xF0 {
		t.Errorf("beyond the end: %x", got)
	}
	for _, p := range []hid.Place{{Bit: 4, Size: 8, Count: 1}, {Bit: 24, Size: 8, Count: 2}, {Size: 4, Count: 2}} {
		if p.Bytes(report) != nil {
			t.Errorf("%+v gives bytes", p)
		}
	}
}

func TestBadDescriptorsAreRefusedByName(t *testing.T) {
	cases := map[string]struct {
		b    []byte
		want string
	}{
		"empty":                 {nil, "0 bytes"},
		"endless":               {make([]byte, 5000), "5000 bytes"},
		"cut off":               {scanner[:len(scanner)-2], "collections do not end"},
		"item cut off":          {[]byte{0x05, 0x8C, 0x26, 0xFF}, "byte 2: the item is cut off"},
		"long item cut off":     {[]byte{0xFE, 0x09, 0x01}, "byte 0: the item is cut off"},
		"end too many":          {append(append([]byte{}, scanner...), 0xC0), "never began"},
		"pop too many":          {[]byte{0xB4}, "pop without its push"},
		"push without end":      {[]byte(strings.Repeat("\xA4", 40)), "pushed states"},
		"collections for ever":  {[]byte(strings.Repeat("\xA1\x01", 40)), "within each other"},
		"report 0":              {[]byte{0x85, 0x00}, "report number 0"},
		"report 300":            {[]byte{0x86, 0x2C, 0x01}, "report number 300"},
		"a report of 8 MiB":     {[]byte{0x75, 0x08, 0x96, 0xFF, 0xFF, 0x81, 0x02}, "longer than"},
		"sizes that overflow":   {[]byte{0x77, 0xFF, 0xFF, 0xFF, 0x7F, 0x97, 0xFF, 0xFF, 0xFF, 0x7F, 0x81, 0x02}, "longer than"},
		"range backwards":       {[]byte{0x19, 0x05, 0x29, 0x01}, "ends before it begins"},
		"range without a start": {[]byte{0x29, 0x01}, "ends before it begins"},
		"usages for ever":       {[]byte(strings.Repeat("\x09\x01", 1100)), "usages of one field"},
		"fields for ever":       {[]byte("\x75\x01\x95\x01" + strings.Repeat("\x81\x02", 1100)), "more than 1024 fields"},
		"some numbered":         {[]byte{0x75, 0x08, 0x95, 0x01, 0x81, 0x02, 0x85, 0x01, 0x81, 0x02}, "some are not"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := hid.Parse(c.b)
			if !errors.Is(err, hid.ErrDescriptor) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want a word on %q", err, c.want)
			}
		})
	}
}

// TestAThousandMalformedDescriptors: each is refused, or what is read of it keeps its promises.
func TestAThousandMalformedDescriptors(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 1000))
	refused := 0
	for n := range 1000 {
		b := append([]byte(nil), [][]byte{scanner, keyboard}[n%2]...)
		for range 1 + r.IntN(4) {
			at := r.IntN(len(b))
			switch r.IntN(4) {
			case 0:
				b[at] ^= 1 << r.IntN(8)
			case 1:
				b = b[:at+1]
			case 2:
				b = append(b[:at], b[at+1:]...)
			default:
				b = append(b[:at:at], append([]byte{byte(r.IntN(256))}, b[at:]...)...)
			}
			if len(b) == 0 {
				b = []byte{0xC0}
			}
		}
		if _, err := hid.Parse(b); err != nil {
			refused++
		}
		promises(t, b)
	}
	if refused < 300 {
		t.Errorf("only %d of 1000 were refused", refused)
	}
}

// promises holds the parser against what it promises for any bytes.
func promises(t *testing.T, b []byte) {
	t.Helper()
	d, err := hid.Parse(b)
	if err != nil {
		if !errors.Is(err, hid.ErrDescriptor) || d != nil {
			t.Fatalf("%x: %v", b, err)
		}
		return
	}
	for i := range d.Reports {
		rep := &d.Reports[i]
		n := rep.Len(d.Numbered)
		if n < 1 || n > hid.MaxReport+1 {
			t.Fatalf("%x: a report of %d bytes", b, n)
		}
		for _, f := range rep.Fields {
			p, ok := d.FindIn(rep, f.Usage(0))
			if ok && p.Bit+p.Size*p.Count > n*8 {
				t.Fatalf("%x: a value at bit %d of a report of %d bytes", b, p.Bit, n)
			}
			p.Uint(make([]byte, n))
			p.Bytes(make([]byte, n))
		}
	}
}

// FuzzParse: whatever comes is refused by name, or keeps the promises.
func FuzzParse(f *testing.F) {
	f.Add(scanner)
	f.Add(keyboard)
	f.Fuzz(func(t *testing.T, b []byte) { promises(t, b) })
}
