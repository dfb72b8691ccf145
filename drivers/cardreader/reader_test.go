package cardreader_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/drivers/cardreader"
	"posd/drivers/port"
	"posd/drivers/port/porttest"
)

// spy is a port that keeps every frame it gave, to see whether it was wiped.
type spy struct {
	port.Conn
	given [][]byte
}

func (s *spy) Next(ctx context.Context, split bufio.SplitFunc) ([]byte, error) {
	b, err := s.Conn.Next(ctx, split)
	s.given = append(s.given, b)
	return b, err
}

// hidSpy is a spy on a HID port.
type hidSpy struct {
	port.HID
	*spy
}

func (s hidSpy) Next(ctx context.Context, split bufio.SplitFunc) ([]byte, error) {
	return s.spy.Next(ctx, split)
}
func (s hidSpy) Write(ctx context.Context, b []byte) error { return s.HID.Write(ctx, b) }
func (s hidSpy) Close() error                              { return s.HID.Close() }

// connect gives a port, spied on, and the device's end of it.
func connect(info *port.HIDInfo) (port.Conn, *spy, io.ReadWriteCloser) {
	if info == nil {
		host, dev := porttest.Pair(0)
		s := &spy{Conn: host}
		return s, s, dev
	}
	host, dev := porttest.PairHID(*info, nil)
	s := &spy{Conn: host}
	return hidSpy{host, s}, s, dev
}

// reading is what came of a reader's bytes.
type reading struct {
	cards []string // masked number, then what was read, secrets in hex
	words []string // of errors
}

// read sends what a reader sends, with its pauses, and gives what the driver makes of it. With info it is a HID device,
// and each part a report. It fails the test if the
// driver leaves anything in a frame, or a card anything after Wipe.
func read(t *testing.T, driver string, info *port.HIDInfo, parts ...string) (r reading) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d, ok := cardreader.Lookup(driver)
		if !ok {
			t.Fatalf("no driver %s", driver)
		}
		s, err := port.Settle(d.Options, nil)
		if err != nil {
			t.Fatal(err)
		}
		host, spied, dev := connect(info)
		defer host.Close()
		sent := make(chan struct{})
		defer func() { <-sent }()
		go func() {
			defer close(sent)
			for _, p := range parts {
				if wait, err := time.ParseDuration(p); err == nil && p[len(p)-1] == 's' {
					time.Sleep(wait)
					continue
				}
				_, _ = dev.Write([]byte(p))
				synctest.Wait()
			}
			_ = dev.Close()
		}()
		r = readAll(t, d.Open(host, s))
		for i, b := range spied.given {
			if strings.Trim(string(b), "\x00") != "" {
				t.Errorf("frame %d of %d bytes is not wiped", i+1, len(b))
			}
		}
	})
	return r
}

// readAll reads until the reader ends.
func readAll(t *testing.T, src cardreader.Source) (r reading) {
	for {
		c, err := src.Next(t.Context())
		if err != nil {
			r.words = append(r.words, err.Error())
		}
		if errors.Is(err, cardreader.ErrUnreadable) || errors.Is(err, cardreader.ErrNotPayment) {
			continue
		}
		if err != nil {
			return r
		}
		r.cards = append(r.cards, show(c))
		c.Wipe()
		if got := strings.Fields(show(c)); len(got) > 1 && strings.Trim(strings.Join(got[1:], ""), "0-") != "" {
			t.Errorf("after Wipe a card holds %d fields", len(got))
		}
	}
}

// show gives a card's content, hex where it is ciphertext.
func show(c *cardreader.Card) string {
	words := []string{c.Masked()}
	for _, f := range []port.Secret{c.PAN, c.Expiry, c.ServiceCode} {
		f.Reveal(func(b []byte) { words = append(words, strings.ReplaceAll(string(b), "\x00", "0")) })
	}
	e := c.Encrypted
	for _, f := range []port.Secret{e.Track1, e.Track2, e.Track3, e.KSN, e.Session} {
		f.Reveal(func(b []byte) { words = append(words, hex.EncodeToString(b)) })
	}
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " ")
}

// Ciphertext and key serial number: the KSN is that of ANSI X9.24-1, annex A; the rest is a pattern.
const testKSN = "\xFF\xFF\x98\x76\x54\x32\x10\xE0\x00\x01"

func ciphertext(n int) string { return strings.Repeat("\xC1\x5E", n/2) }

// sureSwipe is a report of 337 bytes.
func sureSwipe(encode byte, tracks ...string) string {
	b := make([]byte, 337)
	b[6] = encode
	for i, t := range tracks {
		b[3+i] = byte(len(t))
		copy(b[7+110*i:], t)
	}
	return string(b)
}

// magneSafe is a report of 887 bytes.
func magneSafe(ksn, maskedTwo string, lens ...int) string {
	b := make([]byte, 887)
	for i, n := range lens {
		b[3+i] = byte(n)
		copy(b[7+112*i:], ciphertext(min(n, 112)))
	}
	copy(b[495:], ksn)
	b[506] = byte(len(maskedTwo))
	copy(b[620:], maskedTwo)
	copy(b[844:], "\x01\x02\x03\x04\x05\x06\x07\x08")
	return string(b)
}

// secureMag frames data.
func secureMag(data string) string {
	var xor, sum byte
	for _, c := range []byte(data) {
		xor ^= c
		sum += c
	}
	head, tail := []byte{2, byte(len(data)), byte(len(data) >> 8)}, []byte{xor, sum, 3}
	return string(head) + data + string(tail)
}

// masked is a masked track 2 of 32 bytes.
const masked = ";411111******1111=************?*"

// enhanced is the data of an enhanced frame with a masked and encrypted track 2.
func enhanced(kind byte, ksn string) string {
	return string([]byte{kind, 0x02, 0, byte(len(masked)), 0, 0x02, 0x82}) + masked + ciphertext(32) + ksn
}

// plain is a HID device that tells nothing of itself.
var plain = &port.HIDInfo{}

// posKeyboard is the descriptor of something else.
var posKeyboard = []byte{0x05, 0x01, 0x75, 0x08, 0x95, 0x01, 0x09, 0x02, 0x81, 0x02}

func TestEveryReaderGivesItsCards(t *testing.T) {
	want32 := hex.EncodeToString([]byte(ciphertext(32)))
	want40 := hex.EncodeToString([]byte(ciphertext(40)))
	ksn := hex.EncodeToString([]byte(testKSN))
	inClear := "411111******1111 " + visa + " 3012 201"
	cases := map[string]struct {
		driver string
		info   *port.HIDInfo
		parts  []string
		want   string
	}{
		"sureswipe":       {"sureswipe", plain, []string{sureSwipe(0, trackOne, trackTwo)}, inClear},
		"sureswipe twice": {"sureswipe", plain, []string{sureSwipe(0, trackOne), sureSwipe(0, "", trackTwo)}, inClear + "; " + inClear},
		"magnesafe":       {"magnesafe", plain, []string{magneSafe(testKSN, masked, 0, 40)}, "411111******1111 " + want40 + " " + ksn + " 0102030405060708"},
		"securemag":       {"securemag", nil, []string{secureMag(enhanced(0x80, testKSN))}, "411111******1111 " + want32 + " " + ksn},
		"securemag in a HID report": {
			"securemag", plain,
			[]string{secureMag(enhanced(0x80, testKSN)) + strings.Repeat("\x00", 400), secureMag(enhanced(0x80, testKSN))},
			"411111******1111 " + want32 + " " + ksn + "; 411111******1111 " + want32 + " " + ksn,
		},
		"hidmsr": {"hidmsr", &port.HIDInfo{Descriptor: msrDescriptor}, []string{msrReport(trackTwo)}, inClear},
		"sureswipe by descriptor": {
			"sureswipe", &port.HIDInfo{Descriptor: magtekDescriptor}, []string{"\x00\x00\x00\x00" + string([]byte{byte(len(trackTwo))}) + "\x00" + strings.Repeat("\x00", 41) + trackTwo + strings.Repeat("\x00", 80-len(trackTwo))}, inClear,
		},
		"keyboard": {"magnetic", nil, strings.Split(trackOne+trackTwo+"\r", ""), inClear},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := read(t, c.driver, c.info, c.parts...)
			if got := strings.Join(r.cards, "; "); got != c.want {
				t.Errorf("got %q, want %q (%q)", got, c.want, r.words)
			}
		})
	}
}

// msrDescriptor is a reader of usage page 8E: three lengths, three tracks of 40 bytes.
var msrDescriptor = []byte{
	0x05, 0x8E, 0x09, 0x01, 0xA1, 0x01, 0x85, 0x01, 0x75, 0x08, 0x95, 0x03, 0x19, 0x11, 0x29, 0x13, 0x81, 0x02,
	0x95, 0x28, 0x09, 0x21, 0x82, 0x02, 0x01, 0x09, 0x22, 0x82, 0x02, 0x01, 0x09, 0x23, 0x82, 0x02, 0x01, 0xC0,
}

func msrReport(trackTwo string) string {
	b := make([]byte, 1+3+3*40)
	b[0], b[2] = 1, byte(len(trackTwo))
	copy(b[1+3+40:], trackTwo)
	return string(b)
}

// magtekDescriptor is a reader of page FF00 that has other places than the manual: three states, three lengths, and
// tracks of 41, 40 and 40 bytes.
var magtekDescriptor = []byte{
	0x06, 0x00, 0xFF, 0x09, 0x01, 0xA1, 0x01, 0x75, 0x08, 0x95, 0x03, 0x19, 0x20, 0x29, 0x22, 0x81, 0x02,
	0x19, 0x28, 0x29, 0x2A, 0x81, 0x02, 0x95, 0x29, 0x09, 0x30, 0x82, 0x02, 0x01,
	0x95, 0x28, 0x09, 0x31, 0x82, 0x02, 0x01, 0x09, 0x32, 0x82, 0x02, 0x01, 0xC0,
}

func change(s string, at int, b byte) string { return s[:at] + string([]byte{b}) + s[at+1:] }

// readerFault is something that goes wrong with a reader.
type readerFault struct {
	name, driver string
	info         *port.HIDInfo
	parts        []string
	want         string // a part of the first error
	cards        int
}

// readerFaults are those of the README's table.
func readerFaults() []readerFault {
	sure, safe, mag := sureSwipe(0, "", trackTwo), magneSafe(testKSN, masked, 0, 40), secureMag(enhanced(0x80, testKSN))
	return []readerFault{
		{"half a swipe", "magnetic", nil, []string{trackTwo[:12], "2s", trackTwo + "\r"}, "cut off: 12 bytes without their end; swipe again", 1},
		{"noise", "magnetic", nil, []string{"\x00\x8f\x01\r", trackTwo + "\r"}, "no complete tracks", 1},
		{"no end for ever", "magnetic", nil, []string{strings.Repeat(visa, 5000), "\r", trackTwo + "\r"}, "frame is longer than allowed", 1},
		{"unplugged in a swipe", "magnetic", nil, []string{trackTwo[:12]}, "device is gone", 0},
		{"card without a number", "magnetic", nil, []string{";12345=3012201?\r", trackTwo + "\r"}, "no card number where it should be", 1},
		{"wrong lrc", "magnetic", nil, []string{trackTwo + "X\r", trackTwo + "\r"}, "check character of track 2", 1},
		{"driving licence, sureswipe", "sureswipe", plain, []string{sureSwipe(1, licence), sure}, "a driving licence", 1},
		{"driving licence by its number", "sureswipe", plain, []string{sureSwipe(0, "", ";636014012345678=991119901231?"), sure}, "a driving licence", 1},
		{"nothing read", "sureswipe", plain, []string{sureSwipe(0), sure}, "neither track 1 nor track 2", 1},
		{"decode error", "sureswipe", plain, []string{change(sure, 1, 1), sure}, "neither track 1 nor track 2", 1},
		{"length beyond the track", "sureswipe", plain, []string{change(sure, 4, 200), sure}, "track 2 counts 200 bytes and has 110; look at the driver's name", 1},
		{"half a report", "sureswipe", plain, []string{sure[:100], sure}, "bytes and has 0; look at the driver's name", 1},
		{"no key injected", "magnesafe", plain, []string{magneSafe("", masked, 0, 40), safe}, "the reader has no key: its KSN is empty", 1},
		{"ciphertext of no blocks", "magnesafe", plain, []string{magneSafe(testKSN, masked, 0, 39), safe}, "ciphertext of track 2 has 39 bytes, want blocks of 8", 1},
		{"nothing encrypted", "magnesafe", plain, []string{magneSafe(testKSN, masked), safe}, "neither track 1 nor track 2 is encrypted", 1},
		{"masked track is no card's", "magnesafe", plain, []string{magneSafe(testKSN, ";12=?", 0, 40), safe}, "no card number where it should be", 1},
		{"wrong check byte", "securemag", nil, []string{change(mag, len(mag)-3, 0), mag}, "check bytes of a frame of 87 bytes", 1},
		{"wrong sum", "securemag", nil, []string{change(mag, len(mag)-2, 0), mag}, "check bytes of a frame", 1},
		{"no ETX", "securemag", nil, []string{change(mag, len(mag)-1, 9), mag}, "without its ETX", 1},
		{"half a frame", "securemag", nil, []string{mag[:50], "2s", mag}, "cut off: 50 bytes", 1},
		{"noise before a frame", "securemag", nil, []string{"\x02\xff\xff\x01\x02" + mag}, "", 1},
		{"fields that do not add up", "securemag", nil, []string{secureMag(enhanced(0x80, testKSN+"x")), mag}, "do not add up", 1},
		{"licence, securemag", "securemag", nil, []string{secureMag(enhanced(0x81, testKSN)), mag}, "a driving licence", 1},
		{"a library card", "securemag", nil, []string{secureMag(enhanced(0x83, testKSN)), mag}, "no ISO format (type 3)", 1},
		{"set to the old format", "securemag", nil, []string{secureMag(enhanced(0x00, testKSN)), mag}, "set the reader to it", 1},
		{"report without a frame", "securemag", plain, []string{mag[:50], mag}, "no whole frame in a report of 50 bytes", 1},
		{"no descriptor", "hidmsr", plain, nil, "set the reader to HID, or choose the driver of its maker", 0},
		{"descriptor of something else", "hidmsr", &port.HIDInfo{Descriptor: posKeyboard}, nil, "no track data in usage page 8E", 0},
		{"descriptor cut off", "hidmsr", &port.HIDInfo{Descriptor: msrDescriptor[:9]}, nil, "the item is cut off", 0},
		{"on a serial port", "sureswipe", nil, nil, `such as "hid:///dev/hidraw0"`, 0},
	}
}

// TestFaultsOfReadersAreToldInWords shows what the technician reads, and that the next good swipe is taken. That nothing of the
// card is told, and every frame wiped, is seen in each.
func TestFaultsOfReadersAreToldInWords(t *testing.T) {
	for _, c := range readerFaults() {
		t.Run(c.name, func(t *testing.T) {
			r := read(t, c.driver, c.info, c.parts...)
			if len(r.words) == 0 || !strings.Contains(r.words[0], c.want) || len(r.cards) != c.cards {
				t.Errorf("told %q, %d cards; want %q, %d cards", r.words, len(r.cards), c.want, c.cards)
			}
			for _, word := range []string{"1111", "6360", "12345", "4111"} {
				if strings.Contains(strings.Join(r.words, " "), word) {
					t.Errorf("%q tells of the card", r.words)
				}
			}
		})
	}
}

func TestThePageTellsOfEveryFaultOfReaders(t *testing.T) {
	var rows []string
	for _, c := range readerFaults() {
		told := "nothing: the swipe is taken"
		if r := read(t, c.driver, c.info, c.parts...); c.want != "" && len(r.words) > 0 {
			told = r.words[0]
		}
		rows = append(rows, fmt.Sprintf("| %s | `%s` | %s | `TestFaultsOfReadersAreToldInWords/%s` |", c.name, c.driver, told, c.name))
	}
	porttest.Page(t, "README.md", "| fault | driver | what is told | test |", rows)
}

func TestAnEncryptedCardShowsNothingButItsMaskedNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := cardreader.Lookup("magnesafe")
		s, _ := port.Settle(d.Options, nil)
		host, dev := porttest.PairHID(port.HIDInfo{}, nil)
		defer host.Close()
		_, _ = dev.Write([]byte(magneSafe(testKSN, masked, 0, 40)))
		c, err := d.Open(host, s).Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Wipe()
		if c.PAN.Len()+c.Track1.Len()+c.Track2.Len() != 0 || c.Encrypted.Cipher != cardreader.TDES {
			t.Error("an encrypted card has a number or tracks in clear")
		}
		shown := fmt.Sprintf("%v %+v %x %+v", c, *c, c.Encrypted, c.Encrypted)
		if strings.Contains(strings.ToLower(shown), "c15e") || strings.Contains(strings.ToLower(shown), "ffff98") {
			t.Errorf("%q shows ciphertext or key number", shown)
		}
	})
}
