package payment

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// dawdling is a wallet whose queries take a while, and which notes when it is asked to undo.
type dawdling struct {
	*script

	undone []time.Time
}

func (d *dawdling) Ask(ctx context.Context, a Attempt) Answer {
	time.Sleep(4 * time.Second)
	return d.script.Ask(ctx, a)
}

func (d *dawdling) Reverse(ctx context.Context, a Attempt) Undo {
	d.undone = append(d.undone, time.Now())
	return d.script.Reverse(ctx, a)
}

func TestAKickBeforeATryDoesNotShortenTheWaitAfterIt(t *testing.T) {
	for range 20 { // of two things that are due at once either may be seen first
		purse := &dawdling{script: &script{pol: walletPolicy, plan: Plan{Deadline: time.Minute, FirstAsk: 3 * time.Second}}}
		withTenders(t, nil, purse, Rules{}, func(b *bench) {
			b.open("s", 1000)
			r := request("s", "a", RailWallet)
			r.Code = NewSecret([]byte("281234567890123456"))
			if _, err := b.desk.Pay(b.ctx, r); err != nil {
				b.t.Fatal(err)
			}
			time.Sleep(5 * time.Second)
			if _, err := b.desk.Cancel(b.ctx, r.Key); err != nil { // while the first query is under way
				b.t.Fatal(err)
			}
			time.Sleep(time.Minute)
		})
		if n := len(purse.undone); n < 2 || purse.undone[1].Sub(purse.undone[0]) < 500*time.Millisecond {
			t.Fatalf("undone at %v, want a wait of half a second at least after the first", purse.undone)
		}
	}
}

// hollow is a card tender that stops answering, and notes how often it is looked for and whether the journal was blocked.
type hollow struct {
	*script

	blocked func() error

	mu    sync.Mutex
	off   bool  // guarded by mu, as what follows
	looks int   // since then
	found error // what of them was wrong
}

func (d *hollow) Ready(ctx context.Context) error {
	if !d.looked() {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

// looked notes a look; false while the host still answers.
func (d *hollow) looked() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.off {
		d.looks++
		d.found = errors.Join(d.found, d.blocked())
	}
	return d.off
}

// seen gives how often it was looked for, and what was wrong then.
func (d *hollow) seen() (looks int, found error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.looks, d.found
}

// owing begins a reversal that stays owed, and lets the host be deaf from then on.
func (d *hollow) owing(b *bench) {
	d.blocked = b.j.Blocked
	b.open("s", 1000)
	b.said(request("s", "a", RailCard), SaidReversing)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off = true
}

func TestAProbeThatHangsDoesNotCostTheNextOne(t *testing.T) {
	card := &hollow{script: &script{pol: cardPolicy}}
	withTenders(t, card, nil, Rules{}, func(b *bench) {
		card.owing(b)
		time.Sleep(10*probeEvery - time.Since(b.desk.began))
		if looks, _ := card.seen(); looks < 9 {
			b.t.Errorf("a host that does not answer was looked for %d times in five minutes, want every half minute", looks)
		}
	})
}

func TestAProbeFindsTheJournalOpen(t *testing.T) {
	for range 20 { // likewise
		card := &hollow{script: &script{pol: cardPolicy}}
		withTenders(t, card, nil, Rules{}, func(b *bench) {
			card.owing(b)
			time.Sleep(probeEvery - 500*time.Millisecond - time.Since(b.desk.began))
			b.failAfter(0, errors.New("the disk does not write"))
			_, err := b.desk.OpenSale(b.ctx, NewSale{Client: "till", ID: "t", Amount: 1, Currency: "CNY"})
			b.refused(err, "blocked")
			time.Sleep(time.Second)
			if looks, found := card.seen(); looks != 1 || found != nil {
				b.t.Fatalf("looked %d times, and found %v", looks, found)
			}
		})
	}
}
