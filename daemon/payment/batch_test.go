package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// settlingCard is a script that has batches. Its answers to settlement messages are written down, too; without one it
// answers as a host that agrees.
type settlingCard struct {
	*script

	mu    sync.Mutex
	says  []Settled               // guarded by mu
	said  map[TraceNumber]Settled // guarded by mu; what was answered for good, and is so again
	heard []Settling              // guarded by mu; in order, with copies of what was sealed
}

func newSettlingCard(answers ...Answer) *settlingCard {
	pol := cardPolicy
	pol.UploadSize = 2
	return &settlingCard{script: &script{pol: pol, answers: answers}, said: map[TraceNumber]Settled{}}
}

func (s *settlingCard) Settle(_ context.Context, m Settling) Settled {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.Items = slices.Clone(m.Items)
	for i := range m.Items {
		m.Items[i].Sealed = slices.Clone(m.Items[i].Sealed)
	}
	s.heard = append(s.heard, m)
	ans, again := s.said[m.Trace]
	switch {
	case again:
	case len(s.says) > 0:
		ans, s.says = s.says[0], s.says[1:]
	default:
		ans = map[BatchStep]Settled{StepTotals: {Outcome: Balanced}, StepUpload: {Outcome: Accepted}, StepEnd: {Outcome: Accepted}}[m.Step]
	}
	if ans.Outcome != SettleAgain {
		s.said[m.Trace] = ans
	}
	return ans
}

// told is what the host heard of a batch: "totals 3, upload 4 a b".
func (s *settlingCard) told() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, m := range s.heard {
		line := []string{m.Batch, string(m.Step), fmt.Sprint(uint32(m.Trace))}
		for _, a := range m.Items {
			line = append(line, a.Attempt)
		}
		out = append(out, strings.Join(line, " "))
	}
	return strings.Join(out, ", ")
}

// closed closes the batch and waits for the end of it.
func (b *bench) closed(c CloseBatch, want BatchState) Batch {
	b.t.Helper()
	begun, err := b.desk.CloseBatch(b.ctx, c)
	if err != nil {
		b.t.Fatal(err)
	}
	got, err := b.desk.WaitBatch(b.ctx, begun.Seq, time.Hour)
	if err != nil || got.State != want {
		b.t.Fatalf("the batch is %s (%v), want %s", got.State, err, want)
	}
	return got
}

// current is the batch that stands first in the list.
func (b *bench) current(number string, state BatchState) Batch {
	b.t.Helper()
	all, err := b.desk.Batches(b.ctx)
	if err != nil || len(all) == 0 || all[0].Number != number || all[0].State != state {
		b.t.Fatalf("batches %+v (%v), want %s %s first", all, err, number, state)
	}
	return all[0]
}

func TestWhatTheHostSaysOfABatch(t *testing.T) {
	at := func(step BatchStep, to int) Batch {
		return Batch{Terminal: "T", Number: "000007", State: BatchClosing, Items: 5, Step: step, To: to}
	}
	closed := at(StepTotals, 0)
	closed.State = BatchClosed
	for _, c := range []struct {
		name string
		b    Batch
		out  SettleOutcome
		want string
	}{
		{"balanced", at(StepTotals, 0), Balanced, " batch.closed"},
		{"unbalanced", at(StepTotals, 0), Unbalanced, " batch.tried batch.step:upload[0:2]"},
		{"totals unanswered", at(StepTotals, 0), SettleAgain, " batch.tried"},
		{"totals taken, and nothing said of them", at(StepTotals, 0), Accepted, " batch.tried"},
		{"totals refused", at(StepTotals, 0), SettleRefused, " batch.refused"},
		{"first upload taken", at(StepUpload, 2), Accepted, " batch.tried batch.step:upload[2:4]"},
		{"last but one taken", at(StepUpload, 4), Accepted, " batch.tried batch.step:upload[4:5]"},
		{"last upload taken", at(StepUpload, 5), Accepted, " batch.tried batch.step:end[0:0]"},
		{"upload unanswered", at(StepUpload, 2), SettleAgain, " batch.tried"},
		{"upload refused", at(StepUpload, 2), SettleRefused, " batch.refused"},
		{"upload answered as totals", at(StepUpload, 2), Balanced, " batch.tried"},
		{"end taken", at(StepEnd, 5), Accepted, " batch.closed"},
		{"end balanced", at(StepEnd, 5), Balanced, " batch.closed"},
		{"end unbalanced", at(StepEnd, 5), Unbalanced, " batch.refused"},
		{"end unanswered", at(StepEnd, 5), SettleAgain, " batch.tried"},
		{"a word that comes after the end", closed, Balanced, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var facts []string
			for _, f := range decideSettled(c.b, Settled{Outcome: c.out, Code: "00"}, 2, Rules{}.withDefaults()) {
				name := " " + f.Kind
				if f.Kind == factBatchStep {
					name = fmt.Sprintf(" %s:%s[%d:%d]", f.Kind, f.Close.Step, f.Close.From, f.Close.To)
				}
				facts = append(facts, name)
				if f.Kind == factBatchClosed && f.Close.Next != "000008" {
					t.Errorf("the next batch is %s", f.Close.Next)
				}
				if f.Kind == factBatchTried && c.out == SettleAgain && f.Close.Wait <= 0 {
					t.Error("it is sent again at once")
				}
			}
			if got := strings.Join(facts, ""); got != c.want {
				t.Errorf("journals%s, want%s", got, c.want)
			}
		})
	}
}

func TestWhichBatchFollows(t *testing.T) {
	for _, c := range []struct{ batch, told, want string }{
		{"000001", "", "000002"},
		{"999999", "", "000001"},
		{"000001", "000077", "000077"},
		{"000001", "000001", "000002"},
		{"000001", "77", "000002"},
		{"000001", "00000A", "000002"},
		{"000001", "000000", "000002"},
		{"A00001", "", "000001"},
	} {
		if got := following(c.batch, c.told); got != c.want {
			t.Errorf("after %s, told %q, comes %s, want %s", c.batch, c.told, got, c.want)
		}
	}
}

func TestABalancedBatchIsClosedAndTheNextOneOpens(t *testing.T) {
	card := newSettlingCard(yes(1000), yes(1000), yes(500), yes(500), yes(200), yes(300), yes(300), Answer{Outcome: Declined}, yes(900))
	withTenders(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.said(request("s", "a", RailCard), SaidApproved)          // 1
		b.said(naming("s", "v", KindVoid, "a", 0), SaidApproved)   // 2
		b.open("t", 500)                                           //
		b.said(request("t", "a", RailCard), SaidApproved)          // 3
		b.said(naming("t", "r", KindRefund, "a", 0), SaidApproved) // 4: 500
		b.open("u", 200)                                           //
		b.said(preAuth("u", "p"), SaidApproved)                    // 5
		b.open("w", 300)                                           //
		b.said(preAuth("w", "p"), SaidApproved)                    // 6
		b.said(naming("w", "c", KindCompletion, "p", 0), SaidApproved)
		b.open("x", 900)
		b.said(request("x", "a", RailCard), SaidDeclined)
		want := Totals{Sales: Sum{2, 1500}, Completions: Sum{1, 300}, Voids: Sum{1, 1000}, Refunds: Sum{1, 500}}
		if now := b.current("000001", BatchOpen); now.Totals != want || now.Items != 5 || len(now.Open) != 0 {
			t.Errorf("the open batch shows %+v", now)
		}
		got := b.closed(CloseBatch{By: "till"}, BatchClosed)
		if got.Totals != want || got.Next != "000002" || got.Number != "000001" || got.By != "till" || want.Net() != 300 {
			t.Errorf("closed as %+v", got)
		}
		if card.told() != "000001 totals 9" {
			t.Errorf("the host heard %s", card.told())
		}
		b.current("000002", BatchOpen)
		_, err := b.desk.CloseBatch(b.ctx, CloseBatch{By: "till"})
		b.refused(err, "batch_empty")
		if a := b.said(request("x", "b", RailCard), SaidApproved); a.Numbers.Batch != "000002" {
			t.Errorf("the next attempt is of batch %s", a.Numbers.Batch)
		}
	})
}

func TestAnUnbalancedBatchIsUploadedMessageByMessage(t *testing.T) {
	card := newSettlingCard(yes(100), yes(100), yes(100), yes(100), yes(100), yes(100))
	card.plan = Plan{Sealed: []byte("4111111111111111")}
	card.pol.SealedUpload = true
	card.says = []Settled{{Outcome: Unbalanced, Code: "95"}, {}, {Outcome: Accepted}}
	withTenders(t, card, nil, Rules{}, func(b *bench) {
		for _, id := range []string{"s1", "s2", "s3", "s4", "s5"} {
			b.open(id, 100)
			b.said(request(id, id, RailCard), SaidApproved)
		}
		b.said(naming("s2", "v", KindVoid, "s2", 0), SaidApproved)
		got := b.closed(CloseBatch{By: "till"}, BatchClosed)
		if want := "000001 totals 7, 000001 upload 8 s1 s2, 000001 upload 8 s1 s2, 000001 upload 9 s3 s4, 000001 upload 10 s5 v, 000001 end 11"; card.told() != want {
			t.Errorf("the host heard %s, want %s", card.told(), want)
		}
		for _, m := range card.heard {
			for _, a := range m.Items {
				if string(a.Sealed) != "4111111111111111" || a.Approved != 100 || a.Voided != (a.Attempt == "s2") {
					t.Errorf("%s is uploaded as %+v", a.Attempt, a)
				}
			}
		}
		if !got.Uploaded || got.Items != 6 {
			t.Errorf("closed as %+v", got)
		}
		if keys, err := b.desk.book.sealedKeys(b.ctx); err != nil || len(keys) != 0 {
			t.Errorf("sealed data outlives the batch: %v %v", keys, err)
		}
	})
}

func TestABatchThatTheHostRefusesStaysOpenForASupervisor(t *testing.T) {
	card := newSettlingCard(yes(100), yes(200))
	card.says = []Settled{{Outcome: SettleRefused, Code: "77", Text: "other batch"}}
	withTenders(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 100)
		b.open("t", 200)
		b.said(request("s", "a", RailCard), SaidApproved)
		b.closed(CloseBatch{By: "till"}, BatchRefused)
		if h := b.desk.Health(b.ctx); h.Status != "degraded" || h.Problems[0].Code != "batch_refused" {
			t.Errorf("health %+v", h)
		}
		b.said(request("t", "a", RailCard), SaidApproved)
		b.current("000001", BatchRefused)
		_, err := b.desk.CloseBatch(b.ctx, CloseBatch{By: "till"})
		b.refused(err, "batch_refused")
		got := b.closed(CloseBatch{By: "chief", Reason: "the acquirer has mended it", Force: true}, BatchClosed)
		if got.Totals != (Totals{Sales: Sum{2, 300}}) {
			t.Errorf("closed as %+v", got)
		}
		if all, err := b.desk.Batches(b.ctx); err != nil || len(all) != 2 {
			t.Errorf("one batch has %d records (%v)", len(all)-1, err)
		}
	})
}

func TestACloseThatHangsIsNeverGivenUpAndShows(t *testing.T) {
	card := newSettlingCard(yes(100))
	for range 200 {
		card.says = append(card.says, Settled{Code: "96"})
	}
	withTenders(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 100)
		b.said(request("s", "a", RailCard), SaidApproved)
		begun, err := b.desk.CloseBatch(b.ctx, CloseBatch{By: "till"})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Minute)
		if h := b.desk.Health(b.ctx); h.Status != "degraded" || h.Problems[0].Code != "batch_close_late" {
			t.Errorf("health %+v", h)
		}
		got, err := b.desk.WaitBatch(b.ctx, begun.Seq, 24*time.Hour)
		if err != nil || got.State != BatchClosed {
			t.Errorf("in the end it is %+v %v", got, err)
		}
		for _, m := range card.heard {
			if m.Trace != 2 {
				t.Fatalf("the same message has number %d, and then another one", m.Trace)
			}
		}
	})
}

func TestWithoutASettlerThereIsNothingToClose(t *testing.T) {
	card := &script{pol: cardPolicy, answers: []Answer{yes(100)}}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		_, err := b.desk.CloseBatch(b.ctx, CloseBatch{By: "till"})
		b.refused(err, "no_batches")
	})
}

// deaf is a card whose line is down.
type deaf struct{ *settlingCard }

func (deaf) Ready(context.Context) error {
	return &Problem{Code: "host_offline", Status: 503, Detail: "no line", Remedy: "look at it"}
}

func TestABatchIsNotClosedWhileTheHostCannotBeReached(t *testing.T) {
	card := newSettlingCard()
	withTenders(t, deaf{card}, nil, Rules{}, func(b *bench) {
		_, err := b.desk.CloseBatch(b.ctx, CloseBatch{By: "chief", Reason: "now", Force: true})
		b.refused(err, "host_offline")
		b.current("000001", BatchOpen)
	})
}

func TestACloseThatCannotBeJournaledSendsNothing(t *testing.T) {
	card := newSettlingCard(yes(100))
	withTenders(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 100)
		b.said(request("s", "a", RailCard), SaidApproved)
		b.fail = errors.New("the disk does not write")
		_, err := b.desk.CloseBatch(b.ctx, CloseBatch{By: "till"})
		b.refused(err, "blocked")
		time.Sleep(5 * time.Second)
		if card.told() != "" {
			t.Errorf("the host heard %s", card.told())
		}
		b.closed(CloseBatch{By: "till"}, BatchClosed)
	})
}
