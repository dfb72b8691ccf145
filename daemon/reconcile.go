package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"posd/daemon/bill"
	"posd/daemon/payment"
	"posd/daemon/reconcile"
	"posd/daemon/wallet"
)

// reconcileCmd compares a bill with the journal.
type reconcileCmd struct {
	journalFlags

	Provider string   `required:"" enum:"${bills}" placeholder:"WHOSE" help:"Whose bill it is: ${enum}."`
	Bill     string   `required:"" type:"path" placeholder:"FILE" help:"The bill, as it was got: text in UTF-8 or GBK, or packed as ZIP or GZIP."`
	Format   string   `enum:"table,csv,json" default:"table" placeholder:"table|csv|json" help:"How to print (${default})."`
	Date     string   `placeholder:"DAY" help:"The day that a wallet's bill is of, in Beijing: 2026-11-28. Without: as the bill says, else the days of its rows."`
	By       string   `placeholder:"NAME" help:"Who will decide: stands in the printed commands."`
	Disputed []string `placeholder:"NUMBER" help:"Order numbers of payments that somebody disputes: he was charged, and bought nothing. May be repeated."`
}

// Help teaches what the lists mean.
func (reconcileCmd) Help() string {
	return `It moves nothing. Each row has our number, the sale and attempt, what is held here and there, what the bill says, and what to do:

  paid there, unpaid here     settle what is stuck as paid; refund what ended without money here
  paid here, missing there    settle what is stuck as not paid; else ask the other side: its books are wrong, or it gave back
  amount differs              ask the other side
  two paid                    a sale holds more than it costs: one payment stays, the other goes back
  disputed                    compensate: a code was the same as another customer's, and its owner was charged (--disputed)
  still open here             posd is still asking or reversing: compare again when it is decided

A row's command is complete but for the name (--by); giving it twice is harmless. Then compare with the next bill. Look-alike
pairs are listed apart: ask the customer; no money moves for them. Rows of the bill that cannot be read are named with line and
column, and nothing is guessed. It ends with 1 when somebody has to look at something.

Which bills:

` + billSources() + `
A bill is of a merchant: rows of other tills are counted, and left to these.

  posd reconcile --provider alipay --bill 20881_20261128.zip --by "supervisor 1"
  posd reconcile --provider wechat --bill wechat.csv --date 2026-11-28 --format csv > differences.csv`
}

// billFormats are whose bills posd reads.
func billFormats() []bill.Format {
	var all []bill.Format
	for _, b := range wallet.Brands() {
		if b.Bill != nil {
			all = append(all, *b.Bill)
		}
	}
	return append(all, bill.Batch)
}

// billsOf names them for the command line.
func billsOf() string {
	var names []string
	for _, f := range billFormats() {
		names = append(names, string(f.Provider))
	}
	return strings.Join(names, ",")
}

func billSources() string {
	var b strings.Builder
	for _, f := range billFormats() {
		fmt.Fprintf(&b, "  %s  %s\n", f.Provider, f.Source)
	}
	return b.String()
}

// billDay is what --date takes.
const billDay = time.DateOnly

// earlier is how long before a bill's time a payment may have been sent that its rows are about. Older ones are looked for
// when the bill names a number that is not among the younger ones.
const earlier = 8 * 24 * time.Hour

// usualAlike is payment.duplicate_window where there is no configuration to ask.
const usualAlike = 10 * time.Minute

// Run compares, and prints what differs.
func (c *reconcileCmd) Run(ctx context.Context, g *globals) error {
	b, err := c.read()
	if err != nil {
		return err
	}
	j, err := g.records(ctx, c.File)
	if err != nil {
		return err
	}
	defer j.Close()
	in := reconcile.Input{Bill: b, Name: c.name(b), Disputed: c.Disputed, Alike: usualAlike}
	if cfg, err := g.load(); err == nil && cfg.Payment.DuplicateWindow.Duration > 0 {
		in.Alike = cfg.Payment.DuplicateWindow.Duration
	}
	report, err := compare(ctx, j, in)
	if err != nil {
		return err
	}
	for i := range report.Rows {
		report.Rows[i].Command = c.command(g, report.Rows[i])
	}
	if err := printReport(g.Out, c.Format, in, report); err != nil {
		return err
	}
	if !report.Compared {
		return errors.New("nothing was compared")
	}
	if !report.Clean() {
		return fmt.Errorf("the bill and the journal differ: %d rows want a person, %d rows could not be read", len(report.Rows), len(report.Refused))
	}
	return nil
}

// read reads the bill, and notes the day that it is of.
func (c *reconcileCmd) read() (b bill.Bill, err error) {
	var day time.Time
	if c.Date != "" {
		if day, err = time.ParseInLocation(billDay, c.Date, bill.Beijing); err != nil {
			return b, errors.New("--date is a day, such as 2026-11-28")
		}
		if c.Provider == string(bill.Acquirer) {
			return b, errors.New("--date is for a wallet's bill: an acquirer's is of batches, which its rows name")
		}
	}
	file, err := os.Open(c.Bill)
	if err != nil {
		return b, fmt.Errorf("read the bill: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, bill.MaxFile+1))
	if err != nil {
		return b, fmt.Errorf("read the bill: %w", err)
	}
	formats := billFormats() // of which the command line allows no other
	f := formats[slices.IndexFunc(formats, func(f bill.Format) bool { return string(f.Provider) == c.Provider })]
	if b, err = bill.Read(f, text); err != nil || day.IsZero() {
		return b, err
	}
	until := day.AddDate(0, 0, 1)
	if !b.From.IsZero() && (day.Before(b.From) || until.After(b.Until)) {
		return b, fmt.Errorf("the bill says that it is from %s until %s: --date is another day", b.From.Format(time.DateTime), b.Until.Format(time.DateTime))
	}
	b.From, b.Until = day, until
	return b, ofThatDay(b)
}

// ofThatDay refuses a bill whose payments are all of other days than it is said to be of.
func ofThatDay(b bill.Bill) error {
	var other time.Time
	for _, r := range b.Rows {
		switch {
		case r.Kind != bill.Took || r.At.IsZero(): // what gives back may bear the time of its payment
		case !r.At.Before(b.From) && r.At.Before(b.Until):
			return nil
		default:
			other = r.At
		}
	}
	if other.IsZero() {
		return nil
	}
	return fmt.Errorf("no payment of the bill is of the day that --date names; one is of %s", other.In(bill.Beijing).Format(billDay))
}

// name is what reasons call the bill.
func (c *reconcileCmd) name(b bill.Bill) string {
	at := b.From
	for i := 0; at.IsZero() && i < len(b.Rows); i++ {
		at = b.Rows[i].At
	}
	if at.IsZero() {
		return "bill of " + c.Provider
	}
	name := "bill of " + c.Provider + " " + at.In(bill.Beijing).Format(billDay)
	if last := b.Until.Add(-time.Second); !b.Until.IsZero() && last.Sub(at) > 24*time.Hour {
		name += " to " + last.In(bill.Beijing).Format(billDay)
	}
	return name
}

// compare looks at the sales about the bill's time, and at all of them when the bill names one that is not among these.
func compare(ctx context.Context, j records, in reconcile.Input) (r reconcile.Report, err error) {
	if in.Pairs, in.Alikes, err = j.owed(ctx, in.Alike); err != nil {
		return r, err
	}
	since := in.Bill.From
	for _, row := range in.Bill.Rows {
		if since.IsZero() || row.At.Before(since) {
			since = row.At
		}
	}
	if !since.IsZero() {
		since = since.Add(-earlier)
	}
	if in.Journal, in.Sales, err = allSales(ctx, j, since); err != nil {
		return r, err
	}
	r = reconcile.Compare(in)
	unknown := slices.ContainsFunc(r.Rows, func(row reconcile.Row) bool { return row.Sale == "" })
	if !unknown && (in.Bill.Provider != bill.Acquirer || r.Elsewhere == 0) || since.IsZero() {
		return r, nil
	}
	if in.Journal, in.Sales, err = allSales(ctx, j, time.Time{}); err != nil {
		return r, err
	}
	return reconcile.Compare(in), nil
}

// allSales reads the sales page by page. Only those are kept that have something to compare.
func allSales(ctx context.Context, j records, since time.Time) (journal string, all []payment.Sale, err error) {
	s := payment.SaleSearch{Since: since}
	for {
		name, page, next, err := j.sales(ctx, s)
		if err != nil {
			return "", nil, err
		}
		for _, sale := range page {
			if len(sale.Attempts) > 0 {
				all = append(all, sale)
			}
		}
		if len(page) == 0 || next <= s.After {
			return name, all, nil
		}
		s.After = next
	}
}

// command is what a supervisor types to carry a row's act out.
func (c *reconcileCmd) command(g *globals, r reconcile.Row) string {
	if r.Order == nil {
		return ""
	}
	args := []string{"posd"}
	if g.ConfigFile != "" && g.ConfigFile != defaultConfig() {
		args = append(args, "-c", g.ConfigFile)
	}
	args = append(args, r.Order.Verb, r.Sale+"/"+r.Attempt)
	if r.Order.As != "" {
		args = append(args, "--as", r.Order.As)
	}
	if r.Order.Amount > 0 {
		args = append(args, "--amount", strconv.FormatInt(int64(r.Order.Amount), 10))
	}
	by := c.By
	if by == "" {
		by = nobodysName
	}
	args = append(args, "--client", r.Client, "--by", by, "--reason", r.Order.Reason)
	for i, a := range args {
		args[i] = shellWord(a)
	}
	return strings.Join(args, " ")
}

// shellWord writes a word so that the machine's shell takes it for one.
func shellWord(s string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./:"
	switch {
	case s != "" && strings.Trim(s, plain) == "":
		return s
	case runtime.GOOS == "windows":
		return `"` + strings.NewReplacer(`"`, `'`, `%`, ` `, "\n", " ").Replace(s) + `"`
	default:
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
}
