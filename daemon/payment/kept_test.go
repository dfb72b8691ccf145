package payment

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"posd/daemon/journal"
)

// A transaction that has written an attempt keeps it at hand: that must be what the table holds.
func TestWhatATransactionKeepsOfAnAttemptIsWhatItWrote(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 30, 0, 123456789, time.FixedZone("", 8*3600))
	k := Key{"till", "s", "a"}
	notes := json.RawMessage(`{"order":"A1","asked":2}`)
	facts := []Fact{
		{Kind: factSaleOpened, Key: Key{Client: "till", Sale: "s"}, Sale: &saleOpened{Amount: 1999, Currency: "CNY"}},
		{Kind: factCreated, Key: k, Created: &created{
			Rail: RailAny, Kind: KindSale, Amount: 1999, Currency: "CNY", Fingerprint: "f", Language: "zh", Print: true,
			ShortID: "ABC123", Confirm: true, Ordered: &Order{By: "ann", Reason: "bill", Amount: 1},
		}},
		{Kind: factSent, Key: k, Sent: &sent{
			Rail: RailCard, Numbers: Numbers{Terminal: "00000001", Batch: "000001", Trace: 7, Order: "J000000001"},
			Data: notes, Instrument: "622200******0000", Deadline: time.Minute, FirstAsk: time.Second,
		}},
		{Kind: factAsked, Key: k, Answer: &answered{Code: "09", Text: "处理中", Next: 3 * time.Second, Doubt: true}},
		{Kind: factApproved, Key: k, Answer: &answered{
			Amount: 1500, Code: "00", Host: HostNumbers{Reference: "R1", Wallet: "alipay"}, Balance: &Balance{Amount: 5, Currency: "CNY"},
		}},
		{Kind: factTold, Key: k, Told: SaidApproved},
		{Kind: factSaleAcked, Key: Key{Client: "till", Sale: "s"}},
		{Kind: factReversing, Key: k, Reason: ReasonUnwanted},
		{Kind: factTried, Key: k, Undo: &undone{Code: "98", Progress: notes, Next: time.Minute, UnderWay: true, Hold: true, Doubt: true}},
		{Kind: factAlarmed, Key: k},
		{Kind: factStuck, Key: k, Undo: &undone{Code: "12"}},
		{Kind: factSettled, Key: k, Settled: &Settlement{As: "not-paid", By: "ann", Reason: "looked", At: at}},
		{Kind: factFound, Key: k, Order: &Order{By: "ann", Reason: "bill", Amount: 1500}},
		{Kind: factBatch, Terminal: "00000001", Batch: "000002"},
	}
	withDesk(t, &script{}, nil, Rules{}, func(b *bench) {
		err := b.desk.book.update(b.ctx, func(tx *journal.Tx) error {
			for _, f := range facts {
				if err := appendFacts(tx, f); err != nil {
					return err
				}
				if f.Kind == factSaleOpened {
					continue
				}
				kept, err := loadAttempt(tx, k)
				if err != nil {
					return err
				}
				tx.Forget()
				read, err := loadAttempt(tx, k)
				if err != nil {
					return err
				}
				if is, was := written(t, read), written(t, kept); is != was {
					t.Errorf("after %s: kept %s\nread %s", f.Kind, was, is)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// written is an attempt as the tables have it.
func written(t *testing.T, a Attempt) string {
	t.Helper()
	doc, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s ended %v", doc, a.ended)
}
