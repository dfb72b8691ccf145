package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// settleCmd is a person's verdict on an attempt that posd can not decide.
type settleCmd struct {
	Attempt string `arg:"" name:"sale/attempt" help:"The attempt, as posd owed shows it."`
	As      string `required:"" enum:"paid,not-paid,retry" placeholder:"paid|not-paid|retry" help:"What the acquirer or the gateway says happened, once nothing can arrive any more (posd says from when on); retry sends the reversal again."`
	By      string `required:"" placeholder:"NAME" help:"Who decides."`
	Reason  string `required:"" placeholder:"TEXT" help:"Why: whom you asked and what they said."`
	Amount  int64  `placeholder:"MINOR-UNITS" help:"With paid: what they hold, where that is less than the attempt's amount: 1999 for 19.99."`
	Client  string `placeholder:"TILL" help:"Whose sale it is, when several tills use the same id."`
}

// Run has the verdict journaled and acted on.
func (c *settleCmd) Run(ctx context.Context, g *globals) error {
	api, err := g.client()
	if err != nil {
		return err
	}
	return c.settle(ctx, api, g)
}

func (c *settleCmd) settle(ctx context.Context, api *client, g *globals) error {
	path, err := attemptPath(c.Attempt, "settle", c.Client)
	if err != nil {
		return fmt.Errorf("%w, as posd owed shows it", err)
	}
	if c.Amount < 0 || c.Amount > 0 && c.As != "paid" {
		return errors.New("--amount is what the acquirer or the gateway holds: above 0, and together with --as paid")
	}
	if c.By == nobodysName {
		return errNoName
	}
	verdict := map[string]any{"as": c.As, "by": c.By, "reason": c.Reason}
	if c.Amount > 0 {
		verdict["amount"] = c.Amount
	}
	if err := api.do(ctx, http.MethodPost, path, verdict, nil); err != nil {
		return err
	}
	done := "settled as " + c.As
	if c.As == "retry" {
		done = "being reversed again, as told"
	}
	fmt.Fprintf(g.Out, "%s is %s by %s\n", c.Attempt, done, c.By)
	return nil
}
