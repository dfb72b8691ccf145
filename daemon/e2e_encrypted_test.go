package main

import (
	"context"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"posd/drivers/port"
	"posd/drivers/port/porttest"
	"posd/drivers/trace"
	"posd/hwtest/hostsim"
	"posd/iso8583"
)

// pageFile writes the page's block of that name into a file, as its reader would.
func pageFile(t *testing.T, name string) string {
	t.Helper()
	page, err := os.ReadFile("../iso8583/dialects/README.md")
	block := regexp.MustCompile("(?ms)^```toml " + regexp.QuoteMeta(name) + "\n(.*?)^```$").FindSubmatch(page)
	if err != nil || block == nil {
		t.Fatalf("the page has no %s (%v)", name, err)
	}
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, block[1], 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// wiretap keeps fields of the requests that a host hears.
type wiretap struct {
	mu    sync.Mutex
	heard []map[int]string // guarded by mu
}

func (w *wiretap) hear(m *iso8583.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fields := map[int]string{0: m.MTI}
	for _, n := range []int{2, 35, 53, 55, 57} {
		if m.Has(n) {
			fields[n] = strings.ToUpper(strings.TrimPrefix(m.Text(n), "hex:"))
		}
	}
	w.heard = append(w.heard, fields)
}

// last gives the newest request of a type.
func (w *wiretap) last(mti string) map[int]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := len(w.heard) - 1; i >= 0; i-- {
		if w.heard[i][0] == mti {
			return w.heard[i]
		}
	}
	return nil
}

// swiper is a HID reader through which one recorded card is swiped.
type swiper struct {
	report []byte
	info   port.HIDInfo
	others port.Opener

	mu   sync.Mutex
	line io.Writer // guarded by mu; nil when nobody has it open
}

func (s *swiper) swipe() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.line == nil {
		return nil // the till swipes again
	}
	_, err := s.line.Write(s.report)
	return err
}

// Open stands in for the system's door.
func (s *swiper) Open(ctx context.Context, a port.Address) (port.Conn, error) {
	if a.Path != "reader" {
		return s.others(ctx, a)
	}
	host, device := porttest.PairHID(s.info, nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.line = device
	return host, nil
}

// An encrypting reader's sale travels from its HID report to the host. What the host gets is what the reader gave; posd keeps
// none of it, and reverses without it.
func TestAnEncryptingReadersSaleReachesTheHostAsCiphertextAndIsReversedWithoutIt(t *testing.T) {
	text, err := os.ReadFile("../drivers/cardreader/testdata/magnesafe.trace")
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := trace.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	report := recorded.Steps[0].Data // MagTek 99875475: lengths at 3, tracks of 112 at 7, the key's number at 495
	ksn := strings.ToUpper(hex.EncodeToString(report[495:505]))
	track := strings.ToUpper(hex.EncodeToString(report[7+112 : 7+112+int(report[4])]))

	var host wiretap
	s := newStore(t, plan{dialect: pageFile(t, "encrypting.toml"), patience: "3s", seen: host.hear})
	s.change("port = \"serial://reader\"", "port = \"serial://reader\"\ndriver = \"magnesafe\"")
	info, _, err := recorded.HID()
	if err != nil {
		t.Fatal(err)
	}
	reader := &swiper{report: report, info: info, others: s.open}
	s.open = reader.Open
	s.start()
	pay := func(sale string, amount int64, state string) said {
		t.Helper()
		s.till.open(sale, amount)
		s.till.begin(sale, "a", saleBy("card"))
		s.till.collected(sale, "a", reader.swipe)
		return s.want(s.till.pay(sale, "a", saleBy("card")), state)
	}

	a := pay("S-1", 1999, "approved")
	if a.Instrument != "411111******1111" {
		t.Errorf("instrument is %q", a.Instrument)
	}
	sale := host.last("0200")
	if sale[53] != ksn || sale[57] != track || sale[35] != "" || sale[2] != "" || len(track) == 0 {
		t.Errorf("the host has %d and %d characters of key number and track, want %d and %d as the reader gave them", len(sale[53]), len(sale[57]), len(ksn), len(track))
	}
	s.holds(1999, 0)

	s.rules(hostsim.Rule{Kind: "sale", Times: 1, Do: hostsim.CommitSilent})
	pay("S-2", 700, "reversed")
	if undo := host.last("0400"); undo == nil || undo[53]+undo[57]+undo[35]+undo[2] != "" {
		t.Errorf("the reversal has fields %v", undo)
	}
	s.holds(1999, 0)
	s.want(s.till.pay("S-1", "v", undo("void", "a")), "approved")
	s.holds(0, 0)

	s.stop()
	s.keepsNone(track, ksn, string(report[119:119+int(report[4])]))
}

// keepsNone fails if any of posd's files holds one of these, however hex digits are written.
func (s *store) keepsNone(secrets ...string) {
	s.t.Helper()
	err := filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		for _, secret := range secrets {
			if strings.Contains(string(content), secret) || strings.Contains(string(content), strings.ToLower(secret)) {
				s.t.Errorf("%s holds what the reader gave", d.Name())
			}
		}
		return err
	})
	if err != nil {
		s.t.Error(err)
	}
}
