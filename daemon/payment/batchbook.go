package payment

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"posd/daemon/journal"
)

// cut is a batch as it would be closed now.
type cut struct {
	number   string
	attempts int // sent in it, whatever became of them
	firstAt  time.Time
	currency string
	totals   Totals
	items    []batchItem
	open     []OpenItem
}

// cutBatch adds up the terminal's current batch. What counts is approved and not reversed.
func cutBatch(tx *journal.Tx, terminal string) (c cut, err error) {
	if c.number, _, err = terminalRow(tx, terminal); err != nil {
		return c, err
	}
	const mine = `terminal = ? AND batch = ? AND ended = 0`
	var oldest sql.NullInt64
	err = tx.QueryRow(`SELECT count(*), min(sent_at) FROM payment_attempt WHERE `+mine, terminal, c.number).Scan(&c.attempts, &oldest)
	if err != nil || c.attempts == 0 {
		return c, err
	}
	c.firstAt = time.UnixMilli(oldest.Int64).UTC()
	done, err := queryAttempts(tx, mine+` AND state IN ('approved', 'settled_paid') ORDER BY trace, seq`, terminal, c.number)
	if err != nil {
		return c, err
	}
	for _, a := range done {
		original, err := originalKind(tx, a)
		if err != nil {
			return c, err
		}
		if !a.counts(original) {
			continue
		}
		c.totals.add(a)
		c.items = append(c.items, batchItem{Key: a.Key, Amount: a.held(), Voided: a.Voided})
		c.currency = a.Currency
	}
	c.open, err = openItems(tx, terminal, c.number)
	for i, o := range c.open {
		c.open[i].InTotals = slices.ContainsFunc(c.items, func(it batchItem) bool { return it.Key == o.Key })
	}
	return c, err
}

func originalKind(tx *journal.Tx, a Attempt) (k Kind, err error) {
	if a.Kind != KindVoid {
		return "", nil
	}
	orig, err := loadAttempt(tx, Key{a.Client, a.Sale, a.Original})
	return orig.Kind, err
}

// openInBatch selects what is open of a terminal's batch. The pluses keep SQLite to the two indexes that find what is open and
// what is in a batch: by that of the terminal it would read all that was ever sent.
const openInBatch = `kind <> 'balance' AND (state IN ('sent', 'reversing') AND +terminal = ?
  OR terminal = ? AND batch = ? AND ended = 0 AND (+state = 'stuck' OR +state = 'approved' AND acked = 0 AND confirm = 1)) ORDER BY seq`

// openItems lists what may still change a batch, and what is owed on its terminal at all: sent or being reversed; stuck;
// approved, and neither acknowledged nor lapsed; one of a suspect pair that is not resolved.
func openItems(tx *journal.Tx, terminal, batch string) (items []OpenItem, err error) {
	open, err := queryAttempts(tx, openInBatch, terminal, terminal, batch)
	if err != nil {
		return nil, err
	}
	paired, err := pairedAttempts(tx)
	if err != nil {
		return nil, err
	}
	open = slices.DeleteFunc(open, func(a Attempt) bool { return a.State == ApprovedState && !a.awaitsAck() })
	for _, a := range paired {
		known := slices.ContainsFunc(open, func(o Attempt) bool { return o.Key == a.Key })
		if a.State == ApprovedState && !a.ended && a.Numbers.Terminal == terminal && a.Numbers.Batch == batch && !known {
			open = append(open, a)
		}
	}
	for _, a := range open {
		items = append(items, openItem(a))
	}
	return items, nil
}

func pairedAttempts(tx *journal.Tx) (out []Attempt, err error) {
	pairs, err := queryPairs(tx, `state IN ('open', 'undoing')`)
	for _, p := range pairs {
		for _, id := range []string{p.First, p.Second} {
			a, err := loadAttempt(tx, Key{p.Client, p.Sale, id})
			if err != nil {
				return nil, err
			}
			out = append(out, a)
		}
	}
	return out, err
}

// recordOf gives the record of the terminal's current batch: one that is being closed or was refused. State is "" when
// there is none.
func recordOf(tx *journal.Tx, terminal string) (b Batch, err error) {
	bs, err := queryBatches(tx, `terminal = ? AND state IN ('closing', 'refused') ORDER BY seq DESC LIMIT 1`, terminal)
	if err != nil || len(bs) == 0 {
		return b, err
	}
	return bs[0], nil
}

// inClosing tells that an attempt may stand in the totals of a batch that is being closed.
func inClosing(tx *journal.Tx, a Attempt) (bool, error) {
	if a.Numbers.Terminal == "" || a.ended || !a.Kind.captures() {
		return false, nil
	}
	b, err := recordOf(tx, a.Numbers.Terminal)
	return b.State == BatchClosing && b.Number == a.Numbers.Batch, err
}

func queryBatches(tx *journal.Tx, where string, args ...any) ([]Batch, error) {
	docs, err := queryDocs(tx, `SELECT doc FROM payment_batch WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	out := make([]Batch, len(docs))
	for i, d := range docs {
		if err := json.Unmarshal([]byte(d), &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// uploadItems gives the items of a message that is due, as they were laid down.
func uploadItems(tx *journal.Tx, b Batch) ([]batchItem, error) {
	if b.Step != StepUpload {
		return nil, nil
	}
	docs, err := queryDocs(tx, `SELECT doc FROM payment_batch_item WHERE seq = ? AND n >= ? AND n < ? ORDER BY n`, b.Seq, b.From, b.To)
	if err != nil {
		return nil, err
	}
	out := make([]batchItem, len(docs))
	for i, d := range docs {
		if err := json.Unmarshal([]byte(d), &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// settling gives the message that is due, with the sealed data of its items opened. The caller wipes it.
func (b *Book) settling(ctx context.Context, batch Batch) (Settling, error) {
	s := Settling{
		Terminal: batch.Terminal, Batch: batch.Number, Step: batch.Step, Trace: batch.Trace, Totals: batch.Totals, Count: batch.Items,
	}
	var items []batchItem
	err := b.j.View(ctx, func(tx *journal.Tx) (err error) {
		items, err = uploadItems(tx, batch)
		return err
	})
	if err != nil {
		return s, err
	}
	for _, it := range items {
		a, err := b.Attempt(ctx, it.Key)
		if err != nil {
			return s, err
		}
		a, err = b.opened(ctx, a)
		if err != nil && !errors.Is(err, errSealed) {
			return s, err
		}
		if err != nil {
			b.log.Error("sealed data could not be opened", "sale", a.Sale, "attempt", a.Attempt, "err", err)
		}
		a.Approved, a.Voided = it.Amount, it.Voided
		s.Items = append(s.Items, a)
	}
	return s, nil
}

// AdoptBatch makes batch the current one. One that the host was never asked to close, and that has something in it, is
// kept on record: nobody settles it any more. What was sealed for attempts of older batches is destroyed.
func (b *Book) AdoptBatch(ctx context.Context, terminal, batch string) error {
	var over Batch
	err := b.update(ctx, func(tx *journal.Tx) error {
		over = Batch{}
		old, _, err := terminalRow(tx, terminal)
		if err != nil || old == batch {
			return err
		}
		over, err = b.goOn(tx, terminal, closeFact{Next: batch})
		return err
	})
	b.mu.Lock()
	tell := b.left
	b.mu.Unlock()
	if err != nil || over.Seq == 0 {
		return err
	}
	b.log.Warn("another batch is open, and this one was never settled", "terminal", terminal, "batch", over.Number, "next", batch, "items", over.Items, "open", len(over.Open))
	if tell != nil {
		tell(over)
	}
	return nil
}

// whenLeft has somebody told, after it is on disk, of a batch that the host has left behind. It must not block.
func (b *Book) whenLeft(tell func(Batch)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = tell
}

// goOn makes another batch, why.Next, the current one. It gives the one before, if that is kept on record.
func (b *Book) goOn(tx *journal.Tx, terminal string, why closeFact) (over Batch, err error) {
	if over, err = b.supersede(tx, terminal, why); err != nil {
		return over, err
	}
	if err := appendFacts(tx, Fact{Kind: factBatch, Terminal: terminal, Batch: why.Next}); err != nil {
		return over, err
	}
	return over, dropSealed(tx, terminal)
}

// supersede puts the current batch on record if the host has gone on without having settled it. One that is being closed
// is still asked for.
func (b *Book) supersede(tx *journal.Tx, terminal string, why closeFact) (over Batch, err error) {
	rec, err := recordOf(tx, terminal)
	if err != nil || rec.State == BatchClosing {
		return over, err
	}
	c, err := cutBatch(tx, terminal)
	c.open = slices.DeleteFunc(c.open, func(o OpenItem) bool { return o.Batch != c.number }) // of older ones: their records have it
	if err != nil || rec.State == "" && len(c.items) == 0 && len(c.open) == 0 {
		return over, err
	}
	why.Currency, why.Totals, why.Items, why.Open, why.FirstAt = c.currency, c.totals, c.items, c.open, c.firstAt
	if err := appendFacts(tx, Fact{Kind: factBatchSuperseded, Terminal: terminal, Batch: c.number, Close: &why}); err != nil {
		return over, err
	}
	bs, err := queryBatches(tx, `terminal = ? AND state = 'superseded' ORDER BY seq DESC LIMIT 1`, terminal)
	if err != nil || len(bs) == 0 {
		return over, err
	}
	return bs[0], nil
}

// dropSealed destroys what was sealed for the attempts of batches that are over: nothing of them can be voided or
// uploaded any more, and for what comes later the customer shows the card again. It stays while a reversal is owed, or
// may be: of what the till has still to acknowledge, of one of a suspect pair.
func dropSealed(tx *journal.Tx, terminal string) error {
	return dropSealedOf(tx, terminal, `a.ended <> 0`)
}

// dropSealedOf is dropSealed for the attempts that a condition selects.
func dropSealedOf(tx *journal.Tx, terminal, over string, args ...any) error {
	return tx.Exec(`DELETE FROM payment_sealed WHERE terminal = ? AND EXISTS (
  SELECT 1 FROM payment_attempt a WHERE a.client = payment_sealed.client AND a.sale = payment_sealed.sale AND a.attempt = payment_sealed.attempt
  AND `+over+` AND a.state NOT IN ('created', 'sent', 'reversing', 'stuck')
  AND NOT (a.state = 'approved' AND a.acked = 0 AND a.confirm = 1)
  AND NOT EXISTS (SELECT 1 FROM payment_pair p WHERE p.client = a.client AND p.sale = a.sale AND a.attempt IN (p.first, p.second) AND p.state IN ('open', 'undoing')))`, append([]any{terminal}, args...)...)
}
