package scanner_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/drivers/port"
	"posd/drivers/port/porttest"
	"posd/drivers/scanner"
)

// act is something that happens to a scanner: it sends, time passes, or it is told a command, which it answers.
type act struct {
	send  string
	wait  time.Duration
	tell  scanner.Command
	reply string // to the command
}

// play gives what the driver makes of it: codes, refusals and failed commands in their order.
func play(t *testing.T, driver string, acts ...act) (got []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d, _ := scanner.Lookup(driver)
		s, _ := port.Settle(d.Options, nil)
		host, dev := porttest.Pair(0)
		go func() { _, _ = io.Copy(io.Discard, dev) }()
		src, ok := d.Open(host, s).(scanner.Commander)
		if !ok {
			t.Fatal("takes no commands")
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for {
				c, err := src.Next(context.Background())
				switch {
				case errors.Is(err, scanner.ErrRefused):
					got = append(got, "refused")
				case err != nil:
					return
				default:
					c.Data.Reveal(func(b []byte) { got = append(got, string(b)) })
				}
			}
		}()
		for _, a := range acts {
			time.Sleep(a.wait)
			if a.tell != 0 {
				done := make(chan error, 1)
				go func() { done <- src.Do(t.Context(), a.tell) }()
				synctest.Wait()
				_, _ = io.WriteString(dev, a.reply)
				if err := <-done; err != nil {
					got = append(got, "not carried out")
				}
			}
			_, _ = io.WriteString(dev, a.send)
			synctest.Wait()
		}
		_ = host.Close()
		<-ended
	})
	return got
}

// TestHalfACodeIsNotJoinedWithTheNextOneByACommand shows that a command between half a code and the next code hides neither
// the pause nor a byte of the next code.
func TestHalfACodeIsNotJoinedWithTheNextOneByACommand(t *testing.T) {
	const mode = "\x02\x010000#SCNTRG1\x06;\x03"
	whole, ten := "6909999999999", 10*time.Second
	packet, answer := ssiCode("6901234567892"), ssi(0xD0, 0, "")
	cases := map[string]struct {
		driver string
		acts   []act
		want   []string
	}{
		"the rest, then the answer": {
			"newland",
			[]act{{send: "690"}, {tell: scanner.Trigger, reply: "1234567892\r" + mode}, {wait: ten, send: whole + "\r"}},
			[]string{"6901234567892", whole},
		},
		"no rest": {
			"newland",
			[]act{{send: "690"}, {wait: ten, tell: scanner.Trigger, reply: mode}, {send: whole + "\r"}},
			[]string{"refused", whole},
		},
		"a command without an answer": {
			"honeywell",
			[]act{{send: "690"}, {wait: ten, tell: scanner.Trigger}, {send: whole + "\r"}},
			[]string{"refused", whole},
		},
		"commands all the time": {
			"honeywell",
			[]act{
				{send: "690"},
				{wait: time.Second, tell: scanner.Trigger},
				{wait: time.Second, tell: scanner.Trigger},
				{wait: time.Second, send: whole + "\r"},
			},
			[]string{"refused", whole},
		},
		"half a packet, then the answer": {
			"ssi",
			[]act{{send: packet[:5]}, {tell: scanner.Trigger, reply: packet[5:] + answer}, {wait: ten, send: ssiCode(whole)}},
			[]string{"6901234567892", whole},
		},
		"half a packet and no more of it": {
			"ssi",
			[]act{{send: packet[:5]}, {wait: ten, tell: scanner.Trigger, reply: answer}, {send: ssiCode(whole)}},
			[]string{"refused", whole},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := play(t, c.driver, c.acts...); !slices.Equal(got, c.want) {
				t.Errorf("got %s, want %s", strings.Join(got, ", "), strings.Join(c.want, ", "))
			}
		})
	}
}

// TestTheRestOfACodeThatWasGivenUpIsNoCode shows that parts which come too late, or after a part that does not fit, are refused
// together with what came before them, and that a code after them, or after a while, is taken.
func TestTheRestOfACodeThatWasGivenUpIsNoCode(t *testing.T) {
	const wallet = "134567890123456789" // a part of a longer code may look like a whole one
	hon := func(aim, data string, more byte) string { return report(2, len(data), aim, data, more) }
	first, last, good := hon("]Q1", secret, 1), hon("]Q1", wallet, 0), hon("]Q1", "ok", 0)
	other, otherLast := hon("]E0", secret, 1), hon("]E0", wallet, 0)
	full := slices.Repeat([]string{hon("]Q1", strings.Repeat("7", 56), 1)}, 74)
	cases := map[string]struct {
		driver string
		parts  []string
		want   string
	}{
		"too late":               {"hidpos", []string{first, "600ms", last, good}, "refused refused ]Q1|ok"},
		"several too late":       {"hidpos", []string{first, "600ms", first, "400ms", first, last, good}, "refused refused ]Q1|ok"},
		"a while without parts":  {"hidpos", []string{first, "2600ms", good}, "refused ]Q1|ok"},
		"late, and a while":      {"hidpos", []string{first, "600ms", first, "2100ms", good}, "refused ]Q1|ok"},
		"another symbology":      {"hidpos", []string{first, other, otherLast, good}, "refused refused ]Q1|ok"},
		"another, of one part":   {"hidpos", []string{first, otherLast, good}, "refused ]Q1|ok"},
		"too long":               {"hidpos", append(slices.Clone(full), first, last, good), "refused refused ]Q1|ok"},
		"half a report":          {"hidpos", []string{first, first[:9], last, good}, "refused refused ]Q1|ok"},
		"half a report, late":    {"hidpos", []string{first, "600ms", first[:9], last, good}, "refused refused refused ]Q1|ok"},
		"half a report first":    {"hidpos", []string{first[:9], good}, "refused ]Q1|ok"},
		"counts too much":        {"hidpos", []string{report(2, 99, "]Q1", secret, 1), last, good}, "refused refused ]Q1|ok"},
		"a status in between":    {"hidpos", []string{first, "400ms", report(9, 0, "", "", 0), "400ms", last, good}, "refused refused ]Q1|ok"},
		"packets too late":       {"ssi", []string{ssiPart(secret, 2), "2500ms", ssi(0xF3, 0, wallet), ssiCode("ok")}, "refused refused |ok"},
		"a while without packet": {"ssi", []string{ssiPart(secret, 2), "4500ms", ssiCode("ok")}, "refused |ok"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, words := scanWith(t, c.driver, &port.HIDInfo{}, nil, c.parts...)
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %q, want %q (%q)", got, c.want, words)
			}
		})
	}
}
