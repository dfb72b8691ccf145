package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"posd/daemon/payment"
)

// batchCmd is about what the card acquirer settles at once.
type batchCmd struct {
	List  batchListCmd  `cmd:"" help:"List the card batches: the one that is open now, and those that were closed."`
	Close batchCloseCmd `cmd:"" help:"Close the card batch with the acquirer (end of day)."`
}

// Help teaches what a batch is.
func (batchCmd) Help() string {
	return `A batch is what the card acquirer settles at once: what it said yes to since the last close. The acquirer adds it up, posd
adds it up, and the close compares both. If they differ, posd sends every item.

A batch is open, closing, closed, refused (the acquirer has not taken it: it stays open, and payments go on) or superseded (the
acquirer never took it from posd, and went on to another one, or people have cleared it: ask it whether it has settled it).

posd closes the batch by itself every day when payment.batch_close_at is set; the till may do it as well.`
}

// batchListCmd lists batches as the running posd knows them.
type batchListCmd struct{}

// batchCloseCmd closes the card batch, as a supervisor.
type batchCloseCmd struct {
	By     string `required:"" placeholder:"NAME" help:"Who closes it."`
	Reason string `placeholder:"TEXT" help:"Why: needed with --force."`
	ByHand bool   `help:"End a batch that the acquirer has refused and that people have cleared with it: the next one is open."`
	Force  bool   `help:"Close it with what is not decided yet, try one again that the acquirer has refused, or end a close that hangs."`
}

// Help teaches what happens.
func (batchCloseCmd) Help() string {
	return `While a batch is being closed no new card payment begins; wallets go on. posd first waits, for payment.batch_wait, until
nothing is being paid or taken back any more. What is open then is listed, and the batch is not closed:

  * what is still being reversed: wait and try again
  * what needs attention: ask the acquirer, then posd settle SALE/ATTEMPT ...
  * or close it all the same: posd batch close --by NAME --reason TEXT --force
    What is open is listed on the slip and in posd batch list.

When the acquirer does not answer, posd goes on asking by itself, also after a restart: see posd batch list. When that
goes on for more than five minutes, close with --force ends it: cards are taken again, and the batch stays open. Ask the
acquirer whether it has closed it before you close it again.

A batch that the acquirer refuses again and again (its totals differ, and people have to clear that) is ended with
--by-hand, once they have: posd begins the next one.`
}

// closeWait is how long the verb waits for the acquirer once the batch is being closed.
const closeWait = 90 * time.Second

// listedBatch is what the verbs show of a batch in the API's answers.
type listedBatch struct {
	Batch    string `json:"batch"`
	State    string `json:"state"`
	By       string `json:"by"`
	Currency string `json:"currency"`
	Net      int64  `json:"net"`
	Totals   struct {
		Sales       listedSum `json:"sales"`
		Completions listedSum `json:"completions"`
		Voids       listedSum `json:"voids"`
		Refunds     listedSum `json:"refunds"`
	} `json:"totals"`
	OpenItems []listedItem `json:"open_items"`
	EndedAt   time.Time    `json:"ended_at"`
	Code      string       `json:"code"`
	Text      string       `json:"text"`
	Next      string       `json:"next"`
	Progress  struct {
		Step    string    `json:"step"`
		Tries   int       `json:"tries"`
		NextTry time.Time `json:"next_try"`
	} `json:"progress"`
	Problem struct {
		Detail string `json:"detail"`
		Remedy string `json:"remedy"`
	} `json:"problem"`
}

type listedSum struct {
	Count  int   `json:"count"`
	Amount int64 `json:"amount"`
}

func (s listedSum) cell(currency string) string {
	if s.Count == 0 {
		return "-"
	}
	return strconv.Itoa(s.Count) + ": " + money(s.Amount, currency)
}

// listedItem is what keeps a batch from being closed.
type listedItem struct {
	Sale       string `json:"sale"`
	Attempt    string `json:"attempt"`
	ShortID    string `json:"short_id"`
	Kind       string `json:"kind"`
	InnerState string `json:"inner_state"`
	Amount     int64  `json:"amount"`
	Currency   string `json:"currency"`
	Batch      string `json:"batch"`
	Trace      string `json:"trace"`
	InTotals   bool   `json:"in_totals"`
}

// Run prints one line per batch, and what was open in it.
func (c batchListCmd) Run(ctx context.Context, g *globals) error {
	api, err := g.client()
	if err != nil {
		return err
	}
	return c.list(ctx, api, g)
}

func (batchListCmd) list(ctx context.Context, api *client, g *globals) error {
	var answer struct {
		Batches []listedBatch `json:"batches"`
	}
	if err := api.do(ctx, http.MethodGet, "/v1/batches", nil, &answer); err != nil {
		return err
	}
	t := newListing(g, "BATCH", "STATE", "SALES", "COMPLETIONS", "VOIDS", "REFUNDS", "TOTAL", "OPEN", "ENDED", "BY", "ANSWER")
	for _, b := range answer.Batches {
		word := payment.Words(b.Code, b.Text)
		if b.State == "closing" {
			word = fmt.Sprintf("%s, try %d, next %s", b.Progress.Step, b.Progress.Tries+1, clock(b.Progress.NextTry))
		}
		t.row(b.Batch, b.State, b.Totals.Sales.cell(b.Currency), b.Totals.Completions.cell(b.Currency), b.Totals.Voids.cell(b.Currency),
			b.Totals.Refunds.cell(b.Currency), money(b.Net, b.Currency), strconv.Itoa(len(b.OpenItems)), clock(b.EndedAt), b.By, word)
	}
	if err := t.flush(); err != nil {
		return err
	}
	for _, b := range answer.Batches {
		if len(b.OpenItems) > 0 {
			fmt.Fprintf(g.Out, "\nnot decided in batch %s:\n", b.Batch)
			if err := listOpen(g, b.OpenItems); err != nil {
				return err
			}
		}
	}
	return nil
}

func listOpen(g *globals, items []listedItem) error {
	t := newListing(g, "SALE/ATTEMPT", "SHORT ID", "BATCH", "TRACE", "KIND", "STATE", "AMOUNT", "IN TOTALS")
	for _, it := range items {
		counted := map[bool]string{true: "yes", false: "no"}[it.InTotals]
		t.row(it.Sale+"/"+it.Attempt, it.ShortID, it.Batch, it.Trace, it.Kind, it.InnerState, money(it.Amount, it.Currency), counted)
	}
	return t.flush()
}

// Run has the batch closed, and says what came of it.
func (c *batchCloseCmd) Run(ctx context.Context, g *globals) error {
	cfg, err := g.load()
	if err != nil {
		return err
	}
	api, err := newClient(cfg)
	if err != nil {
		return err
	}
	return c.close(ctx, api.patient(2*cfg.Payment.BatchWait.Duration+closeWait), g)
}

func (c *batchCloseCmd) body() map[string]any {
	body := map[string]any{"by": c.By, "reason": c.Reason, "force": c.Force}
	if c.ByHand {
		body["by_hand"] = true
	}
	return body
}

func (c *batchCloseCmd) close(ctx context.Context, api *client, g *globals) error {
	if (c.Force || c.ByHand) && c.Reason == "" {
		return errors.New("--force and --by-hand need --reason: say why")
	}
	var b listedBatch
	err := api.do(ctx, http.MethodPost, "/v1/batches/close", c.body(), &b)
	var no *refusal
	if errors.As(err, &no) && len(no.OpenItems) > 0 {
		return errors.Join(err, listOpen(g, no.OpenItems))
	}
	if err != nil {
		return err
	}
	switch {
	case b.State == "refused" && b.Code == "given_up":
		fmt.Fprintf(g.Out, "the close of batch %s is ended: it stays open, and cards are taken again; ask the acquirer whether it has closed it\n", b.Batch)
	case b.State == "superseded" && b.Code == "by_hand":
		fmt.Fprintf(g.Out, "batch %s is ended with %s, without the acquirer; the next one is %s\n", b.Batch, money(b.Net, b.Currency), b.Next)
	case b.State == "closed":
		fmt.Fprintf(g.Out, "batch %s is closed with %s; the next one is %s\n", b.Batch, money(b.Net, b.Currency), b.Next)
	case b.State == "closing":
		fmt.Fprintf(g.Out, "batch %s is being closed; the acquirer has not answered yet, and posd goes on asking: see posd batch list\n", b.Batch)
	default:
		return fmt.Errorf("batch %s is %s: %s %s; %s", b.Batch, b.State, b.Code, b.Text, b.Problem.Remedy)
	}
	if len(b.OpenItems) > 0 {
		fmt.Fprintln(g.Out, "not decided when it was closed:")
		return listOpen(g, b.OpenItems)
	}
	return nil
}
