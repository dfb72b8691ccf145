//go:build proof && linux

package proof

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"posd/daemon/journal"
	"posd/daemon/payment"
)

// walk goes through the events of a journal and keeps what is known of the attempts at each place.
type walk struct {
	v           *verdict
	states      map[payment.Key][]payment.State // all that an attempt has been
	numbers     map[string]payment.Key          // trace numbers and order numbers, and whose they are
	kinds       map[payment.Key]payment.Kind
	terminals   map[payment.Key]string
	young       map[payment.Key]int  // tries of each reversal that is owed
	failedPairs map[string]bool      // sales with a pair that a person must resolve
	openAtClose map[string]bool      // batches that were closed with something open
	confirmed   map[payment.Key]bool // attempts that are undone unless the till acknowledges them
	unwanted    map[payment.Key]bool // attempts of a suspect pair that are undone
	stuck       []givenUp
	doubted     map[payment.Key]bool // reversals that the host knew no payment of, and that were tried again
}

func newWalk(v *verdict) *walk {
	return &walk{
		v: v, states: map[payment.Key][]payment.State{}, numbers: map[string]payment.Key{}, kinds: map[payment.Key]payment.Kind{},
		terminals: map[payment.Key]string{}, young: map[payment.Key]int{}, failedPairs: map[string]bool{}, doubted: map[payment.Key]bool{},
		confirmed: map[payment.Key]bool{}, unwanted: map[payment.Key]bool{}, openAtClose: map[string]bool{},
	}
}

// becomes is the state that an event leads to.
var becomes = map[string]payment.State{
	"attempt.created": payment.Created, "attempt.sent": payment.Sent, "attempt.approved": payment.ApprovedState,
	"attempt.declined": payment.DeclinedState, "attempt.unsent": payment.Unsent, "attempt.cancelled": payment.Cancelled,
	"attempt.reversing": payment.Reversing, "attempt.reversed": payment.Reversed, "attempt.stuck": payment.Stuck,
}

// verdicts is the state that a person's word leads to.
var verdicts = map[string]payment.State{
	"paid": payment.SettledPaid, "not-paid": payment.SettledNotPaid, "retry": payment.Reversing,
}

// table is the table of states, written down once more: a posd with another one would be another posd.
var table = map[payment.State][]payment.State{
	"":                    {payment.Created},
	payment.Created:       {payment.Sent, payment.Unsent, payment.Cancelled},
	payment.Sent:          {payment.ApprovedState, payment.DeclinedState, payment.Unsent, payment.Reversing},
	payment.ApprovedState: {payment.Reversing},
	payment.Reversing:     {payment.Reversed, payment.Stuck},
	payment.Stuck:         {payment.Reversing, payment.SettledPaid, payment.SettledNotPaid},
}

const page = 500

// events walks to the end of the journal.
func (w *walk) events(ctx context.Context, j *journal.Journal) error {
	var after int64
	for {
		list, err := j.Events(ctx, after, page, "")
		if err != nil {
			return err
		}
		for _, e := range list {
			after = e.Seq
			if strings.HasPrefix(e.Subject, "print/") {
				continue
			}
			var f payment.Fact
			if err := json.Unmarshal(e.Body, &f); err != nil {
				return err
			}
			f.Kind = e.Kind
			w.fact(e.Seq, f)
		}
		if len(list) < page {
			return nil
		}
	}
}

func (w *walk) fact(seq int64, f payment.Fact) {
	switch f.Kind {
	case "reversal.tried":
		w.young[f.Key]++
		w.doubted[f.Key] = w.doubted[f.Key] || f.Undo.Doubt
	case "attempt.stuck":
		w.stuck = append(w.stuck, givenUp{seq, f.Key, f.Undo.Code})
	case "batch.closing":
		w.openAtClose[f.Batch] = len(f.Close.Open) > 0
	case "terminal.trace", "batch.step":
		w.number(cardKey(f.Terminal, f.Batch, f.Trace.String()), payment.Key{Sale: f.Kind})
	case "pair.moved":
		w.failedPairs[f.Pair.Sale] = w.failedPairs[f.Pair.Sale] || f.Pair.State == payment.PairFailed
		w.unwanted[payment.Key{Client: f.Pair.Client, Sale: f.Pair.Sale, Attempt: f.Pair.Undo}] = true
	}
	to := becomes[f.Kind]
	if f.Kind == "attempt.settled" {
		to = verdicts[f.Settled.As]
	}
	if to == "" {
		return
	}
	from := w.state(f.Key)
	if !slices.Contains(table[from], to) {
		w.v.breach("I7: event %d moves %s from %q to %s", seq, f.Key, from, to)
	}
	if from == payment.ApprovedState && !(f.Lapsed && w.confirmed[f.Key]) && !w.unwanted[f.Key] {
		w.v.breach("I4: event %d takes back %s, which was approved; neither a pair wants it nor has the till failed to acknowledge it", seq, f.Key)
	}
	if f.Created != nil {
		w.kinds[f.Key], w.confirmed[f.Key] = f.Created.Kind, f.Created.Confirm
	}
	if to == payment.Sent {
		w.sent(seq, f)
	}
	w.states[f.Key] = append(w.states[f.Key], to)
	if to == payment.Reversing {
		w.young[f.Key] = 0
	}
}

// state is how an attempt stands.
func (w *walk) state(k payment.Key) payment.State {
	if all := w.states[k]; len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// gateTries is payment.gate_tries of the configuration, where it is left alone.
const gateTries = 3

// sent is the moment before the first byte leaves: the numbers are new (I8), and on a card terminal nothing else is under
// way, nor is a reversal owed that is still young (I6).
func (w *walk) sent(seq int64, f payment.Fact) {
	n := f.Sent.Numbers
	w.number(n.Order, f.Key)
	if n.Terminal == "" {
		return
	}
	w.number(keyOf(n), f.Key)
	w.terminals[f.Key] = n.Terminal
	for other, terminal := range w.terminals {
		state := w.state(other)
		if terminal != n.Terminal || other == f.Key {
			continue
		}
		if state == payment.Sent && w.kinds[other] != payment.KindRefund { // a refund is repeated, with others in between
			w.v.breach("I6: event %d sends %s while %s is under way", seq, f.Key, other)
		}
		if state == payment.Reversing && w.young[other] < gateTries {
			w.v.breach("I6: event %d sends %s while the reversal of %s, tried %d times, is owed", seq, f.Key, other, w.young[other])
		}
	}
}

// number notes whose a number is. It is nobody else's, ever (I8).
func (w *walk) number(n string, k payment.Key) {
	if other, used := w.numbers[n]; used {
		w.v.breach("I8: number %s of %s was given to %s before", n, k, other)
	}
	w.numbers[n] = k
}
