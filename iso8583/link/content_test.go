package link_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"regexp"
	"slices"
	"testing"
	"time"

	"posd/iso8583"
	"posd/iso8583/link"
)

// Seven digits in a row are a part of a card number, seven of hex of a track or a PIN block. The time of a log line has
// more.
var (
	digitsInARow = regexp.MustCompile(`(?i)[0-9a-f]{7}|([0-9a-f]{2} ){3}[0-9a-f]{2}|([0-9]{1,3} ){5}[0-9]`)
	logTime      = regexp.MustCompile(`time=\S+`)
)

// A host that says anything, the request's own secrets included, makes the link log and return errors of every kind.
func TestNothingOfAMessageIsInLogsAndErrors(t *testing.T) {
	for _, name := range iso8583.Presets() {
		d, err := iso8583.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		request, answer := cardMessage(t, d, "0200"), cardMessage(t, d, "0210")
		framed, err := d.AppendFrame(nil, answer)
		if err != nil {
			t.Fatal(err)
		}
		var log, returned bytes.Buffer // the link's reader may log while errors are noted here
		errs := 0
		for seed := range uint64(150) {
			r := rand.New(rand.NewPCG(seed, 11))
			l := newLine(split(r, noise(r, framed, answer))...)
			if l.after = io.EOF; seed%5 == 0 {
				l.after = fmt.Errorf("read: %w", io.ErrUnexpectedEOF)
			}
			dialled := false
			k := link.New(link.Options{
				Dialect: d, Outstanding: 2, Late: func(p []byte) { clear(p) }, Each: seed%3 == 0,
				Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true})),
				Dial: func(context.Context) (net.Conn, error) {
					if dialled {
						return nil, errRefused
					}
					dialled = true
					return l, nil
				},
			})
			for range 2 {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				_, err := k.Exchange(ctx, slices.Clone(request), "02|"+name)
				cancel()
				if err != nil {
					errs++
					fmt.Fprintf(&returned, "returned %v %+v %q\n", err, err, err)
				}
			}
			if err := k.Close(); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&returned, "%+v\n", k.Status())
		}
		for line := range bytes.Lines(append(log.Bytes(), returned.Bytes()...)) {
			if text := logTime.ReplaceAll(line, nil); digitsInARow.Match(text) {
				t.Fatalf("%s: %s", name, text)
			}
		}
		if errs < 100 || log.Len() < 5_000 {
			t.Errorf("%s: only %d errors in %d bytes", name, errs, log.Len())
		}
	}
}

// cardMessage has a card number, tracks and a PIN block where the dialect has them.
func cardMessage(t *testing.T, d *iso8583.Dialect, mti string) []byte {
	t.Helper()
	m := &iso8583.Message{MTI: mti}
	pin, _ := hex.DecodeString("1234567890ABCDEF")
	m.SetBytes(52, pin)
	for n, v := range map[int]string{2: "4111111111111111", 3: "000000", 11: "000001", 35: "4111111111111111D30122010000000000", 41: "10000001"} {
		m.Set(n, v)
	}
	packed, err := d.Pack(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

// noise is an answer that something has happened to.
func noise(r *rand.Rand, framed, answer []byte) []byte {
	at := r.IntN(len(framed))
	switch r.IntN(6) {
	case 0:
		return answer // without its length: its first bytes are taken for one
	case 1:
		return framed[:at]
	case 2:
		return framed[at:]
	case 3:
		return append(slices.Clone(framed), framed[at:]...)
	case 4:
		bad := slices.Clone(framed)
		bad[r.IntN(6)] ^= byte(1 + r.IntN(255))
		return bad
	default:
		return nil
	}
}
