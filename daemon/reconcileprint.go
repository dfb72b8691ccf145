package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"posd/daemon/bill"
	"posd/daemon/payment"
	"posd/daemon/reconcile"
)

// listTitles are what the table calls the lists.
var listTitles = map[reconcile.List]string{
	reconcile.PaidThere: "paid there, unpaid here  对方已收,本方未收",
	reconcile.PaidHere:  "paid here, missing there  本方已收,对方无账",
	reconcile.Differs:   "amount differs  金额不符",
	reconcile.Twice:     "two paid attempts in one sale  同一单重复付款",
	reconcile.Disputed:  "disputed  持卡人异议",
	reconcile.OpenHere:  "still open here  本方未决",
}

func printReport(w io.Writer, format string, in reconcile.Input, r reconcile.Report) error {
	switch format {
	case "json":
		return printReportJSON(w, in, r)
	case "csv":
		return printReportCSV(w, r)
	default:
		return printReportTable(w, in, r)
	}
}

// printReportJSON writes all of it as one object.
func printReportJSON(w io.Writer, in reconcile.Input, r reconcile.Report) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		Bill    string    `json:"bill"`
		From    time.Time `json:"from,omitzero"`
		Until   time.Time `json:"until,omitzero"`
		Journal string    `json:"journal"`
		Clean   bool      `json:"clean"`
		reconcile.Report
	}{in.Name, in.Bill.From, in.Bill.Until, in.Journal, r.Clean(), r})
}

// printReportCSV writes the rows, the look-alike pairs and the refused rows of the bill, told apart by their first column.
// Amounts are in minor units.
func printReportCSV(w io.Writer, r reconcile.Report) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"list", "number", "client", "sale", "attempt", "kind", "here", "there", "currency", "state", "bill", "act", "advice", "command"}}
	for _, x := range r.Rows {
		rows = append(rows, []string{
			string(x.List), x.Number, x.Client, x.Sale, x.Attempt, string(x.Kind), minor(x.Here), minor(x.There), x.Currency,
			string(x.State), x.Bill, string(x.Act), x.Advice, x.Command,
		})
	}
	for _, l := range r.LookAlikes {
		rows = append(rows, []string{"look_alike", "", l.Client, l.Unclean, "", "", minor(l.Amount), "", "", "", "", string(reconcile.None), alikeAdvice(l), ""})
	}
	for _, f := range r.Refused {
		rows = append(rows, []string{"unreadable", strconv.Itoa(f.Line), "", "", "", "", "", "", "", "", f.Column, string(reconcile.None), f.Why, ""})
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	return nil
}

func minor(c payment.Cents) string { return strconv.FormatInt(int64(c), 10) }

func alikeAdvice(l payment.LookAlike) string {
	return l.Approved + " is of the same till and amount: ask the customer whether both were meant; no money moves for them"
}

// printReportTable writes it for people.
func printReportTable(w io.Writer, in reconcile.Input, r reconcile.Report) error {
	fmt.Fprintf(w, "%s: %d rows, %d the same here and there, %d of other tills", in.Name, len(in.Bill.Rows), r.Same, r.Elsewhere)
	if r.Waiting > 0 {
		fmt.Fprintf(w, ", %d near its edge that the next bill may have", r.Waiting)
	}
	fmt.Fprintln(w)
	for _, list := range reconcile.Lists() {
		if err := printList(w, list, r.Rows); err != nil {
			return err
		}
	}
	if len(r.LookAlikes) > 0 {
		fmt.Fprintln(w, "\nlook-alike pairs: no money moves for them  疑似重复")
	}
	for _, l := range r.LookAlikes {
		fmt.Fprintf(w, "  %s  %s\n", l.Unclean, alikeAdvice(l))
	}
	if len(r.Refused) > 0 {
		fmt.Fprintln(w, "\nrows of the bill that cannot be read  无法识别的行")
	}
	for _, f := range r.Refused {
		fmt.Fprintf(w, "  line %d  %s  %s\n", f.Line, f.Column, f.Why)
	}
	if !r.Compared {
		fmt.Fprintf(w, "\nnot compared: %s  未对账\n", uncompared(in))
	}
	if r.Clean() {
		fmt.Fprintln(w, "clean: nobody has to do anything  账平")
	}
	return nil
}

// uncompared says why a bill cannot be held against the journal.
func uncompared(in reconcile.Input) string {
	if in.Bill.Provider == bill.Acquirer {
		return "no row of the bill is of a terminal of this journal's: it is another till's bill, or its journal is another one"
	}
	return "the bill has no rows, and does not say of what day it is: name that with --date"
}

func printList(w io.Writer, list reconcile.List, rows []reconcile.Row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	shown := false
	for _, r := range rows {
		if r.List != list {
			continue
		}
		if !shown {
			fmt.Fprintf(w, "\n%s\n", listTitles[list])
			fmt.Fprintln(t, "  SALE/ATTEMPT\tNUMBER\tKIND\tHERE\tTHERE\tSTATE\tTHE BILL SAYS\tDO")
			shown = true
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\t%s: %s\n", attemptName(r.Sale, r.Attempt), r.Number, r.Kind,
			money(int64(r.Here), r.Currency), money(int64(r.There), r.Currency), r.State, r.Bill, r.Act, r.Advice)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	for _, r := range rows {
		if r.List == list && r.Command != "" {
			fmt.Fprintf(w, "  %s\n", r.Command)
		}
	}
	return nil
}

// attemptName names an attempt; a dash where the journal has none.
func attemptName(sale, attempt string) string {
	if sale == "" {
		return "-"
	}
	return sale + "/" + attempt
}
