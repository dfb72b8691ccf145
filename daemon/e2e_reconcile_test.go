package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"posd/daemon/payment"
	"posd/daemon/reconcile"
	"posd/hwtest/hostsim"
	"posd/hwtest/walletsim"
)

// reconciled is what posd reconcile says of a bill, with the name of who decides.
func (s *store) reconciled(provider string, text []byte, args ...string) reconcile.Report {
	s.t.Helper()
	file := s.path("out/" + provider + ".bill")
	s.write("out/"+provider+".bill", string(text))
	out, errs, code := s.posd(append([]string{"reconcile", "--provider", provider, "--bill", file, "--format", "json", "--by", "supervisor 1"}, args...)...)
	var said struct {
		Clean bool `json:"clean"`
		reconcile.Report
	}
	if err := json.Unmarshal([]byte(out), &said); err != nil {
		s.t.Fatalf("posd reconcile: %v in %q%s", err, out, errs)
	}
	if said.Clean != (code == success) || said.Clean != said.Report.Clean() {
		s.t.Errorf("exit %d and clean %v, for %d rows: %s", code, said.Clean, len(said.Rows), errs)
	}
	return said.Report
}

func (s *store) walletBill(b walletsim.Bill) []byte {
	s.t.Helper()
	text, err := s.gateway.Bill(b)
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// wantRows checks what each row is about and what it proposes: "LIST SALE/ATTEMPT ACT", in order.
func wantRows(t *testing.T, r reconcile.Report, want ...string) {
	t.Helper()
	var got []string
	for _, row := range r.Rows {
		got = append(got, fmt.Sprintf("%s %s/%s %s", row.List, row.Sale, row.Attempt, row.Act))
		if row.Number == "" || row.Bill == "" || row.Advice == "" {
			t.Errorf("a row lacks number, bill or advice: %+v", row)
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Fatalf("rows:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// shellWords splits a command as a POSIX shell does that knows nothing but single quotes.
func shellWords(text string) (words []string) {
	word, quoted := "", false
	for _, r := range text + " " {
		switch {
		case r == '\'':
			quoted = !quoted
		case r == ' ' && !quoted:
			words, word = append(words, word), ""
		default:
			word += string(r)
		}
	}
	return words
}

// carriesOut runs the commands of a report.
func (s *store) carriesOut(r reconcile.Report) (done int) {
	s.t.Helper()
	for _, row := range r.Rows {
		if row.Command == "" {
			continue
		}
		words := shellWords(row.Command)
		if words[0] != "posd" {
			s.t.Fatalf("the command is %q", row.Command)
		}
		s.works(words[1:]...)
		done++
	}
	return done
}

// swallows lets a wallet's payment of an amount end reversed, though the gateway holds it: its answer is lost, queries know
// nothing of it, and the cancel is answered and not carried out.
func swallows(amount int64, absent string) []walletsim.Rule {
	return []walletsim.Rule{
		{Call: walletsim.CallPay, Amount: amount, Fault: walletsim.Reset, Commit: true},
		{Call: walletsim.CallQuery, Amount: amount, Fault: walletsim.Refuse, Code: absent},
		{Call: walletsim.CallCancel, Amount: amount, Fault: walletsim.Ignored},
	}
}

const reverseWindow = "query_every = \"100ms\"\n[wallet.wechat]"

// A day at a shop of which everything is different in the bills that can be.
func TestTheBillsOfADayAreReconciledAndTheirCommandsResolveThem(t *testing.T) {
	s := newStore(t, plan{patience: "3s", ownSocket: true})
	s.change(reverseWindow, strings.Replace(reverseWindow, "\n", "\nreverse_window = \"1s\"\n", 1)) // so that a refused refund ends it
	s.startProcess()
	order := map[string]string{}
	pay := func(sale string, amount int64, body any, state string) {
		t.Helper()
		s.till.open(sale, amount)
		order[sale] = s.want(s.till.pay(sale, "a", body), state).Numbers.Order
	}
	s.gatewayRules(swallows(700, "ACQ.TRADE_NOT_EXIST")...)
	pay("same", 1999, by(s.code(walletsim.AlipayName)), "approved")
	pay("swallowed", 700, by(s.code(walletsim.AlipayName)), "reversed")
	pay("lost", 500, by(s.code(walletsim.AlipayName)), "approved")
	pay("changed", 600, by(s.code(walletsim.AlipayName)), "approved")
	s.settledWrongly("settled", 800)
	s.paidTwice("twice", 900)

	ours := walletsim.Bill{Wallet: walletsim.AlipayName, Missing: []string{order["lost"]}, Amounts: map[string]int64{order["changed"]: 650}}
	old := s.walletBill(walletsim.Bill{Wallet: walletsim.AlipayName, Until: time.Now()}) // of a time that ends before the refunds
	r := s.reconciled("alipay", s.walletBill(ours))
	wantRows(t, r, "paid_there_unpaid_here swallowed/a refund", "paid_there_unpaid_here settled/a refund",
		"paid_here_missing_there lost/a none", "amount_differs changed/a none")
	if r.Rows[3].Here != 600 || r.Rows[3].There != 650 || r.Rows[1].State != payment.SettledNotPaid || r.Rows[0].Number != order["swallowed"] {
		t.Errorf("rows are %+v", r.Rows)
	}
	before := s.gateway.Net(order["swallowed"])
	if n := s.carriesOut(r); n != 2 || before != 700 || s.gateway.Net(order["swallowed"]) != 0 {
		t.Errorf("%d commands; the gateway held %d, and holds %d of what was swallowed", n, before, s.gateway.Net(order["swallowed"]))
	}
	s.carriesOut(r) // once more, and nothing more goes back
	for _, text := range [][]byte{s.walletBill(walletsim.Bill{Wallet: walletsim.AlipayName}), old} {
		wantRows(t, s.reconciled("alipay", text))
	}

	r = s.reconciled("acquirer", s.host.Bill(hostsim.Bill{}))
	wantRows(t, r, "two_paid twice/card settle", "two_paid twice/purse none")
	if s.carriesOut(r) != 1 {
		t.Errorf("rows are %+v", r.Rows)
	}
	s.eventually("the wallet is refunded", func() bool { return s.till.get(pathOf("twice", "purse")).State == "refunded" })
	wantRows(t, s.reconciled("acquirer", s.host.Bill(hostsim.Bill{})))
	wantRows(t, s.reconciled("alipay", s.walletBill(walletsim.Bill{Wallet: walletsim.AlipayName})))
	s.works("journal", "verify")
}

// settledWrongly lets an Alipay payment end stuck that the gateway holds, and a supervisor settle it as not paid.
func (s *store) settledWrongly(sale string, amount int64) {
	s.t.Helper()
	s.gatewayRules(
		walletsim.Rule{Call: walletsim.CallPay, Amount: amount, Fault: walletsim.Reset, Commit: true},
		walletsim.Rule{Call: walletsim.CallQuery, Amount: amount, Fault: walletsim.ServerError},
	)
	s.till.open(sale, amount)
	body := by(s.code(walletsim.AlipayName))
	s.till.begin(sale, "a", body)
	s.eventually("it is being reversed", func() bool { return s.till.get(pathOf(sale, "a")).State == "reversing" })
	s.gatewayRules(walletsim.Rule{Call: walletsim.CallRefund, Amount: amount, Fault: walletsim.Refuse, Code: "ACQ.SELLER_BALANCE_NOT_ENOUGH"})
	s.eventually("it is stuck", func() bool { return s.till.get(pathOf(sale, "a")).State == "needs_attention" })
	s.gatewayRules()
	s.eventually("nothing of it can be under way any more", func() bool {
		_, _, code := s.posd("settle", sale+"/a", "--as", "not-paid", "--by", "supervisor 2", "--reason", "the customer has no message of it")
		return code == success
	})
}

// paidTwice is the headline: the reversal of a card is refused, a supervisor lets the customer pay by wallet.
func (s *store) paidTwice(sale string, amount int64) {
	s.t.Helper()
	s.rules(
		hostsim.Rule{Kind: "sale", Do: hostsim.CommitSilent},
		hostsim.Rule{Kind: "reversal", Do: hostsim.ReverseCode, Code: "01"})
	s.till.open(sale, amount)
	s.want(s.till.payCard(sale, "card", testCard(1)), "needs_attention")
	s.rules()
	over := by(s.code(walletsim.AlipayName))
	over["override"] = map[string]any{"by": "supervisor 2", "reason": "the customer wants to leave"}
	s.want(s.supervisor.pay(sale, "purse", over), "approved")
}

func TestWeChatsBillIsReconciledThroughTheRunningPosdAndFromAStoppedOne(t *testing.T) {
	s := newStore(t, plan{patience: "3s", ownSocket: true})
	p := s.startProcess()
	s.gatewayRules(swallows(700, "ORDERNOTEXIST")...)
	for sale, amount := range map[string]int64{"same": 1999, "swallowed": 700} {
		s.till.open(sale, amount)
		s.till.pay(sale, "a", by(s.code(walletsim.WeChatName)))
	}
	s.want(s.till.pay("swallowed", "a", saleBy("wallet")), "reversed")
	part := undo("refund", "a")
	part["amount"] = 999
	s.want(s.till.pay("same", "r", part), "approved")
	s.till.open("again", 700) // the customer pays once more, under another sale
	s.gatewayRules()
	s.want(s.till.pay("again", "a", by(s.code(walletsim.WeChatName))), "approved")

	text := s.walletBill(walletsim.Bill{Wallet: walletsim.WeChatName})
	r := s.reconciled("wechat", text)
	wantRows(t, r, "paid_there_unpaid_here swallowed/a refund")
	if len(r.LookAlikes) != 1 || r.LookAlikes[0].Unclean != "swallowed/a" || r.LookAlikes[0].Approved != "again/a" {
		t.Errorf("look-alikes are %+v", r.LookAlikes)
	}
	dispute := s.reconciled("wechat", text, "--disputed", s.till.get(pathOf("again", "a")).Numbers.Order)
	wantRows(t, dispute, "paid_there_unpaid_here swallowed/a refund", "disputed again/a compensate")
	p.kill()
	wantRows(t, s.reconciled("wechat", text), "paid_there_unpaid_here swallowed/a refund") // read from the file
	s.startProcess()
	s.carriesOut(dispute)
	after := s.reconciled("wechat", s.walletBill(walletsim.Bill{Wallet: walletsim.WeChatName}))
	wantRows(t, after)
	if net := s.gateway.Net(r.Rows[0].Number); net != 0 || s.till.get(pathOf("again", "a")).State != "refunded" {
		t.Errorf("the gateway still holds %d; the disputed payment is %q", net, s.till.get(pathOf("again", "a")).State)
	}
}

func TestAReversalThatTheCardHostSwallowedIsShownAndItsCommandPutsItOnRecord(t *testing.T) {
	s := newStore(t, plan{patience: "3s", ownSocket: true})
	s.startProcess()
	s.till.open("same", 1999)
	s.want(s.till.payCard("same", "a", testCard(1)), "approved")
	s.till.open("voided", 300)
	s.want(s.till.payCard("voided", "a", testCard(2)), "approved")
	s.want(s.till.pay("voided", "v", undo("void", "a")), "approved")
	s.rules(hostsim.Rule{Kind: "sale", Do: hostsim.CommitSilent}, hostsim.Rule{Kind: "reversal", Do: hostsim.ReverseCode, Code: "00"})
	s.till.open("swallowed", 700)
	a := s.want(s.till.payCard("swallowed", "a", testCard(3)), "reversed")
	s.rules()
	r := s.reconciled("acquirer", s.host.Bill(hostsim.Bill{}))
	wantRows(t, r, "paid_there_unpaid_here swallowed/a refund")
	if r.Rows[0].Number != "10000001/"+a.Numbers.Batch+"/"+a.Numbers.Trace || !strings.Contains(r.Rows[0].Advice, "acquirer") || r.Same != 3 {
		t.Errorf("the report is %+v", r)
	}
	text := s.works(shellWords(r.Rows[0].Command)[1:]...)
	for _, want := range []string{"gives back CNY 7.00 of swallowed/a: needs_attention", "terminal 10000001, batch " + a.Numbers.Batch, "posd settle swallowed/undo-found-a --as paid"} {
		if !strings.Contains(text, want) {
			t.Errorf("the command says %q, want %q", text, want)
		}
	}
	wantRows(t, s.reconciled("acquirer", s.host.Bill(hostsim.Bill{})), "paid_there_unpaid_here swallowed/a none")
	s.works("settle", "swallowed/undo-found-a", "--as", "paid", "--by", "supervisor 1", "--reason", "the acquirer has given it back")
	wantRows(t, s.reconciled("acquirer", s.host.Bill(hostsim.Bill{})))
}

func TestTheReportIsATableForPeopleAndCSVForPrograms(t *testing.T) {
	s := newStore(t, plan{patience: "3s", ownSocket: true})
	s.startProcess()
	s.gatewayRules(swallows(700, "ACQ.TRADE_NOT_EXIST")...)
	s.till.open("S-1", 700)
	order := s.want(s.till.pay("S-1", "a", by(s.code(walletsim.AlipayName))), "reversed").Numbers.Order
	s.write("out/bill.csv", strings.Replace(string(s.walletBill(walletsim.Bill{Wallet: walletsim.AlipayName})), "当面付", "面包", 1))
	args := []string{"reconcile", "--provider", "alipay", "--bill", s.path("out/bill.csv")}
	table := s.complains("1 rows want a person", args...)
	wantTold(t, table, "bill of alipay rows the same", "paid there, unpaid here", "SALE/ATTEMPT NUMBER HERE THERE",
		"S-1/a "+order+" CNY 7.00 reversed 交易 refund:", "posd -c refund S-1/a --amount 700 --client till --by NAME --reason")
	rows, err := csv.NewReader(strings.NewReader(s.complains("1 rows want a person", append(args, "--format", "csv")...))).ReadAll()
	if err != nil || len(rows) != 2 || rows[1][0] != "paid_there_unpaid_here" || rows[1][7] != "700" || rows[1][11] != "refund" {
		t.Errorf("as CSV: %v, %v", rows, err)
	}
	s.complains("put that person's name there", "refund", "S-1/a", "--amount", "700", "--by", "NAME", "--reason", "the bill has it")
	s.complains("--date is another day", append(args, "--date", "2020-01-01")...)
	s.complains("want # batch bill 1", "reconcile", "--provider", "acquirer", "--bill", s.path("posd.toml"))
}
