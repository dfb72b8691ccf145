package main

import (
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"testing"

	"posd/hwtest/devicesim"
	"posd/hwtest/hostsim"
	"posd/hwtest/walletsim"
)

// Amounts by which host and gateway know what to do wrong.
const (
	refusedAmount  = 151
	lostAmount     = 152
	silentAmount   = 153
	garbledAmount  = 154
	badMACAmount   = 155
	partialAmount  = 156
	unclearAmount  = 157
	untrustyAmount = 158
)

// rounds is a shop that makes many payments and remembers every secret that it has seen.
type rounds struct {
	*store
	search search
	draw   *rand.Rand
	made   int
	ends   map[string]int // how payments ended, by rail
}

func (r *rounds) card() devicesim.Card {
	ranges := []string{"620000", "411111", "555555", "222300"}
	c := devicesim.TestCard(ranges[r.draw.IntN(len(ranges))], r.draw.IntN(1e9))
	one, two := c.Tracks()
	r.search.add(c.PAN)
	r.search.add(strings.Trim(two, ";?"))
	_, rest, _ := strings.Cut(one, "TEST/CARD^")
	r.search.add(strings.Trim(rest, "?")) // what a track says besides the number
	return c
}

func (r *rounds) newCode(wallet string) string {
	code := r.code(wallet)
	r.search.add(code)
	return code
}

// id opens the next sale.
func (r *rounds) id(amount int64) string {
	r.made++
	id := "S-" + strings.Repeat("i", r.made/26) + string(rune('a'+r.made%26))
	r.till.open(id, amount)
	return id
}

func (r *rounds) ended(a said) said {
	r.t.Helper()
	if a.HTTP != http.StatusOK {
		r.t.Fatalf("payment %d: %+v\n%s", r.made, a, r.log())
	}
	r.ends[a.Rail+" "+a.Kind+" "+a.State]++
	return a
}

func (r *rounds) byCard(amount int64) string {
	r.t.Helper()
	id := r.id(amount)
	r.ended(r.till.payCard(id, "a", r.card()))
	return id
}

func (r *rounds) byCode(wallet string, amount int64) string {
	r.t.Helper()
	id := r.id(amount)
	r.ended(r.till.pay(id, "a", by(r.newCode(wallet))))
	return id
}

func (r *rounds) byScan(rail, wallet string) {
	r.t.Helper()
	id := r.id(1000)
	r.till.begin(id, "a", saleBy(rail))
	r.till.scan(id, "a", r.newCode(wallet))
	r.ended(r.till.pay(id, "a", saleBy(rail)))
}

// back voids or refunds a sale, if it was approved: on a busy machine a host can be too late for it.
func (r *rounds) back(kind, id string) {
	r.t.Helper()
	if r.till.get(pathOf(id, "a")).State == "approved" {
		r.made++
		r.ended(r.till.pay(id, kind, undo(kind, "a")))
	}
}

// reserve asks for a balance, and reserves money that is then taken or left.
func (r *rounds) reserve() {
	r.t.Helper()
	id := r.id(5000)
	r.ended(r.till.cardBy(id, "b", "balance", r.card()))
	for _, kind := range []string{"completion", "void"} {
		r.ended(r.till.cardBy(id, "a", "pre-auth", r.card()))
		r.back(kind, id)
		id = r.id(6000)
	}
}

// round is twenty payments and more, with most of what can go wrong with them.
func (r *rounds) round() {
	r.t.Helper()
	for range 4 {
		r.byCard(1000 + r.draw.Int64N(100_000))
	}
	for _, amount := range []int64{refusedAmount, badMACAmount, partialAmount} {
		r.byCard(amount)
	}
	r.back("void", r.byCard(2000))
	r.back("refund", r.byCard(3000))
	r.reserve()
	r.byScan("wallet", walletsim.AlipayName)
	r.byScan("any", walletsim.WeChatName)
	for _, wallet := range []string{walletsim.AlipayName, walletsim.WeChatName} {
		r.byCode(wallet, 1000+r.draw.Int64N(100_000))
		r.byCode(wallet, unclearAmount)
		r.byCode(wallet, untrustyAmount)
	}
	r.byCode(walletsim.AlipayName, refusedAmount)
	r.back("refund", r.byCode(walletsim.AlipayName, 4000))
}

// timeOuts are the payments that take their time.
func (r *rounds) timeOuts() {
	r.t.Helper()
	for _, amount := range []int64{lostAmount, silentAmount, garbledAmount} {
		r.byCard(amount)
	}
	for _, wallet := range []string{walletsim.AlipayName, walletsim.WeChatName} {
		r.byCode(wallet, lostAmount)
		r.byCode(wallet, silentAmount)
	}
	r.byCode(walletsim.WeChatName, refusedAmount)
}

func newRounds(t *testing.T) *rounds {
	return &rounds{
		store: openStore(t, plan{patience: "3s", inFlight: "1s", codes: hostsim.Codes{NotFound: "00"}}),
		draw:  rand.New(rand.NewPCG(1, 2)), ends: map[string]int{},
	}
}

// goWrong tells host and gateway what to do wrong.
func (r *rounds) goWrong() {
	r.t.Helper()
	sale := func(amount int64, do hostsim.Action) hostsim.Rule {
		return hostsim.Rule{Kind: "sale", Amount: amount, Do: do, Code: "51", Value: 100}
	}
	partial := sale(partialAmount, hostsim.Partial)
	partial.Code = "10"
	r.rules(hostsim.Rule{Kind: "settlement", Times: 1, Do: hostsim.Unbalanced}, sale(refusedAmount, hostsim.Decline), sale(lostAmount, hostsim.CommitSilent), sale(silentAmount, hostsim.Silent),
		sale(garbledAmount, hostsim.Garbage), sale(badMACAmount, hostsim.BadMAC), partial)
	pay := func(amount int64, f walletsim.Fault, commit bool) walletsim.Rule {
		return walletsim.Rule{Call: walletsim.CallPay, Amount: amount, Fault: f, Commit: commit}
	}
	// A query that fails as well leaves the payment in doubt until it is cancelled.
	unanswered := walletsim.Rule{Call: walletsim.CallQuery, Amount: silentAmount, Times: 8, Fault: walletsim.ServerError}
	poor, empty := pay(refusedAmount, walletsim.Refuse, false), pay(refusedAmount, walletsim.Refuse, false)
	poor.Wallet, poor.Code = walletsim.AlipayName, "ACQ.BUYER_BALANCE_NOT_ENOUGH"
	empty.Wallet, empty.Code = walletsim.WeChatName, "NOTENOUGH"
	r.gatewayRules(poor, empty, unanswered, pay(lostAmount, walletsim.Silence, true), pay(silentAmount, walletsim.Silence, true),
		pay(unclearAmount, walletsim.HTML, true), pay(untrustyAmount, walletsim.BadSignature, true))
}

func TestNothingSecretRestsAfter200Payments(t *testing.T) {
	r := newRounds(t)
	r.goWrong()
	r.timeOuts()
	for r.made < 200 {
		r.round()
	}
	if said, err := r.closes(batchCloseCmd{By: "Li Na"}); err != nil { // the host wants every item, with its card number
		t.Errorf("the close of the batch says %q, %v", said, err)
	}
	t.Logf("%d payments, %d secrets: %v", r.made, r.search.count, r.ends)
	for _, end := range []string{
		"card sale approved", "card sale declined", "card sale reversed", "card void approved", "card refund approved",
		"card balance approved", "card pre-auth approved", "card completion approved",
		"wallet sale approved", "wallet sale declined", "wallet sale reversed", "wallet refund approved",
	} {
		if r.ends[end] == 0 {
			t.Errorf("there was no %s among the payments", end)
		}
	}
	status, copied := r.supervisor.raw(http.MethodGet, "/v1/journal/export", nil)
	if status != http.StatusOK || len(copied) < 1<<16 {
		t.Errorf("the export is answered %d, with %d bytes", status, len(copied))
	}
	r.write("out/export.db", string(copied))
	r.nothing("while posd runs")
	r.stop()
	r.nothing("after posd has stopped")

	trace, err := os.ReadFile(r.path("log/posd.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"level":"DEBUG"`, `"device":"printer","line":"+`, `"device":"reader","line":"+`, `bytes)"`} {
		if !strings.Contains(string(trace), want) {
			t.Errorf("the log holds no traces: %s is not in it", want)
		}
	}
	control := r.card()
	r.write("out/control", "a card number on purpose: "+control.PAN)
	if found, _ := r.search.in(t, r.dir); len(found) == 0 || !strings.HasPrefix(found[0], "out/control: ") {
		t.Errorf("the search finds %v, want what was planted", found)
	}
}

// nothing fails the test if a secret stands in any file of the shop.
func (r *rounds) nothing(when string) {
	r.t.Helper()
	found, size := r.search.in(r.t, r.dir)
	if len(found) > 0 {
		r.t.Errorf("%s secrets rest in\n%s", when, strings.Join(found, "\n"))
	}
	if size < 1<<20 {
		r.t.Errorf("%s there are only %d bytes to search: where are journal and log?", when, size)
	}
}
