package payment

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"posd/daemon/journal"
)

// rest lets the world be calm until nothing is owed any more, with a supervisor who settles what is stuck.
func (d *day) rest() {
	ctx := context.Background()
	for range 400 {
		if d.w.isLost() {
			return
		}
		time.Sleep(5 * time.Minute)
		o, err := d.desk.Owed(ctx, "")
		if err != nil {
			d.w.breach("owed cannot be read: %v", err)
			return
		}
		for _, a := range o.Stuck {
			_, err := d.desk.Settle(ctx, a.Key, d.verdict(a))
			if p := Explain(err); err != nil && (p == nil || p.Code != "request_under_way") { // by a clock that was set back
				d.w.breach("%s cannot be settled: %v", a.Key, err)
			}
		}
		undoing := slices.ContainsFunc(o.Pairs, func(p Pair) bool { return p.State == PairUndoing })
		if len(o.Open) == 0 && len(o.Stuck) == 0 && !undoing && d.restBatches(ctx) {
			return
		}
	}
	o, _ := d.desk.Owed(ctx, "")
	for _, a := range slices.Concat(o.Open, o.Stuck) {
		d.w.breach("I5: %s is still %s after a day of calm", a.Key, a.State)
	}
	for _, p := range o.Pairs {
		d.w.breach("pair of %s (%s, %s) is still %s", p.Sale, p.First, p.Second, p.State)
	}
}

// check compares journal, ledgers and what the till was told.
func (d *day) check() {
	ctx := context.Background()
	sales, err := d.desk.book.Sales(ctx, "", 1000)
	if err != nil {
		d.w.breach("sales cannot be read: %v", err)
	}
	pairs, err := d.desk.book.pairs(ctx, "true")
	if err != nil {
		d.w.breach("pairs cannot be read: %v", err)
	}
	for _, s := range sales {
		d.checkSale(s, slices.ContainsFunc(pairs, func(p Pair) bool { return p.Client == s.Client && p.Sale == s.ID && p.State == PairFailed }))
	}
	for _, p := range pairs {
		d.w.tally.move("pair -> " + p.State)
	}
	d.checkEvents(ctx)
	d.checkBatches(ctx)
	if rep, err := d.j.Verify(ctx); err != nil {
		d.w.breach("I10: the journal does not verify: %v %v", err, rep)
	}
}

// print is the printer. It jams now and then, which must change nothing, and what it prints must be on disk before.
func (d *day) print(_ Sale, a Attempt) {
	if d.w.chance("printer jams", a.Key.String()+string(a.State), 10) {
		return
	}
	if a.State != ApprovedState {
		return
	}
	was, err := d.w.onDisk(a.Key)
	if err == nil && !slices.Contains([]State{ApprovedState, Reversing, Reversed, Stuck}, was) {
		d.w.breach("rule 14: the slip of %s says paid while the journal has it as %s", a.Key, was)
	}
}

func (d *day) checkSale(s Sale, pairFailed bool) {
	var held Cents
	for _, a := range s.Attempts {
		if a.Kind == KindPreAuth && d.host.reserved(a) != s.reservedBy(a) {
			d.w.breach("I2/I3: %s %s: the host reserves %d, the journal says %d (%s, voided %v)", s.Client, a.Key, d.host.reserved(a), s.reservedBy(a), a.State, a.Voided)
		}
		if a.Kind.captures() {
			net, _ := d.truth(a)
			held += net
			if net != a.Net() {
				d.w.breach("I2/I3: %s %s: the other side holds %d, the journal says %d (%s, voided %v, refunded %d)",
					s.Client, a.Key, net, a.Net(), a.State, a.Voided, a.Refunded)
			}
		}
		d.checkTold(a)
	}
	if held < 0 || held > s.Amount && !pairFailed {
		d.w.breach("I3: %s %s of %d has captured %d", s.Client, s.ID, s.Amount, held)
	}
	d.checkGiven(s, held, pairFailed)
	if held != s.Net() {
		d.w.breach("I3: %s %s has captured %d and the journal says %d", s.Client, s.ID, held, s.Net())
	}
}

// after these words only these may follow (invariant I4).
var mayFollow = map[string][]string{
	SaidApproved:       {SaidApproved, SaidVoided, SaidRefunded, SaidReversing, SaidReversed, SaidNeedsAttention, SaidSettledPaid, SaidSettledNotPaid},
	SaidDeclined:       {SaidDeclined},
	SaidNotPaid:        {SaidNotPaid},
	SaidReversed:       {SaidReversed},
	SaidVoided:         {SaidVoided},
	SaidRefunded:       {SaidRefunded},
	SaidReversing:      {SaidReversing, SaidReversed, SaidNeedsAttention, SaidSettledPaid, SaidSettledNotPaid, SaidRefunded},
	SaidNeedsAttention: {SaidReversing, SaidReversed, SaidNeedsAttention, SaidSettledPaid, SaidSettledNotPaid, SaidRefunded},
	SaidSettledPaid:    {SaidSettledPaid, SaidRefunded},
	SaidSettledNotPaid: {SaidSettledNotPaid},
}

func (d *day) checkTold(a Attempt) {
	words := append(slices.Clone(d.told[a.Key]), a.Said())
	for i, w := range words[:len(words)-1] {
		allowed, ok := mayFollow[w]
		freed := a.Kind == KindPreAuth && words[i+1] == SaidVoided // one that a person says stands can be voided
		if ok && !freed && !slices.Contains(allowed, words[i+1]) {
			d.w.breach("I4: the till was told %q of %s, and then %q", w, a.Key, words[i+1])
		}
	}
	undone := a.State == Reversing || a.State == Reversed
	if slices.Contains(words, SaidApproved) && undone && a.Reason != ReasonUnwanted {
		d.w.breach("I4: %s was approved and then reversed for %q", a.Key, a.Reason)
	}
}

// checkEvents walks the log: every move is in the table, reversing is never left for approved, references never repeat.
func (d *day) checkEvents(ctx context.Context) {
	w := &walk{states: map[Key]State{}, numbers: map[string]Key{}, begun: map[Key]created{}, whole: map[Key]bool{}, told: map[Key]string{}}
	var after int64
	for {
		events, err := d.j.Events(ctx, after, 500, "")
		if err != nil {
			d.w.breach("events cannot be read: %v", err)
			return
		}
		for _, e := range events {
			after = e.Seq
			d.checkEvent(e, w)
		}
		if len(events) < 500 {
			return
		}
	}
}

// table is the table of states once more, in the simulation's own hand: a change of the code's table is no change of the
// rule.
var table = map[State][]State{
	Created:       {Sent, Unsent, Cancelled},
	Sent:          {ApprovedState, DeclinedState, Unsent, Reversing},
	ApprovedState: {Reversing},
	Reversing:     {Reversed, Stuck},
	Stuck:         {Reversing, SettledPaid, SettledNotPaid},
}

// refusals are the codes by which host and gateway end a reversal for good; 25 does when it is said a second time.
var refusals = []string{"01", "25", "ACQ.REASON_TRADE_REFUND_FEE_ERR"}

// walk is what is known of the attempts at one place of the log.
type walk struct {
	states  map[Key]State
	numbers map[string]Key
	begun   map[Key]created
	whole   map[Key]bool   // approved in full, and neither voided nor completed since
	told    map[Key]string // the last word to the till
}

// note keeps what a fact says of an attempt beside its state.
func (w *walk) note(kind string, f Fact) {
	switch {
	case f.Created != nil:
		w.begun[f.Key] = *f.Created
		delete(w.whole, Key{f.Key.Client, f.Key.Sale, f.Created.Original}) // it may be completed
	case kind == factApproved:
		w.whole[f.Key] = f.Answer.Amount >= w.begun[f.Key].Amount
	case kind == factVoided:
		delete(w.whole, f.Key)
	case f.Told != "":
		w.told[f.Key] = f.Told
	case f.Sent != nil:
		c := w.begun[f.Key]
		c.Rail = f.Sent.Rail
		w.begun[f.Key] = c
	}
}

func (d *day) checkEvent(e journal.Event, w *walk) {
	var f Fact
	if err := json.Unmarshal(e.Body, &f); err != nil {
		d.w.breach("event %d: %v", e.Seq, err)
	}
	w.note(e.Kind, f)
	if e.Kind == factPairMoved {
		d.checkUndo(f.Pair, w)
	}
	to := becomes[e.Kind]
	if e.Kind == factCreated {
		to = Created
	}
	if e.Kind == factSettled {
		to = verdicts[f.Settled.As]
	}
	if to == "" {
		d.w.tally.move(e.Kind)
		return
	}
	from := w.states[f.Key]
	if from != "" && !slices.Contains(table[from], to) {
		d.w.breach("I7: event %d moves %s from %s to %s", e.Seq, f.Key, from, to)
	}
	d.w.tally.move(string(from) + " -> " + string(to))
	if to == Stuck && (f.Undo == nil || !slices.Contains(refusals, f.Undo.Code)) {
		d.w.breach("rule 4: %s is given up, and nobody has refused it: %+v", f.Key, f.Undo)
	}
	w.states[f.Key] = to
	if f.Sent == nil {
		return
	}
	d.checkLock(f.Key, w)
	for _, n := range []string{f.Sent.Numbers.Order, ledgerKey(f.Sent.Numbers)} {
		if other, used := w.numbers[n]; used && n != "//000000" {
			d.w.breach("I8: %s is used for %s and %s", n, other, f.Key)
		}
		w.numbers[n] = f.Key
	}
}

// checkLock is rule 10 at the moment an attempt is sent: no other one of its sale may hold money.
func (d *day) checkLock(k Key, w *walk) {
	c := w.begun[k]
	if !c.Kind.pays() || c.Override != nil {
		return
	}
	for other, state := range w.states {
		open := (state == Sent || state == Reversing || state == Stuck) && w.begun[other].Kind != KindBalance
		paid := state == ApprovedState && w.whole[other] && w.begun[other].Kind.pays() && c.Kind != KindCompletion // which the amounts keep back
		if (open || paid) && other != k && other.Client == k.Client && other.Sale == k.Sale {
			d.w.breach("rule 10: %s is sent while %s is %s", k, other, state)
		}
	}
}
