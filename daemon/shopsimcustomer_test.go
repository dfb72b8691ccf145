package main

import (
	"context"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"posd/daemon/payment"
	"posd/hwtest/devicesim"
	"posd/hwtest/walletsim"
)

// holder is a customer's phone.
type holder struct {
	s     *shop
	phone *walletsim.Phone
}

// phoneOf gives the phone of an attempt's customer.
func (s *shop) phoneOf(k payment.Key) holder {
	return holder{s, s.phones[s.draw("phone", k.Client+k.String()).IntN(len(s.phones))]}
}

// code shows a fresh code.
func (h holder) code() string {
	code, err := h.phone.Refresh()
	if err != nil {
		h.s.breach("no code: %v", err)
	}
	h.s.secret(code)
	return code
}

// secret remembers what must not rest anywhere.
func (s *shop) secret(text string) {
	if !s.keepsLog {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets.add(text)
}

// cardOf is what the customer of an attempt has in the pocket.
func (s *shop) cardOf(k payment.Key) devicesim.Card {
	n := s.draw("card", k.Client+k.String()).IntN(1e9)
	c := devicesim.TestCard([]string{"620000", "411111", "555555", "222300"}[n%4], n)
	_, two := c.Tracks()
	s.secret(c.PAN)
	s.secret(strings.Trim(two, ";?"))
	return c
}

// customer shows what is asked for until it is taken, or the till goes on. One may have nothing to show, and one who pays
// by phone may have to type a password.
func (t *teller) customer(ctx context.Context, k payment.Key, body map[string]any) {
	s := t.s
	rng := s.draw("customer", k.Client+k.String())
	if rng.IntN(30) == 0 && body["original"] == nil {
		t.showsNothing(ctx, k)
		return
	}
	shown := t.instrument(k, body, rng)
	for wait := time.Second; nap(ctx, wait+time.Duration(rng.Int64N(int64(6*time.Second)))); wait = 5 * time.Second {
		a, ok := s.find(k)
		switch {
		case !ok: // posd has not heard of it yet
		case a.state == payment.Created:
			shown()
		case a.state == payment.Sent && a.rail == payment.RailWallet:
			if rng.IntN(8) > 0 {
				s.phoneOf(k).phone.Confirm()
			}
			return
		default:
			return
		}
	}
}

// instrument is the card that a customer swipes, or the phone that is scanned. Who gets money back shows the same card.
func (t *teller) instrument(k payment.Key, body map[string]any, rng *rand.Rand) func() {
	s := t.s
	rail := body["rail"]
	if original, ok := body["original"].(string); ok {
		k.Attempt = original
		if a, found := s.find(k); found && a.kind == payment.KindCompletion {
			k.Attempt = a.original
		}
		rail = "card"
	}
	if rail == "card" || rail == "any" && rng.IntN(2) == 0 {
		card := s.cardOf(k)
		return func() { _ = s.reader.Swipe(card) } // unplugged: the next time, then
	}
	phone := s.phoneOf(k)
	return func() { s.scan(phone.code(), rng) }
}

// showsNothing is a customer who is asked, and has nothing to show.
func (t *teller) showsNothing(ctx context.Context, k payment.Key) {
	for nap(ctx, 3*time.Second) {
		if a, ok := t.s.find(k); ok && a.state == payment.Created {
			t.s.did("customer shows nothing")
			return
		}
	}
}

// scan reads a code, now and then twice (F16): who collects by then must not take it for another payment.
func (s *shop) scan(code string, rng *rand.Rand) {
	if s.scanner.Emit("", code) != nil || rng.IntN(8) > 0 {
		return
	}
	after := time.Duration(rng.Int64N(int64([]time.Duration{200 * time.Millisecond, 2900 * time.Millisecond}[rng.IntN(2)])))
	s.beside.Go(func() {
		if nap(s.open, after) && s.scanner.Emit("", code) == nil {
			s.did("scanner: reads a code twice")
		}
	})
}

// mischief breaks things beside the payments: clocks, disk, devices, the host's batch, a second posd.
func (s *shop) mischief(ctx context.Context) {
	for n := 0; ; n++ {
		rng := s.draw("mischief", strconv.Itoa(n))
		if !nap(ctx, 20*time.Second+time.Duration(rng.Int64N(int64(2*time.Minute)))) || s.isCalm() {
			return
		}
		all := []func(context.Context, *rand.Rand){
			s.jump, s.jump, s.breakDisk, s.fillDisk, s.paperOut, s.coverOpen, s.printerOff, s.pull("printer"), s.pull("scanner"), s.pull("reader"),
			s.otherBatch, s.forgetKeys, s.secondPosd, s.pull("scanner"), s.replacePosd,
		}
		all[rng.IntN(len(all))](ctx, rng)
	}
}

func (s *shop) did(what string) {
	s.tally.add("fault", what)
	s.note("fault", what)
}

// replacePosd is an upgrade: posd is stopped whatever it is at, and started again at once.
func (s *shop) replacePosd(context.Context, *rand.Rand) {
	s.replaceFor("posd is replaced")
}

// replaceFor has posd replaced, if nobody does yet. It counts when it is done.
func (s *shop) replaceFor(why string) {
	select {
	case s.upgrade <- why:
	default:
	}
}

// jump sets posd's clock wrong for a while: by minutes, a day, or back to 1970 as with a dead battery.
func (s *shop) jump(ctx context.Context, rng *rand.Rand) {
	by := []time.Duration{-24 * time.Hour, 24 * time.Hour, -7 * time.Minute, 7 * time.Minute, -time.Hour, time.Hour, time.Until(time.Unix(3600, 0))}
	s.did("clock jumps")
	s.shift(by[rng.IntN(len(by))])
	nap(ctx, seconds(10, 400, rng))
	if rng.IntN(4) > 0 { // somebody sets it right, more or less
		s.shift(time.Duration(rng.Int64N(int64(2 * time.Second))))
	}
}

// shift sets posd's clock so far ahead of the true one.
func (s *shop) shift(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skew = by
}

func (s *shop) breakDisk(context.Context, *rand.Rand) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.diskFails = !s.calm
}

func (s *shop) fillDisk(ctx context.Context, rng *rand.Rand) {
	s.note("fault", "disk is full")
	s.set(&s.diskFull, true)
	nap(ctx, seconds(20, 150, rng))
	s.set(&s.diskFull, false)
}

func (s *shop) set(what *bool, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*what = on
}

func (s *shop) paperOut(ctx context.Context, rng *rand.Rand) {
	s.felt("printer: no paper", "printer", func() {
		if rng.IntN(2) == 0 {
			s.printer.SetPaperLeft(rng.IntN(30)) // it ends within a slip
		} else {
			s.printer.SetPaper(false)
		}
		nap(ctx, seconds(20, 900, rng))
	})
	s.printer.SetPaper(true)
}

func (s *shop) coverOpen(ctx context.Context, rng *rand.Rand) {
	s.felt("printer: cover open", "printer", func() {
		s.printer.SetCover(true)
		nap(ctx, seconds(5, 60, rng))
	})
	s.printer.SetCover(false)
}

func (s *shop) printerOff(ctx context.Context, rng *rand.Rand) {
	s.felt("printer: off", "printer", func() {
		s.printer.SetPower(false)
		nap(ctx, seconds(5, 60, rng))
	})
	s.printer.SetPower(true)
}

func (s *shop) otherBatch(context.Context, *rand.Rand) {
	for _, t := range s.host.Terminals() {
		s.did("host goes on to another batch")
		s.host.SetBatch(t.ID, nextBatchOf(t.Batch))
	}
}

func (s *shop) forgetKeys(context.Context, *rand.Rand) {
	s.did("host forgets all keys")
	s.host.ForgetKeys()
}
