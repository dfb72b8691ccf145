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
