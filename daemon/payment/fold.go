package payment

import (
	"encoding/json"
	"errors"

	"posd/daemon/journal"
)

func foldPair(tx *journal.Tx, e journal.Event, f Fact) error {
	p := *f.Pair
	if f.Kind == factPair {
		p.At = e.Time
	}
	doc, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return tx.Exec(`INSERT INTO payment_pair (client, sale, first, second, state, doc) VALUES (?,?,?,?,?,?)
  ON CONFLICT (client, sale, first, second) DO UPDATE SET state = excluded.state, doc = excluded.doc`,
		p.Client, p.Sale, p.First, p.Second, p.State, string(doc))
}

func foldBatch(tx *journal.Tx, e journal.Event, f Fact) error {
	b, err := recordOf(tx, f.Terminal)
	if err != nil {
		return err
	}
	if b.Seq == 0 {
		b.Seq = e.Seq
	}
	b = b.apply(f, e.Time)
	switch f.Kind {
	case factBatchClosing:
		err = saveItems(tx, b.Seq, f.Close.Items)
	case factBatchStep:
		err = setTrace(tx, f.Terminal, f.Trace)
	case factBatchClosed:
		err = errors.Join(endBatch(tx, f.Terminal, f.Batch, e.Seq), saveItems(tx, b.Seq, nil), setBatch(tx, f.Terminal, f.Close.Next))
	case factBatchRefused:
		err = saveItems(tx, b.Seq, nil)
	case factBatchSuperseded:
		err = errors.Join(endBatch(tx, f.Terminal, f.Batch, e.Seq), saveItems(tx, b.Seq, nil))
	}
	if err != nil {
		return err
	}
	doc, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return tx.Exec(`INSERT INTO payment_batch (seq, terminal, state, scheduled, doc) VALUES (?,?,?,?,?)
  ON CONFLICT (seq) DO UPDATE SET state = excluded.state, scheduled = excluded.scheduled, doc = excluded.doc`,
		b.Seq, b.Terminal, string(b.State), b.Scheduled, string(doc))
}

// saveItems keeps what is in a batch for as long as it is being closed; the event that began the close has it for ever.
func saveItems(tx *journal.Tx, seq int64, items []batchItem) error {
	if err := tx.Exec(`DELETE FROM payment_batch_item WHERE seq = ?`, seq); err != nil {
		return err
	}
	for n, it := range items {
		doc, err := json.Marshal(it)
		if err != nil {
			return err
		}
		if err := tx.Exec(`INSERT INTO payment_batch_item (seq, n, doc) VALUES (?,?,?)`, seq, n, string(doc)); err != nil {
			return err
		}
	}
	return nil
}

// endBatch marks the attempts of a batch that is over, whatever became of them: a number that comes again is another batch.
func endBatch(tx *journal.Tx, terminal, batch string, seq int64) error {
	tx.Forget()
	return tx.Exec(`UPDATE payment_attempt SET ended = ? WHERE terminal = ? AND ended = 0 AND batch = ?`, seq, terminal, batch)
}
