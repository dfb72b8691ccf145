package wallet_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/journal"
	"posd/daemon/payment"
	"posd/daemon/wallet/alipay"
	"posd/daemon/wallet/wechat"
	"posd/hwtest/walletsim"
)

const (
	waiters      = 500
	mostOfWaiter = 64 << 10 // bytes that one attempt may take while its customer types
)

// queue is many customers who are asked for a password at once.
type queue struct {
	*outage
	phones []*walletsim.Phone
	asked  map[string][]time.Duration // by order: when each query came, from the payment on; the gateway's lock guards it
	paidAt map[string]time.Time
}

func newQueue(t *testing.T, kind string) *queue {
	q := &queue{asked: map[string][]time.Duration{}, paidAt: map[string]time.Time{}}
	j, err := journal.Open(t.Context(), journal.Options{
		Memory: true, Now: time.Now, Owner: "test", Projections: []journal.Projection{payment.Projection()},
	})
	if err != nil {
		t.Fatal(err)
	}
	note := func(o *walletsim.Options) {
		o.Fault = func(r walletsim.Request) (walletsim.Rule, bool) {
			if r.Call == walletsim.CallPay {
				q.paidAt[r.Order] = time.Now()
			} else if r.Call == walletsim.CallQuery {
				q.asked[r.Order] = append(q.asked[r.Order], time.Since(q.paidAt[r.Order]))
			}
			return walletsim.Rule{}, false
		}
	}
	q.outage = &outage{shop: newShop(t, kind, note), j: j}
	q.start()
	for range waiters {
		p, err := q.g.NewPhone(walletsim.PhoneOptions{Balance: 1000, AskAbove: 99})
		if err != nil {
			t.Fatal(err)
		}
		q.phones = append(q.phones, p)
	}
	return q
}

// begin lets every customer pay 1.00, which wants the password.
func (q *queue) begin() {
	q.t.Helper()
	for i, p := range q.phones {
		q.phone = p
		q.pay(fmt.Sprintf("S-%03d", i))
	}
	synctest.Wait()
}

func memoryInUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // the first empties pools into the victim cache, the second that
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// ticks are the moments at which an attempt is asked for within d, from its payment on.
func ticks(first, every, d time.Duration) (all []time.Duration) {
	for at := first; at < d; at += every {
		all = append(all, at)
	}
	return all
}

// TestManyAttemptsThatWaitForAPasswordAreSmallAndAskedInTime: in virtual time an interval is exact, whoever else waits.
func TestManyAttemptsThatWaitForAPasswordAreSmallAndAskedInTime(t *testing.T) {
	for kind, every := range map[string]time.Duration{alipay.Name: 3 * time.Second, wechat.Name: 5 * time.Second, wechatV3: 5 * time.Second} {
		t.Run(kind, func(t *testing.T) {
			keys()
			synctest.Test(t, func(t *testing.T) {
				q := newQueue(t, kind)
				before := memoryInUse()
				q.begin()
				time.Sleep(22 * time.Second)
				synctest.Wait()
				each := (memoryInUse() - before) / waiters
				t.Logf("proof | %d wallet attempts (%s) that wait for a password | %d bytes each, heap and stacks, the gateway's share included", waiters, kind, each)
				if each > mostOfWaiter {
					t.Errorf("an attempt that waits takes %d bytes, want at most %d", each, mostOfWaiter)
				}
				want := ticks(every, every, 22*time.Second)
				for order, at := range q.asked {
					if !slices.Equal(at, want) {
						t.Fatalf("order %s was asked for after %v, want %v", order, at, want)
					}
				}
				if len(q.asked) != waiters {
					t.Errorf("%d orders were asked for, want %d", len(q.asked), waiters)
				}
				for _, p := range q.phones {
					p.Confirm()
				}
				time.Sleep(every)
				synctest.Wait()
				for _, a := range q.states(payment.ApprovedState) {
					if net := q.net(a); net != 100 {
						t.Errorf("order %s holds %d", a.Numbers.Order, net)
					}
				}
				q.end()
				_ = q.j.Close()
				q.close()
			})
		})
	}
}
