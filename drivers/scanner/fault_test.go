package scanner_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"posd/drivers/port"
	"posd/drivers/port/porttest"
	"posd/drivers/scanner"
)

// secret is what nobody is told of a code that was refused.
const secret = "281234"

// scannerFault is something that goes wrong with a scanner.
type scannerFault struct {
	name, driver string
	options      map[string]string
	parts        []string
	want         string // a part of the first error
	lost         bool   // the device ends with the fault
}

// scannerFaults are those of the README's table.
func scannerFaults() []scannerFault {
	hon := func(count int, data string, more byte) string { return report(2, count, "]Q1", data, more) }
	good := hon(2, "ok", 0)
	return []scannerFault{
		{"half a code", "line", nil, []string{secret, "3s", "ok\r"}, "cut off: 6 bytes without their end; look at cable", false},
		{"half a code, keyboard", "keyboard", nil, []string{secret, "3s", "ok\r"}, "cut off: 6 bytes", false},
		{"noise", "line", nil, []string{secret + "\x00\x8f\r", "ok\r"}, "control character 00 at byte 6", false},
		{"backspace", "keyboard", nil, []string{secret + "\x08\r", "ok\r"}, "control character 08 at byte 6", false},
		{"a code too long", "line", nil, []string{strings.Repeat(secret, 800) + "\r", "ok\r"}, "4800 bytes, at most 4096", false},
		{"no end for ever", "line", nil, []string{strings.Repeat(secret, 20000), "x\r", "ok\r"}, "frame is longer than allowed", false},
		{"wrong suffix set", "line", map[string]string{"suffix": "cr"}, []string{secret + "\n", "3s", "ok\r"}, "look at cable and suffix", false},
		{"held in view", "line", nil, []string{"ok\r", "ok\r"}, "same code still there", false},
		{"unplugged in a code", "line", nil, []string{secret}, "device is gone", true},
		{"part does not come", "hidpos", nil, []string{hon(6, secret, 1), "3s", good}, "the next part after 6 bytes did not come", false},
		{"two codes mixed", "hidpos", nil, []string{hon(6, secret, 1), report(2, 6, "]E0", secret, 0), good}, "two codes mixed", false},
		{"wrong layout", "hidpos", map[string]string{"layout": "newland"}, []string{report(2, 200, "]Q1", secret, 0), good}, "counts 200 bytes and holds 56; look at the option layout", false},
		{"parts for ever", "hidpos", nil, append(slices.Repeat([]string{hon(56, strings.Repeat("7", 56), 1)}, 74), "3s", good), "more than 4096 bytes", false},
		{"half a report", "hidpos", nil, []string{good[:4], good}, "a report of 4 bytes", false},
		{"control character in a report", "hidpos", nil, []string{hon(8, secret+"\r\n"[:1]+"x", 0), good}, "control character 0D at byte 6", false},
		{"checksum", "ssi", nil, []string{"\x05\xf3\x00\x00\x01\x00\x00", ssiCode("ok")}, "checksum of a packet of 7 bytes; asked for it again", false},
		{"half a packet", "ssi", nil, []string{ssiCode(secret)[:8], "3s", ssiCode("ok")}, "cut off: 8 bytes without their end; look at the cable", false},
		{"second packet missing", "ssi", nil, []string{ssiPart(secret, 2), "5s", ssiCode("ok")}, "cut off after 6 bytes of a code", false},
		{"packet without data", "ssi", nil, []string{ssi(0xF3, 0, ""), ssiCode("ok")}, "a packet without data", false},
		{"an answer without end", "newland", nil, []string{"\x02\x01" + secret, "3s", "ok\r"}, "cut off: 8 bytes", false},
		{"half a code, honeywell", "honeywell", nil, []string{secret, "3s", "ok\r"}, "cut off: 6 bytes", false},
	}
}

// TestFaultsOfScannersAreToldInWords shows what the technician reads, that the next good code is taken, and that nothing of the
// bad one is told.
func TestFaultsOfScannersAreToldInWords(t *testing.T) {
	for _, c := range scannerFaults() {
		t.Run(c.name, func(t *testing.T) {
			got, words := scanWith(t, c.driver, &port.HIDInfo{}, c.options, c.parts...)
			if len(words) == 0 || !strings.Contains(words[0], c.want) {
				t.Fatalf("told %q, want %q", words, c.want)
			}
			if strings.Contains(strings.Join(words, " "), secret) {
				t.Errorf("%q tells of the code", words)
			}
			taken := slices.ContainsFunc(got, func(s string) bool { return strings.HasSuffix(s, "|ok") })
			if taken == c.lost && c.options["layout"] == "" {
				t.Errorf("after the fault: %q", got)
			}
		})
	}
}

func TestThePageTellsOfEveryFaultOfScanners(t *testing.T) {
	var rows []string
	for _, c := range scannerFaults() {
		if _, words := scanWith(t, c.driver, &port.HIDInfo{}, c.options, c.parts...); len(words) > 0 {
			rows = append(rows, fmt.Sprintf("| %s | `%s` | %s | `TestFaultsOfScannersAreToldInWords/%s` |", c.name, c.driver, words[0], c.name))
		}
	}
	porttest.Page(t, "README.md", "| fault | driver | what is told | test |", rows)
}

func TestADescriptorThatIsNoScannersIsToldAndEndsTheDevice(t *testing.T) {
	keyboard := []byte{0x05, 0x01, 0x09, 0x06, 0xA1, 0x01, 0x05, 0x07, 0x75, 0x08, 0x95, 0x08, 0x81, 0x00, 0xC0}
	for want, info := range map[string]port.HIDInfo{
		"it is no HID-POS scanner; switch it to HID-POS mode":   {Descriptor: keyboard},
		"no HID-POS scanner; switch it to HID-POS mode":         {Vendor: 0x1EAB, Descriptor: keyboard},
		"byte 2: the item is cut off; set the option layout":    {Descriptor: []byte{0x05, 0x8C, 0x26, 0xFF}},
		"no decoded data (usage 8C:FE); set the option layout ": {Descriptor: lumped},
	} {
		_, words := scanWith(t, "hidpos", &info, nil)
		if len(words) != 1 || !strings.Contains(words[0], want) {
			t.Errorf("told %q, want %q", words, want)
		}
	}
}

func TestAHIDDriverOnASerialPortSaysWhatItNeeds(t *testing.T) {
	_, words := scanWith(t, "hidpos", nil, nil)
	if len(words) != 1 || !strings.Contains(words[0], `such as "hid:///dev/hidraw0"`) {
		t.Errorf("told %q", words)
	}
}

func TestADriverOfLinesOnAHIDPortSaysWhichOneItTakes(t *testing.T) {
	host, dev := porttest.PairHID(port.HIDInfo{}, nil)
	defer host.Close()
	defer dev.Close()
	for _, name := range []string{"line", "keyboard", "newland", "honeywell", "ssi"} {
		d, _ := scanner.Lookup(name)
		s, _ := port.Settle(d.Options, nil)
		src, ok := d.Open(host, s).(interface{ Usable() error })
		if !ok || src.Usable() == nil || !strings.Contains(src.Usable().Error(), `"hidpos"`) {
			t.Errorf("%s takes a HID port", name)
		}
	}
}
