package payment

import (
	"testing"
	"testing/synctest"
	"time"
)

// After a clock that was set back, and a start, all reversals that the host keeps waiting come due at one instant.
func TestOfTwoReversalsThatMayBeTriedAgainAtOneInstantTheOlderGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &Desk{lives: map[Key]*life{}, rounds: rounds{turned: make(chan struct{})}, now: time.Now, rules: Rules{BackoffMax: time.Minute}}
		card := &script{pol: cardPolicy}
		older, younger := d.bear(Key{"till", "s", "older"}), d.bear(Key{"till", "s", "younger"})
		for _, l := range []*life{older, younger} {
			at := time.Now().Add(2 * time.Minute)
			if !d.reverses(l, card, UndoRecord{Since: time.Now(), NextTry: at, NotBefore: at}) {
				t.Fatalf("%v is not held", l.key)
			}
		}
		time.Sleep(2 * time.Minute)
		went := make(chan string, 2)
		go func() {
			d.called(younger, false)
			d.awaitOlder(t.Context(), younger)
			went <- "younger"
		}()
		synctest.Wait()
		d.called(older, false)
		d.awaitOlder(t.Context(), older)
		went <- "older"
		d.hasTurned(older)
		synctest.Wait()
		if first := <-went; first != "older" {
			t.Errorf("the %s one goes first", first)
		}
	})
}

func TestABatchGivesWayToAReversalThatIsToBeTried(t *testing.T) {
	card := newSettlingCard(yes(100))
	card.says = []Settled{{Code: "96"}}
	withTenders(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 100)
		b.said(request("s", "a", RailCard), SaidApproved)
		if _, err := b.desk.CloseBatch(b.ctx, CloseBatch{By: "till"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		before := card.told()
		reversal := b.desk.bear(Key{"till", "s", "r"})
		defer b.desk.bury(reversal)
		b.desk.reverses(reversal, card, UndoRecord{})
		b.desk.mu.Lock()
		b.desk.callRound()
		b.desk.mu.Unlock()
		time.Sleep(time.Minute + time.Second) // the batch's next try is due
		if got := card.told(); got != before {
			t.Errorf("before the reversal had its turn the host heard %s after %s", got, before)
		}
		b.desk.hasTurned(reversal)
		time.Sleep(time.Minute)
		if got := card.told(); got == before {
			t.Errorf("after the reversal the host heard nothing of the batch: %s", got)
		}
	})
}
