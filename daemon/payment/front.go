package payment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"posd/daemon/journal"
)

// Sale gives a sale with its attempts; a *Problem with status 404 if there is none.
func (d *Desk) Sale(ctx context.Context, client, id string) (Sale, error) {
	return d.book.Sale(ctx, client, id)
}

// Sales gives the newest sales of a client, newest first; of every client if client is empty.
func (d *Desk) Sales(ctx context.Context, client string, limit int) ([]Sale, error) {
	return d.book.Sales(ctx, client, limit)
}

// Attempt gives one attempt; a *Problem with status 404 if there is none.
func (d *Desk) Attempt(ctx context.Context, k Key) (Attempt, error) { return d.book.Attempt(ctx, k) }

// Changed is closed when the journal has changed. Take it before looking, or a change is missed.
func (d *Desk) Changed() <-chan struct{} { return d.book.Changed() }

// ClientsOf tells which clients have a sale of that id.
func (d *Desk) ClientsOf(ctx context.Context, sale string) (clients []string, err error) {
	err = d.book.j.View(ctx, func(tx *journal.Tx) error {
		keys, err := saleKeys(tx, byID+` ORDER BY client`, sale)
		for _, k := range keys {
			clients = append(clients, k.Client)
		}
		return err
	})
	return clients, err
}

// Explain finds the *Problem in an error; nil means that it is a fault inside posd, of which a caller hears nothing.
func Explain(err error) *Problem {
	var p *Problem
	if errors.As(blockedProblem(err), &p) {
		return p
	}
	return nil
}

// Move is what the outside may know of an event of the journal: that a sale or an attempt has moved, and how the attempt
// stood after that. Who catches up is told as well how it stands now, where that is something else.
type Move struct {
	Seq      int64     `json:"seq"`
	Time     time.Time `json:"time"`
	Client   string    `json:"client,omitempty"`
	Sale     string    `json:"sale,omitempty"`
	Attempt  string    `json:"attempt,omitempty"`  // empty when the sale moved
	Terminal string    `json:"terminal,omitempty"` // of a batch that moved: it is every client's
	Batch    string    `json:"batch,omitempty"`    // likewise
	What     string    `json:"what"`               // "opened", "acked"; "created", "sent", "approved" ...; "closing", "closed" ...
	State    string    `json:"state,omitempty"`    // of the attempt after that, as Said; of the batch
	Now      string    `json:"now,omitempty"`      // of the attempt, where it has moved on since
	Kind     Kind      `json:"kind,omitempty"`
	Rail     Rail      `json:"rail,omitempty"`
	Amount   Cents     `json:"amount,omitempty"`
	Currency string    `json:"currency,omitempty"`
	ShortID  string    `json:"short_id,omitempty"`
	Next     string    `json:"next,omitempty"` // the batch that follows one that is over
}

// Moves gives the moves after a sequence number, in order, of one client or of all if client is empty. It looks at no
// more than limit events; next is the number to go on from, and equals after when there is nothing more.
func (d *Desk) Moves(ctx context.Context, client string, after int64, limit int) (moves []Move, next int64, err error) {
	events, err := d.book.Events(ctx, after, limit, "")
	if err != nil {
		return nil, after, err
	}
	next = after
	err = d.book.j.View(ctx, func(tx *journal.Tx) error {
		for _, e := range events {
			next = e.Seq
			if !concerns(e, client) {
				continue
			}
			m, public, err := moveOf(tx, e)
			if err != nil {
				return err
			}
			if public {
				moves = append(moves, m)
			}
		}
		return nil
	})
	return moves, next, err
}

// Seq is the number of the journal's newest event.
func (d *Desk) Seq(ctx context.Context) (seq int64, err error) {
	err = d.book.j.View(ctx, func(tx *journal.Tx) error {
		return tx.QueryRow(`SELECT coalesce(max(seq), 0) FROM event`).Scan(&seq)
	})
	return seq, err
}

// shown are the facts that are no change of an attempt's state and yet move something the till sees.
var shown = map[string]bool{
	factSaleOpened: true, factSaleAcked: true, factCreated: true, factSettled: true, factVoided: true, factRefunded: true,
	factBatchClosing: true, factBatchClosed: true, factBatchRefused: true, factBatchSuperseded: true,
}

// concerns tells whether an event may be a client's business: of its own sales, or of a batch. "" is everybody.
func concerns(e journal.Event, client string) bool {
	return client == "" || strings.HasPrefix(e.Subject, "terminal/") || strings.HasPrefix(e.Subject, saleSubject(client, ""))
}

// moveOf takes from an event what is public. The body itself stays in the house: it holds messages to the host.
func moveOf(tx *journal.Tx, e journal.Event) (m Move, public bool, err error) {
	if becomes[e.Kind] == "" && !shown[e.Kind] {
		return m, false, nil
	}
	var f Fact
	if err := json.Unmarshal(e.Body, &f); err != nil {
		return m, false, fmt.Errorf("event %d: %w", e.Seq, err)
	}
	_, what, _ := strings.Cut(e.Kind, ".")
	if f.Close != nil {
		return Move{
			Seq: e.Seq, Time: e.Time, Terminal: f.Terminal, Batch: f.Batch, What: what, State: what, Next: f.Close.Next,
		}, true, nil
	}
	m = Move{Seq: e.Seq, Time: e.Time, Client: f.Key.Client, Sale: f.Key.Sale, Attempt: f.Key.Attempt, What: what}
	if f.Key.Attempt == "" {
		if f.Sale != nil {
			m.Amount, m.Currency = f.Sale.Amount, f.Sale.Currency
		}
		return m, true, nil
	}
	a, err := loadAttempt(tx, f.Key)
	if err != nil {
		return m, false, err
	}
	then, err := attemptAt(tx, f, e.Seq)
	if err != nil {
		return m, false, err
	}
	m.State, m.Kind, m.Rail, m.Amount, m.Currency, m.ShortID = then.Said(), then.Kind, then.Rail, then.Amount, then.Currency, then.ShortID
	if a.Said() != m.State {
		m.Now = a.Said()
	}
	return m, true, nil
}

// attemptAt is the attempt of a fact as it stood after the event of that number, as far as facts that are shown tell.
func attemptAt(tx *journal.Tx, about Fact, seq int64) (a Attempt, err error) {
	rows, err := tx.Query(`SELECT kind, body FROM event WHERE subject = ? AND seq <= ? ORDER BY seq`, about.subject(), seq)
	if err != nil {
		return a, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var f Fact
		var body string
		if err := rows.Scan(&f.Kind, &body); err != nil {
			return a, err
		}
		if becomes[f.Kind] == "" && !shown[f.Kind] {
			continue
		}
		if err := json.Unmarshal([]byte(body), &f); err != nil {
			return a, err
		}
		if a, err = apply(a, f, time.Time{}); err != nil {
			return a, err
		}
	}
	return a, rows.Err()
}
