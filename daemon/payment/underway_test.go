package payment

import (
	"strings"
	"testing"
	"time"
)

// A request that nobody answered may arrive after its reversal was refused, and after a person has looked.
func TestNobodySettlesAsNotPaidWhatMayStillArrive(t *testing.T) {
	// The time that a refusal names is the shop's, not the journal's.
	defer func(zone *time.Location) { time.Local = zone }(time.Local)
	time.Local = time.FixedZone("CST", 8*60*60)
	for _, as := range []string{"not-paid", "paid", "retry"} {
		t.Run(as, func(t *testing.T) {
			card := &script{pol: cardPolicy, answers: []Answer{{}}, undos: []Undo{{Outcome: Refused, Code: "01"}, {Outcome: Refused, Code: "01"}}}
			withDesk(t, card, nil, Rules{}, func(b *bench) {
				b.open("s", 1000)
				b.said(request("s", "a", RailCard), SaidNeedsAttention)
				settle := func() error {
					_, err := b.desk.Settle(b.ctx, Key{"till", "s", "a"}, Settlement{As: as, By: "chief", Reason: "I have called them"})
					return err
				}
				err := settle()
				if as != "not-paid" && err != nil {
					t.Fatal(err)
				}
				if p := Explain(err); as == "not-paid" && (p == nil || p.Code != "request_under_way" || !p.RetryAt.After(b.now())) {
					t.Fatalf("settled at once: %v", err)
				} else if as == "not-paid" && !strings.Contains(p.Remedy, p.RetryAt.In(time.Local).Format(time.TimeOnly)) {
					t.Errorf("the remedy is %q, and it is to be asked again at %v", p.Remedy, p.RetryAt.In(time.Local))
				}
				if time.Sleep(cardPolicy.InFlightMax); as == "not-paid" && settle() != nil {
					t.Error("not settled when the request cannot be under way any more")
				}
			})
		})
	}
}

// A reversal that nobody answered may arrive after a later one was refused, and after a person has looked.
func TestNobodySettlesWhatAReversalThatIsUnderWayMayStillChange(t *testing.T) {
	for _, c := range []struct {
		name  string
		first Undo
		as    string
		free  bool
	}{
		{"sent and not answered: paid", Undo{UnderWay: true}, "paid", false},
		{"sent and not answered: not paid", Undo{UnderWay: true}, "not-paid", false},
		{"sent and not answered: try again", Undo{UnderWay: true}, "retry", true},
		{"never sent", Undo{}, "paid", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			refused := Undo{Outcome: Refused, Code: "01"}
			card := &script{pol: cardPolicy, answers: []Answer{{}}, undos: []Undo{c.first, refused, refused}}
			withDesk(t, card, nil, Rules{}, func(b *bench) {
				b.open("s", 1000)
				b.said(request("s", "a", RailCard), SaidNeedsAttention)
				settle := func() error {
					_, err := b.desk.Settle(b.ctx, Key{"till", "s", "a"}, Settlement{As: c.as, By: "chief", Reason: "I have called them"})
					return err
				}
				err := settle()
				if p := Explain(err); !c.free && (p == nil || p.Code != "reversal_under_way" || !p.RetryAt.After(b.now())) {
					t.Fatalf("settled at once: %v", err)
				}
				if c.free && err != nil {
					t.Fatal(err)
				}
				if time.Sleep(cardPolicy.InFlightMax); !c.free && settle() != nil {
					t.Error("not settled when no reversal can be under way any more")
				}
			})
		})
	}
}
