package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"posd/daemon/payment"
	"posd/daemon/step"
)

// attemptInput begins an attempt. An amount of nothing and no amount are told apart: a refund without one gives
// everything back.
type attemptInput struct {
	Rail     string         `json:"rail"`
	Kind     string         `json:"kind"`
	Code     code           `json:"code"`
	Language string         `json:"language"`
	Print    bool           `json:"print"`
	Amount   *int64         `json:"amount"`
	Original string         `json:"original"`
	Override *overrideInput `json:"override"`
}

type overrideInput struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
}

func (*attemptInput) names() []string {
	return []string{"rail", "kind", "code", "language", "print", "amount", "original", "override", "override.by", "override.reason"}
}

// promptly is how long a terminal that is busy may hold the answer back to a till that does not wait for the outcome. What
// is refused within that is refused at once, and no attempt begins.
const promptly = time.Second

// putAttempt begins an attempt, or finds it, and gives its outcome if the till waits for it.
func (a *API) putAttempt(c *call) error {
	var in attemptInput
	if err := c.read(&in); err != nil {
		in.Code.Wipe()
		return err
	}
	r, err := a.request(c, in)
	if err != nil {
		in.Code.Wipe()
		return err
	}
	limit, begun := preferredWait(c.r), time.Now()
	r.Patience = max(limit, promptly)
	at, err := a.desk.Pay(c.r.Context(), r) // the code is the desk's from here on
	if err != nil {
		return err
	}
	if limit > 0 && at.State.Open() {
		c.w.Header().Set("Preference-Applied", "wait="+strconv.Itoa(int(limit.Seconds())))
		if at, err = a.wait(c, r.Key, limit-time.Since(begun)); err != nil {
			return err
		}
	}
	return a.answerAttempt(c, at)
}

// wait waits for the outcome. The end of the request's context is a till that has hung up, and the desk hears of it;
// posd's own end is not.
func (a *API) wait(c *call, k payment.Key, limit time.Duration) (payment.Attempt, error) {
	ctx, cancel := context.WithCancel(c.r.Context())
	defer cancel()
	defer context.AfterFunc(a.ending, cancel)()
	at, err := a.desk.Wait(ctx, k, limit)
	if errors.Is(err, context.Canceled) && a.ending.Err() != nil && c.r.Context().Err() == nil {
		return at, &refusal{
			status: http.StatusServiceUnavailable, code: "stopping",
			detail: "posd is stopping: what was sent goes on when it is back, what still waited for card, code or the terminal is given up",
			hint:   "repeat the request under the same ids", header: "Retry-After", headerValue: "2",
		}
	}
	return at, err
}

// preferredWait reads Prefer: wait=90 (RFC 7240), at most maxWait. What it does not understand it ignores, as that
// document wants; the answer is 202 then.
func preferredWait(r *http.Request) time.Duration {
	for _, line := range r.Header.Values("Prefer") {
		for p := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
			if n, err := strconv.Atoi(strings.TrimSpace(value)); err == nil && n > 0 && strings.EqualFold(strings.TrimSpace(name), "wait") {
				return min(time.Duration(min(n, 3600))*time.Second, maxWait)
			}
		}
	}
	return 0
}

// request makes the desk's request of what the till has sent.
func (a *API) request(c *call, in attemptInput) (payment.Request, error) {
	if err := in.check(c.who.Scope); err != nil {
		return payment.Request{}, err
	}
	k, err := a.key(c)
	if err != nil {
		return payment.Request{}, err
	}
	r := payment.Request{
		Key: k, Rail: payment.Rail(in.Rail), Kind: payment.Kind(in.Kind), Code: in.Code.Secret,
		Language: in.Language, Print: in.Print,
	}
	if in.Amount != nil {
		r.Amount = payment.Cents(*in.Amount)
	}
	if in.Original != "" {
		r.Original = &payment.Attempt{Key: payment.Key{Client: k.Client, Sale: k.Sale, Attempt: in.Original}}
	}
	if in.Override != nil {
		r.Override = &payment.Override{By: in.Override.By, Reason: in.Override.Reason}
	}
	return r, nil
}

// check refuses what the desk does not look at. The rest is the desk's to refuse.
func (in attemptInput) check(scope Scope) error {
	sale := in.Kind == string(payment.KindSale)
	switch {
	case !slices.Contains([]string{"", "zh", "en"}, in.Language):
		return badField("language", "is not known", `use "zh" or "en"`)
	case in.Amount != nil && *in.Amount <= 0:
		return badField("amount", "is not above 0", "give minor units, or leave it out to move everything")
	case !in.Code.Empty() && (!sale || in.Rail == string(payment.RailCard)):
		return badField("code", "is for a wallet sale only", `leave it out, or use rail "wallet" or "any"`)
	case in.Original != "" && slices.Contains([]payment.Kind{payment.KindSale, payment.KindPreAuth, payment.KindBalance}, payment.Kind(in.Kind)):
		return badField("original", "is for a void, refund or completion only", "leave it out")
	case in.Override == nil:
		return nil
	case scope != Supervisor:
		return supervisorOnly("only a supervisor may override the lock of a sale")
	}
	return errors.Join(word("override.by", in.Override.By, longestWord), word("override.reason", in.Override.Reason, longestReason))
}

// key names the attempt of the path.
func (a *API) key(c *call) (payment.Key, error) {
	k := payment.Key{Sale: c.r.PathValue("id"), Attempt: c.r.PathValue("attempt")}
	var err error
	k.Client, err = a.whose(c, k.Sale)
	return k, err
}

func (a *API) getAttempt(c *call) error {
	k, err := a.key(c)
	if err != nil {
		return err
	}
	at, err := a.desk.Attempt(c.r.Context(), k)
	if err != nil {
		return err
	}
	return a.answerAttempt(c, at)
}

// cancelAttempt stops an attempt: before it is sent for good, after that by a reversal.
func (a *API) cancelAttempt(c *call) error {
	if err := c.readNothing(); err != nil {
		return err
	}
	k, err := a.key(c)
	if err != nil {
		return err
	}
	at, err := a.desk.Cancel(c.r.Context(), k)
	if err != nil {
		return err
	}
	return a.answerAttempt(c, at)
}

// settleInput is a person's verdict on a stuck attempt.
type settleInput struct {
	As     string `json:"as"`
	By     string `json:"by"`
	Reason string `json:"reason"`
	Amount *int64 `json:"amount"`
}

func (*settleInput) names() []string { return []string{"as", "by", "reason", "amount"} }

// verdicts is what a person may say of a stuck attempt.
var verdicts = []string{"paid", "not-paid", "retry"}

// check refuses what the desk does not look at, and says which word of a verdict is wrong.
func (in settleInput) check() error {
	if in.As != "" && !slices.Contains(verdicts, in.As) {
		return badField("as", fmt.Sprintf("is %q, not one of %s", clip(in.As), list(verdicts)),
			`say "paid", "not-paid", or "retry" to send the reversal again`)
	}
	if in.Amount != nil && *in.Amount <= 0 {
		return badField("amount", "is not above 0", "give what the acquirer or gateway holds, or leave it out")
	}
	return words(in.By, in.Reason)
}

func (a *API) settleAttempt(c *call) error {
	var in settleInput
	if err := c.read(&in); err != nil {
		return err
	}
	if err := in.check(); err != nil {
		return err
	}
	v := payment.Settlement{As: in.As, By: in.By, Reason: in.Reason}
	if in.Amount != nil {
		v.Amount = payment.Cents(*in.Amount)
	}
	k, err := a.key(c)
	if err != nil {
		return err
	}
	at, err := a.desk.Settle(c.r.Context(), k, v)
	if err != nil {
		return err
	}
	return a.answerAttempt(c, at)
}

// orderInput is a supervisor's order to give back what an attempt took.
type orderInput struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
	Amount *int64 `json:"amount"`
}

func (*orderInput) names() []string { return []string{"by", "reason", "amount"} }

// orderRefund begins the refund that a supervisor has ordered, or finds it, and answers with it.
func (a *API) orderRefund(c *call) error {
	var in orderInput
	if err := c.read(&in); err != nil {
		return err
	}
	if err := words(in.By, in.Reason); err != nil {
		return err
	}
	o := payment.Order{By: in.By, Reason: in.Reason}
	if in.Amount != nil {
		if *in.Amount <= 0 {
			return badField("amount", "is not above 0", "give what the bill shows, in minor units")
		}
		o.Amount = payment.Cents(*in.Amount)
	}
	k, err := a.key(c)
	if err != nil {
		return err
	}
	at, err := a.desk.Refund(c.r.Context(), k, o)
	if err != nil {
		return err
	}
	if limit := preferredWait(c.r); limit > 0 && at.State.Open() {
		c.w.Header().Set("Preference-Applied", "wait="+strconv.Itoa(int(limit.Seconds())))
		if at, err = a.wait(c, at.Key, limit); err != nil {
			return err
		}
	}
	return a.answerAttempt(c, at)
}

// answerAttempt says how an attempt stands: 200 when its outcome is known, 202 and where to ask again while it is not.
func (a *API) answerAttempt(c *call, at payment.Attempt) error {
	s, err := a.desk.Sale(c.r.Context(), at.Client, at.Sale)
	if err != nil {
		return err
	}
	view, status := a.fullView(s, at), http.StatusOK
	if at.State.Open() {
		status = http.StatusAccepted
		c.w.Header().Set("Location", c.place("/v1/sales/"+at.Sale+"/attempts/"+at.Attempt, at.Client))
		c.w.Header().Set("Retry-After", seconds(view.RetryAt.Sub(a.o.Now())))
	}
	if a.answer(c, status, view) {
		a.told(c, at)
	}
	return nil
}

// answer writes an answer and tells whether it has left. Nothing more can be said to a till that is gone.
func (a *API) answer(c *call, status int, body any) bool {
	step.At("till answer")
	err := send(c.w, status, "application/json", body)
	step.At("till answered")
	if err != nil {
		a.o.Log.Info("answer could not be written", "route", c.r.Pattern, "err", err)
		return false
	}
	return true
}

// told journals what the till has just heard. Who hears only that it goes on knows nothing worth a commit, and a
// supervisor who looks at a till's sale has not told the till.
func (a *API) told(c *call, attempts ...payment.Attempt) {
	for _, at := range attempts {
		onlyLooks := c.r.Method == http.MethodGet && at.Client != c.who.Client
		if at.State == payment.Created || at.State == payment.Sent || onlyLooks {
			continue
		}
		if err := a.desk.Told(context.WithoutCancel(c.r.Context()), at); err != nil {
			a.o.Log.Error("what the till was told could not be journaled", "sale", at.Sale, "attempt", at.Attempt, "err", err)
		}
	}
}
