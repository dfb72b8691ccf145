package payment

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"time"

	"posd/daemon/journal"
)

// Options are what a desk is made of. Book, Now and Log are required, and at least one tender.
type Options struct {
	Book   *Book
	Card   Tender // nil: no card rail
	Wallet Tender // nil: no wallet rail
	Rules  Rules
	Now    func() time.Time
	Log    *slog.Logger
	// Slip is told, after it is on disk, that an attempt has something new to say on paper. The sale is zero if it is not
	// known or could not be read: the last ones are to be looked up. It must not block.
	Slip func(Sale, Attempt)
	// BatchSlip is told, after it is on disk, that a batch is over or its close refused. It must not block.
	BatchSlip func(Batch)
	// LetGo is told that the customer has shown a card or code on a rail that was not the first: nothing is taken from it.
	// It must not block.
	LetGo func(Key, Rail)
	// StopGrace is how long Run waits for an exchange under way when it is told to stop; 10 s.
	StopGrace time.Duration
}

// Desk takes money. Every open attempt has one goroutine, its life, that is started by Pay or by recovery and walks the
// same path: collect, sent, authorize, ask or repeat, reverse. The journal holds the truth; a desk keeps nothing in
// memory but who is waiting.
type Desk struct {
	book  *Book
	card  Tender
	purse Tender
	rules Rules
	now   func() time.Time
	log   *slog.Logger
	slip  func(Sale, Attempt)
	grace time.Duration
	began time.Time // by the wall clock: what was sent before was sent by an earlier run

	batchSlip func(Batch)
	letGo     func(Key, Rail)
	codes     *codeIndex
	cards     *lane // of the card terminal; a wallet has none

	mu      sync.Mutex
	open    bool                  // guarded by mu; recovery has run and posd is not stopping
	lives   map[Key]*life         // guarded by mu; the attempts that have a goroutine
	starts  map[Key]chan struct{} // guarded by mu; attempts that Pay is about to begin
	arrived int64                 // guarded by mu; numbers the lives, for their place in the lane
	rounds  rounds                // guarded by mu; of the terminal's reversals

	recovered chan struct{} // closed when what was open at the start has been recovered

	damage complaint // that the journal stays blocked; of Run's tries to reopen it

	swept time.Time // the day at whose start sealed data was last destroyed; of Run's look at the hour

	closers   int       // guarded by mu; closes of a batch that wait for running payments
	heldUntil time.Time // guarded by mu; when the last of them waits no longer

	ctx     context.Context    // guarded by mu; of the lives: renewed when a blocked journal comes back, ended by Run
	cancel  context.CancelFunc // guarded by mu
	running sync.WaitGroup     // the lives, and the visits that may start one
	asking  int                // guarded by mu; the lives that wait for an answer about money
	quiet   chan struct{}      // guarded by mu; to be closed when none asks any more; nil if nobody waits for that
}

// NewDesk makes a desk. It takes no payment before Run has recovered what was open.
func NewDesk(o Options) *Desk {
	ctx, cancel := context.WithCancel(context.Background())
	if o.Slip == nil {
		o.Slip = func(Sale, Attempt) {}
	}
	if o.BatchSlip == nil {
		o.BatchSlip = func(Batch) {}
	}
	if o.LetGo == nil {
		o.LetGo = func(Key, Rail) {}
	}
	if o.StopGrace <= 0 {
		o.StopGrace = 10 * time.Second
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails, see crypto/rand
	rules := o.Rules.withDefaults()
	o.Book.whenLeft(o.BatchSlip)
	return &Desk{
		book: o.Book, card: o.Card, purse: o.Wallet, rules: rules, now: o.Now, log: o.Log, slip: o.Slip, grace: o.StopGrace, batchSlip: o.BatchSlip, letGo: o.LetGo,
		began: o.Now(),
		codes: &codeIndex{key: key, keep: rules.CodeAge, used: map[[32]byte]codeUse{}, name: o.Book.shortID},
		cards: &lane{}, recovered: make(chan struct{}), rounds: rounds{turned: make(chan struct{})}, lives: map[Key]*life{}, starts: map[Key]chan struct{}{}, ctx: ctx, cancel: cancel,
	}
}

// Pay begins an attempt, or finds it if it was begun before, and returns it as it stands; Wait then gives its outcome.
// A *Problem says why it was refused: nothing was asked of a host then. r.Code is wiped in any case.
func (d *Desk) Pay(ctx context.Context, r Request) (a Attempt, err error) {
	defer r.Code.Wipe()
	err = d.visit(ctx, func(ctx context.Context) error {
		a, err = d.pay(ctx, r)
		return err
	})
	if ctx.Err() != nil {
		d.hungUp(r.Key)
	}
	return a, err
}

func (d *Desk) pay(ctx context.Context, r Request) (Attempt, error) {
	done, err := d.begin(ctx, r.Key)
	if err != nil {
		return Attempt{}, err
	}
	defer done()
	r, a, err := d.admit(ctx, r)
	if err != nil {
		return a, err
	}
	if a.State != "" {
		d.attach(r.Key, 0) // a till that comes back goes on collecting
		return a, nil
	}
	r.CardAgain = d.wantsCard(ctx, r)
	l := d.bear(r.Key)
	a, err = d.start(ctx, l, r)
	if err != nil {
		d.bury(l)
		return Attempt{}, err
	}
	if a.State != "" {
		return a, nil
	}
	return d.book.Attempt(ctx, r.Key)
}

// wantsCard is cardAgain for the tender of the request's rail.
func (d *Desk) wantsCard(ctx context.Context, r Request) bool {
	tenders := d.tenders(r.Rail)
	return len(tenders) > 0 && d.cardAgain(ctx, r, lent(tenders[0], r.Original, nil))
}

// cardAgain tells that the customer has to show the card for a void, refund or completion: what was sealed with the
// original is gone, or cannot be opened.
func (d *Desk) cardAgain(ctx context.Context, r Request, t Tender) bool {
	p, ok := t.(Recaller)
	if !ok || r.Original == nil {
		return false
	}
	orig, err := d.book.opened(ctx, *r.Original)
	if err != nil {
		d.log.Error("sealed data could not be opened", "sale", r.Key.Sale, "attempt", orig.Attempt, "err", err)
	}
	defer clear(orig.Sealed)
	r.Original = &orig
	return p.CardAgain(r)
}

// visit lets a caller from outside do what may start a life, unless posd is starting or stopping. The ctx of do ends with
// the lives, and who ends them waits for the visits.
func (d *Desk) visit(ctx context.Context, do func(context.Context) error) error {
	d.mu.Lock()
	if !d.open {
		d.mu.Unlock()
		return d.notReady()
	}
	d.running.Add(1)
	lives := d.ctx
	inside, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(lives, cancel)
	d.mu.Unlock()
	defer d.running.Done()
	defer cancel()
	defer stop()
	err := do(inside)
	if err != nil && lives.Err() != nil && ctx.Err() == nil { // inside may end a moment later
		return d.notReady()
	}
	return err
}

func (d *Desk) notReady() error {
	if err := d.blocked(); err != nil {
		return err
	}
	return &Problem{
		Code: "not_ready", Status: 503, Detail: "posd is starting or stopping",
		Remedy: "try again in a moment", RetryAt: d.now().Add(time.Second),
	}
}

// begin lets one caller at a time begin an attempt of that key.
func (d *Desk) begin(ctx context.Context, k Key) (done func(), err error) {
	for {
		d.mu.Lock()
		other, taken := d.starts[k]
		if !taken {
			mine := make(chan struct{})
			d.starts[k] = mine
			d.mu.Unlock()
			return func() {
				d.mu.Lock()
				delete(d.starts, k)
				d.mu.Unlock()
				close(mine)
			}, nil
		}
		d.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// ready asks the tenders of the rail whether they could take money now, and keeps the gate. For RailAny one is enough.
func (d *Desk) ready(ctx context.Context, r Request) (able []Tender, err error) {
	for _, t := range d.tenders(r.Rail) {
		t = lent(t, r.Original, nil)
		if e := d.able(ctx, t, r); e != nil {
			err = errors.Join(err, e)
			continue
		}
		able = append(able, t)
	}
	if len(able) > 0 {
		return able, nil
	}
	if err == nil {
		err = &Problem{Code: "rail_unavailable", Status: 422, Detail: "rail " + string(r.Rail) + " is not configured", Remedy: "choose another rail, or configure it"}
	}
	var p *Problem
	if errors.As(err, &p) {
		return nil, p
	}
	return nil, err
}

func (d *Desk) readyOne(ctx context.Context, t Tender, r Request) error {
	if err := d.gate(ctx, t, r.Key.Client); err != nil {
		return err
	}
	err := d.book.j.View(ctx, func(tx *journal.Tx) error { return roomInBatch(tx, t.Policy(), r.Kind) })
	if err != nil {
		return err
	}
	leave, err := d.enter(ctx, t, newcomer)
	if err != nil {
		return err
	}
	defer leave()
	return t.Ready(ctx)
}

func (d *Desk) tenders(rail Rail) []Tender {
	var out []Tender
	if d.card != nil && (rail == RailCard || rail == RailAny) {
		out = append(out, d.card)
	}
	if d.purse != nil && (rail == RailWallet || rail == RailAny) {
		out = append(out, d.purse)
	}
	return out
}

// railOf is the rail of a tender.
func (d *Desk) railOf(t Tender) Rail {
	if h, ok := t.(byHand); ok {
		return h.rail
	}
	if t == d.card {
		return RailCard
	}
	return RailWallet
}

// tenderOf is the tender of an attempt that was sent; nil if its rail is no longer configured. What was lent to the card
// terminal by a wallet that is no longer configured is the terminal's own: its cards wait for that reversal.
func (d *Desk) tenderOf(a Attempt) Tender {
	if _, ok := handsOver(a); ok {
		return byHand{a.Rail}
	}
	t := d.card
	if a.Rail != RailCard {
		t = lent(d.purse, &a, nil)
	}
	if a.Numbers.Terminal != "" && (t == nil || t.Policy().Terminal == "") {
		return d.card
	}
	return t
}

// enter waits for the terminal of a tender.
func (d *Desk) enter(ctx context.Context, t Tender, place int64) (leave func(), err error) {
	var l *lane
	if t.Policy().Terminal != "" {
		l = d.cards
	}
	if err := l.enter(ctx, place); err != nil {
		return nil, err
	}
	return l.leave, nil
}

// enterToPay is enter for a new request, whose gate was passed since a moment. A reversal that has come due meanwhile, waits for
// older ones and not yet for the terminal, and was not tried since, goes first.
func (d *Desk) enterToPay(ctx context.Context, t Tender, since time.Time) (leave func(), err error) {
	leave, err = d.enter(ctx, t, newcomer)
	if err != nil || t.Policy().Terminal == "" || !d.owesTry(since) {
		return leave, err
	}
	leave()
	d.awaitTurns(ctx, func() bool { return d.owesTryNow(since) })
	return d.enter(ctx, t, newcomer)
}

func wipe(in Input) {
	if in != nil {
		in.Wipe()
	}
}
