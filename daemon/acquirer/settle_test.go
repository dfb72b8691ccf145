package acquirer_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"posd/daemon/payment"
	"posd/iso8583"
)

// batchOf is a batch with an approved attempt of every kind: two sales of which one is voided, a completion, a refund.
func batchOf(t *testing.T, b *bench) (items []payment.Attempt, totals payment.Totals) {
	t.Helper()
	first := b.approved(t, payment.KindSale, 700, nil)
	second := b.approved(t, payment.KindSale, 300, nil)
	void := b.approved(t, payment.KindVoid, 300, &second)
	second.Voided = true
	pre := b.approved(t, payment.KindPreAuth, 500, nil)
	completion := b.approved(t, payment.KindCompletion, 500, &pre)
	refund := b.approved(t, payment.KindRefund, 200, &first)
	return []payment.Attempt{first, second, void, completion, refund}, payment.Totals{
		Sales: payment.Sum{Count: 2, Amount: 1000}, Completions: payment.Sum{Count: 1, Amount: 500},
		Voids: payment.Sum{Count: 1, Amount: 300}, Refunds: payment.Sum{Count: 1, Amount: 200},
	}
}

// settling is one settlement message of the batch, under the next trace number.
func (b *bench) settling(t *testing.T, step payment.BatchStep, items []payment.Attempt, totals payment.Totals) payment.Settling {
	t.Helper()
	trace, _ := b.scribe.NextTrace(t.Context(), b.setup.terminal)
	s := payment.Settling{
		Terminal: b.setup.terminal, Batch: b.scribe.batch, Step: step, Trace: trace, Totals: totals, Count: 5,
	}
	if step == payment.StepUpload {
		s.Items = items
	}
	return s
}

// settle sends it once.
func (b *bench) settle(t *testing.T, s payment.Settling) payment.Settled {
	t.Helper()
	out := b.Settle(t.Context(), s)
	b.scribe.keep(out.Messages...)
	return out
}

func TestTotalsAreAsTheDialectAddsThemUp(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		items, totals := batchOf(t, b)
		s := b.settling(t, payment.StepTotals, items, totals)
		if out := b.settle(t, s); out.Outcome != payment.Balanced {
			t.Errorf("got %+v, want balanced", out)
		}
		at := payment.Attempt{Numbers: payment.Numbers{Batch: s.Batch, Trace: s.Trace}}
		totalsAre[b.setup.dialect.Name()].compare(t, b, h.last(t, "0500"), at, payment.Attempt{})
	})
}

func TestUnbalancedTotalsAreFollowedByEveryItemAndTheEnd(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		items, totals := batchOf(t, b)
		h.answers(func(req, reply *iso8583.Message) func([]byte) []byte {
			h.s.unbalance(req, reply)
			return nil
		})
		if out := b.settle(t, b.settling(t, payment.StepTotals, items, totals)); out.Outcome != payment.Unbalanced {
			t.Fatalf("got %+v, want unbalanced", out)
		}
		size := b.Policy().UploadSize
		for from := 0; from < len(items); from += size {
			s := b.settling(t, payment.StepUpload, items[from:min(from+size, len(items))], totals)
			if out := b.settle(t, s); out.Outcome != payment.Accepted {
				t.Errorf("upload from %d: %+v, want accepted", from, out)
			}
		}
		if out := b.settle(t, b.settling(t, payment.StepEnd, nil, totals)); out.Outcome != payment.Accepted {
			t.Errorf("end: %+v, want accepted", out)
		}
		h.s.uploaded(t, h.requests("0320"), items)
		journal, err := json.Marshal(b.scribe.messages)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(journal), testPAN[6:12]) {
			t.Error("the journal holds a card number")
		}
	})
}

func TestSettlementThatIsNotBelievedGoesAgainUnderTheSameNumber(t *testing.T) {
	for name, bend := range map[string]answerer{
		"bad MAC": func(req, _ *iso8583.Message) func([]byte) []byte {
			if req.MTI[1] == '8' {
				return nil
			}
			return forged
		},
		"silence": func(req, _ *iso8583.Message) func([]byte) []byte {
			if req.MTI[1] == '8' {
				return nil
			}
			return silent
		},
		"another merchant": func(_, reply *iso8583.Message) func([]byte) []byte {
			reply.Set(42, strings.Repeat("9", len(reply.Text(42))))
			return nil
		},
		"sign on first": func(req, reply *iso8583.Message) func([]byte) []byte {
			if req.MTI == "0500" {
				reply.Set(39, "A0")
			}
			return nil
		},
		"no code": func(req, reply *iso8583.Message) func([]byte) []byte {
			if req.MTI == "0500" {
				reply.Unset(39)
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			scripted(t, func(t *testing.T, b *bench, h *script) {
				if name == "bad MAC" && !signs(b, "settlement") {
					t.Skip("the dialect does not sign it")
				}
				items, totals := batchOf(t, b)
				s := b.settling(t, payment.StepTotals, items, totals)
				h.answers(bend)
				if out := b.settle(t, s); out.Outcome != payment.SettleAgain || out.Text == "" {
					t.Errorf("got %+v, want again", out)
				}
				h.answers(nil)
				b.boot(t) // and posd was restarted meanwhile
				if out := b.settle(t, s); out.Outcome != payment.Balanced {
					t.Errorf("got %+v, want balanced", out)
				}
				all := h.requests("0500")
				if len(all) != 2 || all[0][11] != all[1][11] {
					t.Errorf("%d settlements came, want two of one number", len(all))
				}
			})
		})
	}
}

// signs tells whether the dialect signs a transaction.
func signs(b *bench, name string) bool {
	d := b.setup.dialect
	v := iso8583.VarMap{
		"trace": "000001", "batch": "000001", "terminal": b.setup.terminal, "merchant": b.setup.merchant, "batch.count": "0000",
		"debit.amount": "000000000000", "debit.count": "000", "credit.amount": "000000000000", "credit.count": "000",
	}
	m, err := d.Build(name, v)
	return err == nil && m.Has(d.MACRule().Field)
}

func TestSettlementThatTheHostRefusesIsForAPerson(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		items, totals := batchOf(t, b)
		h.answers(func(_, reply *iso8583.Message) func([]byte) []byte {
			reply.Set(39, "58")
			return nil
		})
		for _, step := range []payment.BatchStep{payment.StepTotals, payment.StepUpload, payment.StepEnd} {
			s := b.settling(t, step, items[:1], totals)
			if out := b.settle(t, s); out.Outcome != payment.SettleRefused || out.Code != "58" || out.Text == "" {
				t.Errorf("%s: %+v, want refused by 58", step, out)
			}
		}
	})
}

func TestUploadWithoutACardNumberSaysWhatToDo(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		items, totals := batchOf(t, b)
		for name, spoil := range map[string]func(*payment.Attempt){
			"never kept": func(at *payment.Attempt) { at.Sealed, at.Data = nil, []byte(`{"vars":{},"name":"sale"}`) },
			"destroyed":  func(at *payment.Attempt) { at.Sealed = nil },
			"no data":    func(at *payment.Attempt) { at.Data = nil },
		} {
			lost := items[0]
			spoil(&lost)
			out := b.settle(t, b.settling(t, payment.StepUpload, []payment.Attempt{lost}, totals))
			if out.Outcome != payment.SettleRefused || out.Code != "data_lost" || out.Text == "" {
				t.Errorf("%s: %+v, want refused as data_lost", name, out)
			}
		}
		if len(h.requests("0320")) != 0 {
			t.Error("an upload was sent")
		}
	})
}

func TestBatchThatTheHostHasLeftIsNotAskedForForEver(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		items, totals := batchOf(t, b)
		s := b.settling(t, payment.StepTotals, items, totals)
		batch := b.setup.dialect.RoleField("batch")
		h.answers(func(req, reply *iso8583.Message) func([]byte) []byte {
			if req.MTI == "0800" {
				reply.Set(batch, strings.Replace(req.Text(batch), s.Batch, "000002", 1))
			} else {
				reply.Set(39, "77")
			}
			return nil
		})
		for i, want := range []payment.SettleOutcome{payment.SettleAgain, payment.SettleRefused} {
			if out := b.settle(t, s); out.Outcome != want {
				t.Errorf("try %d: %+v, want outcome %d", i+1, out, want)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestHostThatWantsASignOnAfterASignOnIsForAPerson(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		items, totals := batchOf(t, b)
		s := b.settling(t, payment.StepEnd, items, totals)
		h.answers(func(req, reply *iso8583.Message) func([]byte) []byte {
			if req.MTI != "0800" {
				reply.Set(39, "A0")
			}
			return nil
		})
		for i, want := range []payment.SettleOutcome{payment.SettleAgain, payment.SettleRefused} {
			if out := b.settle(t, s); out.Outcome != want {
				t.Errorf("try %d: %+v, want outcome %d", i+1, out, want)
			}
		}
	})
}

func TestBatchOfMoreThanASettlementCountsIsRefused(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		b.ready(t)
		out := b.settle(t, b.settling(t, payment.StepTotals, nil, payment.Totals{Sales: payment.Sum{Count: 1000, Amount: 1}}))
		if out.Outcome != payment.SettleRefused || !strings.Contains(out.Text, "1000") || len(h.requests("0500")) > 0 {
			t.Errorf("got %+v, want refused unsent", out)
		}
	})
}

// A wallet's code has no card, and cannot have one in the upload.
func TestScannedCodeIsUploadedWithoutACard(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		sale, _ := scan(t, b, purse(t, b), payment.KindSale, nil)
		out := b.settle(t, b.settling(t, payment.StepUpload, []payment.Attempt{sale}, payment.Totals{}))
		if out.Outcome != payment.Accepted {
			t.Errorf("got %+v, want accepted", out)
		}
		item := sale.Numbers.Trace.String() + strings.Repeat("0", 20) + "000000000700"
		if m := h.last(t, "0320"); !strings.Contains(m[62]+m[48], item) {
			t.Error("the item is not in the upload")
		}
	})
}
