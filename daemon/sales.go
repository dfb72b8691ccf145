package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"posd/daemon/payment"
	"posd/daemon/receipt"
)

// salesCmd lists sales as the running posd knows them.
type salesCmd struct{}

// listedAttempt is what the verbs show of an attempt in the API's answers.
type listedAttempt struct {
	Client     string    `json:"client"`
	Sale       string    `json:"sale"`
	Attempt    string    `json:"attempt"`
	Rail       string    `json:"rail"`
	Kind       string    `json:"kind"`
	State      string    `json:"state"`
	Amount     int64     `json:"amount"`
	Currency   string    `json:"currency"`
	ShortID    string    `json:"short_id"`
	Instrument string    `json:"instrument"`
	CreatedAt  time.Time `json:"created_at"`
	Reversal   struct {
		Tries   int       `json:"tries"`
		NextTry time.Time `json:"next_try"`
		Code    string    `json:"code"`
		Text    string    `json:"text"`
	} `json:"reversal"`
}

// listedSale is what the verbs show of a sale in the API's answers.
type listedSale struct {
	ID        string          `json:"id"`
	Amount    int64           `json:"amount"`
	Paid      int64           `json:"paid"`
	Currency  string          `json:"currency"`
	Reference string          `json:"reference"`
	Attempts  []listedAttempt `json:"attempts"`
}

// Run prints one line per attempt, or one for a sale that nobody has tried to pay.
func (salesCmd) Run(ctx context.Context, g *globals) error {
	c, err := g.client()
	if err != nil {
		return err
	}
	return salesCmd{}.list(ctx, c, g)
}

func (salesCmd) list(ctx context.Context, c *client, g *globals) error {
	var answer struct {
		Sales []listedSale `json:"sales"`
	}
	if err := c.do(ctx, http.MethodGet, "/v1/sales", nil, &answer); err != nil {
		return err
	}
	t := newListing(g, "SALE", "ATTEMPT", "SHORT ID", "TIME", "RAIL", "KIND", "AMOUNT", "STATE", "INSTRUMENT", "REFERENCE")
	for _, s := range answer.Sales {
		if len(s.Attempts) == 0 {
			t.row(s.ID, "", "", "", "", "", money(s.Amount, s.Currency), "open", "", s.Reference)
		}
		for _, a := range s.Attempts {
			t.row(s.ID, a.Attempt, a.ShortID, clock(a.CreatedAt), a.Rail, a.Kind, money(a.Amount, a.Currency), a.State, a.Instrument, s.Reference)
		}
	}
	return t.flush()
}

// client is a way to the posd that the configuration describes.
func (g *globals) client() (*client, error) {
	cfg, err := g.load()
	if err != nil {
		return nil, err
	}
	return newClient(cfg)
}

// money shows minor units as English slips do.
func money(amount int64, currency string) string {
	return receipt.Money(payment.Cents(amount), currency, receipt.English)
}

// clock shows a moment as the shop's clock does; nothing when there is none.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// listing prints aligned columns.
type listing struct{ w *tabwriter.Writer }

func newListing(g *globals, head ...string) *listing {
	t := &listing{tabwriter.NewWriter(g.Out, 0, 0, 2, ' ', 0)}
	t.row(head...)
	return t
}

func (t *listing) row(cells ...string) { fmt.Fprintln(t.w, strings.Join(cells, "\t")) }

func (t *listing) flush() error {
	if err := t.w.Flush(); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	return nil
}
