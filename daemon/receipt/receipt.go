// Package receipt says what stands on a slip.
//
// A slip says the truth at its moment: only the one that says PAID is a receipt, the others say so themselves.
package receipt

import (
	"time"

	"posd/daemon/payment"
	"posd/drivers/printer"
)

// Languages of slips.
const (
	Chinese = "zh"
	English = "en"
)

// Shop is what every slip of a till says about it. Empty parts are left out.
type Shop struct {
	NameZH   string
	NameEN   string
	Address  string
	Till     string
	Merchant string // the card acquirer's number for the shop
	Terminal string // the card acquirer's number for the till, where an attempt does not say
}

// Slip is what goes on one slip.
type Slip struct {
	Shop     Shop
	Sale     payment.Sale
	Attempt  payment.Attempt
	Wording  Wording
	Wallet   string    // what customers call the wallet that paid; empty takes its name in the attempt
	Language string    // Chinese or English; anything else is English
	Copy     bool      // a second one: it says so
	Now      time.Time // when it is made; times on it are in its zone
}

// lateAfter is how old a payment is when its slip says when it was made, besides when the payment was.
const lateAfter = 10 * time.Minute

// barcodeFits is how long an id may be to stand as barcode on the narrowest paper.
const barcodeFits = 12

// Document lays down the slip. It has the full card number nowhere: an attempt knows it only masked.
func (s Slip) Document() printer.Document {
	w := wordsOf(s.Language)
	p := &page{words: w, doc: printer.Document{Language: w.language}}
	s.head(p)
	s.facts(p)
	s.money(p)
	s.foot(p)
	return p.doc
}

// ID names the slip for the print queue: the same truth about the same attempt is printed once.
func (s Slip) ID() string {
	id := s.Attempt.Client + "/" + s.Attempt.Sale + "/" + s.Attempt.Attempt + "/" + string(s.Wording)
	if s.Copy {
		id += "/copy/" + s.Now.UTC().Format("20060102T150405.000")
	}
	return id
}

// Lines are the document as a screen may show it, set for paper of so many columns.
func Lines(d printer.Document, columns int) []string {
	rows, _ := printer.Layout(d, columns)
	var lines []string
	for _, r := range rows {
		switch r.Kind {
		case printer.Text, printer.Rule:
			lines = append(lines, r.String())
		case printer.Table, printer.Barcode, printer.QR, printer.Image, printer.Feed, printer.Cut, printer.Drawer, printer.Raw:
		}
	}
	return lines
}

// page collects lines.
type page struct {
	words words
	doc   printer.Document
}

func (p *page) add(l ...printer.Line) { p.doc.Lines = append(p.doc.Lines, l...) }

func (p *page) center(r printer.Run) {
	if r.Text != "" {
		p.add(printer.Line{Align: printer.Center, Runs: []printer.Run{r}})
	}
}

// fact is a labelled value; an empty one is left out.
func (p *page) fact(label, value string) {
	if value != "" {
		p.add(printer.Pair(label, value))
	}
}

func (s Slip) head(p *page) {
	p.shop(s.Shop)
	if s.Copy {
		p.center(printer.Run{Text: p.words.copied, Bold: true})
	}
	says := p.words.wordings[s.Wording]
	if s.Wording == Voided && s.voided() == payment.KindPreAuth {
		says = p.words.freed
	}
	p.title(says)
}

// voided is the kind of what is voided: by this attempt, or this one itself.
func (s Slip) voided() payment.Kind {
	if orig, ok := s.Sale.Find(s.Attempt.Original); ok && s.Attempt.Kind == payment.KindVoid {
		return orig.Kind
	}
	return s.Attempt.Kind
}

// shop is whose slip it is.
func (p *page) shop(s Shop) {
	name := s.NameEN
	if p.words.language == Chinese && s.NameZH != "" || name == "" {
		name = s.NameZH
	}
	p.center(printer.Run{Text: name, Bold: true})
	p.center(printer.Run{Text: s.Address})
}

// title is what the slip says, large.
func (p *page) title(f phrase) {
	p.add(printer.Line{Kind: printer.Rule})
	p.center(printer.Run{Text: f.title, Bold: true, Double: true})
	for _, line := range f.says {
		p.center(printer.Run{Text: line})
	}
	p.add(printer.Line{Kind: printer.Rule})
}

func (s Slip) facts(p *page) {
	a, w := s.Attempt, p.words
	terminal := a.Numbers.Terminal
	card := a.Rail == payment.RailCard
	if card && terminal == "" {
		terminal = s.Shop.Terminal
	}
	p.fact(w.kind, s.kind(w))
	if card {
		p.fact(w.merchant, s.Shop.Merchant)
		p.fact(w.terminal, terminal)
		p.fact(w.card, a.Instrument)
		p.fact(w.batch, first(a.Host.Batch, a.Numbers.Batch))
		p.fact(w.trace, trace(a.Numbers.Trace))
		p.fact(w.approval, a.Host.Approval)
	} else {
		p.fact(w.wallet, first(s.Wallet, a.Instrument))
		p.fact(w.order, a.Numbers.Order)
	}
	p.fact(w.reference, a.Host.Reference)
	p.fact(w.till, s.Shop.Till)
	p.fact(w.sale, first(s.Sale.Reference, a.Sale))
	p.fact(w.time, s.clock(paidAt(a)))
	if !s.Now.IsZero() && s.Now.Sub(paidAt(a)) > lateAfter {
		p.fact(w.printed, s.clock(s.Now))
	}
}

// kind is what was done; of a void, what it has voided.
func (s Slip) kind(w words) string {
	if label := w.voids[s.voided()]; label != "" && s.Attempt.Kind == payment.KindVoid {
		return label
	}
	return w.kinds[s.Attempt.Kind]
}

// money is the amount that the wording is about, large.
func (s Slip) money(p *page) {
	a, w := s.Attempt, p.words
	p.add(printer.Line{Kind: printer.Rule})
	if s.Wording == BalanceTold {
		p.strong(w.balance, s.balance(w))
		return
	}
	amount := s.amount()
	p.strong(w.amount, Money(amount, a.Currency, w.language))
	if s.Wording != Paid {
		return
	}
	part := amount < s.Sale.Amount && a.Kind != payment.KindCompletion // a completion of less than was reserved is the bill
	if part {
		p.fact(w.total, Money(s.Sale.Amount, s.Sale.Currency, w.language))
		p.fact(w.rest, Money(s.Sale.Rest(), s.Sale.Currency, w.language))
	}
	if a.Refunded > 0 {
		p.fact(w.refunded, Money(a.Refunded, a.Currency, w.language))
	}
}

// strong is a labelled value that is not overlooked.
func (p *page) strong(label, value string) {
	p.add(printer.Line{Runs: []printer.Run{{Text: label, Bold: true}}, End: []printer.Run{{Text: value, Bold: true}}})
}

// balance is what the card has, in its own currency; a host may say yes and nothing more.
func (s Slip) balance(w words) string {
	b := s.Attempt.Balance
	if b == nil {
		return w.notTold
	}
	return Money(b.Amount, first(b.Currency, s.Attempt.Currency), w.language)
}

// amount is what was captured or reserved where that is what the slip says, else what was asked for.
func (s Slip) amount() payment.Cents {
	a := s.Attempt
	done := s.Wording == Paid || s.Wording == PreAuthorised
	switch {
	case done && a.State == payment.SettledPaid && a.Settled != nil && a.Settled.Amount > 0:
		return a.Settled.Amount
	case done && a.Approved > 0:
		return a.Approved
	default:
		return a.Amount
	}
}

func (s Slip) foot(p *page) {
	id := s.Attempt.ShortID
	p.add(printer.Line{Kind: printer.Rule})
	if s.Attempt.System {
		p.center(printer.Run{Text: p.words.system})
	}
	if s.Wording != Paid {
		p.center(printer.Run{Text: p.words.noReceipt, Bold: true})
	}
	p.center(printer.Run{Text: id, Bold: true})
	if id != "" && len(id) <= barcodeFits {
		p.add(printer.Line{Kind: printer.Barcode, Align: printer.Center, Data: id})
	}
	p.add(printer.Line{Kind: printer.Feed, Count: 1}, printer.Line{Kind: printer.Cut})
}

// paidAt is the payment's time: when it was decided, else when it was asked for.
func paidAt(a payment.Attempt) time.Time {
	for _, t := range []time.Time{a.DecidedAt, a.SentAt} {
		if !t.IsZero() {
			return t
		}
	}
	return a.CreatedAt
}

// clock writes a time as people of the shop read it, in the zone of Now.
func (s Slip) clock(t time.Time) string { return clock(t, s.Now) }

func clock(t, now time.Time) string { return t.In(now.Location()).Format(time.DateTime) }

func trace(n payment.TraceNumber) string {
	if n == 0 {
		return ""
	}
	return n.String()
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
