package payment

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/journal"
)

func TestABatchThatTheHostLeavesBehindIsKeptOnRecord(t *testing.T) {
	card := newSettlingCard(yes(100), Answer{Outcome: Declined}, yes(300))
	withTenders(t, card, nil, Rules{}, func(b *bench) {
		adopt := func(batch string) {
			if err := b.desk.book.AdoptBatch(b.ctx, "T", batch); err != nil {
				t.Fatal(err)
			}
		}
		adopt("000040") // nothing was in the first one
		b.open("s", 100)
		b.said(request("s", "a", RailCard), SaidApproved)
		adopt("000041")
		if got := b.slips(); len(got) != 1 || got[0].State != BatchSuperseded || got[0].Totals.Sales != (Sum{1, 100}) {
			t.Errorf("printed %+v, want the batch that nobody settles any more", got)
		}
		b.open("t", 200)
		b.said(request("t", "a", RailCard), SaidDeclined)
		adopt("000040") // a number that comes again is another batch
		b.open("u", 300)
		b.said(request("u", "a", RailCard), SaidApproved)
		all, err := b.desk.Batches(b.ctx)
		if err != nil || len(all) != 2 || all[1].State != BatchSuperseded || all[1].Number != "000040" || all[1].Next != "000041" || all[1].Totals.Sales != (Sum{1, 100}) {
			t.Errorf("batches %+v (%v)", all, err)
		}
		if all[0].Number != "000040" || all[0].Totals.Sales != (Sum{1, 300}) {
			t.Errorf("the open batch counts %+v", all[0].Totals)
		}
		if got := b.closed(CloseBatch{By: "till"}, BatchClosed); got.Totals != (Totals{Sales: Sum{1, 300}}) {
			t.Errorf("closed with %+v", got.Totals)
		}
	})
}

func TestABatchThatIsLeftWhileItIsBeingClosedIsStillAskedFor(t *testing.T) {
	for _, c := range []struct {
		name string
		last Settled
		want BatchState
	}{
		{"taken", Settled{Outcome: Balanced}, BatchClosed},
		{"refused: it cannot stay open", Settled{Outcome: SettleRefused, Code: "77"}, BatchSuperseded},
	} {
		t.Run(c.name, func(t *testing.T) {
			card := newSettlingCard(yes(100), yes(100))
			card.says = []Settled{{}, {}, c.last}
			card.plan = Plan{Sealed: []byte("4111111111111111")}
			withTenders(t, card, nil, Rules{}, func(b *bench) {
				b.open("s", 100)
				b.open("t", 100)
				a := b.said(request("s", "a", RailCard), SaidApproved)
				begun, err := b.desk.CloseBatch(b.ctx, CloseBatch{By: "till"})
				if err == nil {
					err = b.desk.book.AdoptBatch(b.ctx, "T", "000009")
				}
				if err != nil {
					t.Fatal(err)
				}
				if open, err := b.desk.book.opened(b.ctx, a); err != nil || open.Sealed == nil {
					t.Errorf("what the upload may need is gone (%v)", err)
				}
				got, err := b.desk.WaitBatch(b.ctx, begun.Seq, time.Hour)
				if err != nil || got.State != c.want || got.Next != "000009" || got.Totals.Sales.Count != 1 {
					t.Errorf("in the end it is %+v (%v)", got, err)
				}
				b.current("000009", BatchOpen)
				if open, err := b.desk.book.opened(b.ctx, a); err != nil || open.Sealed != nil {
					t.Errorf("sealed data outlives the batch (%v)", err)
				}
				b.said(request("t", "a", RailCard), SaidApproved)
			})
		})
	}
}

func TestAVoidOfAClosedBatchIsRefusedAndSaysRefund(t *testing.T) {
	card := newSettlingCard(yes(100), yes(200), yes(200), yes(300), yes(100), yes(300))
	card.plan = Plan{Sealed: []byte("4111111111111111")}
	withTenders(t, card, nil, Rules{}, func(b *bench) {
		for id, amount := range map[string]Cents{"s": 100, "c": 200, "p": 300} {
			b.open(id, amount)
		}
		b.said(request("s", "a", RailCard), SaidApproved)
		b.said(preAuth("c", "p"), SaidApproved)
		b.said(naming("c", "c", KindCompletion, "p", 0), SaidApproved)
		b.said(preAuth("p", "p"), SaidApproved)
		b.closed(CloseBatch{By: "till"}, BatchClosed)
		for _, r := range []Request{naming("s", "v", KindVoid, "a", 0), naming("c", "v", KindVoid, "c", 0)} {
			_, err := b.pay(r)
			b.refused(err, "batch_closed")
			if p := Explain(err); p.Remedy != "refund it instead" {
				t.Errorf("the remedy is %q", p.Remedy)
			}
		}
		b.said(naming("s", "r", KindRefund, "a", 0), SaidApproved)
		if keys, err := b.desk.book.sealedKeys(b.ctx); err != nil || len(keys) != 0 {
			t.Errorf("sealed data is left of %v (%v)", keys, err)
		}
		b.said(naming("p", "v", KindVoid, "p", 0), SaidApproved) // a reservation is in no batch
	})
}

func TestTheUploadsSealedDataIsDestroyedWithTheBatchAndNotBefore(t *testing.T) {
	card := newSettlingCard(yes(100), yes(100))
	card.plan = Plan{Sealed: []byte("4111111111111111")}
	card.pol.SealedUpload = true
	withTenders(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 100)
		b.said(request("s", "a", RailCard), SaidApproved)
		b.said(naming("s", "v", KindVoid, "a", 0), SaidApproved)
		if keys, err := b.desk.book.sealedKeys(b.ctx); err != nil || len(keys) != 2 {
			t.Errorf("the upload needs both, and there are %v (%v)", keys, err)
		}
		b.closed(CloseBatch{By: "till"}, BatchClosed)
		if keys, err := b.desk.book.sealedKeys(b.ctx); err != nil || len(keys) != 0 {
			t.Errorf("sealed data outlives the batch: %v (%v)", keys, err)
		}
	})
}

// cutter is a journal whose power fails before or after its nth commit, until somebody turns it on again.
type cutter struct {
	mu     sync.Mutex
	left   int  // guarded by mu; commits until the cut; below 0 for none
	before bool // guarded by mu
	dead   bool // guarded by mu
}

func (c *cutter) beforeCommit() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left == 0 && c.before {
		c.dead = true
	}
	if c.dead {
		return errors.New("power is off")
	}
	return nil
}

func (c *cutter) afterCommit(int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left == 0 {
		c.dead = true
	}
	c.left--
}

// set turns the power on, and arms the next cut.
func (c *cutter) set(left int, before bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead, c.left, c.before = false, left, before
}

func (c *cutter) off() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead
}

// offline is a host that hears nothing while the power is off.
type offline struct {
	*settlingCard
	c *cutter
}

func (o *offline) Settle(ctx context.Context, s Settling) Settled {
	if o.c.off() {
		<-ctx.Done()
		return Settled{}
	}
	return o.settlingCard.Settle(ctx, s)
}

func TestACloseGoesOnAfterAPowerCutAtEveryCommit(t *testing.T) {
	cuts := 0
	for _, before := range []bool{true, false} {
		for n, reached := 0, true; reached; n++ {
			synctest.Test(t, func(t *testing.T) { reached = closeWithACut(t, n, before) })
			if reached {
				cuts++
			}
		}
	}
	if cuts < 12 {
		t.Errorf("the power was cut at %d places only", cuts)
	}
}

// closeWithACut closes an unbalanced batch of five, and the power fails at the nth commit from there on. It tells whether
// there was such a commit.
func closeWithACut(t *testing.T, n int, before bool) (reached bool) {
	c := &cutter{left: -1}
	card := newSettlingCard(yes(100), yes(100), yes(100), yes(100), yes(100))
	card.says = []Settled{{Outcome: Unbalanced}}
	j, err := journal.Open(t.Context(), journal.Options{
		Memory: true, Now: time.Now, Projections: []journal.Projection{Projection()}, BeforeCommit: c.beforeCommit, AfterCommit: c.afterCommit,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	b, stop := startOn(t, j, &offline{card, c})
	for _, id := range []string{"s1", "s2", "s3", "s4", "s5"} {
		b.open(id, 100)
		b.said(request(id, id, RailCard), SaidApproved)
	}
	c.set(n, before)
	_, _ = b.desk.CloseBatch(b.ctx, CloseBatch{By: "till"})
	time.Sleep(time.Minute)
	reached = c.off()
	stop()
	c.set(-1, false)
	if err := j.Reopen(t.Context()); err != nil {
		t.Fatal(err)
	}
	b, stop = startOn(t, j, &offline{card, c})
	defer stop()
	if n == 0 && before { // nothing was laid down: the till asks again
		b.closed(CloseBatch{By: "till"}, BatchClosed)
	}
	time.Sleep(time.Minute)
	b.current("000002", BatchOpen)
	const whole = "000001 totals 6, 000001 upload 7 s1 s2, 000001 upload 8 s3 s4, 000001 upload 9 s5, 000001 end 10"
	if got := withoutRepeats(card.heard); got != whole {
		t.Errorf("cut at commit %d (before %v): the host heard %s, want %s", n, before, got, whole)
	}
	return reached
}

// startOn starts posd on a journal.
func startOn(t *testing.T, j *journal.Journal, card Tender) (*bench, func()) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	d := NewDesk(Options{Book: NewBook(j, nil, time.Now, log), Card: card, Now: time.Now, Log: log, StopGrace: time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { _ = d.Run(ctx) })
	synctest.Wait()
	return &bench{t: t, ctx: t.Context(), desk: d, j: j}, func() { cancel(); run.Wait() }
}

// withoutRepeats is what a host has heard, each message once: a repeat must say the same.
func withoutRepeats(heard []Settling) string {
	once := &settlingCard{}
	for i, m := range heard {
		if i == 0 || m.Trace != heard[i-1].Trace {
			once.heard = append(once.heard, m)
			continue
		}
		if (&settlingCard{heard: heard[i-1 : i]}).told() != (&settlingCard{heard: heard[i : i+1]}).told() {
			return "one message, and then another one under its number"
		}
	}
	return once.told()
}
