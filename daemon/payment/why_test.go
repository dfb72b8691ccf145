package payment

import (
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestALateReversalAndTheLogSayWhy(t *testing.T) {
	again := Undo{Code: "96", Text: "system error"}
	card := &script{pol: cardPolicy, answers: []Answer{{Reason: ReasonNoAnswer, Code: "no_answer", Text: "the host did not answer in time"}}}
	for range 99 {
		card.undos = append(card.undos, again)
	}
	withDesk(t, card, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		b.said(request("s", "a", RailCard), SaidReversing)
		time.Sleep(20 * time.Minute)
		h := b.desk.Health(b.ctx)
		if len(h.Problems) != 1 || h.Problems[0].Code != "reversal_late" || !strings.HasSuffix(h.Problems[0].Detail, "is still being reversed: 96 system error") {
			t.Errorf("health is %+v, want the host's word", h)
		}
		a, err := b.desk.Attempt(b.ctx, Key{"till", "s", "a"})
		if err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		slog.New(slog.NewTextHandler(&said, nil)).Info("attempt moved", standing(a)...)
		for _, want := range []string{`text="the host did not answer in time"`, `reversal_text="system error"`} {
			if !strings.Contains(said.String(), want) {
				t.Errorf("the log says %q, want %s in it", said.String(), want)
			}
		}
	})
}
