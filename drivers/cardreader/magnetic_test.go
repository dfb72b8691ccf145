package cardreader_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/drivers/cardreader"
	"posd/drivers/port"
	"posd/drivers/port/porttest"
)

// Stripes of test numbers.
const (
	visa      = "4111111111111111"
	union     = "6228480000000007"
	trackOne  = "%B" + visa + "^TEST/CARD^30122010000000?"
	trackTwo  = ";" + visa + "=30122010000000?"
	unionTwo  = ";" + union + "=30122010000000?"
	licence   = "%CATESTTOWN^DOE$JOHN^1 TEST ST^?;636014012345678=991119901231?"
	withError = "%E?" + trackTwo
)

// lrc is the test's own: parity column by column.
func lrc(track string) string {
	base, width := 0x30, 4
	if track[0] == '%' {
		base, width = 0x20, 6
	}
	sum := 0
	for column := range width {
		ones := 0
		for _, c := range track {
			ones += (int(c) - base) >> column & 1
		}
		sum |= ones % 2 << column
	}
	return string(rune(base + sum))
}

// swipe gives what the driver makes of a swipe: the masked number and what it read, or the error.
func swipe(t *testing.T, options map[string]string, parts ...string) (got string, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d, _ := cardreader.Lookup("magnetic")
		s, serr := port.Settle(d.Options, options)
		if serr != nil {
			t.Fatal(serr)
		}
		host, dev := porttest.Pair(0)
		defer host.Close()
		for _, p := range parts {
			_, _ = dev.Write([]byte(p))
			synctest.Wait()
		}
		var c *cardreader.Card
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if c, err = d.Open(host, s).Next(ctx); err == nil {
			got = c.Masked()
			for _, f := range []port.Secret{c.PAN, c.Expiry, c.ServiceCode, c.Track1, c.Track2} {
				f.Reveal(func(b []byte) { got += " " + string(b) })
			}
			c.Wipe()
		}
	})
	return got, err
}

func TestCardsAreReadInEveryShape(t *testing.T) {
	one, two := trackOne[1:len(trackOne)-1], trackTwo[1:len(trackTwo)-1]
	full := "411111******1111 " + visa + " 3012 201 " + one + " " + two
	half := "411111******1111 " + visa + " 3012 201  " + two
	cases := map[string]struct {
		lrc   string
		parts []string
		want  string
	}{
		"both tracks":    {"no", []string{trackOne + trackTwo + "\r"}, full},
		"in pieces":      {"no", []string{trackOne[:20], trackOne[20:] + trackTwo, "\r\n"}, full},
		"checked":        {"yes", []string{trackOne + lrc(trackOne) + trackTwo + lrc(trackTwo) + "\r"}, full},
		"found out":      {"auto", []string{trackOne + lrc(trackOne) + trackTwo + lrc(trackTwo) + "\r"}, full},
		"found out none": {"auto", []string{trackOne + trackTwo + "\r"}, full},
		"track 2 only":   {"auto", []string{trackTwo + "\r"}, half},
		"track 1 failed": {"auto", []string{withError + "\r"}, half},
		"track 1 only": {
			"auto", []string{trackOne + "\r"}, "411111******1111 " + visa + " 3012 201 " + one + " ",
		},
		"track 3 too": {"no", []string{trackTwo + "+011234=1?" + "\r"}, half},
		"no expiry":   {"no", []string{";" + union + "==201?\r"}, "622848******0007 " + union + "  201  " + union + "==201"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := swipe(t, map[string]string{"lrc": c.lrc}, c.parts...)
			if err != nil || got != c.want {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestBadSwipesAreRefusedWithoutAWordOfTheirContent(t *testing.T) {
	cases := map[string]struct {
		lrc, swipe string
		want       error
	}{
		"driving licence":     {"no", licence, cardreader.ErrNotPayment},
		"licence, track 2":    {"no", ";636014012345678=991119901231?", cardreader.ErrNotPayment},
		"wrong check digit":   {"no", strings.Replace(trackTwo, visa, "4111111111111112", 1), cardreader.ErrUnreadable},
		"wrong lrc":           {"yes", trackTwo + "0" + "0", cardreader.ErrUnreadable},
		"wrong lrc, auto":     {"auto", trackTwo + "X", cardreader.ErrUnreadable},
		"lrc missing":         {"yes", trackTwo, cardreader.ErrUnreadable},
		"two numbers":         {"no", trackOne + unionTwo, cardreader.ErrUnreadable},
		"torn":                {"no", trackTwo[:12], cardreader.ErrUnreadable},
		"no number":           {"no", ";12345=3012201?", cardreader.ErrNotPayment},
		"month 13":            {"no", ";" + visa + "=3013201?", cardreader.ErrUnreadable},
		"nothing read":        {"no", "%E?;E?", cardreader.ErrUnreadable},
		"noise":               {"no", "hello", cardreader.ErrUnreadable},
		"far too long":        {"no", strings.Repeat("1", 600), cardreader.ErrUnreadable},
		"track twice":         {"no", trackTwo + trackTwo, cardreader.ErrUnreadable},
		"empty track":         {"no", "%?;?", cardreader.ErrUnreadable},
		"separator only":      {"no", ";=?", cardreader.ErrNotPayment},
		"service code broken": {"no", ";" + visa + "=3012?", cardreader.ErrUnreadable},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := swipe(t, map[string]string{"lrc": c.lrc}, c.swipe+"\r")
			if !errors.Is(err, c.want) {
				t.Fatalf("got %q, %v, want %v", got, err, c.want)
			}
			if strings.Contains(err.Error(), "1111") || strings.Contains(err.Error(), "6360") {
				t.Errorf("%q tells of the card", err)
			}
		})
	}
}

func TestACardPrintsMaskedAndEndsWiped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := cardreader.Lookup("magnetic")
		s, _ := port.Settle(d.Options, nil)
		host, dev := porttest.Pair(0)
		defer host.Close()
		_, _ = dev.Write([]byte(trackOne + trackTwo + "\r"))
		c, err := d.Open(host, s).Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, shown := range []string{fmt.Sprint(c), fmt.Sprintf("%v %s %x", c.PAN, c.Track2, c.Track1), fmt.Sprintf("%+v", *c)} {
			if strings.Contains(shown, "11111111") || strings.Contains(shown, fmt.Sprintf("%x", visa)) {
				t.Errorf("%q shows the number", shown)
			}
		}
		c.Wipe()
		c.PAN.Reveal(func(b []byte) {
			if strings.Trim(string(b), "\x00") != "" {
				t.Errorf("not wiped")
			}
		})
		if c.Masked() != "411111******1111" {
			t.Errorf("masked %q", c.Masked())
		}
	})
}

func TestASwipeBelongsToWhoClaimedIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &cardreader.Hub{}
		early := &cardreader.Card{PAN: port.NewSecret([]byte(visa))}
		if h.Deliver(early) || h.Unclaimed() != 1 {
			t.Error("a swipe before any claim was kept")
		}
		early.PAN.Reveal(func(b []byte) {
			if b[0] != 0 {
				t.Error("a swipe before any claim was not wiped")
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		got := make(chan *cardreader.Card)
		go func() {
			c, _ := h.Claim(ctx)
			got <- c
		}()
		synctest.Wait()
		card := &cardreader.Card{Device: "front"}
		if !h.Deliver(card) || <-got != card {
			t.Error("the claimed card did not arrive")
		}
		if _, err := h.Claim(ctx); !errors.Is(err, context.DeadlineExceeded) || h.Waiting() != 0 {
			t.Errorf("got %v, %d waiting", err, h.Waiting())
		}
	})
}
