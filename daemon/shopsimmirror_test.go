package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"posd/daemon/journal"
	"posd/daemon/payment"
)

// mirror is what is on disk, as the checkers know it: every event whose commit is durable, and how each attempt stands
// by them. It is guarded by the shop's mu.
type mirror struct {
	seq         int64    // of the last durable event
	hash        [32]byte // its hash
	pending     []stamped
	attempts    map[payment.Key]*track
	order       []payment.Key
	orders      map[string]*track      // by order number
	traces      map[string]*track      // by batch and trace number
	settling    map[string]bool        // likewise, of messages that close a batch
	queued      map[string]bool        // subjects of slips
	failed      map[string]bool        // sales with a pair that a person must resolve
	ackedAt     map[string]int64       // when, by number of event
	undoing     map[payment.Key]bool   // attempts that a pair takes back
	lapsed      map[payment.Key]bool   // attempts whose card data went with their batch
	pairs       map[string]string      // state of each suspect pair
	openAtClose map[string]bool        // batches whose close lists open items
	acked       map[string]bool        // sales that the till has acknowledged
	acks        map[string]bool        // tills that have ever acknowledged one
	undue       map[payment.Key]*track // reversing
	justTried   []*track               // by the transaction that runs
	unresolved  map[string]payment.Pair
	created     int
}

// stamped is an event and when, in virtual time, it was folded.
type stamped struct {
	journal.Event
	at time.Duration
}

// track is an attempt as its durable events tell it.
type track struct {
	payment.Key
	kind     payment.Kind
	rail     payment.Rail
	amount   payment.Cents
	original string
	state    payment.State
	numbers  payment.Numbers
	print    bool
	approved payment.Cents // what the other side has said
	settled  payment.Cents // what a person has
	yesAt    int64         // the event
	over     bool          // begun by a supervisor's override
	system   bool
	confirm  bool
	told     string // the last word that the till was given

	saidAt   time.Time     // posd's clock when the other side said yes
	refunded payment.Cents // by what posd knows to have been done

	reason    payment.Reason
	tries     int           // of the reversal
	since     time.Time     // posd's clock when it became due
	dueAt     time.Duration // likewise, by the day's
	lastTry   time.Time
	triedAt   time.Duration
	notBefore time.Time     // the host's own rule, by posd's clock
	freeAt    time.Duration // and by the day's, which is what posd waits by
	old       bool          // at the try before the last one it was overdue already
	alarmed   bool
	steps     []stage // in order
}

// stage is one durable event of an attempt.
type stage struct {
	at   time.Duration
	kind string
	note string
}

// entered tells whether, and when, an event of a kind was durable.
func (t *track) entered(kind string) bool {
	return slices.ContainsFunc(t.steps, func(s stage) bool { return s.kind == kind })
}

func newMirror() *mirror {
	return &mirror{
		attempts: map[payment.Key]*track{}, orders: map[string]*track{}, traces: map[string]*track{}, undue: map[payment.Key]*track{},
		settling: map[string]bool{}, queued: map[string]bool{}, failed: map[string]bool{}, acked: map[string]bool{}, ackedAt: map[string]int64{},
		undoing: map[payment.Key]bool{}, lapsed: map[payment.Key]bool{}, pairs: map[string]string{}, openAtClose: map[string]bool{}, acks: map[string]bool{}, unresolved: map[string]payment.Pair{},
	}
}

// pend takes an event of the transaction that runs. One that is there already is folded by a check of the journal; one
// that has the number of a pending one takes its place, since parts of a transaction may be undone alone.
func (m *mirror) pend(e journal.Event, s *shop) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Seq <= m.seq {
		return
	}
	m.pending = slices.DeleteFunc(m.pending, func(p stamped) bool { return p.Seq >= e.Seq })
	last, prev := m.seq, m.hash
	if n := len(m.pending); n > 0 {
		last, prev = m.pending[n-1].Seq, m.pending[n-1].Hash
	}
	if e.Seq != last+1 || last > 0 && e.Prev != prev {
		s.breachHeld("I10: event %d follows what is not event %d of the acknowledged log", e.Seq, last)
	}
	m.pending = append(m.pending, stamped{e, cmp.Or(s.stopping, time.Since(s.began))})
}

// kinds are those of the events that are about to be durable.
func (m *mirror) kinds() (kinds []string) {
	for _, e := range m.pending {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

// undone drops what is behind the last event of a commit: a part of it that came to nothing.
func (m *mirror) undone(last int64) {
	m.pending = slices.DeleteFunc(m.pending, func(p stamped) bool { return p.Seq > last })
}

// forget drops what was never durable.
func (m *mirror) forget() { m.pending = nil }

// commit makes the pending events durable.
func (m *mirror) commit(s *shop) {
	for _, e := range m.pending {
		m.seq, m.hash = e.Seq, e.Hash
		m.apply(e, s)
	}
	m.pending = nil
	m.alarmsAreDue(s)
}

// told is what a checker wants of an event's body.
type told struct {
	Key     payment.Key
	Created *struct {
		Rail     payment.Rail
		Kind     payment.Kind
		Amount   payment.Cents
		Original string
		Print    bool
		System   bool
		Confirm  bool
		Override *struct{}
	}
	Sent *struct {
		Rail    payment.Rail
		Numbers payment.Numbers
	}
	Reason payment.Reason
	Told   string
	Batch  string
	Trace  payment.TraceNumber
	Answer *struct {
		Code   string
		Amount payment.Cents
	}
	Undo *struct {
		Code        string
		Next        time.Duration
		Hold, Early bool
	}
	Amount payment.Cents // refunded
	Sale   *struct {
		Amount payment.Cents
		After  string
	}
	Settled *struct {
		As     string
		Amount payment.Cents
	}
	Pair  *payment.Pair
	Close *struct{ Open []json.RawMessage }
}

// becomes is the state that an event brings.
var becomes = map[string]payment.State{
	"attempt.created": payment.Created, "attempt.sent": payment.Sent, "attempt.approved": payment.ApprovedState, "attempt.declined": payment.DeclinedState,
	"attempt.unsent": payment.Unsent, "attempt.cancelled": payment.Cancelled, "attempt.reversing": payment.Reversing, "attempt.reversed": payment.Reversed,
	"attempt.stuck": payment.Stuck,
}

var verdicts = map[string]payment.State{"paid": payment.SettledPaid, "not-paid": payment.SettledNotPaid, "retry": payment.Reversing}

func (m *mirror) apply(e stamped, s *shop) {
	s.tally.add("event", e.Kind)
	if strings.HasPrefix(e.Kind, "print") {
		if e.Kind == "print_queued" {
			m.queued[e.Subject] = true
		}
		s.noteHeld("event", e.Kind+" "+e.Subject)
		return
	}
	var b told
	if err := json.Unmarshal(e.Body, &b); err != nil {
		s.broken = append(s.broken, fmt.Sprintf("event %d cannot be read: %v", e.Seq, err))
	}
	t := m.attempts[b.Key]
	if b.Created != nil {
		c := b.Created
		t = &track{
			Key: b.Key, kind: c.Kind, rail: c.Rail, amount: c.Amount, original: c.Original, print: c.Print, over: c.Override != nil, system: c.System,
			confirm: c.Confirm,
		}
		m.attempts[b.Key], m.order = t, append(m.order, b.Key)
		m.created++
		m.begunBySystem(t, s)
	}
	if t == nil {
		if e.Kind == "batch.closing" && b.Close != nil && len(b.Close.Open) > 0 {
			m.openAtClose[b.Batch] = true
		}
		m.batchOver(e.Kind, b.Batch)
		if e.Kind == "batch.step" {
			m.settling[b.Batch+"/"+b.Trace.String()] = true
		}
		if e.Kind == "sale.opened" && b.Sale != nil {
			m.opened(b.Key, e, b, s)
		}
		if e.Kind == "sale.acked" {
			m.acks[b.Key.Client] = true
			m.acked[b.Key.Client+"/"+b.Key.Sale] = true
			m.ackedInTime(b.Key, s)
			m.ackedAt[b.Key.Client+"/"+b.Key.Sale] = e.Seq
		}
		s.noteHeld("event", e.Kind+" "+e.Subject+" "+b.Batch+" "+b.Trace.String())
		return
	}
	m.step(t, e, b, s)
}

// step moves one attempt.
func (m *mirror) step(t *track, e stamped, b told, s *shop) {
	note := b.Told + string(b.Reason)
	if b.Answer != nil {
		note += b.Answer.Code
	}
	if b.Undo != nil {
		note += b.Undo.Code
		m.tried(t, e, b)
	}
	if b.Settled != nil {
		note += b.Settled.As
	}
	t.steps = append(t.steps, stage{e.at, e.Kind, note})
	s.noteHeld("event", e.Kind+" "+t.Client+"/"+t.String()+" "+note)
	if b.Sent != nil {
		t.rail, t.numbers = b.Sent.Rail, b.Sent.Numbers
		m.number(t, s)
		m.gated(t, e, s)
	}
	m.hold(t, e, b, s)
	to := becomes[e.Kind]
	if b.Settled != nil {
		to = verdicts[b.Settled.As]
	}
	if to == "" {
		return
	}
	if t.state != "" {
		s.tally.add("transition", string(t.state)+" -> "+string(to))
		if t.state == payment.ApprovedState && to == payment.Reversing {
			m.takenBack(t, s)
		}
		if !slices.Contains(stateTable[t.state], to) {
			s.broken = append(s.broken, fmt.Sprintf("I7: event %d moves %s from %s to %s", e.Seq, t.Key, t.state, to))
		}
	}
	delete(m.undue, t.Key)
	if t.state = to; to == payment.Reversing {
		t.reason, t.tries, t.since, t.dueAt, t.lastTry, t.triedAt, t.notBefore, t.freeAt, t.old, t.alarmed = b.Reason, 0, e.Time, e.at, time.Time{}, 0, time.Time{}, 0, false, false
		m.undue[t.Key] = t
	}
	if to == payment.Stuck {
		m.rings(t, s)
	}
}

// number checks that no reference comes again (I8).
func (m *mirror) number(t *track, s *shop) {
	n := t.numbers
	if other := m.orders[n.Order]; other != nil {
		s.broken = append(s.broken, fmt.Sprintf("I8: order %s is used for %s and %s", n.Order, other.Key, t.Key))
	}
	m.orders[n.Order] = t
	if n.Terminal == "" {
		return
	}
	name := n.Batch + "/" + n.Trace.String()
	if other := m.traces[name]; other != nil {
		s.broken = append(s.broken, fmt.Sprintf("I8: trace number %s is used for %s and %s", name, other.Key, t.Key))
	}
	m.traces[name] = t
}

// find gives a copy of an attempt as it is on disk.
func (s *shop) find(k payment.Key) (track, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.mirror.attempts[k]
	if t == nil {
		return track{}, false
	}
	return *t, true
}
