package payment

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// simGateway is a wallet's gateway with its ledger and its customers, and the wallet tender that talks to it.
type simGateway struct {
	w *world

	mu     sync.Mutex
	orders map[string]*order
	tries  map[string]int
}

type order struct {
	key      Key
	amount   Cents
	paid     bool
	closed   bool
	pending  time.Time // the customer types the password until then; zero if not
	refunds  map[string]Cents
	refunded Cents
}

func (g *simGateway) Policy() Policy {
	return Policy{
		Asks: true, Repeats: []Kind{KindRefund, KindVoid},
		Call: 10 * time.Second, AskCall: 5 * time.Second, ReverseCall: 10 * time.Second,
	}
}

func (g *simGateway) nth(what string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tries[what]++
	return fmt.Sprint(what, g.tries[what])
}

func (g *simGateway) Ready(ctx context.Context) error {
	if !g.w.travel(ctx, time.Millisecond) || g.w.chance("gateway down", g.nth("ready"), 3) {
		return &Problem{Code: "wallet_offline", Status: 503, Detail: "no line to the gateway"}
	}
	return nil
}

func (g *simGateway) Collect(ctx context.Context, r Request) (Input, error) {
	if r.Kind != KindSale {
		return nil, nil
	}
	var code string
	r.Code.Reveal(func(b []byte) { code = string(b) })
	if code != "" {
		return &simInput{code: code}, nil
	}
	if g.w.chance("customer shows no code", r.Key.String(), 4) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	wait := time.Duration(g.w.draw("scan", r.Key.String()).IntN(20)+1) * time.Second
	if !g.w.travel(ctx, wait) {
		return nil, ctx.Err()
	}
	return &simInput{code: "scan " + r.Key.String()}, nil
}

func (g *simGateway) Plan(r Request, _ Input, _ Numbers) (Plan, error) {
	p := simPlan{}
	if r.Original != nil {
		p.Original = r.Original.Numbers.Order
	}
	data, err := json.Marshal(p)
	return Plan{Data: data, Instrument: "wallet", Deadline: 60 * time.Second, FirstAsk: 3 * time.Second}, err
}

func (g *simGateway) Authorize(ctx context.Context, a Attempt, _ Input) Answer {
	id := g.nth(a.Key.String())
	if g.w.isDead() {
		g.w.silence(ctx)
		return Answer{}
	}
	if g.w.chance("wallet: dial fails", id, 3) {
		return Answer{Outcome: NotSent}
	}
	g.w.durable(a.Key, Sent, Reversing)
	switch {
	case g.w.chance("wallet: request lost", id, 5):
		g.w.silence(ctx)
		return Answer{}
	case !g.w.travel(ctx, 500*time.Millisecond):
		return Answer{}
	}
	if a.Kind != KindSale {
		return g.refund(ctx, a, id)
	}
	return g.pay(ctx, a, id)
}

func (g *simGateway) pay(ctx context.Context, a Attempt, id string) Answer {
	if g.w.chance("wallet: refused", id, 6) {
		return Answer{Outcome: Declined, Code: "ACQ.BUYER_BALANCE_NOT_ENOUGH"}
	}
	asksPassword := g.w.chance("wallet: password asked for", id, 15) || a.Attempt == typesLate
	never := asksPassword && g.w.chance("wallet: password never typed", id, 40)
	ans, ok := g.enter(a, asksPassword, never, id)
	switch {
	case !ok:
		return Answer{Outcome: Declined, Code: "ACQ.TRADE_HAS_CLOSE"}
	case g.w.chance("wallet: answer lost", id, 8):
		g.w.silence(ctx)
		return Answer{}
	case g.w.chance("wallet: 20000", id, 4):
		return Answer{Code: "20000", After: 3 * time.Second}
	case g.w.chance("wallet: unsigned answer", id, 3):
		return Answer{Reason: ReasonBadAnswer, After: 3 * time.Second}
	}
	return ans
}

func (g *simGateway) enter(a Attempt, password, never bool, id string) (Answer, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if o := g.orders[a.Numbers.Order]; o != nil && (o.closed || o.key != a.Key) {
		if o.key != a.Key {
			g.w.breach("I8: order number repeats: %s", a.Numbers.Order)
		}
		return Answer{}, false
	}
	o := &order{key: a.Key, amount: a.Amount, refunds: map[string]Cents{}}
	g.orders[a.Numbers.Order] = o
	if password {
		wait := time.Duration(g.w.draw("password", id).IntN(70)+1) * time.Second
		if never {
			wait = 1000 * time.Hour
		}
		o.pending = time.Now().Add(wait)
		return Answer{Outcome: Pending, Code: "10003", After: 3 * time.Second}, true
	}
	o.paid = true
	return Answer{Outcome: Approved, Amount: a.Amount, Code: "10000"}, true
}

// settle lets the customer finish typing. The caller holds mu.
func (o *order) settle() {
	if !o.pending.IsZero() && !o.closed && !time.Now().Before(o.pending) {
		o.pending, o.paid = time.Time{}, true
	}
}

func (g *simGateway) refund(ctx context.Context, a Attempt, id string) Answer {
	var p simPlan
	_ = json.Unmarshal(a.Data, &p)
	g.mu.Lock()
	o := g.orders[p.Original]
	ok := o != nil && o.paid
	if ok && o.refunds[a.Numbers.Order] == 0 {
		if ok = o.refunded+a.Amount <= o.amount; ok {
			o.refunds[a.Numbers.Order] = a.Amount
			o.refunded += a.Amount
		}
	}
	g.mu.Unlock()
	if !ok {
		return Answer{Outcome: Declined, Code: "ACQ.TRADE_NOT_ALLOW_REFUND"}
	}
	if g.w.chance("wallet: refund answer lost", id, 15) {
		g.w.silence(ctx)
		return Answer{}
	}
	return Answer{Outcome: Approved, Amount: a.Amount, Code: "10000"}
}

func (g *simGateway) Ask(ctx context.Context, a Attempt) Answer {
	id := g.nth("ask " + a.Key.String())
	if g.w.isDead() || g.w.chance("wallet: query unanswered", id, 8) {
		g.w.silence(ctx)
		return Answer{After: 3 * time.Second}
	}
	if !g.w.travel(ctx, 200*time.Millisecond) {
		return Answer{After: 3 * time.Second}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	o := g.orders[a.Numbers.Order]
	if o == nil {
		return Answer{Code: "ACQ.TRADE_NOT_EXIST", After: 3 * time.Second}
	}
	o.settle()
	switch {
	case o.closed:
		return Answer{Code: "TRADE_CLOSED", Hopeless: true}
	case o.paid:
		return Answer{Outcome: Approved, Amount: o.amount, Code: "TRADE_SUCCESS"}
	default:
		return Answer{Outcome: Pending, Code: "WAIT_BUYER_PAY", After: 3 * time.Second}
	}
}

func (g *simGateway) Reverse(ctx context.Context, a Attempt) Undo {
	id := g.nth("cancel " + a.Key.String())
	if g.w.isDead() || g.w.chance("wallet: cancel lost", id, 12) {
		g.w.silence(ctx)
		return Undo{}
	}
	g.w.durable(a.Key, Reversing)
	if !g.w.travel(ctx, 300*time.Millisecond) {
		return Undo{}
	}
	if g.w.chance("wallet: retry_flag=Y", id, 10) {
		return Undo{Code: "retry"}
	}
	if g.w.chance("wallet: cancel refused", id, 3) {
		return Undo{Outcome: Refused, Code: "ACQ.REASON_TRADE_REFUND_FEE_ERR"}
	}
	g.close(a)
	if g.w.chance("wallet: cancel answer lost", id, 12) {
		g.w.silence(ctx)
		return Undo{}
	}
	return Undo{Outcome: Confirmed, Code: "10000"}
}

// close burns the order: what was paid goes back, and it can be paid no more.
func (g *simGateway) close(a Attempt) {
	g.mu.Lock()
	defer g.mu.Unlock()
	o := g.orders[a.Numbers.Order]
	if o == nil {
		o = &order{key: a.Key}
		g.orders[a.Numbers.Order] = o
	}
	o.settle()
	o.closed = true
	o.refunded = 0
	if o.paid {
		o.refunded = o.amount
	}
}

// pends tells that the customer may yet pay.
func (g *simGateway) pends(a Attempt) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	o := g.orders[a.Numbers.Order]
	if o != nil {
		o.settle()
	}
	return o != nil && !o.closed && !o.pending.IsZero()
}

func (g *simGateway) net(a Attempt) Cents {
	g.mu.Lock()
	defer g.mu.Unlock()
	o := g.orders[a.Numbers.Order]
	if o != nil {
		o.settle()
	}
	if o == nil || !o.paid {
		return 0
	}
	return o.amount - o.refunded
}

func (g *simGateway) did(a Attempt) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, o := range g.orders {
		if o.refunds[a.Numbers.Order] > 0 {
			return true
		}
	}
	return false
}
