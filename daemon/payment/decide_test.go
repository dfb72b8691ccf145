package payment

import (
	"strings"
	"testing"
	"time"
)

var (
	cardPolicy   = Policy{Terminal: "T", Repeats: []Kind{KindRefund}, InFlightMax: 2 * time.Minute}
	walletPolicy = Policy{Asks: true, Repeats: []Kind{KindRefund, KindVoid}, InFlightMax: 2 * time.Minute}
)

func sentSale() Attempt {
	return Attempt{Key: Key{"till", "s", "a"}, Kind: KindSale, Rail: RailCard, State: Sent, Amount: 1000}
}

func reversingSale(u UndoRecord) Attempt {
	a := sentSale()
	a.State, a.Undo = Reversing, u
	return a
}

// kinds names what a decision journals.
func kinds(d decision) string {
	var s strings.Builder
	for _, f := range d.facts {
		s.WriteString(" " + f.Kind)
	}
	return s.String()
}

func TestWhatAnAnswerMeans(t *testing.T) {
	refund := sentSale()
	refund.Kind, refund.Original = KindRefund, "o"
	void := sentSale()
	void.Kind, void.Original = KindVoid, "o"
	repeated, doubted := refund, refund
	repeated.Asks = 1
	doubted.Asks, doubted.Doubts = 2, 1
	late := reversingSale(UndoRecord{})
	for _, c := range []struct {
		name string
		a    Attempt
		ev   event
		pol  Policy
		r    Rules
		want string
	}{
		{"approved", sentSale(), event{answer: &Answer{Outcome: Approved, Amount: 1000}}, cardPolicy, Rules{}, " attempt.approved"},
		{"declined", sentSale(), event{answer: &Answer{Outcome: Declined}}, cardPolicy, Rules{}, " attempt.declined"},
		{"nobody decided", sentSale(), event{answer: &Answer{}}, cardPolicy, Rules{}, " attempt.reversing"},
		{"dialling failed at first", sentSale(), event{answer: &Answer{Outcome: NotSent}, first: true}, cardPolicy, Rules{}, " attempt.unsent"},
		{"dialling failed on a repeat", refund, event{answer: &Answer{Outcome: NotSent}}, cardPolicy, Rules{}, " attempt.asked"},
		{"approved for nothing", sentSale(), event{answer: &Answer{Outcome: Approved}}, cardPolicy, Rules{}, " attempt.reversing"},
		{"approved for more", sentSale(), event{answer: &Answer{Outcome: Approved, Amount: 1001}}, cardPolicy, Rules{}, " attempt.reversing"},
		{"approved for a part", sentSale(), event{answer: &Answer{Outcome: Approved, Amount: 400}}, cardPolicy, Rules{}, " attempt.reversing"},
		{"approved for a part, by setting", sentSale(), event{answer: &Answer{Outcome: Approved, Amount: 400}}, cardPolicy, Rules{AcceptPartial: true}, " attempt.approved"},
		{"a yes after the point of no return", late, event{answer: &Answer{Outcome: Approved, Amount: 1000}}, cardPolicy, Rules{}, " attempt.late"},
		{"pending wallet", sentSale(), event{answer: &Answer{Outcome: Pending}}, walletPolicy, Rules{}, " attempt.asked"},
		{"unknown wallet", sentSale(), event{answer: &Answer{}}, walletPolicy, Rules{}, " attempt.asked"},
		{"unknown wallet at the deadline", sentSale(), event{answer: &Answer{}, last: true}, walletPolicy, Rules{}, " attempt.reversing"},
		{"hopeless wallet", sentSale(), event{answer: &Answer{Hopeless: true}}, walletPolicy, Rules{}, " attempt.reversing"},
		{"pending card is no such thing", sentSale(), event{answer: &Answer{Outcome: Pending}}, cardPolicy, Rules{}, " attempt.reversing"},
		{"void approved", void, event{answer: &Answer{Outcome: Approved, Amount: 1000}}, cardPolicy, Rules{}, " attempt.approved attempt.voided"},
		{"void unknown on a card", void, event{answer: &Answer{}}, cardPolicy, Rules{}, " attempt.reversing"},
		{"void unknown on a wallet", void, event{answer: &Answer{}}, walletPolicy, Rules{}, " attempt.asked"},
		{"refund approved", refund, event{answer: &Answer{Outcome: Approved, Amount: 1000}}, cardPolicy, Rules{}, " attempt.approved attempt.refunded"},
		{"refund unknown", refund, event{answer: &Answer{}}, cardPolicy, Rules{}, " attempt.asked"},
		{"refund declined at once", refund, event{answer: &Answer{Outcome: Declined}}, cardPolicy, Rules{}, " attempt.declined"},
		{"refund declined while a copy is under way", repeated, event{answer: &Answer{Outcome: Declined}}, cardPolicy, Rules{}, " attempt.asked"},
		{"refund declined after every copy was", doubted, event{answer: &Answer{Outcome: Declined}}, cardPolicy, Rules{}, " attempt.declined"},
		{"refund that cannot be repeated", refund, event{answer: &Answer{Hopeless: true}}, cardPolicy, Rules{}, " attempt.reversing attempt.stuck"},
		{"restart of a sent card", sentSale(), event{restart: true}, cardPolicy, Rules{}, " attempt.reversing"},
		{"restart of a sent wallet", sentSale(), event{restart: true}, walletPolicy, Rules{}, ""},
		{"restart of a sent refund", refund, event{restart: true}, cardPolicy, Rules{}, " attempt.asked"},
		{"restart of a sent wallet void", void, event{restart: true}, walletPolicy, Rules{}, " attempt.asked"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := kinds(decide(c.a, c.ev, c.pol, c.r.withDefaults())); got != c.want {
				t.Errorf("journals%s, want%s", got, c.want)
			}
		})
	}
}

// A refund's first copy may arrive after a repeat was refused, when there is money again.
func TestARefusedRepeatIsBelievedWhenNoCopyIsUnderWay(t *testing.T) {
	a := sentSale()
	a.Kind, a.Original = KindRefund, "o"
	r := Rules{}.withDefaults()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, step := range []struct {
		what string
		ans  Answer
		want string
	}{
		{"no answer", Answer{}, " attempt.asked"},
		{"refused", Answer{Outcome: Declined, Code: "NOTENOUGH"}, " attempt.asked"},
		{"no answer again: another copy is under way", Answer{}, " attempt.asked"},
		{"refused again", Answer{Outcome: Declined, Code: "NOTENOUGH"}, " attempt.asked"},
		{"refused once more", Answer{Outcome: Declined, Code: "NOTENOUGH"}, " attempt.declined"},
	} {
		d := decide(a, event{answer: &step.ans}, walletPolicy, r)
		if got := kinds(d); got != step.want {
			t.Fatalf("%s: journals%s, want%s", step.what, got, step.want)
		}
		at = at.Add(time.Second)
		var err error
		if a, err = apply(a, d.facts[0], at); err != nil {
			t.Fatal(err)
		}
		if step.ans.Outcome == Declined && a.State == Sent && a.NextAsk.Sub(at) < walletPolicy.InFlightMax {
			t.Fatalf("%s: it is asked again %v later, want %v", step.what, a.NextAsk.Sub(at), walletPolicy.InFlightMax)
		}
	}
}

func TestWhatATryOfAReversalMeans(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		u    UndoRecord
		undo Undo
		want string
		next time.Duration // at least; 0 is not looked at
	}{
		{"confirmed", UndoRecord{}, Undo{Outcome: Confirmed}, " attempt.reversed", 0},
		{"no answer", UndoRecord{}, Undo{}, " reversal.tried", 750 * time.Millisecond},
		{"no answer, ninth time", UndoRecord{Tries: 8, Alarmed: true}, Undo{}, " reversal.tried", 192 * time.Second},
		{"no answer, hundredth time", UndoRecord{Tries: 99, Alarmed: true}, Undo{}, " reversal.tried", 225 * time.Second},
		{"sixth try", UndoRecord{Tries: 5}, Undo{}, " reversal.tried reversal.alarmed", 0},
		{"old", UndoRecord{Tries: 2, Since: now, LastTry: now.Add(15 * time.Minute)}, Undo{}, " reversal.tried reversal.alarmed", 0},
		{"in doubt", UndoRecord{}, Undo{Outcome: InDoubt}, " reversal.tried", 2 * time.Minute},
		{"in doubt again", UndoRecord{Doubts: 1}, Undo{Outcome: InDoubt}, " attempt.stuck", 0},
		{"refused", UndoRecord{}, Undo{Outcome: Refused}, " attempt.stuck", 0},
		{"window over", UndoRecord{}, Undo{Outcome: WindowOver}, " attempt.stuck", 0},
		{"not before", UndoRecord{}, Undo{After: 15 * time.Second}, " reversal.tried", 15 * time.Second},
		{"not before, and nothing is wrong", UndoRecord{Tries: 5}, Undo{After: 15 * time.Second}, " reversal.tried", 15 * time.Second},
		{"not before, but old", UndoRecord{Since: now, LastTry: now.Add(15 * time.Minute)}, Undo{After: 15 * time.Second}, " reversal.tried reversal.alarmed", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := decide(reversingSale(c.u), event{undo: &c.undo}, cardPolicy, Rules{}.withDefaults())
			if got := kinds(d); got != c.want {
				t.Fatalf("journals%s, want%s", got, c.want)
			}
			if c.next > 0 && d.facts[0].Undo.Next < c.next {
				t.Errorf("next try after %v, want at least %v", d.facts[0].Undo.Next, c.next)
			}
		})
	}
}

func TestNoFactLeavesTheTable(t *testing.T) {
	facts := []Fact{
		{Kind: factSent, Sent: &sent{}},
		{Kind: factApproved, Answer: &answered{}},
		{Kind: factDeclined, Answer: &answered{}},
		{Kind: factUnsent},
		{Kind: factCancelled},
		{Kind: factReversing},
		{Kind: factReversed},
		{Kind: factStuck},
		{Kind: factSettled, Settled: &Settlement{As: "paid"}},
		{Kind: factSettled, Settled: &Settlement{As: "not-paid"}},
		{Kind: factSettled, Settled: &Settlement{As: "retry"}},
	}
	for _, from := range States() {
		for _, f := range facts {
			to := becomes[f.Kind]
			if f.Settled != nil {
				to = verdicts[f.Settled.As]
			}
			got, err := apply(Attempt{State: from}, f, time.Time{})
			if (err == nil) != CanMove(from, to) {
				t.Errorf("%s from %s: %v", f.Kind, from, err)
			}
			if err == nil && got.State != to {
				t.Errorf("%s from %s leads to %s, want %s", f.Kind, from, got.State, to)
			}
		}
	}
}

func TestBackOffDoublesToItsLimitAndIsTheSameForTheSameTry(t *testing.T) {
	r := Rules{}.withDefaults()
	k := Key{"c", "s", "a"}
	for tries := range 40 {
		d := backoff(k, tries, r)
		want := min(time.Second<<min(tries, 20), 5*time.Minute)
		if d > want || d < want*3/4 || d != backoff(k, tries, r) {
			t.Errorf("try %d waits %v, want %v less up to a quarter", tries, d, want)
		}
	}
}

func TestWhichAttemptLocksItsSale(t *testing.T) {
	for _, c := range []struct {
		a    Attempt
		want bool
	}{
		{Attempt{Kind: KindSale, State: Created}, true},
		{Attempt{Kind: KindSale, State: Sent}, true},
		{Attempt{Kind: KindSale, State: Unsent}, false},
		{Attempt{Kind: KindSale, State: Cancelled}, false},
		{Attempt{Kind: KindSale, State: DeclinedState}, false},
		{Attempt{Kind: KindSale, State: Reversing}, true},
		{Attempt{Kind: KindSale, State: Reversed}, false},
		{Attempt{Kind: KindSale, State: Stuck}, true},
		{Attempt{Kind: KindSale, State: SettledPaid, Amount: 10}, true},
		{Attempt{Kind: KindSale, State: SettledNotPaid}, false},
		{Attempt{Kind: KindSale, State: ApprovedState, Amount: 10, Approved: 10}, true},
		{Attempt{Kind: KindSale, State: ApprovedState, Amount: 10, Approved: 10, Voided: true}, false},
		{Attempt{Kind: KindSale, State: ApprovedState, Amount: 10, Approved: 4}, false},
		{Attempt{Kind: KindRefund, State: Sent}, true},
		{Attempt{Kind: KindRefund, State: ApprovedState, Amount: 10, Approved: 10}, false},
		{Attempt{Kind: KindVoid, State: DeclinedState}, false},
	} {
		if got := (Sale{Amount: 10, Attempts: []Attempt{c.a}}).locks(c.a); got != c.want {
			t.Errorf("%s %s (voided %v): locks %v, want %v", c.a.Kind, c.a.State, c.a.Voided, got, c.want)
		}
	}
}
