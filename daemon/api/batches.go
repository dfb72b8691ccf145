package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"posd/daemon/payment"
)

// batchView is a batch as the till sees it.
type batchView struct {
	Terminal  string             `json:"terminal"`
	Batch     string             `json:"batch"`
	State     payment.BatchState `json:"state"` // "open", "closing", "closed", "refused", "superseded"
	By        string             `json:"by,omitempty"`
	Reason    string             `json:"reason,omitempty"`
	Forced    bool               `json:"forced,omitempty"`    // with what is in open_items
	Scheduled string             `json:"scheduled,omitempty"` // the date whose configured hour it was
	Currency  string             `json:"currency,omitempty"`
	Totals    payment.Totals     `json:"totals"`
	Net       payment.Cents      `json:"net"`   // what the shop is to get for it
	Items     int                `json:"items"` // in the totals
	OpenItems []openItemView     `json:"open_items"`
	FirstAt   time.Time          `json:"first_at,omitzero"`
	ClosingAt time.Time          `json:"closing_at,omitzero"`
	EndedAt   time.Time          `json:"ended_at,omitzero"`
	Uploaded  bool               `json:"uploaded,omitempty"` // the host's totals differed, and it asked for every item
	Progress  *closeProgress     `json:"progress,omitempty"` // while it is being closed
	Code      string             `json:"code,omitempty"`     // the host's last word
	Text      string             `json:"text,omitempty"`
	Next      string             `json:"next,omitempty"` // the batch that followed
	RetryAt   time.Time          `json:"retry_at,omitzero"`
	Problem   *problemView       `json:"problem,omitempty"` // when the host has not taken it
}

// closeProgress is how far a close has come.
type closeProgress struct {
	Step    payment.BatchStep `json:"step"`
	Trace   string            `json:"trace"`
	Sent    int               `json:"sent"` // items of an upload, up to this message
	Tries   int               `json:"tries"`
	NextTry time.Time         `json:"next_try,omitzero"`
}

// openItemView is an attempt that keeps a batch from being added up for good.
type openItemView struct {
	Client   string        `json:"client,omitempty"` // the three of another client are a supervisor's to see
	Sale     string        `json:"sale,omitempty"`
	Attempt  string        `json:"attempt,omitempty"`
	ShortID  string        `json:"short_id"`
	Kind     payment.Kind  `json:"kind"`
	State    payment.State `json:"inner_state"`
	Amount   payment.Cents `json:"amount"`
	Currency string        `json:"currency"`
	Batch    string        `json:"batch"`
	Trace    string        `json:"trace"`
	InTotals bool          `json:"in_totals,omitempty"` // approved, and counted: it may still be taken back
}

func viewItems(items []payment.OpenItem) []openItemView {
	views := make([]openItemView, len(items))
	for i, it := range items {
		views[i] = openItemView{
			it.Client, it.Sale, it.Attempt, it.ShortID, it.Kind, it.State, it.Amount, it.Currency, it.Batch, it.Trace.String(), it.InTotals,
		}
	}
	return views
}

// hide keeps the names of another client's sales from a till, as the list of what is owed does.
func hide(items []payment.OpenItem, who Token) []payment.OpenItem {
	out := slices.Clone(items)
	for i := range out {
		if who.Scope != Supervisor && out[i].Client != who.Client {
			out[i].Key = payment.Key{}
		}
	}
	return out
}

// batchProblems is what the cashier hears of a batch that the host has not taken.
var batchProblems = map[payment.BatchState]problemView{
	payment.BatchRefused:    {"batch_refused", "the host has not closed the batch; it stays open, and payments go on", "ask the acquirer; then a supervisor closes it again with force and a reason"},
	payment.BatchSuperseded: {"batch_superseded", "this batch is over, and the host never took it from posd: it went on to another one, or a supervisor has ended it", "ask the acquirer whether it has settled it, with these totals"},
}

func viewBatch(b payment.Batch, who Token) batchView {
	v := batchView{
		Terminal: b.Terminal, Batch: b.Number, State: b.State, By: b.By, Reason: b.Reason, Forced: b.Forced, Scheduled: b.Scheduled,
		Currency: b.Currency, Totals: b.Totals, Net: b.Totals.Net(), Items: b.Items, OpenItems: viewItems(hide(b.Open, who)),
		FirstAt: b.FirstAt, ClosingAt: b.ClosingAt, EndedAt: b.EndedAt, Uploaded: b.Uploaded, Code: b.Code, Text: b.Text, Next: b.Next,
	}
	if b.State == payment.BatchClosing {
		v.Progress = &closeProgress{Step: b.Step, Trace: b.Trace.String(), Sent: b.To, Tries: b.Tries, NextTry: b.NextTry}
	}
	if p, ok := batchProblems[b.State]; ok {
		v.Problem = &p
	}
	return v
}

// closeInput asks for the close of the batch.
type closeInput struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
	Force  bool   `json:"force"`
	ByHand bool   `json:"by_hand"`
}

func (*closeInput) names() []string { return []string{"by", "reason", "force", "by_hand"} }

func (in closeInput) check(scope Scope) error {
	if (in.Force || in.ByHand) && scope != Supervisor {
		return supervisorOnly("only a supervisor may force the close of a batch, or end it by hand")
	}
	return words(in.By, in.Reason)
}

// closeBatch closes the card terminal's batch: 200 when its close has ended, 202 while posd is at it.
func (a *API) closeBatch(c *call) error {
	var in closeInput
	if c.r.ContentLength != 0 {
		if err := c.read(&in); err != nil {
			return err
		}
	}
	if err := in.check(c.who.Scope); err != nil {
		return err
	}
	if in.By == "" && !in.Force && !in.ByHand {
		in.By = c.who.Client
	}
	b, err := a.desk.CloseBatch(c.r.Context(), payment.CloseBatch{By: in.By, Reason: in.Reason, Force: in.Force, ByHand: in.ByHand})
	if p := payment.Explain(err); p != nil {
		p.Open = hide(p.Open, c.who)
		return p
	}
	if err != nil {
		return err
	}
	if limit := preferredWait(c.r); limit > 0 && b.State == payment.BatchClosing {
		c.w.Header().Set("Preference-Applied", "wait="+strconv.Itoa(int(limit.Seconds())))
		if b, err = a.waitBatch(c, b, limit); err != nil {
			return err
		}
	}
	view, status := viewBatch(b, c.who), http.StatusOK
	if b.State == payment.BatchClosing {
		status = http.StatusAccepted
		view.RetryAt = a.o.Now().Add(time.Second)
		c.w.Header().Set("Location", batchesPath)
		c.w.Header().Set("Retry-After", "1")
	}
	a.answer(c, status, view)
	return nil
}

// waitBatch waits for the end of a close, or of posd: what is known then is said.
func (a *API) waitBatch(c *call, b payment.Batch, limit time.Duration) (payment.Batch, error) {
	ctx, cancel := context.WithCancel(c.r.Context())
	defer cancel()
	defer context.AfterFunc(a.ending, cancel)()
	got, err := a.desk.WaitBatch(ctx, b.Seq, limit)
	if errors.Is(err, context.Canceled) && c.r.Context().Err() == nil {
		return b, nil
	}
	return got, err
}

// listBatches gives the batches, newest first: the one that is open now as it stands, then those on record.
func (a *API) listBatches(c *call) error {
	batches, err := a.desk.Batches(c.r.Context())
	if err != nil {
		return err
	}
	out := struct {
		Batches []batchView `json:"batches"`
	}{make([]batchView, len(batches))}
	for i, b := range batches {
		out.Batches[i] = viewBatch(b, c.who)
	}
	a.answer(c, http.StatusOK, out)
	return nil
}
