package payment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/journal"
)

// day is one simulated shop day: posd with its journal, two tills, a supervisor, and the world around them.
type day struct {
	t    *testing.T
	w    *world
	host *simHost
	gate *simGateway
	j    *journal.Journal

	mu      sync.Mutex
	desk    *Desk
	up      context.Context // ends with the desk: its tills' connections break
	stop    func()
	told    map[Key][]string
	started int
}

// runDay plays the day of a seed and gives the rules that were broken.
func runDay(t *testing.T, seed uint64, tl *tally) (broken []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{seed: seed, tally: tl}
		d := &day{
			t: t, w: w, told: map[Key][]string{},
			host: &simHost{w: w, booked: map[string]*booking{}, declined: map[string]bool{}, tries: map[string]int{}, settles: map[string]*simBatch{}},
			gate: &simGateway{w: w, orders: map[string]*order{}, tries: map[string]int{}},
		}
		d.open()
		defer func() { _ = d.j.Close() }()
		d.play()
		d.rest()
		d.check()
		d.shut()
		broken = w.broken
	})
	return broken
}

func (d *day) open() {
	j, err := journal.Open(d.t.Context(), journal.Options{
		Memory: true, Now: d.w.now, Owner: "simulation", Projections: []journal.Projection{probe{d.w}, Projection()},
		BeforeCommit: d.w.beforeCommit, AfterCommit: d.w.afterCommit,
	})
	if err != nil {
		d.t.Fatal(err)
	}
	d.j, d.w.journal = j, j
	d.start()
}

// start is posd's start on the journal as it is.
func (d *day) start() {
	rng := d.w.draw("rules", "")
	seal, err := NewSealer(make([]byte, 32))
	if err != nil {
		d.t.Fatal(err)
	}
	rules := Rules{AcceptPartial: rng.IntN(2) == 0, ConfirmMode: rng.IntN(6) == 0, BatchCloseAt: []string{"", "00:25", "23:50"}[rng.IntN(3)]}
	book := NewBook(d.j, seal, d.w.now, slog.New(slog.DiscardHandler))
	d.host.adoptInto(book)
	desk := NewDesk(Options{Book: book, Card: d.host, Wallet: d.gate, Rules: rules, Now: d.w.now, Log: slog.New(slog.DiscardHandler), Slip: d.print})
	ctx, cancel := context.WithCancel(d.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = desk.Run(ctx)
	}()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.desk, d.up, d.stop = desk, ctx, func() { cancel(); <-done }
}

func (d *day) shut() {
	d.mu.Lock()
	stop := d.stop
	d.mu.Unlock()
	stop()
}

// power restarts posd whenever the power has failed. It runs beside the tills.
func (d *day) power(ctx context.Context) {
	for d.w.travelAlive(ctx, time.Second) {
		if !d.w.isDead() {
			continue
		}
		d.shut()
		d.w.mu.Lock()
		d.w.dead, d.w.flying = false, 0
		d.w.mu.Unlock()
		if err := d.j.Reopen(ctx); err != nil {
			d.w.breach("I10: the journal does not open after a crash: %v", err)
			d.w.giveUp()
		}
		d.plan()
		d.start()
	}
}

// travelAlive passes time whether the power is on or not.
func (w *world) travelAlive(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// mischief jumps the clock and breaks the disk now and then.
func (d *day) mischief(ctx context.Context) {
	for n := 0; d.w.travelAlive(ctx, 5*time.Minute); n++ {
		which := fmt.Sprint(n)
		jumps := []time.Duration{-24 * time.Hour, 24 * time.Hour, -7 * time.Minute, 7 * time.Minute}
		if d.w.chance("clock jumps", which, 10) {
			d.w.mu.Lock()
			d.w.skew += jumps[d.w.draw("jump", which).IntN(len(jumps))]
			d.w.mu.Unlock()
		}
		if d.w.draw("disk", which).IntN(100) < 5 {
			d.w.mu.Lock()
			d.w.failNext = !d.w.calm
			d.w.mu.Unlock()
		}
	}
}

// play runs two tills through their sales, with crashes in between.
func (d *day) play() {
	d.plan()
	ctx, cancel := context.WithCancel(d.t.Context())
	var beside, tills sync.WaitGroup
	beside.Go(func() { d.power(ctx) })
	beside.Go(func() { d.mischief(ctx) })
	beside.Go(func() { d.closing(ctx) })
	for _, client := range []string{"till-1", "till-2"} {
		tills.Go(func() {
			rng := d.w.draw("till", client)
			for n := range 4 + rng.IntN(4) {
				d.sell(client, fmt.Sprintf("s%d", n), rng)
			}
		})
	}
	tills.Wait()
	d.w.mu.Lock()
	d.w.calm, d.w.crashAt, d.w.failNext = true, "", false
	d.w.mu.Unlock()
	d.w.travelAlive(ctx, 5*time.Second) // a crash that has just happened is restarted from
	cancel()
	beside.Wait()
}

// try calls posd until it is up: a till repeats what was not answered.
func (d *day) try(call func(ctx context.Context, desk *Desk) error) error {
	for range 600 {
		if d.w.isLost() {
			return errGone
		}
		d.mu.Lock()
		desk, up := d.desk, d.up
		d.mu.Unlock()
		ctx, cancel := context.WithTimeout(up, 3*time.Minute)
		err := call(ctx, desk)
		cancel()
		var p *Problem
		passing := errors.As(err, &p) && (p.Code == "blocked" || p.Code == "not_ready" || p.Code == "host_offline" || p.Code == "wallet_offline")
		if !d.w.isDead() && (err == nil || p != nil && !passing) {
			return err
		}
		time.Sleep(2 * time.Second)
	}
	d.w.breach("%v", errGone)
	d.w.giveUp()
	return errGone
}

var errGone = errors.New("posd does not come back")

func (d *day) sell(client, id string, rng *rand.Rand) {
	amount := Cents(rng.IntN(5)+1) * 1000
	n := NewSale{Client: client, ID: id, Amount: amount, Currency: "CNY"}
	err := d.try(func(ctx context.Context, desk *Desk) error { _, err := desk.OpenSale(ctx, n); return err })
	var p *Problem
	if errors.As(err, &p) && p.Code == "unacknowledged" {
		n.After = d.unacked(client, amount, id)
		err = d.try(func(ctx context.Context, desk *Desk) error { _, err := desk.OpenSale(ctx, n); return err })
	}
	if err != nil && !errors.As(err, &p) {
		d.w.breach("sale %s/%s could not be opened: %v", client, id, err)
		return
	}
	unclean := false
	if rng.IntN(8) == 0 {
		d.ask(client, id)
	}
	d.twice(client, id)
	for try, done := 0, false; try < 4 && !done; try++ {
		insist := unclean && rng.IntN(2) == 0 // a supervisor lets the customer pay again
		done, unclean = d.attempt(Key{client, id, fmt.Sprintf("a%d", try)}, insist, rng)
	}
	if forgetful := d.w.draw("forgetful", client+id); forgetful.IntN(6) == 0 { // the till has lost what it was told
		d.attempt(Key{client, id, "again"}, false, forgetful)
	}
	d.reserved(client, id, rng)
	d.after(client, id, rng)
	time.Sleep(time.Duration(rng.IntN(120)) * time.Second)
}

// unacked finds what the till is asked about: it looks its sales up.
func (d *day) unacked(client string, amount Cents, but string) (id string) {
	_ = d.try(func(ctx context.Context, desk *Desk) error {
		sales, err := desk.book.Sales(ctx, client, 50)
		for _, s := range sales {
			if s.ID != but && s.Amount == amount && s.AckedAt.IsZero() && s.Net() > 0 && id == "" {
				id = s.ID
			}
		}
		return err
	})
	return id
}

// attempt pays once and tells whether the sale is done with.
func (d *day) attempt(k Key, insist bool, rng *rand.Rand) (done, unclean bool) {
	r := payingBy(k, rng)
	code := ""
	if r.Rail == RailWallet && rng.IntN(2) == 0 {
		code = "code " + k.Client + k.String()
	}
	if insist || rng.IntN(12) == 0 {
		r.Override = &Override{By: "supervisor", Reason: "customer insists"}
	}
	hangUp, cancel := rng.IntN(10) == 0, rng.IntN(5) == 0
	patience := time.Duration(rng.IntN(40)+1) * time.Second
	var a Attempt
	shown := 0
	err := d.try(func(ctx context.Context, desk *Desk) (err error) {
		if r.Code = (Secret{}); code != "" { // a repeat comes with the code that the wallet shows by then
			shown++
			r.Code = NewSecret(fmt.Appendf(nil, "%s %d", code, shown))
		}
		if a, err = desk.Pay(ctx, r); err != nil {
			return err
		}
		a, err = d.wait(ctx, desk, k, patience, hangUp, cancel)
		hangUp, cancel = false, false
		return err
	})
	var p *Problem
	if errors.As(err, &p) {
		d.w.tally.say(p.Code)
		if p.Code == "attempt_differs" {
			d.w.breach("rule 9: the repeat of %s is taken for another request", k)
		}
		time.Sleep(30 * time.Second)
		return p.Code == "sale_paid", false
	}
	if a.Said() == SaidNeedsAttention || a.Said() == SaidReversing {
		return d.attention(k, rng), true
	}
	return a.Said() == SaidApproved && a.Approved == a.Amount, false
}

// wait is a till that waits for the outcome, and perhaps hangs up or cancels in between.
func (d *day) wait(ctx context.Context, desk *Desk, k Key, patience time.Duration, hangUp, cancel bool) (Attempt, error) {
	switch {
	case hangUp:
		d.w.tally.fault("till hangs up")
		short, stop := context.WithTimeout(ctx, patience)
		_, _ = desk.Wait(short, k, 90*time.Second)
		stop()
		time.Sleep(3 * time.Second)
	case cancel:
		d.w.tally.fault("till cancels")
		_, _ = desk.Wait(ctx, k, patience)
		if _, err := desk.Cancel(ctx, k); err != nil {
			var p *Problem
			if !errors.As(err, &p) {
				return Attempt{}, err
			}
		}
	}
	a, err := desk.Wait(ctx, k, 90*time.Second)
	if err == nil {
		d.hear(ctx, desk, a)
	}
	return a, err
}

// hear is what the till remembers of what it was told.
func (d *day) hear(ctx context.Context, desk *Desk, a Attempt) {
	d.w.tally.say(a.Said())
	d.mu.Lock()
	d.told[a.Key] = append(d.told[a.Key], a.Said())
	d.mu.Unlock()
	_ = desk.Told(ctx, a)
}

// attention is a cashier in front of an unclean attempt: wait, or settle it and go on.
func (d *day) attention(k Key, rng *rand.Rand) bool {
	time.Sleep(time.Duration(rng.IntN(10)) * time.Minute)
	if rng.IntN(4) == 0 {
		d.settle(k)
	}
	return rng.IntN(4) == 0
}

// settle is the supervisor who has asked the acquirer or gateway, and says what its ledger says.
func (d *day) settle(k Key) {
	_ = d.try(func(ctx context.Context, desk *Desk) error {
		a, err := desk.book.Attempt(ctx, k)
		if err != nil || a.State != Stuck {
			return err
		}
		_, err = desk.Settle(ctx, k, d.verdict(a))
		return err
	})
}

func (d *day) verdict(a Attempt) Settlement {
	v := Settlement{As: "not-paid", By: "supervisor", Reason: "the other side says so"}
	if d.w.draw("retry", a.Key.String()).IntN(4) == 0 && a.Kind.pays() && a.Settled == nil || a.Rail == RailWallet && d.gate.pends(a) {
		v.As = "retry"
		return v
	}
	net, did := d.truth(a)
	if a.Kind == KindPreAuth {
		net = d.host.reserved(a)
		did = net > 0
	}
	if net > 0 || !a.Kind.captures() && did {
		v.As, v.Amount = "paid", net
	}
	return v
}

// truth is what the ledger of the rail holds.
func (d *day) truth(a Attempt) (net Cents, did bool) {
	if a.Rail == RailCard {
		return d.host.net(a), d.host.did(a)
	}
	return d.gate.net(a), d.gate.did(a)
}

// after acknowledges, voids or refunds what was paid.
func (d *day) after(client, id string, rng *rand.Rand) {
	if rng.IntN(2) == 0 {
		_ = d.try(func(ctx context.Context, desk *Desk) error { _, err := desk.Ack(ctx, client, id); return err })
	}
	d.stray(client, id)
	what := rng.IntN(8)
	if what > 2 {
		return
	}
	var paid Attempt
	_ = d.try(func(ctx context.Context, desk *Desk) error {
		s, err := desk.book.Sale(ctx, client, id)
		for _, a := range s.Attempts {
			if a.Net() > 0 {
				paid = a
			}
		}
		return err
	})
	if paid.Attempt == "" {
		return
	}
	r := Request{Key: Key{client, id, "back"}, Kind: KindVoid, Original: &paid}
	if what > 0 {
		r.Kind, r.Amount = KindRefund, paid.Net()/Cents(what)
	}
	_ = d.try(func(ctx context.Context, desk *Desk) error {
		if _, err := desk.Pay(ctx, r); err != nil {
			return err
		}
		a, err := desk.Wait(ctx, r.Key, 90*time.Second)
		if err == nil {
			d.hear(ctx, desk, a)
		}
		return err
	})
}
