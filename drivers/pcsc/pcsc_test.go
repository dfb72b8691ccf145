package pcsc_test

import (
	"context"
	"encoding/hex"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"posd/drivers/pcsc"
	"posd/drivers/pcsc/pcsctest"
)

// daemon is a pcscd whose card answers by a table.
type daemon struct {
	minor   uint32            // of the protocol it speaks
	connect uint32            // result of a connect
	answers map[string]string // by command, in hex
}

// start gives the socket of a daemon that ends with the test.
func start(t *testing.T, d *daemon) string {
	t.Helper()
	p := &pcsctest.Daemon{Minor: d.minor, Connect: d.connect, Answer: func(apdu []byte) ([]byte, bool) {
		text, ok := d.answers[hex.EncodeToString(apdu)]
		data, _ := hex.DecodeString(text)
		return data, ok
	}}
	return p.Start(t)
}

func TestACardIsFoundAndAnswers(t *testing.T) {
	d := &daemon{minor: 4, answers: map[string]string{
		"00a4040007a0000003330101": "6104", "00c0000004": "6f020102" + "9000", // T=0: fetched in a second step
		"00b2010c00": "6c03", "00b2010c03": "7001aa" + "9000", // and with the right length
		"80ca9f1700": "6a88", "0084000000": "aabb6102", "00c0000002": "9000", // nothing more
	}}
	c, err := pcsc.Dial(t.Context(), start(t, d))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	readers, err := c.Readers(t.Context())
	if err != nil || len(readers) != 1 || !readers[0].Present || hex.EncodeToString(readers[0].ATR) != "3b00" {
		t.Fatalf("readers %+v, %v", readers, err)
	}
	card, err := c.Connect(t.Context(), readers[0].Name)
	if err != nil {
		t.Fatal(err)
	}
	for _, ask := range []struct{ apdu, want string }{
		{"00a4040007a0000003330101", "6f0201029000"},
		{"00b2010c00", "7001aa9000"},
		{"80ca9f1700", "6a88"},
		{"0084000000", "aabb9000"},
	} {
		b, _ := hex.DecodeString(ask.apdu)
		if got, err := card.Transmit(t.Context(), b); err != nil || hex.EncodeToString(got) != ask.want {
			t.Errorf("%s: got %x, %v, want %s", ask.apdu, got, err, ask.want)
		}
	}
	if err := card.Disconnect(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestFaultsOfChipReadersAreToldInWords(t *testing.T) {
	loop := map[string]string{"00a40400": "6110", "00c0000010": "6110"}
	cases := map[string]struct {
		daemon *daemon
		reader string
		apdu   string
		want   error
		words  string
	}{
		"another protocol":  {&daemon{minor: 9}, "", "", pcsc.ErrNoService, "it speaks protocol 4.9, want 4.4"},
		"no such reader":    {&daemon{minor: 4}, "Other", "", pcsc.ErrNoReader, `"Other"`},
		"a name too long":   {&daemon{minor: 4}, strings.Repeat("x", 200), "", pcsc.ErrNoReader, "a name of 200 bytes"},
		"no card":           {&daemon{minor: 4, connect: 0x8010000C}, "", "", pcsc.ErrNoCard, "in the reader"},
		"upside down":       {&daemon{minor: 4, connect: 0x80100066}, "", "", pcsc.ErrMute, "which way it is put in"},
		"in use":            {&daemon{minor: 4, connect: 0x8010000B}, "", "", pcsc.ErrBusy, "another program"},
		"something else":    {&daemon{minor: 4, connect: 0x80100001}, "", "", nil, "the chip service says 80100001"},
		"taken out":         {&daemon{minor: 4}, "", "00a40400", pcsc.ErrNoCard, "taken out"},
		"no status bytes":   {&daemon{minor: 4, answers: map[string]string{"00a40400": "90"}}, "", "00a40400", nil, "has 1 bytes"},
		"answers for ever":  {&daemon{minor: 4, answers: loop}, "", "00a40400", nil, "for ever"},
		"command too short": {&daemon{minor: 4}, "", "00a4", nil, "command of 2 bytes"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := use(t, start(t, c.daemon), c.reader, c.apdu)
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.words) {
				t.Errorf("told %v, want %q", err, c.words)
			}
		})
	}
	if _, err := pcsc.Dial(t.Context(), filepath.Join(t.TempDir(), "none")); !errors.Is(err, pcsc.ErrNoService) {
		t.Errorf("no pcscd: %v", err)
	}
}

func use(t *testing.T, path, reader, apdu string) error {
	c, err := pcsc.Dial(t.Context(), path)
	if err != nil {
		return err
	}
	defer c.Close()
	if reader == "" {
		reader = pcsctest.Reader
	}
	card, err := c.Connect(t.Context(), reader)
	if err != nil {
		return err
	}
	b, _ := hex.DecodeString(apdu)
	_, err = card.Transmit(t.Context(), b)
	return err
}

func TestADaemonThatSaysNothingIsNotWaitedForLongerThanAsked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pcscd")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Skipf("no unix sockets here: %v", err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := pcsc.Dial(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the end of ctx", err)
	}
}

func TestAnAnswerThatBreaksOffIsNotWaitedForLongerThanAsked(t *testing.T) {
	p := &pcsctest.Daemon{Minor: 4, Stalls: true, Answer: func([]byte) ([]byte, bool) { return []byte{0x90, 0x00}, true }}
	c, err := pcsc.Dial(t.Context(), p.Start(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	card, err := c.Connect(t.Context(), pcsctest.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := card.Transmit(ctx, []byte{0, 0xA4, 4, 0}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the end of ctx", err)
	}
}
