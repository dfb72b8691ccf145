package payment

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// simHost is an acquirer's host and its ledger, and the card tender that talks to it: the wire is left out.
type simHost struct {
	w *world

	mu       sync.Mutex
	booked   map[string]*booking // by terminal, batch and trace
	declined map[string]bool     // likewise
	tries    map[string]int
	back     time.Time            // guarded by mu; when the line lives again
	settles  map[string]*simBatch // by batch
	journal  *Book                // guarded by mu; a sign-on tells it another batch
}

const simTerminal = "10000001"

type simPlan struct {
	Original string `json:"original,omitempty"` // ledger key of the original
}

type simInput struct{ code string }

func (i *simInput) Hash(key []byte) (sum [32]byte, ok bool) {
	copy(sum[:], i.code)
	_ = key
	return sum, i.code != ""
}
func (i *simInput) Wipe() { i.code = "" }

func ledgerKey(n Numbers) string { return n.Terminal + "/" + n.Batch + "/" + n.Trace.String() }

func (h *simHost) Policy() Policy {
	return Policy{
		Terminal: simTerminal, Repeats: []Kind{KindRefund}, InFlightMax: 120 * time.Second, UploadSize: 3, SealedUpload: true,
		Call: 60 * time.Second, AskCall: 10 * time.Second, ReverseCall: 20 * time.Second,
	}
}

func (h *simHost) Ready(ctx context.Context) error {
	if !h.w.travel(ctx, 10*time.Millisecond) || h.isCut() || h.w.chance("host link down", h.nth("ready"), 3) {
		return &Problem{Code: "host_offline", Status: 503, Detail: "no line to the acquirer"}
	}
	h.signOn(ctx)
	return nil
}

func (h *simHost) nth(what string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tries[what]++
	return fmt.Sprint(what, h.tries[what])
}

func (h *simHost) Collect(ctx context.Context, r Request) (Input, error) {
	if !r.Kind.collects() && !r.CardAgain {
		return nil, nil
	}
	wait := time.Duration(h.w.draw("swipe", r.Key.String()).IntN(20)+1) * time.Second
	if h.w.chance("reader unplugged", r.Key.String(), 4) {
		return nil, fmt.Errorf("reader is gone")
	}
	if h.w.chance("customer shows no card", r.Key.String(), 4) {
		wait = time.Hour
	}
	if !h.w.travel(ctx, wait) {
		return nil, ctx.Err()
	}
	return &simInput{}, nil
}

// CardAgain is where nothing is sealed any more.
func (h *simHost) CardAgain(r Request) bool { return len(r.Original.Sealed) == 0 }

func (h *simHost) Plan(r Request, in Input, _ Numbers) (Plan, error) {
	p := simPlan{}
	if r.Original != nil && in == nil && len(r.Original.Sealed) == 0 {
		return Plan{}, fmt.Errorf("the card's data is gone")
	}
	if r.Original != nil {
		p.Original = ledgerKey(r.Original.Numbers)
	}
	data, err := json.Marshal(p)
	return Plan{Data: data, Instrument: "411111******1111", Sealed: []byte("sealed")}, err
}

// fly holds the terminal: two requests at once are a breach of I6.
func (h *simHost) fly() (land func()) {
	h.w.mu.Lock()
	h.w.flying++
	if h.w.flying > 1 {
		h.w.broken = append(h.w.broken, "I6: two financial requests in flight on one terminal")
	}
	h.w.mu.Unlock()
	return func() {
		h.w.mu.Lock()
		defer h.w.mu.Unlock()
		h.w.flying--
	}
}

func (h *simHost) Authorize(ctx context.Context, a Attempt, _ Input) Answer {
	defer h.fly()()
	id := h.nth(a.Key.String())
	switch {
	case h.isCut() || h.w.chance("card: dial fails", id, 3):
		return Answer{Outcome: NotSent}
	case h.w.isDead():
		h.w.silence(ctx)
		return Answer{}
	}
	h.w.durable(a.Key, Sent, Reversing)
	h.w.gated(a)
	switch {
	case h.w.chance("card: request lost", id, 5):
		h.w.silence(ctx)
		return Answer{}
	case h.w.chance("card: request arrives late", id, 2):
		h.w.silence(ctx)
		under := time.Duration(h.w.draw("under way", id).IntN(55)) * time.Second
		go func() { // the calm waits for it
			time.Sleep(under)
			h.late(a)
		}()
		return Answer{}
	case h.w.chance("card: reset before answer", id, 2):
		return Answer{Reason: ReasonNoAnswer}
	case !h.w.travel(ctx, time.Second):
		return Answer{}
	case !h.did(a) && h.w.chance("card: declined", id, 8): // what is booked is not declined when it is repeated
		h.decline(a)
		return Answer{Outcome: Declined, Code: "51"}
	}
	return h.approve(ctx, a, id)
}

// decline keeps the number: another copy of the request gets the same answer.
func (h *simHost) decline(a Attempt) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.declined[ledgerKey(a.Numbers)] = true
}

// late books the request after posd has given up on it, perhaps after the first try of its reversal, but within the time
// that a request may be under way. A host takes nothing into a batch that is closed.
func (h *simHost) late(a Attempt) {
	h.mu.Lock()
	over := h.declined[ledgerKey(a.Numbers)] || h.settled(a.Numbers.Batch)
	h.mu.Unlock()
	if !over && a.Kind != KindBalance {
		h.book(a, a.Amount)
	}
}

func (h *simHost) approve(ctx context.Context, a Attempt, id string) Answer {
	if a.Kind == KindBalance {
		return h.balance(ctx, id)
	}
	amount := a.Amount
	if a.Kind.mayBePart() && a.Amount > 100 && h.w.chance("card: partial approval", id, 2) {
		amount /= 2
	}
	if code := h.book(a, amount); code != "" {
		return Answer{Outcome: Declined, Code: code}
	}
	ans := Answer{Outcome: Approved, Amount: amount, Code: "00", Host: HostNumbers{Reference: id}}
	switch {
	case h.w.chance("power fails before the answer", id, 2):
		h.w.powerOff()
		h.w.silence(ctx)
		return Answer{}
	case h.w.chance("card: line dies for minutes", id, 2):
		h.cut(time.Duration(h.w.draw("cut", id).IntN(12)+3) * time.Minute)
		h.w.silence(ctx)
		return Answer{}
	case h.w.chance("card: answer lost", id, 7):
		h.w.silence(ctx)
		return Answer{}
	case h.w.chance("card: wrong MAC", id, 2):
		return Answer{Reason: ReasonBadAnswer}
	case h.w.chance("card: wrong amount", id, 2):
		ans.Amount = a.Amount + 100 // of a part it could not be told
	case h.w.chance("card: slow answer", id, 20):
		h.w.travel(ctx, 30*time.Second)
	}
	return ans
}

// cut ends the line for a while.
func (h *simHost) cut(length time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.back = time.Now().Add(length)
}

func (h *simHost) isCut() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Now().Before(h.back)
}

func (h *simHost) Ask(context.Context, Attempt) Answer { return Answer{} }

func (h *simHost) Reverse(ctx context.Context, a Attempt) Undo {
	defer h.fly()()
	id := h.nth("reverse " + a.Key.String())
	if h.w.isDead() {
		h.w.silence(ctx)
		return Undo{}
	}
	h.w.durable(a.Key, Reversing)
	if a.Kind == KindBalance || a.Kind == KindRefund {
		h.w.breach("a %s is reversed: %s", a.Kind, a.Key)
	}
	if string(a.Sealed) != "sealed" {
		h.w.breach("rule 15: the reversal of %s has lost its sealed data", a.Key)
	}
	switch {
	case h.isCut() || h.w.chance("reversal: request lost", id, 15):
		h.w.silence(ctx)
		return Undo{}
	case !h.w.travel(ctx, time.Second):
		return Undo{}
	case h.w.chance("reversal: refused", id, 9):
		return Undo{Outcome: Refused, Code: "01"}
	}
	code := h.undo(a)
	if h.w.chance("reversal: answer lost", id, 15) {
		h.w.silence(ctx)
		return Undo{}
	}
	if h.w.chance("reversal: host busy", id, 10) {
		return Undo{Outcome: Again, Code: "96"}
	}
	if code == "25" {
		return Undo{Outcome: InDoubt, Code: code}
	}
	return Undo{Outcome: Confirmed, Code: code}
}
