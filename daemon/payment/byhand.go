package payment

import (
	"context"
	"encoding/json"
	"fmt"
)

// byHand is the tender of refunds that posd cannot send: of what a card host has kept although it says that it was reversed.
// No host takes a refund of that, so the acquirer gives it back when a person asks for it, and that person says so. Until then
// the refund is stuck: it is listed and alarmed, and its sale is locked.
type byHand struct{ rail Rail }

var _ Tender = byHand{}

// CodeAskAcquirer is Undo.Code of such a refund.
const CodeAskAcquirer = "ask_acquirer"

// handed is Plan.Data of such a refund: what the acquirer has to be told.
type handed struct {
	ByHand string `json:"by_hand"`
}

// handsOver tells whether a refund was planned to be given back by hand.
func handsOver(a Attempt) (h handed, ok bool) {
	ok = a.Kind == KindRefund && a.Ordered != nil && json.Unmarshal(a.Data, &h) == nil && h.ByHand != ""
	return h, ok
}

// Policy lets it end at once.
func (byHand) Policy() Policy { return Policy{Repeats: []Kind{KindRefund}} }

// Ready is always nil: nothing is sent.
func (byHand) Ready(context.Context) error { return nil }

// Collect needs neither card nor code.
func (byHand) Collect(context.Context, Request) (Input, error) { return nil, nil }

// Plan names the payment as its host's bill does.
func (byHand) Plan(r Request, _ Input, _ Numbers) (Plan, error) {
	n := r.Original.Numbers
	name := fmt.Sprintf("terminal %s, batch %s, trace %s", n.Terminal, n.Batch, n.Trace)
	text, err := json.Marshal(handed{name})
	if err != nil {
		return Plan{}, fmt.Errorf("refund by hand: %w", err)
	}
	return Plan{Data: text, Instrument: r.Original.Instrument}, nil
}

// Authorize sends nothing, and says who has to act.
func (byHand) Authorize(_ context.Context, a Attempt, _ Input) Answer {
	return Answer{Reason: ReasonOther, Hopeless: true, Code: CodeAskAcquirer, Text: askAcquirer(a)}
}

// Ask is not called: a refund is repeated.
func (byHand) Ask(_ context.Context, a Attempt) Answer {
	return Answer{Reason: ReasonOther, Hopeless: true, Code: CodeAskAcquirer, Text: askAcquirer(a)}
}

// Reverse is what a person's "retry" comes to: it is still for the acquirer to act.
func (byHand) Reverse(_ context.Context, a Attempt) Undo {
	return Undo{Outcome: Refused, Code: CodeAskAcquirer, Text: askAcquirer(a)}
}

func askAcquirer(a Attempt) string {
	h, _ := handsOver(a)
	return "the acquirer has to give it back: " + h.ByHand + "; settle it as paid when it has"
}
