package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"posd/daemon/payment"
)

// owedCmd lists the money that is not where it should be.
type owedCmd struct{}

// owedAnswer is what the API says of open ends.
type owedAnswer struct {
	Open  []listedAttempt `json:"open"`  // posd is at it
	Stuck []listedAttempt `json:"stuck"` // a person decides
	Pairs []struct {
		Client string `json:"client"`
		Sale   string `json:"sale"`
		First  string `json:"first"`
		Second string `json:"second"`
		State  string `json:"state"`
	} `json:"pairs"` // two attempts of one sale that may both be paid
	Found      []listedAttempt `json:"found"` // a bill shows that they took money that is not given back
	LookAlikes []struct {
		Client   string `json:"client"`
		Unclean  string `json:"unclean"`
		Approved string `json:"approved"`
		Amount   int64  `json:"amount"`
		Currency string `json:"currency"`
	} `json:"look_alikes"`
	MoreAlike int `json:"more_look_alikes"` // look-alikes that the list has no room for
}

// Run prints what posd is still reversing, what a person must settle, and the pairs that may be paid twice.
func (owedCmd) Run(ctx context.Context, g *globals) error {
	c, err := g.client()
	if err != nil {
		return err
	}
	return owedCmd{}.list(ctx, c, g)
}

func (owedCmd) list(ctx context.Context, c *client, g *globals) error {
	var o owedAnswer
	if err := c.do(ctx, http.MethodGet, "/v1/owed", nil, &o); err != nil {
		return err
	}
	if len(o.Open)+len(o.Stuck)+len(o.Pairs)+len(o.LookAlikes)+len(o.Found) == 0 {
		fmt.Fprintln(g.Out, "nothing is owed")
		return nil
	}
	t := newListing(g, "SALE/ATTEMPT", "SHORT ID", "STATE", "AMOUNT", "TRIES", "NEXT TRY", "WHY")
	for _, a := range append(o.Stuck, o.Open...) {
		t.row(a.Sale+"/"+a.Attempt, a.ShortID, a.State, money(a.Amount, a.Currency), strconv.Itoa(a.Reversal.Tries), clock(a.Reversal.NextTry), payment.Words(a.Reversal.Code, a.Reversal.Text))
	}
	for _, a := range o.Found {
		t.row(a.Sale+"/"+a.Attempt, a.ShortID, a.State, money(a.Amount, a.Currency), "", "", "a bill shows that it took money, which is not given back yet")
	}
	for _, p := range o.Pairs {
		t.row(p.Sale+"/"+p.First, "", "pair "+p.State, "", "", "", "may be paid twice: also by attempt "+p.Second)
	}
	for _, l := range o.LookAlikes {
		t.row(l.Unclean, "", "look-alike", money(l.Amount, l.Currency), "", "", "an equal sale was paid: "+l.Approved)
	}
	if err := t.flush(); err != nil {
		return err
	}
	if o.MoreAlike > 0 {
		fmt.Fprintf(g.Out, "\n%d more look-alikes are not listed: these are the oldest.\n", o.MoreAlike)
	}
	if len(o.Stuck) > 0 {
		fmt.Fprintln(g.Out, "\nAsk the acquirer or the gateway about what needs attention, then: posd settle SALE/ATTEMPT --as paid|not-paid|retry --by NAME --reason TEXT")
	}
	return nil
}
