package acquirer

import (
	"context"

	"posd/daemon/payment"
)

// lateMax limits what is kept of late answers until they are recorded.
const lateMax = 64

// Late takes a frame that nobody waits for: the link calls it. It changes nothing but the record: a late yes revives
// nothing. It only notes the message, and what one is wrong with that cannot be read; the next exchange, or Flush, records it.
func (a *Acquirer) Late(packed []byte) {
	note := payment.Message{Direction: "late", Name: "unreadable", Time: a.o.Now(), Fields: []byte("{}")}
	m, _, err := a.o.Dialect.Unpack(packed)
	if err == nil {
		note = a.kept("late", m, nil, a.o.Dialect.CheckMAC(packed, a.o.Keys))
		m.Wipe()
	}
	clear(packed)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.unread = err
	if len(a.late) >= lateMax {
		a.dropped++
		return
	}
	a.late = append(a.late, note)
}

// takeUnread gives why the last frame that nobody waits for cannot be read, once: the link knows no answer by it.
func (a *Acquirer) takeUnread() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	err := a.unread
	a.unread = nil
	return err
}

// Flush records the late answers that no exchange has recorded yet, as before the end of the program.
func (a *Acquirer) Flush(ctx context.Context) { a.recordLate(ctx) }

// recordLate hands late answers to the journal, also when the time of the exchange before is over. What cannot be
// recorded is kept for the next time.
func (a *Acquirer) recordLate(ctx context.Context) {
	a.mu.Lock()
	notes, dropped := a.late, a.dropped
	a.late, a.dropped = nil, 0
	a.mu.Unlock()
	if dropped > 0 {
		a.o.Log.Warn("late answers dropped", "count", dropped)
	}
	if len(notes) == 0 {
		return
	}
	if err := a.o.Scribe.Record(context.WithoutCancel(ctx), a.o.Terminal, notes...); err != nil {
		a.o.Log.Warn("late answers not recorded", "err", err)
		a.mu.Lock()
		defer a.mu.Unlock()
		a.late = append(notes, a.late...)[:min(lateMax, len(notes)+len(a.late))]
	}
}
