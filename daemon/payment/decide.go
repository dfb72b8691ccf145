package payment

import (
	"cmp"
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"
)

// Rules are the figures of rules 4, 7, 11 and 12 that a shop may set. The zero value is completed by defaults.
type Rules struct {
	BackoffMin     time.Duration // first wait after a try that decided nothing; 1 s
	BackoffMax     time.Duration // 5 min
	AlarmTries     int           // 6
	AlarmAge       time.Duration // 15 min
	GateTries      int           // a younger reversal blocks the terminal's next card attempt; 3
	GateAge        time.Duration // 5 min
	AcceptPartial  bool
	ConfirmMode    bool
	ConfirmWithin  time.Duration // 60 s
	DuplicateAge   time.Duration // look-alike and unacknowledged sales; 10 min
	CodeAge        time.Duration // the same wallet code again; 90 s
	CollectWithin  time.Duration // how long the customer has for card or code; 2 min
	HangUpGrace    time.Duration // 5 s
	ReversingGrace time.Duration // how long an answer waits for a reversal under way; 3 s
	BatchCloseAt   string        // "23:30": when the batch is closed, in the till's local time; "" for never
	BatchWait      time.Duration // how long the close of a batch waits for what is open; 60 s
}

func (r Rules) withDefaults() Rules {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&r.BackoffMin, time.Second)
	def(&r.BackoffMax, 5*time.Minute)
	def(&r.AlarmAge, 15*time.Minute)
	def(&r.GateAge, 5*time.Minute)
	def(&r.ConfirmWithin, time.Minute)
	def(&r.DuplicateAge, 10*time.Minute)
	def(&r.CodeAge, 90*time.Second)
	def(&r.CollectWithin, 2*time.Minute)
	def(&r.HangUpGrace, 5*time.Second)
	def(&r.ReversingGrace, 3*time.Second)
	def(&r.BatchWait, time.Minute)
	if r.AlarmTries <= 0 {
		r.AlarmTries = 6
	}
	if r.GateTries <= 0 {
		r.GateTries = 3
	}
	return r
}

// event is something that happened to an attempt, told to decide.
type event struct {
	answer  *Answer     // an exchange about money ended
	first   bool        // answer: of the first Authorize, so NotSent can be believed
	last    bool        // answer: of the last query at the deadline
	undo    *Undo       // a try of the reversal ended
	restart bool        // posd has started and found it so
	stop    Reason      // it is no longer wanted: the till cancels, or another payment of a suspect pair stays
	lapsed  bool        // the till did not acknowledge it in time
	verdict *Settlement // a person decided

	unsendable error // card or code was there, and it could not be sent: the gate, or no numbers
}

// act is what a decision allows, after it is on disk.
type act int

const (
	actSlip  act = iota // the slip may say the new truth
	actAlarm            // a person should look
	actPairs            // the sale may hold two paid attempts
)

// decision is what decide says: facts to journal, in one transaction, and what may be done then.
type decision struct {
	facts []Fact
	acts  []act
}

// decide says what an event means for an attempt. It is pure: the same attempt, event and time give the same decision.
// An event that changes nothing gives an empty decision.
func decide(a Attempt, ev event, pol Policy, r Rules) decision {
	switch {
	case ev.answer != nil:
		return decideAnswer(a, ev, pol, r)
	case ev.undo != nil:
		return decideUndo(a, *ev.undo, pol, r)
	case ev.unsendable != nil:
		return decideUnsendable(a, ev.unsendable)
	case ev.restart:
		return decideRestart(a, pol)
	case ev.stop != "":
		return decideStop(a, ev.stop)
	case ev.lapsed && a.awaitsAck():
		lapse := Fact{Kind: factReversing, Key: a.Key, Reason: ReasonUnwanted, Lapsed: true}
		return decision{facts: []Fact{lapse}, acts: []act{actSlip}}
	case ev.verdict != nil:
		return decideVerdict(a, *ev.verdict)
	}
	return decision{}
}

func decideAnswer(a Attempt, ev event, pol Policy, r Rules) decision {
	ans := believable(a, ev, pol)
	body := &answered{Amount: ans.Amount, Balance: ans.Balance, Code: ans.Code, Text: ans.Text, Host: ans.Host}
	fact := Fact{Key: a.Key, Answer: body, Messages: ans.Messages}
	if a.State != Sent {
		fact.Kind = factLate
		return decision{facts: []Fact{fact}}
	}
	if doubtful(a, ans, pol) {
		return decideOpen(a, ans, ev, pol, r, fact)
	}
	switch ans.Outcome {
	case NotSent:
		fact.Kind = factUnsent
	case Declined:
		fact.Kind = factDeclined
	case Approved, Unknown, Pending:
		if ev.stop != "" && a.Kind.pays() {
			fact.Kind, fact.Reason = factReversing, ev.stop
			return decision{facts: []Fact{fact}, acts: []act{actSlip}}
		}
		if ans.Outcome == Approved {
			return decideApproved(a, fact, r)
		}
		return decideOpen(a, ans, ev, pol, r, fact)
	}
	return decision{facts: []Fact{fact}, acts: []act{actPairs}}
}

// doubtful tells of the refusal of a repeat that an earlier copy may still be under way, and be accepted when it arrives.
// What was refused twice, with a copy's longest time between and no other copy, is refused.
func doubtful(a Attempt, ans Answer, pol Policy) bool {
	return ans.Outcome == Declined && slices.Contains(pol.Repeats, a.Kind) && a.Asks > 0 && a.Doubts == 0
}

// believable turns an answer that contradicts itself into Unknown: unsure means it may have happened.
func believable(a Attempt, ev event, pol Policy) Answer {
	ans := *ev.answer
	if a.Kind.inquires(pol) {
		ans.Amount = 0
	} else if ans.Outcome == Approved && (ans.Amount <= 0 || ans.Amount > a.Amount || ans.Amount < a.Amount && !a.Kind.mayBePart()) {
		ans.Outcome, ans.Reason = Unknown, ReasonOther
	}
	if ans.Outcome == NotSent && !ev.first {
		ans.Outcome, ans.Reason = Unknown, ReasonNoAnswer
	}
	if ans.Reason == "" {
		ans.Reason = ReasonNoAnswer
	}
	if ans.Outcome != Approved {
		ans.Amount, ans.Balance = 0, nil
	}
	return ans
}

func decideApproved(a Attempt, fact Fact, r Rules) decision {
	if fact.Answer.Amount < a.Amount && !r.AcceptPartial {
		fact.Kind, fact.Reason = factReversing, ReasonUnwanted
		return decision{facts: []Fact{fact}, acts: []act{actSlip}}
	}
	fact.Kind = factApproved
	facts := []Fact{fact}
	orig := Key{a.Client, a.Sale, a.Original}
	switch a.Kind {
	case KindVoid:
		facts = append(facts, Fact{Kind: factVoided, Key: orig, By: a.Attempt})
	case KindRefund:
		facts = append(facts, Fact{Kind: factRefunded, Key: orig, By: a.Attempt, Amount: a.Amount})
	case KindSale, KindPreAuth, KindCompletion, KindBalance:
	}
	return decision{facts: facts, acts: []act{actSlip, actPairs}}
}

// decideOpen is for an attempt that is still undecided after an exchange: repeat it, ask again, or reverse it. A mere
// question is over.
func decideOpen(a Attempt, ans Answer, ev event, pol Policy, r Rules, fact Fact) decision {
	if a.Kind.inquires(pol) {
		d := unanswered(a)
		d.facts[0].Messages = fact.Messages
		return d
	}
	fact.Kind = factAsked
	if slices.Contains(pol.Repeats, a.Kind) && ans.Hopeless { // it cannot be repeated, and nothing reverses it
		fact.Kind, fact.Reason = factReversing, ans.Reason
		stuck := Fact{Kind: factStuck, Key: a.Key, Undo: &undone{Code: ans.Code, Text: ans.Text}}
		return decision{facts: []Fact{fact, stuck}, acts: []act{actSlip, actAlarm, actPairs}}
	}
	if slices.Contains(pol.Repeats, a.Kind) {
		fact.Answer.Next = max(ans.After, backoff(a.Key, a.Asks, r))
		if fact.Answer.Doubt = doubtful(a, ans, pol); fact.Answer.Doubt {
			fact.Answer.Next = pol.InFlightMax
		}
		return decision{facts: []Fact{fact}}
	}
	if pol.Asks && !ev.last && !ans.Hopeless {
		fact.Answer.Next = ans.After
		if ans.After <= 0 {
			fact.Answer.Next = backoff(a.Key, 1, r)
		}
		return decision{facts: []Fact{fact}}
	}
	fact.Kind, fact.Reason = factReversing, ans.Reason
	return decision{facts: []Fact{fact}, acts: []act{actSlip}}
}

// unanswered ends an attempt that moves no money: without an answer it did nothing, and nothing is reversed.
func unanswered(a Attempt) decision {
	body := &answered{Code: string(ReasonNoAnswer), Text: "the host did not answer"}
	return decision{facts: []Fact{{Kind: factDeclined, Key: a.Key, Answer: body}}, acts: []act{actPairs}}
}

func decideUndo(a Attempt, u Undo, pol Policy, r Rules) decision {
	body := &undone{Code: u.Code, Text: u.Text, Progress: u.Progress, UnderWay: u.UnderWay}
	fact := Fact{Key: a.Key, Undo: body, Messages: u.Messages}
	if a.State != Reversing {
		fact.Kind, fact.Undo = factLate, nil
		return decision{facts: []Fact{fact}}
	}
	switch {
	case u.Outcome == Confirmed:
		fact.Kind = factReversed
		return decision{facts: []Fact{fact}, acts: []act{actSlip, actPairs}}
	case u.Outcome == Refused, u.Outcome == WindowOver, u.Outcome == InDoubt && a.Undo.Doubts > 0:
		fact.Kind = factStuck
		return decision{facts: []Fact{fact}, acts: []act{actSlip, actAlarm, actPairs}}
	case u.Outcome == InDoubt:
		body.Doubt, body.Hold, body.Next = true, true, pol.InFlightMax
	default:
		body.Next = max(u.After, backoff(a.Key, a.Undo.Tries, r))
		body.Hold, body.Early = u.After > 0, u.After > 0
	}
	fact.Kind = factTried
	return alarmed(a, decision{facts: []Fact{fact}}, r)
}

// alarmed adds the alarm of rule 4, once, when a reversal has been tried too often or for too long.
func alarmed(a Attempt, d decision, r Rules) decision {
	old := !a.Undo.LastTry.IsZero() && a.Undo.LastTry.Sub(a.Undo.Since) >= r.AlarmAge
	tries := a.Undo.tried(d.facts[0].Undo, time.Time{}).Tries
	if a.Undo.Alarmed || tries < r.AlarmTries && !old {
		return d
	}
	d.facts = append(d.facts, Fact{Kind: factAlarmed, Key: a.Key})
	d.acts = append(d.acts, actAlarm)
	return d
}

// decideRestart is recovery. What was only created was never sent; what was sent is unknown now.
func decideRestart(a Attempt, pol Policy) decision {
	switch {
	case a.State == Created:
		return decision{facts: []Fact{{Kind: factCancelled, Key: a.Key}}, acts: []act{actPairs}}
	case a.State == Sent && a.Kind.inquires(pol):
		return unanswered(a)
	case a.State == Sent && !pol.Asks && !slices.Contains(pol.Repeats, a.Kind):
		return decision{facts: []Fact{{Kind: factReversing, Key: a.Key, Reason: ReasonNoAnswer}}, acts: []act{actSlip}}
	case a.State == Sent && slices.Contains(pol.Repeats, a.Kind): // a copy may be under way
		body := &answered{Code: string(ReasonNoAnswer), Text: "posd was stopped before there was an answer"}
		return decision{facts: []Fact{{Kind: factAsked, Key: a.Key, Answer: body}}}
	}
	return decision{}
}

func decideUnsendable(a Attempt, why error) decision {
	if a.State != Created {
		return decision{}
	}
	body := &answered{Code: "not_sent", Text: "posd could not send it"}
	var p *Problem
	if errors.As(why, &p) {
		body.Code, body.Text = p.Code, p.Detail
	}
	return decision{facts: []Fact{{Kind: factUnsent, Key: a.Key, Answer: body}}, acts: []act{actPairs}}
}

func decideStop(a Attempt, why Reason) decision {
	switch {
	case a.State == Created:
		return decision{facts: []Fact{{Kind: factCancelled, Key: a.Key, Reason: why}}, acts: []act{actPairs}}
	case a.State == Sent && a.Kind.pays(),
		a.State == ApprovedState && why == ReasonUnwanted && a.Kind.pays() && !a.Voided && a.Refunded == 0:
		return decision{facts: []Fact{{Kind: factReversing, Key: a.Key, Reason: why}}, acts: []act{actSlip}}
	}
	return decision{}
}

func decideVerdict(a Attempt, v Settlement) decision {
	if a.State != Stuck || verdicts[v.As] == "" {
		return decision{}
	}
	fact := Fact{Kind: factSettled, Key: a.Key, Settled: &v}
	facts := []Fact{fact}
	if v.As == "paid" && a.Kind.undoes() { // a person says that the refund or void was done
		facts = append(facts, undoneOriginal(a, v))
	}
	return decision{facts: facts, acts: []act{actSlip, actPairs}}
}

func undoneOriginal(a Attempt, v Settlement) Fact {
	orig := Key{a.Client, a.Sale, a.Original}
	if a.Kind == KindVoid {
		return Fact{Kind: factVoided, Key: orig, By: a.Attempt}
	}
	return Fact{Kind: factRefunded, Key: orig, By: a.Attempt, Amount: cmp.Or(v.Amount, a.Amount)}
}

// backoff is the wait before the next try: doubling from BackoffMin to BackoffMax, less up to a quarter of jitter.
func backoff(k Key, tries int, r Rules) time.Duration {
	d := r.BackoffMax
	if tries < 20 {
		d = min(d, r.BackoffMin<<tries)
	}
	return d - jitter(k, tries, d/4)
}

// jitter is a part of d that depends on the attempt and the count alone. It keeps attempts apart that else would all act in
// one instant.
func jitter(k Key, tries int, d time.Duration) time.Duration {
	h := fnv.New64a()
	_, _ = h.Write([]byte(k.Client + "\x00" + k.String()))
	return time.Duration(rand.New(rand.NewPCG(h.Sum64(), uint64(tries))).Float64() * float64(d))
}
