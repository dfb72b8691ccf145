package payment

import (
	"context"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"posd/daemon/journal"
)

// simBatch is what the host has heard of a batch's close.
type simBatch struct {
	heard    map[TraceNumber]Settling // each message, as it came first
	said     map[TraceNumber]Settled  // and what it was answered
	uploaded map[Key]Cents
	closed   bool
}

// settled tells whether the host has taken a batch. The caller holds mu.
func (h *simHost) settled(batch string) bool {
	return h.settles[batch] != nil && h.settles[batch].closed
}

func (h *simHost) adoptInto(b *Book) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.journal = b
}

// signOn is a host that has gone on to another batch by itself, now and then.
func (h *simHost) signOn(ctx context.Context) {
	h.mu.Lock()
	book := h.journal
	h.mu.Unlock()
	if !h.w.chance("sign-on: another batch", h.nth("sign-on"), 1) {
		return
	}
	old, err := book.Batch(ctx, simTerminal)
	if err == nil {
		err = book.AdoptBatch(ctx, simTerminal, following(old, ""))
	}
	if err != nil && !h.w.isDead() && Explain(err) == nil {
		h.w.breach("a batch cannot be adopted: %v", err)
	}
}

// Settle is the host's side of a batch's close.
func (h *simHost) Settle(ctx context.Context, s Settling) Settled {
	defer h.fly()()
	id := h.nth(fmt.Sprint("settle ", s.Batch))
	if h.w.isDead() {
		h.w.silence(ctx)
		return Settled{}
	}
	open := h.due(s)
	switch {
	case h.isCut() || h.w.chance("settle: request lost", id, 15):
		h.w.silence(ctx)
		return Settled{}
	case !h.w.travel(ctx, time.Second):
		return Settled{}
	case h.w.chance("settle: host busy", id, 10):
		return Settled{Code: "96"}
	case !h.heard(s) && h.w.chance("settle: refused", id, 6): // what was taken is not refused when it is repeated
		return Settled{Outcome: SettleRefused, Code: "77"}
	}
	ans := h.hear(s, open, id)
	switch {
	case h.w.chance("power fails before the host's word of a batch", id, 3):
		h.w.powerOff()
		h.w.silence(ctx)
		return Settled{}
	case h.w.chance("settle: answer lost", id, 15):
		h.w.silence(ctx)
		return Settled{}
	}
	return ans
}

// due checks, at the moment a settlement message reaches the host, that the journal has just this message as the next
// one, under this number; and gives what is open beside it.
func (h *simHost) due(s Settling) (open int) {
	err := h.w.journal.View(context.Background(), func(tx *journal.Tx) error {
		b, err := recordOf(tx, s.Terminal)
		if err == nil && (b.State != BatchClosing || b.Number != s.Batch || b.Step != s.Step || b.Trace != s.Trace || b.Items != s.Count || b.Totals != s.Totals) {
			h.w.breach("I1: a settlement message %+v reached the host while the journal has %+v", s, b)
		}
		open = len(b.Open)
		return err
	})
	if err != nil && !h.w.isDead() {
		h.w.breach("I1: the journal does not know the batch: %v", err)
	}
	for _, a := range s.Items {
		if string(a.Sealed) != "sealed" {
			h.w.breach("rule 15: the upload of %s has lost its sealed data", a.Key)
		}
	}
	return open
}

// hear is the host's ledger at work. The same message again gets the same answer.
func (h *simHost) hear(s Settling, open int, id string) Settled {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := h.settles[s.Batch]
	if b == nil {
		b = &simBatch{heard: map[TraceNumber]Settling{}, said: map[TraceNumber]Settled{}, uploaded: map[Key]Cents{}}
		h.settles[s.Batch] = b
	}
	if old, again := b.heard[s.Trace]; again {
		if !reflect.DeepEqual(message(old), message(s)) {
			h.w.breach("rule 13: message %s of batch %s says another thing when it is repeated", s.Trace, s.Batch)
		}
		return b.said[s.Trace]
	}
	if h.booked[ledgerKey(Numbers{Terminal: s.Terminal, Batch: s.Batch, Trace: s.Trace})] != nil {
		h.w.breach("I8: settlement message %s of batch %s has the number of a payment", s.Trace, s.Batch)
	}
	b.heard[s.Trace], b.said[s.Trace] = s, h.answer(b, s, open, id)
	return b.said[s.Trace]
}

// heard tells whether a message has reached the host before.
func (h *simHost) heard(s Settling) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := h.settles[s.Batch]
	if b == nil {
		return false
	}
	_, again := b.heard[s.Trace]
	return again
}

// message is a settlement message as bytes would have it.
func message(s Settling) (out []string) {
	out = append(out, s.Terminal, s.Batch, string(s.Step), fmt.Sprint(s.Totals, s.Count))
	for _, a := range s.Items {
		out = append(out, fmt.Sprint(a.Key, a.Kind, a.Numbers.Trace, a.Approved, a.Voided))
	}
	return out
}

// answer compares. The caller holds mu.
func (h *simHost) answer(b *simBatch, s Settling, open int, id string) Settled {
	next := ""
	if n, err := strconv.Atoi(s.Batch); err == nil && n%3 == 0 {
		next = fmt.Sprintf("%06d", n+5)
	}
	switch s.Step {
	case StepTotals:
		clear(b.uploaded) // a new try after a refusal
		mine := h.totals(s.Batch)
		if mine != s.Totals && open == 0 {
			h.w.breach("rule 13: batch %s: the host has %+v, posd says %+v, and nothing was open", s.Batch, mine, s.Totals)
		}
		if mine != s.Totals || h.w.chance("settle: unbalanced", id, 30) {
			return Settled{Outcome: Unbalanced, Code: "95"}
		}
		b.closed = true
		return Settled{Outcome: Balanced, Code: "00", NextBatch: next}
	case StepUpload:
		for _, a := range s.Items {
			h.take(b, a)
		}
		return Settled{Outcome: Accepted, Code: "00"}
	case StepEnd:
		if all := h.counted(s.Batch); len(b.uploaded) != s.Count || open == 0 && len(all) != s.Count {
			h.w.breach("rule 13: batch %s has %d items here, %d there, and %d were uploaded", s.Batch, len(all), s.Count, len(b.uploaded))
		}
		b.closed = true
		return Settled{Outcome: Accepted, Code: "00", NextBatch: next}
	}
	return Settled{}
}

// take checks one item of an upload. The caller holds mu.
func (h *simHost) take(b *simBatch, a Attempt) {
	if _, twice := b.uploaded[a.Key]; twice {
		h.w.breach("rule 13: %s is uploaded twice", a.Key)
	}
	b.uploaded[a.Key] = a.Approved
	entry := h.booked[ledgerKey(a.Numbers)]
	if entry == nil || entry.amount != a.Approved || entry.kind != a.Kind {
		h.w.breach("rule 13: %s is uploaded with %d, and the host has %+v", a.Key, a.Approved, entry)
	}
}

// counted gives what counts in a batch by the host's ledger: what moved money, and the voids of that. The caller holds mu.
func (h *simHost) counted(batch string) (all []*booking) {
	for _, e := range h.booked {
		moved := e.kind
		if e.kind == KindVoid {
			moved = h.booked[e.original].kind
		}
		if e.batch == batch && !e.undone && moved != KindPreAuth && moved != KindBalance {
			all = append(all, e)
		}
	}
	return all
}

// totals adds them up, in the host's own hand. The caller holds mu.
func (h *simHost) totals(batch string) (t Totals) {
	for _, e := range h.counted(batch) {
		sum := map[Kind]*Sum{KindSale: &t.Sales, KindCompletion: &t.Completions, KindVoid: &t.Voids, KindRefund: &t.Refunds}[e.kind]
		sum.Count, sum.Amount = sum.Count+1, sum.Amount+e.amount
	}
	return t
}

// closing is the shop's own hand at the batches: now and then somebody closes one, and a supervisor forces it when asked.
func (d *day) closing(ctx context.Context) {
	rng := d.w.draw("closing", "")
	for d.w.travelAlive(ctx, time.Duration(rng.IntN(12)+2)*time.Minute) {
		c := CloseBatch{By: "till"}
		force := rng.IntN(2) == 0
		_ = d.try(func(ctx context.Context, desk *Desk) error {
			_, err := desk.CloseBatch(ctx, c)
			if p := Explain(err); p != nil {
				d.w.tally.say(p.Code)
				if force && (p.Code == "batch_open_items" || p.Code == "batch_refused") {
					c = CloseBatch{By: "supervisor", Reason: "the shop closes", Force: true}
				}
			}
			return err
		})
	}
}

// restBatches closes, in the calm, what was being closed, and what the host has refused.
func (d *day) restBatches(ctx context.Context) (rested bool) {
	batches, err := d.desk.Batches(ctx)
	if err != nil {
		d.w.breach("batches cannot be read: %v", err)
	}
	for _, b := range batches {
		switch b.State {
		case BatchClosing:
			return false
		case BatchRefused:
			if _, err := d.desk.CloseBatch(ctx, CloseBatch{By: "supervisor", Reason: "the acquirer says so", Force: true}); err != nil {
				d.w.breach("a refused batch cannot be closed: %v", err)
			}
			return false
		case BatchOpen, BatchClosed, BatchSuperseded:
		}
	}
	return true
}

// checkBatches compares records, attempts and the host's ledger: whatever counts is in one batch that is over, or in the
// open one, and only once.
func (d *day) checkBatches(ctx context.Context) {
	in := map[Key]string{}
	for _, c := range d.laidDown(ctx) {
		for _, it := range c.Items {
			if other, twice := in[it.Key]; twice {
				d.w.breach("rule 13: %s is counted in batch %s and in %s", it.Key, other, c.Reason)
			}
			in[it.Key] = c.Reason
		}
		for _, it := range c.Open {
			in[it.Key] = cmpOr(in[it.Key], "open")
		}
	}
	_ = d.j.View(ctx, func(tx *journal.Tx) error {
		all, err := queryAttempts(tx, `terminal = ? AND state IN ('approved', 'settled_paid')`, simTerminal)
		for _, a := range all {
			original, _ := originalKind(tx, a)
			if a.counts(original) && a.ended && in[a.Key] == "" {
				d.w.breach("rule 13: %s of batch %s is in no record", a.Key, a.Numbers.Batch)
			}
			if !a.ended && in[a.Key] != "" && in[a.Key] != "open" {
				d.w.breach("rule 13: %s is in batch %s and in the open one", a.Key, in[a.Key])
			}
		}
		return err
	})
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// laidDown gives what each batch that is over was closed with, its number as Reason.
func (d *day) laidDown(ctx context.Context) (out []closeFact) {
	pending := map[string]closeFact{}
	events, err := d.j.Events(ctx, 0, 0, "terminal/"+simTerminal)
	if err != nil || len(events) == 10_000 {
		d.w.breach("events of the terminal cannot be read: %v", err)
	}
	for _, e := range events {
		f := bodyOf(e)
		if f.Close == nil {
			continue
		}
		d.w.tally.move(e.Kind)
		c := *f.Close
		c.Reason = f.Batch
		switch e.Kind {
		case factBatchClosing:
			pending[f.Batch] = c
		case factBatchClosed:
			out = append(out, pending[f.Batch])
			if !d.hostClosed(f.Batch) {
				d.w.breach("rule 13: batch %s is closed, and the host has not taken it", f.Batch)
			}
		case factBatchSuperseded:
			if c.FirstAt.IsZero() {
				c = pending[f.Batch]
			}
			out = append(out, c)
		}
	}
	return out
}

func (d *day) hostClosed(batch string) bool {
	d.host.mu.Lock()
	defer d.host.mu.Unlock()
	return d.host.settled(batch)
}

var _ Settler = (*simHost)(nil)
