package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"posd/hwtest/hostsim"
	"posd/hwtest/walletsim"
)

// disagreement says in what posd and the ledgers differ.
type disagreement struct{ what []string }

// Error gives all of it in one line.
func (e *disagreement) Error() string { return strings.Join(e.what, "; ") }

// row is what three parties say of one sale.
type row struct {
	sale         string
	amount       int64
	posd         int64 // paid, as the till was told
	host, wallet int64 // what is left captured
	states       string
	verdict      string // empty: all agree
}

// compare holds posd's sales against the ledgers of the host and the wallets: what is left captured of a sale over both
// is from nothing to its amount, and what posd says; and there is no entry that posd knows nothing of (invariant I3).
func compare(sales []tillSale, host []hostsim.Entry, wallet []walletsim.Entry) (rows []row, strangers []string) {
	cards, orders := map[string]int{}, map[string]int{} // whose an entry is: sale by number
	for i, s := range sales {
		for _, a := range s.Attempts {
			if a.Numbers.Trace != "" {
				cards[cardKey(a.Numbers.Terminal, a.Numbers.Batch, a.Numbers.Trace)] = i
			}
			if a.Numbers.Order != "" {
				orders[a.Numbers.Order] = i
			}
		}
		rows = append(rows, row{sale: s.ID, amount: s.Amount, posd: s.Paid, states: said(s)})
	}
	for _, e := range host {
		i, known := cards[cardKey(e.Terminal, e.Batch, e.Trace)]
		if !known {
			strangers = append(strangers, fmt.Sprintf("row %d of the host's ledger (%s, trace %s) is no attempt of posd", e.Seq, e.Kind, e.Trace))
			continue
		}
		rows[i].host += e.Net()
	}
	for _, e := range wallet {
		i, known := orders[e.Order]
		if !known {
			strangers = append(strangers, fmt.Sprintf("row %d of the wallet's ledger (%s, order %s) is no attempt of posd", e.Seq, e.Kind, e.Order))
			continue
		}
		rows[i].wallet += walletsim.Net([]walletsim.Entry{e}, e.Order)
	}
	for i := range rows {
		rows[i].judge()
	}
	return rows, strangers
}

func cardKey(terminal, batch, trace string) string { return terminal + "/" + batch + "/" + trace }

// said lists what the till was told of each attempt.
func said(s tillSale) string {
	var words []string
	for _, a := range s.Attempts {
		word := a.State
		if a.Kind != "sale" {
			word = a.Kind + " " + word
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

func (r *row) judge() {
	switch net := r.host + r.wallet; {
	case net < 0 || net > r.amount:
		r.verdict = fmt.Sprintf("sale %s over %s: the ledgers hold %s", r.sale, yuanText(r.amount), yuanText(net))
	case net != r.posd:
		r.verdict = fmt.Sprintf("sale %s: posd says %s, the ledgers hold %s", r.sale, yuanText(r.posd), yuanText(net))
	}
}

// compareLedgers compares, shows the table, and gives the number of sales that agree.
func (d *demo) compareLedgers(ctx context.Context) (int, error) {
	sales, err := d.api.sales(ctx)
	if err != nil {
		return 0, err
	}
	host, err := d.hostLedger()
	if err != nil {
		return 0, err
	}
	wallet, err := d.walletLedger()
	if err != nil {
		return 0, err
	}
	rows, wrong := compare(sales, host, wallet)
	d.heading("逐笔对账 · every sale in three books")
	d.showRows(rows)
	for _, r := range rows {
		if r.verdict != "" {
			wrong = append(wrong, r.verdict)
		}
	}
	if len(sales) != len(scenes) {
		wrong = append(wrong, fmt.Sprintf("posd knows %d sales, the demo opened %d", len(sales), len(scenes)))
	}
	owed, err := d.stillOwed(ctx)
	if err != nil {
		return 0, err
	}
	if wrong = append(wrong, owed...); len(wrong) > 0 {
		return 0, &disagreement{wrong}
	}
	d.line("   rows in the ledgers: host %d, wallet %d; each belongs to an attempt of posd, and nothing is owed", len(host), len(wallet))
	return len(sales), nil
}

func (d *demo) showRows(rows []row) {
	var sum row
	shown := [][]string{{"单号 sale", ">金额 amount", ">posd", ">银行 host", ">钱包 wallet", "结论 verdict", "told to the till"}}
	for _, r := range rows {
		sum.amount, sum.posd, sum.host, sum.wallet = sum.amount+r.amount, sum.posd+r.posd, sum.host+r.host, sum.wallet+r.wallet
		verdict := "一致 agree"
		if r.verdict != "" {
			verdict = "不一致 DIFFER"
		}
		shown = append(shown, []string{
			r.sale, ">" + yuanText(r.amount), ">" + yuanText(r.posd), ">" + yuanText(r.host), ">" + yuanText(r.wallet), verdict, r.states,
		})
	}
	shown = append(shown, []string{
		"合计 sum", ">" + yuanText(sum.amount), ">" + yuanText(sum.posd), ">" + yuanText(sum.host), ">" + yuanText(sum.wallet), "", "",
	})
	d.table(shown)
}

// stillOwed asks posd for what it has not settled.
func (d *demo) stillOwed(ctx context.Context) (wrong []string, err error) {
	var owed struct {
		Open  []tillAttempt            `json:"open"`
		Stuck []tillAttempt            `json:"stuck"`
		Pairs []struct{ State string } `json:"pairs"`
	}
	if err := d.api.do(ctx, d.api.supervisor, http.MethodGet, "/v1/owed", nil, &owed); err != nil {
		return nil, err
	}
	for _, a := range append(owed.Open, owed.Stuck...) {
		wrong = append(wrong, "attempt "+a.ShortID+" is still "+a.State)
	}
	for _, p := range owed.Pairs {
		if p.State != "resolved" {
			wrong = append(wrong, "a suspect pair is "+p.State)
		}
	}
	return wrong, nil
}

// searchForSecrets looks through every file that the demo has left.
func (d *demo) searchForSecrets() error {
	needles := map[string]string{}
	for _, n := range d.cards {
		needles[n] = "a card number"
	}
	for _, n := range d.codes {
		needles[n] = "a wallet code"
	}
	if len(needles) == 0 {
		return errors.New("no card and no code was used: there is nothing to search for")
	}
	files, hits, err := searchFiles(d.dir, needles)
	if err != nil {
		return err
	}
	if len(hits) > 0 {
		return &disagreement{hits}
	}
	d.line("   %d card numbers and wallet codes, searched as text, BCD and hex in %d files of %s: 0 hits", len(needles), files, d.dir)
	return nil
}
