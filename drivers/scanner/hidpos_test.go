package scanner_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"posd/drivers/port"
	"posd/drivers/port/porttest"
	"posd/drivers/scanner"
)

// report is a scanned data report of 64 bytes as Honeywell's have it: number, count, identifier, 56 bytes, more.
func report(id byte, count int, aim, data string, more byte) string {
	b := make([]byte, 64)
	b[0], b[1], b[63] = id, byte(count), more
	copy(b[2:], aim)
	copy(b[5:61], data)
	return string(b)
}

// shifted is one of the makers that have a byte before the identifier.
func shifted(aim, data string) string {
	b := make([]byte, 64)
	b[0], b[1] = 2, byte(len(data))
	copy(b[3:], aim)
	copy(b[6:62], data)
	return string(b)
}

// newland is one of Newland's: data at once behind the count.
func newland(data string, more byte) string {
	b := make([]byte, 64)
	b[0], b[1], b[62], b[63] = 2, byte(len(data)), 7, more
	copy(b[2:58], data)
	return string(b)
}

// parts cuts a code into reports of 56 bytes.
func parts(code string, one func(data string, more byte) string) (all []string) {
	for len(code) > 56 {
		all = append(all, one(code[:56], 1))
		code = code[56:]
	}
	return append(all, one(code, 0))
}

// posDescriptor is the descriptor of a scanner with its own places: report 5, identifier first, then the count, then 30 bytes.
var posDescriptor = []byte{
	0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, 0x85, 0x05, 0x75, 0x08,
	0x95, 0x03, 0x09, 0xFB, 0x09, 0xFC, 0x09, 0xFD, 0x81, 0x02,
	0x95, 0x01, 0x05, 0x01, 0x09, 0x3B, 0x81, 0x02,
	0x95, 0x1E, 0x05, 0x8C, 0x09, 0xFE, 0x82, 0x02, 0x01,
	0x75, 0x01, 0x95, 0x07, 0x81, 0x03, 0x95, 0x01, 0x09, 0xFF, 0x81, 0x02,
	0x85, 0x06, 0x75, 0x08, 0x95, 0x02, 0x09, 0x10, 0x81, 0x02, 0xC0,
}

// bare has the data and nothing else in its reports, which are not numbered.
var bare = []byte{0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, 0x75, 0x08, 0x95, 0x0A, 0x09, 0xFE, 0x82, 0x02, 0x01, 0xC0}

// unflagged is Honeywell's layout without the usage of the bit that says that a code goes on (8C:FF).
var unflagged = []byte{
	0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, 0x85, 0x02, 0x75, 0x08,
	0x95, 0x01, 0x05, 0x01, 0x09, 0x3B, 0x81, 0x02,
	0x95, 0x03, 0x05, 0x8C, 0x09, 0xFB, 0x09, 0xFC, 0x09, 0xFD, 0x81, 0x02,
	0x95, 0x38, 0x09, 0xFE, 0x82, 0x02, 0x01,
	0x95, 0x03, 0x81, 0x02, 0xC0,
}

// lumped has a whole report of scanned data (8C:12) in one field, and nothing of what is in it.
var lumped = []byte{0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, 0x85, 0x02, 0x75, 0x08, 0x95, 0x3F, 0x09, 0x12, 0x81, 0x02, 0xC0}

// countBehind has its data first, ten bytes, and the count behind them.
var countBehind = []byte{
	0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, 0x85, 0x02, 0x75, 0x08,
	0x95, 0x0A, 0x09, 0xFE, 0x82, 0x02, 0x01,
	0x95, 0x01, 0x05, 0x01, 0x09, 0x3B, 0x81, 0x02, 0xC0,
}

// countFirst has no number: the count is its first byte, ten bytes of data and an identifier follow.
var countFirst = []byte{
	0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, 0x75, 0x08, 0x95, 0x01, 0x05, 0x01, 0x09, 0x3B, 0x81, 0x02,
	0x95, 0x0A, 0x05, 0x8C, 0x09, 0xFE, 0x82, 0x02, 0x01,
	0x95, 0x03, 0x09, 0xFB, 0x09, 0xFC, 0x09, 0xFD, 0x81, 0x02, 0xC0,
}

// aimFirst has no number either, and begins with the identifier.
var aimFirst = []byte{
	0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, 0x75, 0x08, 0x95, 0x03, 0x09, 0xFB, 0x09, 0xFC, 0x09, 0xFD, 0x81, 0x02,
	0x95, 0x0A, 0x09, 0xFE, 0x82, 0x02, 0x01, 0xC0,
}

// uncounted has a number and the identifier, and no count.
var uncounted = []byte{
	0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, 0x85, 0x02, 0x75, 0x08, 0x95, 0x03, 0x09, 0xFB, 0x09, 0xFC, 0x09, 0xFD, 0x81, 0x02,
	0x95, 0x0A, 0x09, 0xFE, 0x82, 0x02, 0x01, 0xC0,
}

func TestAReportThatEndsBeforeItsCountIsRefusedAndTheNextIsTaken(t *testing.T) {
	info := port.HIDInfo{Descriptor: countBehind}
	got, words := scanWith(t, "hidpos", &info, nil, "\x020123456789", "\x02ok\x00\x00\x00\x00\x00\x00\x00\x00\x02")
	if strings.Join(got, " ") != "refused |ok" || !strings.Contains(words[0], "a report of 11 bytes, want at least 12") {
		t.Errorf("got %q, %q", got, words)
	}
}

func TestReportsOfEveryMakerBecomeCodes(t *testing.T) {
	qr := strings.Repeat("0123456789", 300)
	hon := func(data string, more byte) string { return report(2, len(data), "]Q1", data, more) }
	option := func(layout string) map[string]string { return map[string]string{"layout": layout} }
	cases := map[string]struct {
		info    port.HIDInfo
		options map[string]string
		parts   []string
		want    string
	}{
		"honeywell":              {port.HIDInfo{}, option("honeywell"), []string{hon("6901234567892", 0)}, "]Q1|6901234567892"},
		"honeywell, found out":   {port.HIDInfo{}, nil, []string{hon("6901234567892", 0)}, "]Q1|6901234567892"},
		"newland":                {port.HIDInfo{}, option("newland"), []string{newland("6901234567892", 0)}, "|6901234567892"},
		"newland, found out":     {port.HIDInfo{}, nil, []string{newland("6901234567892\r", 0)}, "|6901234567892"},
		"datalogic":              {port.HIDInfo{}, option("datalogic"), []string{shifted("]E0", "6901234567892")}, "]E0|6901234567892"},
		"zebra, found out":       {port.HIDInfo{}, nil, []string{shifted("]E0", "6901234567892")}, "]E0|6901234567892"},
		"zebra by its vendor id": {port.HIDInfo{Vendor: 0x05E0}, nil, []string{shifted("???", "690")}, "|690"},
		"newland by its vendor":  {port.HIDInfo{Vendor: 0x1EAB}, nil, []string{newland("]Q1690", 0)}, "]Q1|690"},
		"3 KB, honeywell":        {port.HIDInfo{}, nil, parts(qr, hon), "]Q1|" + qr},
		"3 KB, newland":          {port.HIDInfo{}, option("newland"), parts(qr, newland), "|" + qr},
		"the last part is empty": {port.HIDInfo{}, nil, []string{hon(qr[:56], 1), hon("", 0)}, "]Q1|" + qr[:56]},
		"3 KB at once":           {port.HIDInfo{}, nil, []string{strings.Join(parts(qr, hon), "")}, "]Q1|" + qr},
		"two at once":            {port.HIDInfo{}, nil, []string{hon("one", 0) + hon("two", 0)}, "]Q1|one ]Q1|two"},
		"held in view":           {port.HIDInfo{}, nil, []string{hon("one", 0), hon("one", 0)}, "]Q1|one repeated"},
		"empty":                  {port.HIDInfo{}, nil, []string{hon("", 0), hon("x", 0)}, "]Q1|x"},
		"report of another kind": {port.HIDInfo{}, nil, []string{report(9, 0, "", "", 0), hon("x", 0)}, "]Q1|x"},
		"identifier not wanted":  {port.HIDInfo{}, map[string]string{"aim": "no"}, []string{hon("x", 0)}, "|x"},
		"lines":                  {port.HIDInfo{}, map[string]string{"lines": "yes"}, []string{hon("a\r\nb\tc", 0)}, "]Q1|a\r\nb\tc"},
		"by descriptor": {
			port.HIDInfo{Vendor: 0x1EAB, Descriptor: posDescriptor},
			nil,
			[]string{"\x06\x01\x02", "\x05]Q1\x02ab" + strings.Repeat("\x00", 28) + "\x80", "\x05]Q1\x01c" + strings.Repeat("\x00", 30)},
			"]Q1|abc",
		},
		"by bare descriptor":                    {port.HIDInfo{Descriptor: bare}, nil, []string{"abc\x00\x00\x00\x00\x00\x00\x00", "0123456789"}, "|abc |0123456789"},
		"the count comes first":                 {port.HIDInfo{Descriptor: countFirst}, nil, []string{"\x0a0123456789]Q1", "\x02ok23456789]Q1"}, "]Q1|0123456789 ]Q1|ok"},
		"the identifier comes first":            {port.HIDInfo{Descriptor: aimFirst}, nil, []string{"]E0ok\x00\x00\x00\x00\x00\x00\x00\x00"}, "]E0|ok"},
		"an identifier and no count":            {port.HIDInfo{Descriptor: uncounted}, nil, []string{"\x02]E0ok\x00\x00\x00\x00\x00\x00\x00\x00"}, "]E0|ok"},
		"honeywell's descriptor without a flag": {port.HIDInfo{Vendor: 0x0C2E, Descriptor: unflagged}, nil, parts(qr[:59], hon), "]Q1|" + qr[:59]},
		"a stranger's without a flag":           {port.HIDInfo{Descriptor: unflagged}, nil, []string{hon("one", 1)}, "]Q1|one"},
		"newland's descriptor in one field":     {port.HIDInfo{Vendor: 0x1EAB, Descriptor: lumped}, nil, parts(qr[:59], newland), "|" + qr[:59]},
		"one field, and the option":             {port.HIDInfo{Descriptor: lumped}, option("newland"), parts(qr[:59], newland), "|" + qr[:59]},
		"a flag where no report reaches":        {port.HIDInfo{Vendor: 0x0C2E, Descriptor: bare}, nil, []string{"0123456789"}, "|0123456789"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, words := scanWith(t, "hidpos", &c.info, c.options, c.parts...)
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %.80q, want %.80q (%q)", got, c.want, words)
			}
		})
	}
}

func TestAHoneywellScannerIsToldToSend(t *testing.T) {
	for vendor, want := range map[uint16]int{0x0C2E: 1, 0x1EAB: 0} {
		synctest.Test(t, func(t *testing.T) {
			features := porttest.Features{}
			host, dev := porttest.PairHID(port.HIDInfo{Vendor: vendor}, features)
			defer host.Close()
			d, _ := scanner.Lookup("hidpos")
			s, _ := port.Settle(d.Options, nil)
			_, _ = dev.Write([]byte(report(2, 2, "]Q1", "ok", 0)))
			c, err := d.Open(host, s).Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			c.Data.Wipe()
			if len(features) != want || want == 1 && string(features[254]) != "\xfe\x01" {
				t.Errorf("vendor %04x was sent %x", vendor, features)
			}
		})
	}
}
