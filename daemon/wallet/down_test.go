package wallet_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/journal"
	"posd/daemon/payment"
	"posd/daemon/wallet/alipay"
	"posd/daemon/wallet/wechat"
	"posd/hwtest/walletsim"
)

var (
	downDays = flag.Int("down.days", 8, "how many virtual days the gateway is down")
	downOwed = flag.Int("down.owed", 2, "how many reversals are due then")
)

// outage is a till whose gateway takes money, answers nothing, and goes away.
type outage struct {
	*shop
	j    *journal.Journal
	desk *payment.Desk
	end  func() // stops the desk, as the end of the program does
	owed []payment.Key
}

func newOutage(t *testing.T, kind string) *outage {
	j, err := journal.Open(t.Context(), journal.Options{
		Memory: true, Now: time.Now, Owner: "test", Projections: []journal.Projection{payment.Projection()},
	})
	if err != nil {
		t.Fatal(err)
	}
	o := &outage{shop: newShop(t, kind), j: j}
	o.start()
	o.rules(
		walletsim.Rule{Call: walletsim.CallPay, Fault: walletsim.Silence, Commit: true},
		walletsim.Rule{Call: walletsim.CallQuery, Fault: walletsim.Silence},
		walletsim.Rule{Call: walletsim.CallCancel, Fault: walletsim.Silence})
	for i := range *downOwed {
		o.pay(fmt.Sprintf("S-%03d", i))
	}
	return o
}

func (o *outage) start() {
	log := slog.New(slog.DiscardHandler)
	o.w = o.newWallet(o.link)
	o.desk = payment.NewDesk(payment.Options{Book: payment.NewBook(o.j, nil, time.Now, log), Wallet: o.w, Now: time.Now, Log: log})
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() { _ = o.desk.Run(ctx) })
	synctest.Wait()
	o.end = sync.OnceFunc(func() {
		cancel()
		run.Wait()
	})
}

// pay begins a payment whose outcome nobody will hear.
func (o *outage) pay(sale string) {
	o.t.Helper()
	if _, err := o.desk.OpenSale(o.t.Context(), payment.NewSale{Client: "till", ID: sale, Amount: 100, Currency: "CNY"}); err != nil {
		o.t.Fatal(err)
	}
	code, err := o.phone.Refresh()
	if err != nil {
		o.t.Fatal(err)
	}
	o.codes = append(o.codes, code)
	k := payment.Key{Client: "till", Sale: sale, Attempt: "a"}
	r := payment.Request{Key: k, Rail: payment.RailWallet, Kind: payment.KindSale, Code: payment.NewSecret([]byte(code))}
	if _, err := o.desk.Pay(o.t.Context(), r); err != nil {
		o.t.Fatal(err)
	}
	o.owed = append(o.owed, k)
}

// states fails the test unless every attempt is in a state, and gives how they stand.
func (o *outage) states(want payment.State) (all []payment.Attempt) {
	o.t.Helper()
	for _, k := range o.owed {
		a, err := o.desk.Attempt(o.t.Context(), k)
		if err != nil || a.State != want {
			o.t.Errorf("%s is %s (%v), want %s; tries %d, %s %s", k, a.State, err, want, a.Undo.Tries, a.Undo.Code, a.Undo.Text)
		}
		all = append(all, a)
	}
	return all
}

// outlasts lets the gateway be away for days, with a restart on each; then it returns. It gives when.
func (o *outage) outlasts(days int) time.Time {
	o.link.SetDown(true)
	for d := range days {
		time.Sleep(24*time.Hour - time.Duration(d%7)*13*time.Minute)
		o.end()
		o.start()
	}
	time.Sleep(time.Duration(days%11) * time.Second) // not in step with anything
	for _, a := range o.states(payment.Reversing) {
		if !a.Undo.Alarmed {
			o.t.Errorf("nobody was told of %s", a.Key)
		}
	}
	o.rules()
	o.link.SetDown(false)
	return time.Now()
}

func TestAGatewayThatWasDownForDaysGivesEverythingBackSoon(t *testing.T) {
	if *downDays < 8 {
		t.Fatalf("-down.days=%d: no order may be cancelled any more, which is so after 7 days; take 8 or more", *downDays)
	}
	for _, kind := range []string{alipay.Name, wechat.Name} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOutage(t, kind)
				time.Sleep(2 * time.Minute)
				back := o.outlasts(*downDays)
				time.Sleep(time.Minute)
				took := time.Duration(0)
				refunds := map[string]string{}
				for _, a := range o.states(payment.Reversed) {
					took = max(took, a.DecidedAt.Sub(back))
					refunds[a.Numbers.Order] = a.Numbers.Order + "R"
				}
				for _, e := range o.g.Ledger() {
					if e.Kind == walletsim.Return && (e.Refund != refunds[e.Order] || e.Amount != 100) {
						t.Errorf("order %s was given back under %q: %d", e.Order, e.Refund, e.Amount)
					}
				}
				for order := range refunds {
					if net := o.g.Net(order); net != 0 {
						t.Errorf("order %s holds %d", order, net)
					}
				}
				o.end()
				_ = o.j.Close()
				o.close()
				t.Logf("proof | gateway (%s) down %d virtual days, a restart on each; its window to cancel is over | %d reversals due | all given back by a refund with a fixed number within %.1f virtual seconds of its return",
					kind, *downDays, len(o.owed), took.Seconds())
			})
		})
	}
}
