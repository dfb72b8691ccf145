package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"posd/daemon/payment"
)

// refundCmd is a supervisor's order to give back what an attempt took.
type refundCmd struct {
	Attempt string `arg:"" name:"sale/attempt" help:"The attempt whose money goes back, as posd reconcile shows it."`
	Amount  int64  `placeholder:"MINOR-UNITS" help:"What the bill shows that it took: 1999 for 19.99. Needed where the attempt ended without money here; else all that it holds goes back."`
	By      string `required:"" placeholder:"NAME" help:"Who decides."`
	Reason  string `required:"" placeholder:"TEXT" help:"Why: which bill shows it."`
	Client  string `placeholder:"TILL" help:"Whose sale it is, when several tills use the same id."`
}

// Help teaches when this is right.
func (refundCmd) Help() string {
	return `For what only a bill can tell: an attempt that ended without money here (reversed, declined, settled as not paid) and that the
gateway holds all the same. posd reconcile finds them and prints this command. What the bill shows is journaled beside the
attempt, with your name and reason; the refund is an attempt of its own that names it, and is repeated under one number until
it is answered. Giving the command again is harmless: it shows the same refund. A refund that was refused may be ordered again.

What a card host holds although it says that it was reversed no host gives back by a message: the refund needs attention then, and
the sale is locked, until the acquirer has given the money back and posd settle says so.

An approved attempt is given back as well: a till does that itself, with a void or refund.`
}

// nobodysName stands in a command of posd reconcile that was not told who decides.
const nobodysName = "NAME"

var errNoName = errors.New("--by is who decides: put that person's name there")

// orderedWait is how long the verb waits for the refund's outcome.
const orderedWait = 60 * time.Second

// Run has the refund begun, and says how it stands.
func (c *refundCmd) Run(ctx context.Context, g *globals) error {
	api, err := g.client()
	if err != nil {
		return err
	}
	return c.refund(ctx, api, g)
}

func (c *refundCmd) refund(ctx context.Context, api *client, g *globals) error {
	path, err := attemptPath(c.Attempt, "refund", c.Client)
	if err != nil {
		return fmt.Errorf("%w, as posd reconcile shows it", err)
	}
	if c.Amount < 0 {
		return errors.New("--amount is what the bill shows, above 0")
	}
	if c.By == nobodysName {
		return errNoName
	}
	order := map[string]any{"by": c.By, "reason": c.Reason}
	if c.Amount > 0 {
		order["amount"] = c.Amount
	}
	var refund listedAttempt
	if err := api.patient(orderedWait).do(ctx, http.MethodPost, path, order, &refund); err != nil {
		return err
	}
	fmt.Fprintf(g.Out, "%s/%s gives back %s of %s: %s\n", refund.Sale, refund.Attempt, money(refund.Amount, refund.Currency), c.Attempt, refund.State)
	switch refund.State {
	case payment.SaidApproved, payment.SaidSettledPaid:
	case payment.SaidInProgress:
		fmt.Fprintln(g.Out, "it is repeated under its number until it is answered: posd owed shows it until then")
	case payment.SaidNeedsAttention:
		if refund.Reversal.Code == payment.CodeAskAcquirer {
			return c.byHand(g, refund)
		}
		return fmt.Errorf("nobody knows whether the refund was done: ask the gateway, then posd settle %s/%s", refund.Sale, refund.Attempt)
	default:
		return fmt.Errorf("the refund is %s: nothing went back; order it again, or give the money back at the gateway's own page", refund.State)
	}
	return nil
}

// byHand says what is left for the person to do.
func (c *refundCmd) byHand(g *globals, refund listedAttempt) error {
	fmt.Fprintf(g.Out, "%s\n", refund.Reversal.Text)
	fmt.Fprintf(g.Out, "it is on record, and the sale is locked; afterwards: posd settle %s/%s --as paid --by %s --reason TEXT (not-paid, if they refuse)\n",
		refund.Sale, refund.Attempt, shellWord(c.By))
	return nil
}
