package payment

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"posd/daemon/journal"
)

// firstBatch is a terminal's batch number before its first sign-on.
const firstBatch = "000001"

// lastTrace is the highest trace number; 1 follows it.
const lastTrace = 999999

// Book is the journal as payment reads and writes it. It implements Scribe for the tenders.
type Book struct {
	j    *journal.Journal
	seal *Sealer // nil: no tender may hand over what must be sealed
	now  func() time.Time
	log  *slog.Logger

	mu      sync.Mutex
	changed chan struct{} // guarded by mu; closed and replaced after every commit
	watches watches       // guarded by mu
	left    func(Batch)   // guarded by mu; told of a batch that the host has left behind; nil for nobody
}

var _ Scribe = (*Book)(nil)

// NewBook reads and writes payments in j, which must have been opened with Projection. seal may be nil.
func NewBook(j *journal.Journal, seal *Sealer, now func() time.Time, log *slog.Logger) *Book {
	return &Book{j: j, seal: seal, now: now, log: log, changed: make(chan struct{}), watches: watches{}}
}

// Changed is closed when the journal has changed. Take it before looking, or a change is missed.
func (b *Book) Changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// tell wakes everybody who waits for a change, and for one of these subjects.
func (b *Book) tell(subjects []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.changed)
	b.changed = make(chan struct{})
	b.watches.tell(subjects)
}

// stir wakes everybody who waits for anything: the journal may have more than was known.
func (b *Book) stir() {
	b.mu.Lock()
	all := slices.Collect(maps.Keys(b.watches))
	b.mu.Unlock()
	b.tell(all)
}

// update runs fn in one durable transaction. A caller that goes away does not tear it.
func (b *Book) update(ctx context.Context, fn func(tx *journal.Tx) error) error {
	var subjects []string
	err := b.j.Update(context.WithoutCancel(ctx), func(tx *journal.Tx) error {
		err := fn(tx)
		subjects = tx.Subjects()
		return err
	})
	if err != nil {
		return blockedProblem(err)
	}
	if len(subjects) > 0 {
		b.tell(subjects)
	}
	return nil
}

// blockedProblem says to the till that the journal takes nothing; other errors stay what they are.
func blockedProblem(err error) error {
	var be *journal.BlockedError
	if !errors.As(err, &be) {
		return err
	}
	return &Problem{Code: "blocked", Status: 503, Detail: be.Detail, Remedy: be.Remedy}
}

// appendFacts journals facts in the running transaction.
func appendFacts(tx *journal.Tx, facts ...Fact) error {
	entries := make([]journal.Entry, len(facts))
	for i, f := range facts {
		entries[i] = journal.Entry{Subject: f.subject(), Kind: f.Kind, Body: f}
	}
	return tx.Append(entries...)
}

func (f Fact) subject() string {
	switch {
	case f.Terminal != "":
		return "terminal/" + f.Terminal
	case f.Kind == factLeapt:
		return "numbers"
	case f.Key.Attempt == "":
		return saleSubject(f.Key.Client, f.Key.Sale)
	default:
		return saleSubject(f.Key.Client, f.Key.Sale) + "/" + f.Key.Attempt
	}
}

func saleSubject(client, sale string) string { return "sale/" + client + "/" + sale }

// shortID is what slip, screen and log call a sale: six characters without those that look alike.
func (b *Book) shortID(client, sale string) string {
	sum := sha256.Sum256([]byte(b.j.ID() + "\x00" + client + "\x00" + sale))
	return shortAlphabet.EncodeToString(sum[:4])[:6]
}

var shortAlphabet = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// Sale gives a sale with its attempts; a *Problem with status 404 if there is none.
func (b *Book) Sale(ctx context.Context, client, id string) (s Sale, err error) {
	err = b.j.View(ctx, func(tx *journal.Tx) error {
		s, err = loadSale(tx, client, id)
		return err
	})
	return s, found(err, "sale "+id)
}

// Attempt gives one attempt; a *Problem with status 404 if there is none.
func (b *Book) Attempt(ctx context.Context, k Key) (a Attempt, err error) {
	err = b.j.View(ctx, func(tx *journal.Tx) error {
		a, err = loadAttempt(tx, k)
		return err
	})
	return a, found(err, "attempt "+k.String())
}

func found(err error, what string) error {
	if errors.Is(err, errNotFound) {
		return &Problem{Code: "not_found", Status: 404, Detail: what + " is not known", Remedy: "check the id, and that this till opened it"}
	}
	return err
}

// Sales gives the newest sales of a client, newest first; of every client if client is empty.
func (b *Book) Sales(ctx context.Context, client string, limit int) ([]Sale, error) {
	return b.sales(ctx, `SELECT client, id FROM payment_sale WHERE (? = '' OR client = ?) ORDER BY seq DESC LIMIT ?`, client, client, limit)
}

func (b *Book) sales(ctx context.Context, query string, args ...any) (out []Sale, err error) {
	err = b.j.View(ctx, func(tx *journal.Tx) error {
		keys, err := saleKeys(tx, query, args...)
		if err != nil {
			return err
		}
		for _, k := range keys {
			s, err := loadSale(tx, k.Client, k.Sale)
			if err != nil {
				return err
			}
			out = append(out, s)
		}
		return nil
	})
	return out, err
}

func saleKeys(tx *journal.Tx, query string, args ...any) ([]Key, error) {
	rows, err := tx.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var keys []Key
	for rows.Next() {
		var k Key
		if err := rows.Scan(&k.Client, &k.Sale); err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, rows.Err()
}

// attempts gives what a condition over the attempt table selects.
func (b *Book) attempts(ctx context.Context, where string, args ...any) (out []Attempt, err error) {
	err = b.j.View(ctx, func(tx *journal.Tx) error {
		out, err = queryAttempts(tx, where, args...)
		return err
	})
	return out, err
}

// Events gives journal events after a sequence number, for a till that follows along.
func (b *Book) Events(ctx context.Context, after int64, limit int, subject string) ([]journal.Event, error) {
	return b.j.Events(ctx, after, limit, subject)
}

// NextTrace durably takes a trace number for a message that is no attempt.
func (b *Book) NextTrace(ctx context.Context, terminal string) (t TraceNumber, err error) {
	err = b.update(ctx, func(tx *journal.Tx) error {
		if t, err = freeTrace(tx, terminal); err != nil {
			return err
		}
		return appendFacts(tx, Fact{Kind: factTrace, Terminal: terminal, Trace: t})
	})
	return t, err
}

// Batch is the terminal's current batch number.
func (b *Book) Batch(ctx context.Context, terminal string) (batch string, err error) {
	err = b.j.View(ctx, func(tx *journal.Tx) error {
		batch, _, err = terminalRow(tx, terminal)
		return err
	})
	return batch, err
}

// Record keeps messages that belong to no attempt.
func (b *Book) Record(ctx context.Context, terminal string, msgs ...Message) error {
	if len(msgs) == 0 {
		return nil
	}
	return b.update(ctx, func(tx *journal.Tx) error {
		return appendFacts(tx, Fact{Kind: factMessages, Terminal: terminal, Messages: msgs})
	})
}

func terminalRow(tx *journal.Tx, terminal string) (batch string, trace int64, err error) {
	err = tx.QueryRow(`SELECT batch, trace FROM payment_terminal WHERE terminal = ?`, terminal).Scan(&batch, &trace)
	if errors.Is(err, sql.ErrNoRows) {
		return firstBatch, 0, nil
	}
	return batch, trace, err
}

// freeTrace is the next trace number of rule 8: after the last one; on wrap those of open reversals and of the open
// batch are skipped.
func freeTrace(tx *journal.Tx, terminal string) (TraceNumber, error) {
	batch, last, err := terminalRow(tx, terminal)
	if err != nil {
		return 0, err
	}
	for range lastTrace {
		if last++; last > lastTrace {
			last = 1
		}
		var used int
		err := tx.QueryRow(`SELECT count(*) FROM payment_attempt WHERE terminal = ? AND trace = ?
  AND (batch = ? OR state IN ('sent', 'reversing', 'stuck'))`, terminal, last, batch).Scan(&used)
		if err != nil {
			return 0, err
		}
		if used == 0 {
			return TraceNumber(last), nil
		}
	}
	return 0, &Problem{Code: "batch_full", Status: 409, Detail: "every trace number of this batch is used", Remedy: "close the batch"}
}

// numbers hands out the numbers of an attempt that is about to be sent.
func (b *Book) numbers(tx *journal.Tx, terminal string) (n Numbers, err error) {
	var count int64
	err = tx.QueryRow(`SELECT value FROM payment_counter WHERE name = 'order'`).Scan(&count)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return n, err
	}
	n.Order = orderNumber(b.j.ID(), count+1)
	if terminal == "" {
		return n, nil
	}
	n.Terminal = terminal
	if n.Batch, _, err = terminalRow(tx, terminal); err != nil {
		return n, err
	}
	n.Trace, err = freeTrace(tx, terminal)
	return n, err
}

// putSealed seals a secret of an attempt in the running transaction, and wipes it.
func (b *Book) putSealed(tx *journal.Tx, k Key, n Numbers, secret []byte) error {
	if len(secret) == 0 {
		return nil
	}
	defer clear(secret)
	wrapped, box, err := b.seal.Seal(secret, saleSubject(k.Client, k.String()))
	if errors.Is(err, ErrNoSealKey) {
		return &Problem{Code: "no_seal_key", Status: 503, Detail: "this dialect needs card data for a later void, and no sealing key is configured", Remedy: "set journal.seal_key_file"}
	}
	if err != nil {
		return err
	}
	return tx.Exec(`INSERT OR REPLACE INTO payment_sealed (client, sale, attempt, terminal, batch, wrapped, box) VALUES (?,?,?,?,?,?,?)`,
		k.Client, k.Sale, k.Attempt, n.Terminal, n.Batch, wrapped, box)
}

// errSealed says that the sealing key does not open what was sealed; other errors of opened are the journal's.
var errSealed = errors.New("sealed for good")

// opened gives the attempt with its sealed secret, if there is one. The caller wipes it.
func (b *Book) opened(ctx context.Context, a Attempt) (Attempt, error) {
	var wrapped, box []byte
	err := b.j.View(ctx, func(tx *journal.Tx) error {
		err := tx.QueryRow(`SELECT wrapped, box FROM payment_sealed WHERE client = ? AND sale = ? AND attempt = ?`,
			a.Client, a.Sale, a.Attempt).Scan(&wrapped, &box)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil || len(box) == 0 {
		return a, err
	}
	a.Sealed, err = b.seal.Open(wrapped, box, saleSubject(a.Client, a.Key.String()))
	if err != nil {
		return a, fmt.Errorf("sealed data of %s: %w: %w", a.Key, errSealed, err)
	}
	return a, nil
}

// Unopenable names the attempts whose sealed data the key does not open: their reversal or void can fail for it.
func (b *Book) Unopenable(ctx context.Context) (names []string) {
	keys, err := b.sealedKeys(ctx)
	if err != nil {
		b.log.Error("sealed data could not be listed", "err", err)
	}
	for _, k := range keys {
		a, err := b.opened(ctx, Attempt{Key: k})
		clear(a.Sealed)
		switch {
		case errors.Is(err, errSealed):
			names = append(names, k.String())
		case err != nil:
			b.log.Error("sealed data could not be read", "attempt", k.String(), "err", err)
		}
	}
	return names
}

func (b *Book) sealedKeys(ctx context.Context) (keys []Key, err error) {
	err = b.j.View(ctx, func(tx *journal.Tx) error {
		rows, err := tx.Query(`SELECT client, sale, attempt FROM payment_sealed`)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var k Key
			if err := rows.Scan(&k.Client, &k.Sale, &k.Attempt); err != nil {
				return err
			}
			keys = append(keys, k)
		}
		return rows.Err()
	})
	return keys, err
}

// shred destroys what was sealed for an attempt that can need it no more. The refund of one of a suspect pair may need
// it, and what follows a pre-auth: its void, its completion, and another one when that was voided. So may the upload of
// a batch that is not closed.
func shred(tx *journal.Tx, a Attempt, pol Policy) error {
	reserves := a.Kind == KindPreAuth && a.held() > 0 && !a.Voided
	uploaded := pol.SealedUpload && a.held() > 0 && !a.ended
	if a.undecided() || a.Net() > 0 || reserves || uploaded {
		return nil
	}
	return tx.Exec(`DELETE FROM payment_sealed WHERE client = ? AND sale = ? AND attempt = ?`, a.Client, a.Sale, a.Attempt)
}
