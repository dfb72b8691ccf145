package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"posd/drivers/pcsc/pcsctest"
	"posd/hwtest/devicesim"
	"posd/hwtest/hostsim"
	"posd/iso8583"
)

func TestChipSaysWhatIsMissing(t *testing.T) {
	code, _, errs := verb(t, "chip", "--socket", filepath.Join(t.TempDir(), "none"))
	if code != problem || !strings.Contains(errs, "install and start it") {
		t.Errorf("exit %d, %q", code, errs)
	}
}

// chipIn puts a test card into a reader, and gives pcscd's socket.
func chipIn(t *testing.T) (chip *devicesim.Chip, socket string) {
	t.Helper()
	chip = devicesim.NewChip(devicesim.TestCard("620000", 7))
	chip.InTwoSteps = true
	d := &pcsctest.Daemon{Minor: 4, Answer: func(apdu []byte) ([]byte, bool) { return chip.Transmit(apdu), true }}
	return chip, d.Start(t)
}

func TestChipShowsACardOnlyWhenItIsOneForTests(t *testing.T) {
	card := devicesim.TestCard("620000", 7)
	_, socket := chipIn(t)
	code, out, errs := verb(t, "chip", "--socket", socket, "--pay", "1999")
	if code != success || !strings.Contains(out, card.PAN[:6]+"******"+card.PAN[12:]) || strings.Contains(out, card.PAN) {
		t.Errorf("exit %d, %q%s", code, out, errs)
	}
	if code, _, errs := verb(t, "chip", "--socket", socket, "--pay", "1999", "--currency", "CNY"); code != problem || !strings.Contains(errs, "ISO numbers") {
		t.Errorf("letters for a currency: exit %d, %q", code, errs)
	}
}

// testHost is a host of a dialect without MAC, which takes chips, and what it heard of them.
type testHost struct {
	dialect, address string
	mu               sync.Mutex
	chips            [][]byte // guarded by mu: field 55 of each request
}

func newTestHost(t *testing.T) *testHost {
	t.Helper()
	t.Chdir(t.TempDir())
	text := "base = \"iso87-bcd\"\nmac.algorithm = \"none\"\nreply.roles.keys = \"\"\n"
	d, err := iso8583.Load("test.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	w := &testHost{dialect: "test.toml"}
	if err := os.WriteFile(w.dialect, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	h, err := hostsim.New(hostsim.Options{
		Dialect: d, TMK: make([]byte, 16), Terminals: []hostsim.Terminal{{ID: "10000001", Merchant: "898000000000001"}}, Seen: w.hear,
	})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.address = ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { _ = h.Serve(ctx, ln) })
	t.Cleanup(func() { cancel(); serving.Wait(); _ = h.Close() })
	return w
}

func (w *testHost) hear(m *iso8583.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m.Has(55) {
		w.chips = append(w.chips, append([]byte(nil), m.Bytes(55)...))
	}
}

// sends builds a transaction, sends it, and gives what is shown.
func (w *testHost) sends(t *testing.T, name string, values ...string) string {
	t.Helper()
	message, complaint, code := bench(t, "", append([]string{"iso", "build", "--dialect", w.dialect, name}, values...)...)
	if code != success {
		t.Fatalf("iso build %s: %s", name, complaint)
	}
	out, complaint, _ := bench(t, message, "iso", "send", "--dialect", w.dialect, "--to", w.address, "--financial", "-")
	return out + complaint
}

// A chip card's payment goes from the reader to the host: what the host gets in field 55 is a cryptogram of this card about
// this payment.
func TestAChipsSaleIsApprovedByAHostThatLooksAtItsCryptogram(t *testing.T) {
	chip, socket := chipIn(t)
	w := newTestHost(t)
	w.sends(t, "sign-on")
	code, out, errs := verb(t, "chip", "--socket", socket, "--pay", "1999", "--test-data")
	if code != success {
		t.Fatal(errs)
	}
	values := strings.Fields(out)
	if said := w.sends(t, "sale", append(values, "trace=000012", "amount=000000001999")...); !strings.Contains(said, "-> approve") {
		t.Fatalf("the host says:\n%s", said)
	}
	if err := w.check(chip); err != nil {
		t.Error(err)
	}
	if said := w.sends(t, "sale", append(values, "trace=000013", "amount=000000002000")...); strings.Contains(said, "-> approve") {
		t.Errorf("chip data of another amount are taken:\n%s", said)
	}
	short := append(values[:len(values)-1:len(values)-1], "55=hex:9F2608001122334455667795050000000000", "trace=000014", "amount=000000001999")
	if said := w.sends(t, "sale", short...); strings.Contains(said, "-> approve") {
		t.Errorf("half of a chip's data are taken:\n%s", said)
	}
}

func (w *testHost) check(chip *devicesim.Chip) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.chips) != 1 {
		return errors.New("the host has not heard of one chip")
	}
	return chip.Check(w.chips[0])
}
