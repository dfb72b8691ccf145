package receipt

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"posd/daemon/payment"
	"posd/drivers/printer"
)

// BatchSlip is what the shop keeps of the close of a batch. It is for the shop's books, not for a customer.
type BatchSlip struct {
	Shop     Shop
	Batch    payment.Batch
	Language string
	Now      time.Time // when it is made; times on it are in its zone
}

// ID names the slip for the print queue: the same truth about the same batch is printed once.
func (s BatchSlip) ID() string {
	return fmt.Sprintf("batch/%s/%s/%d/%s/%s", s.Batch.Terminal, s.Batch.Number, s.Batch.Seq, s.Batch.State, s.Batch.EndedAt.UTC().Format("20060102T150405"))
}

// Document lays down the slip: what was counted, and what was not decided yet.
func (s BatchSlip) Document() printer.Document {
	w := wordsOf(s.Language)
	p := &page{words: w, doc: printer.Document{Language: w.language}}
	p.shop(s.Shop)
	p.title(w.batches[s.Batch.State])
	s.facts(p)
	s.totals(p)
	s.open(p)
	p.add(printer.Line{Kind: printer.Rule}, printer.Line{Kind: printer.Feed, Count: 1}, printer.Line{Kind: printer.Cut})
	return p.doc
}

func (s BatchSlip) facts(p *page) {
	b, w := s.Batch, p.words
	p.fact(w.merchant, s.Shop.Merchant)
	p.fact(w.terminal, b.Terminal)
	p.fact(w.batch, b.Number)
	p.fact(w.till, s.Shop.Till)
	p.fact(w.firstAt, s.clock(b.FirstAt))
	p.fact(w.endedAt, s.clock(b.EndedAt))
	p.fact(w.by, b.By)
	p.fact(w.reason, b.Reason)
	p.fact(w.answer, payment.Words(b.Code, b.Text))
	p.fact(w.next, b.Next)
	if b.Uploaded {
		p.center(printer.Run{Text: w.uploaded})
	}
}

func (s BatchSlip) totals(p *page) {
	b, w := s.Batch, p.words
	p.add(printer.Line{Kind: printer.Rule})
	for _, line := range []struct {
		label string
		sum   payment.Sum
		sign  payment.Cents
	}{
		{w.sales, b.Totals.Sales, 1},
		{w.completions, b.Totals.Completions, 1},
		{w.voided, b.Totals.Voids, -1},
		{w.refunds, b.Totals.Refunds, -1},
	} {
		p.add(printer.Pair(line.label+" "+strconv.Itoa(line.sum.Count), Money(line.sign*line.sum.Amount, b.Currency, w.language)))
	}
	p.strong(w.net, Money(b.Totals.Net(), b.Currency, w.language))
}

// open lists what was not decided when the batch was closed.
func (s BatchSlip) open(p *page) {
	w := p.words
	if len(s.Batch.Open) == 0 {
		return
	}
	p.add(printer.Line{Kind: printer.Rule})
	p.strong(w.open, strconv.Itoa(len(s.Batch.Open)))
	counted := false
	for _, it := range s.Batch.Open {
		label := strings.Join([]string{it.ShortID, it.Trace.String(), w.kinds[it.Kind]}, " ")
		if it.InTotals {
			label, counted = label+" *", true
		}
		p.add(printer.Pair(label, Money(it.Amount, it.Currency, w.language)))
	}
	p.center(printer.Run{Text: w.notCounted})
	if counted {
		p.center(printer.Run{Text: w.counted})
	}
}

func (s BatchSlip) clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return clock(t, s.Now)
}
