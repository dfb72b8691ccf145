package wallet_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/journal"
	"posd/daemon/payment"
	"posd/hwtest/walletsim"
)

// deskOver is a till's desk over a shop's gateway, which notes whom its calls are about.
func deskOver(t *testing.T, kind string) (o *outage, asked func() []string) {
	t.Helper()
	j, err := journal.Open(t.Context(), journal.Options{
		Memory: true, Now: time.Now, Owner: "test", Projections: []journal.Projection{payment.Projection()},
	})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var orders []string // guarded by mu
	note := func(g *walletsim.Options) {
		g.Fault = func(r walletsim.Request) (walletsim.Rule, bool) {
			mu.Lock()
			defer mu.Unlock()
			orders = append(orders, r.Order)
			return walletsim.Rule{}, false
		}
	}
	o = &outage{shop: newShop(t, kind, note), j: j}
	o.start()
	return o, func() []string {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		out := orders
		orders = nil
		return out
	}
}

func (o *outage) closes() {
	o.t.Helper()
	o.end()
	_ = o.j.Close()
	o.close()
}

// eachDesk runs a test over a desk of every kind.
func eachDesk(t *testing.T, test func(o *outage, asked func() []string)) {
	t.Helper()
	keys()
	for _, kind := range everyKind {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o, asked := deskOver(t, kind)
				defer o.closes()
				test(o, asked)
			})
		})
	}
}

// While something is owed the desk looks every half minute whether the gateway makes sense, though the next try of what is
// owed is minutes away and no till calls.
func TestASuspectGatewayThatIsOwedOpensWithinHalfAMinuteAndNoTillCalls(t *testing.T) {
	eachDesk(t, func(o *outage, asked func() []string) {
		o.rules(walletsim.Rule{Fault: walletsim.ServerError})
		for i := range 3 {
			o.pay(fmt.Sprintf("S-%03d", i))
		}
		time.Sleep(time.Hour)
		o.states(payment.Reversing)
		if c := o.w.Concerns(); len(c) != 1 || !strings.Contains(c[0].Remedy, "30 s") {
			o.t.Fatalf("concerns %+v", c)
		}
		o.rules()
		asked()
		time.Sleep(30 * time.Second)
		if first := asked(); len(first) == 0 || first[0] != "POSDPROBE" || len(o.w.Concerns()) != 0 {
			o.t.Errorf("asked for %v; concerns %+v", first, o.w.Concerns())
		}
		time.Sleep(time.Minute)
		o.states(payment.Reversed)
	})
}

func TestASuspectGatewayThatIsOwedNothingOpensWithinHalfAMinute(t *testing.T) {
	eachDesk(t, func(o *outage, asked func() []string) {
		o.unclear(3)
		o.rules(walletsim.Rule{Fault: walletsim.ServerError})
		time.Sleep(time.Hour)
		if c := o.w.Concerns(); len(c) != 1 {
			o.t.Errorf("concerns %+v", c)
		}
		o.rules()
		asked()
		time.Sleep(30 * time.Second)
		if first := asked(); len(first) == 0 || first[0] != "POSDPROBE" || len(o.w.Concerns()) != 0 {
			o.t.Errorf("asked for %v; concerns %+v", first, o.w.Concerns())
		}
		o.pay("S-001")
		synctest.Wait()
		o.states(payment.ApprovedState)
	})
}
