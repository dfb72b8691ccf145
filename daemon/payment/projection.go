package payment

import (
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"posd/daemon/journal"
)

// projection folds payment events into tables that answer the desk's questions. The journal runs it in the
// transaction of the event.
type projection struct{}

var _ journal.Knowing = projection{}

// Projection is to be registered when the journal is opened.
func Projection() journal.Projection { return projection{} }

// Name prefixes the tables.
func (projection) Name() string { return "payment" }

// Tables are those that folding the events derives; payment_sealed is not among them, since sealed data is no event.
func (projection) Tables() []string {
	return []string{"payment_sale", "payment_attempt", "payment_terminal", "payment_till", "payment_pair", "payment_counter", "payment_batch", "payment_batch_item"}
}

// Schema is the tables' definition. Its comment changes with what Fold makes of the same events, so that they are derived anew.
func (projection) Schema() string {
	return `
-- an acknowledgement is of what a person has settled as paid, too
CREATE TABLE payment_sale (client TEXT, id TEXT, seq INTEGER, opened_at INTEGER, amount INTEGER, currency TEXT,
  acked INTEGER NOT NULL DEFAULT 0, doc TEXT, PRIMARY KEY (client, id)) WITHOUT ROWID;
CREATE INDEX payment_sale_seq ON payment_sale (seq);
CREATE INDEX payment_sale_id ON payment_sale (id);
CREATE TABLE payment_attempt (client TEXT, sale TEXT, attempt TEXT, seq INTEGER, state TEXT, kind TEXT, rail TEXT,
  amount INTEGER, terminal TEXT, batch TEXT, trace INTEGER, sent_at INTEGER, decided_at INTEGER, acked INTEGER,
  confirm INTEGER NOT NULL DEFAULT 0, found INTEGER NOT NULL DEFAULT 0, ended INTEGER NOT NULL DEFAULT 0, short_id TEXT, doc TEXT,
  PRIMARY KEY (client, sale, attempt)) WITHOUT ROWID;
CREATE INDEX payment_attempt_state ON payment_attempt (state, seq);
CREATE INDEX payment_attempt_confirm ON payment_attempt (state, acked) WHERE confirm = 1;
CREATE INDEX payment_attempt_found ON payment_attempt (seq) WHERE found = 1;
CREATE INDEX payment_attempt_trace ON payment_attempt (terminal, trace);
CREATE INDEX payment_attempt_batch ON payment_attempt (terminal, ended, batch);
CREATE INDEX payment_attempt_amount ON payment_attempt (client, amount, decided_at);
CREATE INDEX payment_attempt_short ON payment_attempt (short_id);
CREATE INDEX payment_attempt_sent ON payment_attempt (sent_at) WHERE sent_at > 0;
CREATE TABLE payment_terminal (terminal TEXT PRIMARY KEY, batch TEXT, trace INTEGER, sent INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE payment_till (client TEXT PRIMARY KEY, acks INTEGER) WITHOUT ROWID;
CREATE TABLE payment_pair (client TEXT, sale TEXT, first TEXT, second TEXT, state TEXT, doc TEXT,
  PRIMARY KEY (client, sale, first, second)) WITHOUT ROWID;
CREATE TABLE payment_counter (name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
CREATE TABLE payment_batch (seq INTEGER PRIMARY KEY, terminal TEXT, state TEXT, scheduled TEXT, doc TEXT);
CREATE INDEX payment_batch_terminal ON payment_batch (terminal, state);
CREATE TABLE payment_batch_item (seq INTEGER, n INTEGER, doc TEXT, PRIMARY KEY (seq, n)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS payment_sealed (client TEXT, sale TEXT, attempt TEXT, terminal TEXT, batch TEXT, wrapped BLOB, box BLOB,
  PRIMARY KEY (client, sale, attempt)) WITHOUT ROWID;`
}

// prefixes are those of the kinds of event that are ours, in this posd and in newer ones.
var prefixes = []string{"sale.", "attempt.", "reversal.", "pair.", "terminal.", "batch.", "numbers."}

// Knows tells an event that a newer posd wrote about money: folding the others without it would give another state.
func (projection) Knows(kind string) bool {
	if _, folded := folds[kind]; folded || kind == factMessages {
		return true
	}
	return !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(kind, p) })
}

// Fold applies one event.
func (projection) Fold(tx *journal.Tx, e journal.Event) error {
	var f Fact
	if _, ours := folds[e.Kind]; !ours {
		return nil
	}
	if err := json.Unmarshal(e.Body, &f); err != nil {
		return fmt.Errorf("event %d: %w", e.Seq, err)
	}
	f.Kind = e.Kind
	return folds[e.Kind](tx, e, f)
}

type foldFunc func(tx *journal.Tx, e journal.Event, f Fact) error

// folds says how each kind of fact changes the tables.
var folds = map[string]foldFunc{
	factSaleOpened: foldSaleOpened, factSaleAcked: foldSaleAcked,
	factCreated: foldAttempt, factSent: foldSent, factAsked: foldAttempt, factApproved: foldAttempt,
	factDeclined: foldAttempt, factUnsent: foldAttempt, factCancelled: foldAttempt, factReversing: foldAttempt,
	factTried: foldAttempt, factReversed: foldAttempt, factStuck: foldAttempt, factSettled: foldAttempt,
	factLate: foldAttempt, factTold: foldAttempt, factVoided: foldAttempt, factRefunded: foldAttempt,
	factFound: foldAttempt, factAlarmed: foldAttempt, factPair: foldPair, factPairMoved: foldPair,
	factTrace: foldTerminal, factBatch: foldTerminal, factLeapt: foldLeap,
	factBatchClosing: foldBatch, factBatchStep: foldBatch, factBatchTried: foldBatch, factBatchClosed: foldBatch,
	factBatchRefused: foldBatch, factBatchSuperseded: foldBatch,
}

func foldSaleOpened(tx *journal.Tx, e journal.Event, f Fact) error {
	s := Sale{
		Client: f.Key.Client, ID: f.Key.Sale, Amount: f.Sale.Amount, Currency: f.Sale.Currency,
		Reference: f.Sale.Reference, After: f.Sale.After, Warning: f.Sale.Warning, OpenedAt: e.Time,
	}
	doc, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return tx.Exec(`INSERT INTO payment_sale (client, id, seq, opened_at, amount, currency, doc) VALUES (?,?,?,?,?,?,?)`,
		s.Client, s.ID, e.Seq, e.Time.UnixMilli(), int64(s.Amount), s.Currency, string(doc))
}

func foldSaleAcked(tx *journal.Tx, e journal.Event, f Fact) error {
	s, err := loadSale(tx, f.Key.Client, f.Key.Sale)
	if err != nil {
		return err
	}
	for _, a := range s.Attempts {
		if a.State != ApprovedState && a.State != SettledPaid {
			continue
		}
		next, err := apply(a, f, e.Time)
		if err != nil {
			return err
		}
		if err := saveAttempt(tx, a, next); err != nil {
			return err
		}
	}
	s.Attempts, s.AckedAt = nil, e.Time
	doc, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := tx.Exec(`UPDATE payment_sale SET acked = 1, doc = ? WHERE client = ? AND id = ?`, string(doc), s.Client, s.ID); err != nil {
		return err
	}
	return tx.Exec(`INSERT INTO payment_till (client, acks) VALUES (?, 1) ON CONFLICT (client) DO UPDATE SET acks = acks + 1`, s.Client)
}

func foldAttempt(tx *journal.Tx, e journal.Event, f Fact) error {
	var a Attempt
	if f.Kind != factCreated {
		var err error
		if a, err = loadAttempt(tx, f.Key); err != nil {
			return err
		}
	}
	next, err := apply(a, f, e.Time)
	if err != nil {
		return err
	}
	if f.Kind != factCreated {
		return saveAttempt(tx, a, next)
	}
	doc, err := json.Marshal(next)
	if err != nil {
		return err
	}
	tx.Keep(next.Key, next)
	return tx.Exec(`INSERT INTO payment_attempt (client, sale, attempt, seq, state, kind, rail, amount, terminal, batch, trace,
  sent_at, decided_at, acked, confirm, found, short_id, doc) VALUES (?,?,?,?,?,?,?,?,'','',0,0,0,0,?,0,?,?)`,
		next.Client, next.Sale, next.Attempt, e.Seq, string(next.State), string(next.Kind), string(next.Rail),
		int64(next.Amount), next.Confirm, next.ShortID, string(doc))
}

func foldSent(tx *journal.Tx, e journal.Event, f Fact) error {
	n := f.Sent.Numbers
	if n.Terminal != "" {
		if err := errors.Join(setTrace(tx, n.Terminal, n.Trace), countSent(tx, n.Terminal)); err != nil {
			return err
		}
	}
	if err := countOrders(tx, 1); err != nil {
		return err
	}
	return foldAttempt(tx, e, f)
}

func countOrders(tx *journal.Tx, n int64) error {
	return tx.Exec(`INSERT INTO payment_counter (name, value) VALUES ('order', ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value`, n)
}

func foldLeap(tx *journal.Tx, _ journal.Event, f Fact) error { return countOrders(tx, f.Leap) }

func foldTerminal(tx *journal.Tx, e journal.Event, f Fact) error {
	if f.Kind == factTrace {
		return setTrace(tx, f.Terminal, f.Trace)
	}
	old, _, err := terminalRow(tx, f.Terminal)
	if err != nil {
		return err
	}
	rec, err := recordOf(tx, f.Terminal)
	if err != nil {
		return err
	}
	if rec.State != BatchClosing { // else it is not over before its close is
		if err := endBatch(tx, f.Terminal, old, e.Seq); err != nil {
			return err
		}
	}
	return setBatch(tx, f.Terminal, f.Batch)
}

// setBatch begins a batch. What has been sent in it already, which should be nothing, is counted.
func setBatch(tx *journal.Tx, terminal, batch string) error {
	return tx.Exec(`INSERT INTO payment_terminal (terminal, batch, trace, sent)
  SELECT ?1, ?2, 0, count(*) FROM payment_attempt WHERE terminal = ?1 AND ended = 0 AND batch = ?2
  ON CONFLICT (terminal) DO UPDATE SET batch = excluded.batch, sent = excluded.sent`, terminal, batch)
}

// countSent counts an attempt that is sent in the terminal's batch.
func countSent(tx *journal.Tx, terminal string) error {
	return tx.Exec(`UPDATE payment_terminal SET sent = sent + 1 WHERE terminal = ?`, terminal)
}

func setTrace(tx *journal.Tx, terminal string, t TraceNumber) error {
	return tx.Exec(`INSERT INTO payment_terminal (terminal, batch, trace) VALUES (?,?,?)
  ON CONFLICT (terminal) DO UPDATE SET trace = excluded.trace`, terminal, firstBatch, int64(t))
}

// attemptRow is what the attempt table has beside the document, of what may change.
type attemptRow struct {
	state, rail, terminal, batch string
	trace, sentAt, decidedAt     int64
	acked, found                 bool
}

func rowOf(a Attempt) attemptRow {
	return attemptRow{
		state: string(a.State), rail: string(a.Rail), terminal: a.Numbers.Terminal, batch: a.Numbers.Batch,
		trace: int64(a.Numbers.Trace), sentAt: millis(a.SentAt), decidedAt: millis(a.DecidedAt), acked: a.Acked,
		found: a.Found != nil,
	}
}

// saveAttempt writes what has changed and no more: a column that is set to what it was still rewrites its indexes, and
// each of their pages is part of the durable write that the till waits for.
func saveAttempt(tx *journal.Tx, old, next Attempt) error {
	doc, err := json.Marshal(next)
	if err != nil {
		return err
	}
	tx.Keep(next.Key, next)
	const this = ` WHERE client = ? AND sale = ? AND attempt = ?`
	k, was, is := next.Key, rowOf(old), rowOf(next)
	if was == is {
		return tx.Exec(`UPDATE payment_attempt SET doc = ?`+this, string(doc), k.Client, k.Sale, k.Attempt)
	}
	was.state, was.decidedAt, was.acked = is.state, is.decidedAt, is.acked
	if was == is { // its numbers stay
		return tx.Exec(`UPDATE payment_attempt SET state = ?, decided_at = ?, acked = ?, doc = ?`+this,
			is.state, is.decidedAt, is.acked, string(doc), k.Client, k.Sale, k.Attempt)
	}
	return tx.Exec(`UPDATE payment_attempt SET state = ?, rail = ?, terminal = ?, batch = ?, trace = ?, sent_at = ?, decided_at = ?, acked = ?, found = ?, doc = ?`+this,
		is.state, is.rail, is.terminal, is.batch, is.trace, is.sentAt, is.decidedAt, is.acked, is.found, string(doc), k.Client, k.Sale, k.Attempt)
}

// millis is a time as the tables have it; 0 for none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// errNotFound says that the journal holds no such thing.
var errNotFound = errors.New("not in the journal")

// loadAttempt gives an attempt as it stands in the transaction; what it holds must not be changed in place.
func loadAttempt(tx *journal.Tx, k Key) (Attempt, error) {
	if a, ok := tx.Kept(k).(Attempt); ok {
		return a, nil
	}
	as, err := queryAttempts(tx, `client = ? AND sale = ? AND attempt = ?`, k.Client, k.Sale, k.Attempt)
	if err != nil {
		return Attempt{}, err
	}
	if len(as) == 0 {
		return Attempt{}, fmt.Errorf("attempt %s: %w", k, errNotFound)
	}
	tx.Keep(k, as[0])
	return as[0], nil
}

func loadSale(tx *journal.Tx, client, id string) (Sale, error) {
	var doc string
	err := tx.QueryRow(`SELECT doc FROM payment_sale WHERE client = ? AND id = ?`, client, id).Scan(&doc)
	if errors.Is(err, sql.ErrNoRows) {
		return Sale{}, fmt.Errorf("sale %s: %w", id, errNotFound)
	}
	if err != nil {
		return Sale{}, err
	}
	var s Sale
	if err := json.Unmarshal([]byte(doc), &s); err != nil {
		return Sale{}, err
	}
	s.Attempts, err = queryAttempts(tx, `client = ? AND sale = ? ORDER BY seq`, client, id)
	return s, err
}

// queryAttempts gives the attempts that a condition selects.
func queryAttempts(tx *journal.Tx, where string, args ...any) ([]Attempt, error) {
	rows, err := tx.Query(`SELECT doc, ended <> 0 FROM payment_attempt WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	out := []Attempt{}
	for rows.Next() {
		var doc []byte
		var a Attempt
		if err := rows.Scan(&doc, &a.ended); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(doc, &a); err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, rows.Err()
}

func queryDocs(tx *journal.Tx, query string, args ...any) ([]string, error) {
	rows, err := tx.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var docs []string
	for rows.Next() {
		var d string
		if err := rows.Scan(&d); err != nil {
			return nil, err
		}
		docs = append(docs, d)
	}
	return docs, rows.Err()
}

// orderNumber is unique for ever: the journal's own random name, then a counter that never goes back, then what is drawn each
// time. A journal that was put back without being noticed, as by the snapshot of a machine, counts the same numbers again.
func orderNumber(journalID string, n int64) string {
	s := strconv.FormatInt(n, 10)
	for len(s) < 9 {
		s = "0" + s
	}
	return journalID + s + rand.Text()[:6]
}
