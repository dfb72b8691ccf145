package receipt_test

import (
	"strings"
	"testing"
	"time"

	"posd/daemon/payment"
	"posd/daemon/receipt"
	"posd/drivers/printer"
)

func batchSlip(state payment.BatchState) receipt.BatchSlip {
	b := payment.Batch{
		Seq: 77, Terminal: "12345678", Number: "000007", State: state, By: "Li Na", Currency: "CNY", Items: 9,
		Totals: payment.Totals{
			Sales: payment.Sum{Count: 6, Amount: 1234567}, Completions: payment.Sum{Count: 1, Amount: 80000},
			Voids: payment.Sum{Count: 1, Amount: 1999}, Refunds: payment.Sum{Count: 1, Amount: 500},
		},
		Code: "00", Next: "000008", FirstAt: paidAt.Add(-9 * time.Hour), ClosingAt: paidAt, EndedAt: paidAt.Add(2 * time.Second),
	}
	return receipt.BatchSlip{Shop: shop, Batch: b, Now: paidAt.Add(3 * time.Second).In(zone)}
}

func batchSlips() map[string]receipt.BatchSlip {
	open := batchSlip(payment.BatchClosed)
	open.Batch.Forced, open.Batch.Reason, open.Batch.Uploaded = true, "closing time", true
	open.Batch.Open = []payment.OpenItem{
		{ShortID: "7K3QZD", Trace: 42, Kind: payment.KindSale, State: payment.Stuck, Amount: 1999, Currency: "CNY"},
		{ShortID: "9M2ABC", Trace: 43, Kind: payment.KindCompletion, State: payment.Reversing, Amount: 123450, Currency: "CNY"},
		{ShortID: "2B4XYZ", Trace: 44, Kind: payment.KindSale, State: payment.ApprovedState, Amount: 500, Currency: "CNY", InTotals: true},
	}
	refused := batchSlip(payment.BatchRefused)
	refused.Batch.Code, refused.Batch.Text, refused.Batch.Next = "77", "batch mismatch", ""
	left := batchSlip(payment.BatchSuperseded)
	left.Batch.Code = ""
	return map[string]receipt.BatchSlip{
		"batch-closed": batchSlip(payment.BatchClosed), "batch-open-items": open, "batch-refused": refused, "batch-superseded": left,
	}
}

func TestBatchSlipsAreAsTheGoldenFilesShow(t *testing.T) {
	for name, s := range batchSlips() {
		for _, language := range []string{receipt.Chinese, receipt.English} {
			t.Run(name+"."+language, func(t *testing.T) {
				s.Language = language
				golden(t, name+"."+language, show(s.Document()))
				for _, columns := range []int{32, 42, 48} {
					if _, missing := printer.Layout(s.Document(), columns); len(missing) > 0 {
						t.Errorf("cannot be set: %q", string(missing))
					}
				}
			})
		}
	}
}

func TestABatchSlipIsNamedByItsTruth(t *testing.T) {
	refused, closed := batchSlip(payment.BatchRefused), batchSlip(payment.BatchClosed)
	if refused.ID() == closed.ID() || !strings.HasPrefix(closed.ID(), "batch/12345678/000007/") {
		t.Errorf("%q, %q", refused.ID(), closed.ID())
	}
}
