package main

import (
	"fmt"
	"strconv"
	"strings"

	"posd/daemon/payment"
)

// telling is how a kind of event is told.
type telling struct {
	word   string
	detail func(t *timeline, r payment.Record, f payment.Fact) string
}

// tellings are the kinds of event that the journal has of money.
var tellings = map[string]telling{
	"sale.opened":      {"opened", tellOpened},
	"sale.acked":       {"acknowledged", plain("the till has heard")},
	"attempt.created":  {"created", tellCreated},
	"attempt.sent":     {"sent", tellSent},
	"attempt.asked":    {"asked", tellAsked},
	"attempt.approved": {"approved", tellApproved},
	"attempt.declined": {"declined", func(t *timeline, r payment.Record, f payment.Fact) string {
		return phrase(answerWords(f), took(t.lent.sent, r, "after it was sent"))
	}},
	"attempt.unsent": {"unsent", func(_ *timeline, _ payment.Record, f payment.Fact) string {
		return phrase("nothing left", answerWords(f))
	}},
	"attempt.cancelled": {"cancelled", plain("before anything was sent")},
	"attempt.reversing": {"reversing", tellReversing},
	"reversal.tried":    {"reversal tried", tellTried},
	"attempt.reversed":  {"reversed", tellReversed},
	"attempt.stuck": {"STUCK", func(t *timeline, _ payment.Record, f payment.Fact) string {
		return phrase(undoWords(f), tryNumber(t), "a person decides: posd settle")
	}},
	"attempt.settled": {"settled", func(t *timeline, _ payment.Record, f payment.Fact) string {
		amount := ""
		if f.Settled.Amount > 0 {
			amount = t.money(f.Settled.Amount)
		}
		return phrase("as "+f.Settled.As, amount, "by "+f.Settled.By+": "+f.Settled.Reason)
	}},
	"attempt.found": {"FOUND PAID", func(t *timeline, _ payment.Record, f payment.Fact) string {
		return phrase("a bill shows "+t.money(f.Order.Amount), "by "+f.Order.By+": "+f.Order.Reason)
	}},
	"attempt.late": {"late answer", func(_ *timeline, _ payment.Record, f payment.Fact) string {
		return phrase(answerWords(f), "it changes nothing")
	}},
	"attempt.told":   {"told", func(_ *timeline, _ payment.Record, f payment.Fact) string { return "the till heard: " + f.Told }},
	"attempt.voided": {"voided", func(_ *timeline, _ payment.Record, f payment.Fact) string { return "by attempt " + f.By }},
	"attempt.refunded": {"refunded", func(t *timeline, _ payment.Record, f payment.Fact) string {
		return t.money(f.Amount) + ", by attempt " + f.By
	}},
	"numbers.leapt": {"numbers leapt", func(_ *timeline, _ payment.Record, f payment.Fact) string {
		return fmt.Sprintf("by %d: this journal may be a copy that was put back", f.Leap)
	}},
	"reversal.alarmed": {"ALARM", func(t *timeline, _ payment.Record, _ payment.Fact) string {
		return phrase(tryNumber(t), "the reversal goes on, and a person should look")
	}},
	"pair.suspected": {"PAIR", func(_ *timeline, _ payment.Record, f payment.Fact) string {
		return fmt.Sprintf("%s and %s may both be paid: %s let it pass: %s", f.Pair.First, f.Pair.Second, f.Pair.By, f.Pair.Reason)
	}},
	"pair.moved": {"pair", func(_ *timeline, _ payment.Record, f payment.Fact) string {
		return phrase(fmt.Sprintf("%s and %s: %s", f.Pair.First, f.Pair.Second, f.Pair.State), named("money goes back of", f.Pair.Undo), named("by", f.Pair.Via))
	}},
	"terminal.trace": {"number", func(_ *timeline, _ payment.Record, f payment.Fact) string {
		return "trace " + f.Trace.String() + ", for a message that moves no money"
	}},
	"terminal.batch":    {"batch", func(_ *timeline, _ payment.Record, f payment.Fact) string { return "the host's batch is " + f.Batch }},
	"terminal.messages": {"messages", tellMessages},
	"batch.closing": {"batch closing", func(t *timeline, _ payment.Record, f payment.Fact) string {
		return phrase("batch "+f.Batch, strconv.Itoa(len(f.Close.Items))+" items", t.money(f.Close.Totals.Net()), openItems(f), "by "+f.Close.By, f.Close.Reason)
	}},
	"batch.step": {"batch step", func(_ *timeline, _ payment.Record, f payment.Fact) string {
		return phrase("batch "+f.Batch, string(f.Close.Step), "trace "+f.Trace.String())
	}},
	"batch.tried":      {"batch tried", tellBatch},
	"batch.closed":     {"batch closed", tellBatch},
	"batch.refused":    {"BATCH REFUSED", tellBatch},
	"batch.superseded": {"batch over", tellBatch},
}

func plain(text string) func(*timeline, payment.Record, payment.Fact) string {
	return func(*timeline, payment.Record, payment.Fact) string { return text }
}

func tellOpened(t *timeline, _ payment.Record, f payment.Fact) string {
	return phrase(t.money(f.Sale.Amount), named("reference", f.Sale.Reference), named("although nobody acknowledged", f.Sale.After))
}

func tellCreated(t *timeline, _ payment.Record, f payment.Fact) string {
	c := f.Created
	by := ""
	if c.Override != nil {
		by = "past the lock, by " + c.Override.By + ": " + c.Override.Reason
	}
	flags := ""
	if c.Ordered != nil {
		flags = "ordered by " + c.Ordered.By + ": " + c.Ordered.Reason
	}
	if c.System {
		flags = "by posd itself"
	}
	if c.CardAgain {
		flags = phrase(flags, "the card is to be shown again")
	}
	return phrase(fmt.Sprintf("%s of %s by %s", c.Kind, t.money(c.Amount), c.Rail), named("of attempt", c.Original), "short id "+c.ShortID, flags, by)
}

func tellSent(_ *timeline, _ payment.Record, f payment.Fact) string {
	n := f.Sent.Numbers
	trace := ""
	if n.Trace > 0 {
		trace = "trace " + n.Trace.String()
	}
	order := ""
	if n.Terminal == "" {
		order = "order " + n.Order
	}
	return phrase(fmt.Sprintf("by %s %s", f.Sent.Rail, f.Sent.Instrument), trace, named("batch", n.Batch), named("terminal", n.Terminal), order)
}

func tellAsked(_ *timeline, _ payment.Record, f payment.Fact) string {
	return phrase("not decided yet", answerWords(f), "again in "+span(f.Answer.Next))
}

func tellApproved(t *timeline, r payment.Record, f payment.Fact) string {
	return phrase(t.money(f.Answer.Amount), answerWords(f), named("approval", f.Answer.Host.Approval), named("reference", f.Answer.Host.Reference), took(t.lent.sent, r, "after it was sent"))
}

// reasons are the words for why something is taken back.
var reasons = map[payment.Reason]string{
	payment.ReasonNoAnswer: "no answer", payment.ReasonBadAnswer: "an answer that is not the host's (MAC or signature)",
	payment.ReasonOther: "an answer that cannot be believed", payment.ReasonUnwanted: "it is not wanted", payment.ReasonCancelled: "it was cancelled",
}

func tellReversing(t *timeline, r payment.Record, f payment.Fact) string {
	why := reasons[f.Reason]
	if why == "" {
		why = string(f.Reason)
	}
	return phrase(why, f.Answer.Text, took(t.lent.sent, r, "after it was sent"), "the money is being taken back")
}

func tellTried(t *timeline, _ payment.Record, f payment.Fact) string {
	return phrase(tryNumber(t), undoWords(f), "again in "+span(f.Undo.Next))
}

func tellReversed(t *timeline, r payment.Record, f payment.Fact) string {
	return phrase("the other side confirms", undoWords(f), tryNumber(t), took(t.lent.undoing, r, "after it began"))
}

// tryNumber says which try of a reversal it was, where its beginning was shown.
func tryNumber(t *timeline) string {
	if t.lent.undoing.IsZero() {
		return ""
	}
	return "try " + strconv.Itoa(t.lent.tries)
}

func answerWords(f payment.Fact) string {
	return payment.Words(f.Answer.Code, f.Answer.Text)
}

func undoWords(f payment.Fact) string {
	return payment.Words(f.Undo.Code, f.Undo.Text)
}

func openItems(f payment.Fact) string {
	if len(f.Close.Open) == 0 {
		return ""
	}
	return strconv.Itoa(len(f.Close.Open)) + " not decided"
}

func tellBatch(_ *timeline, _ payment.Record, f payment.Fact) string {
	again := ""
	if f.Close.Wait > 0 {
		again = "again in " + span(f.Close.Wait)
	}
	return phrase("batch "+f.Batch, payment.Words(f.Close.Code, f.Close.Text), again, named("next is", f.Close.Next), named("by", f.Close.By))
}

func tellMessages(_ *timeline, _ payment.Record, f payment.Fact) string {
	var names []string
	for _, m := range f.Messages {
		names = append(names, m.Direction+" "+m.Name)
	}
	return strings.Join(names, ", ")
}
