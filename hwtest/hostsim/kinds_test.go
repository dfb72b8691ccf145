package hostsim_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"

	"posd/hwtest/hostsim"
	"posd/iso8583"
)

// paid is a payment as the till remembers it.
type paid struct {
	name     string
	amount   int64
	vars     iso8583.VarMap // what it was asked with
	numbers  iso8583.VarMap // what the host called it, as a later payment tells it
	approved bool
	code     string
	reply    *iso8583.Message
}

// pay asks for a payment, of another one where it names one.
func (c *till) pay(name string, cents int64, of *paid) paid {
	c.t.Helper()
	c.trace++
	p := paid{name: name, amount: cents, vars: iso8583.VarMap{"trace": c.number(), "amount": fmt.Sprintf("%012d", cents), "batch": c.vars["batch"]}}
	if of != nil {
		maps.Copy(p.vars, of.numbers)
		p.vars["amount.original"] = fmt.Sprintf("%012d", of.amount)
		p.vars["original.kind"] = of.name
		p.vars["entry"] = "01"
	}
	p.code, p.reply = c.ask(name, false, p.vars)
	p.approved = c.dialect.Action(p.code).Action == iso8583.ActionApprove
	if req := c.build(name, false, p.vars); p.approved {
		if differ := c.dialect.Differs(req, p.reply); len(differ) > 0 {
			c.t.Errorf("%s: the answer differs in fields %v", name, differ)
		}
	}
	role := func(name string) string { return strings.TrimRight(c.dialect.Role(orNone(p.reply), name), " ") }
	p.vars["approval"] = role("approval")
	p.numbers = iso8583.VarMap{
		"original.trace": p.vars["trace"], "original.batch": p.vars["batch"], "original.rrn": role("rrn"),
		"original.approval": role("approval"), "original.date": role("date"), "original.time": role("time"),
	}
	return p
}

// reverse sends the payment's reversal and gives the code.
func (c *till) reverse(p paid) string {
	c.t.Helper()
	code, _ := c.ask(p.name, true, p.vars)
	return code
}

// chains are the ways through the kinds: what each step is of the one before, and what is captured then.
var chains = []struct {
	kinds string
	net   int64
}{
	{"sale", 700},
	{"sale void", 0},
	{"sale refund", 0},
	{"pre-auth", 0},
	{"pre-auth pre-auth-void", 0},
	{"pre-auth completion", 700},
	{"pre-auth completion completion-void", 0},
	{"pre-auth completion refund", 0},
	{"qr-sale", 700},
	{"qr-sale qr-void", 0},
	{"qr-sale qr-refund", 0},
}

func TestEveryKindOfEveryDialectIsBookedAndReversed(t *testing.T) {
	for _, a := range acquirers(t) {
		for i, chain := range chains {
			kinds := strings.Fields(chain.kinds)
			if !knows(a, kinds) {
				continue
			}
			t.Run(a.name+"/"+strings.Join(kinds, "+"), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := hostFor(t, a, hostsim.Options{})
					c := join(t, h, a)
					c.signOn()
					c.vars["code"] = fmt.Sprintf("6212345678901234%02d", i)
					playChain(t, h, c, kinds, chain.net)
				})
			})
		}
	}
}

// knows tells whether a dialect has all of the kinds.
func knows(a acquirer, kinds []string) bool {
	for _, k := range kinds {
		if !a.dialect.HasTransaction(k) {
			return false
		}
	}
	return true
}

func playChain(t *testing.T, h *hostsim.Host, c *till, kinds []string, net int64) {
	t.Helper()
	before, last := int64(0), (*paid)(nil)
	for _, k := range kinds {
		before = h.Net(nil)
		p := c.pay(k, 700, last)
		if last = &p; !p.approved {
			t.Fatalf("%s is answered %q; ledger: %+v", k, p.code, h.Ledger())
		}
	}
	entries := h.Ledger()
	if e := entries[len(entries)-1]; h.Net(nil) != net || e.Kind != last.name || e.Trace != last.vars["trace"] || strings.Contains(e.Card, testPAN[6:12]) {
		t.Fatalf("net %d, want %d; last entry is %+v", h.Net(nil), net, e)
	}
	if c.dialect.ReversalNeeds(last.name) == nil {
		return
	}
	first, second := c.reverse(*last), c.reverse(*last)
	if c.dialect.ReversalAction(first) != iso8583.ReversalFinal || h.Net(nil) != before {
		t.Errorf("the reversal is answered %q and leaves %d, want %d", first, h.Net(nil), before)
	}
	if c.dialect.ReversalAction(second) != iso8583.ReversalInDoubt || h.Net(nil) != before {
		t.Errorf("a second reversal is answered %q and leaves %d, want %d", second, h.Net(nil), before)
	}
}

func TestBalanceIsWhatACardHasLeft(t *testing.T) {
	for _, a := range acquirers(t) {
		if !knows(a, []string{"balance", "pre-auth", "completion"}) {
			continue
		}
		t.Run(a.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := hostFor(t, a, hostsim.Options{})
				c := join(t, h, a)
				c.signOn()
				c.balance("C000010000000")
				c.pay("sale", 1000, nil)
				held := c.pay("pre-auth", 500, nil)
				c.balance("C000009998500")
				c.pay("completion", 200, &held)
				c.balance("C000009998500")
				c.reverse(c.pay("sale", 100, nil))
				if err := h.SetBalance(testPAN, 300); err != nil {
					t.Fatal(err)
				}
				c.balance("C000000000300")
				if p := c.pay("sale", 301, nil); p.approved {
					t.Error("more is spent than there is")
				}
				if p := c.pay("sale", 300, nil); !p.approved {
					t.Errorf("the last of it is answered %q", p.code)
				}
				if err := h.SetBalance("411111******1111", -50); err != nil {
					t.Fatal(err)
				}
				c.balance("D000000000050")
				if list := h.Accounts(); len(list) != 1 || list[0] != (hostsim.Account{Card: "411111******1111", Balance: -50}) {
					t.Errorf("accounts are %+v", list)
				}
			})
		})
	}
}

// balance asks for the balance and compares sign and amount.
func (c *till) balance(want string) {
	c.t.Helper()
	p := c.pay("balance", 0, nil)
	if text := p.reply.Text(54); len(text) != 20 || text[:7] != "1002156" || text[7:] != want {
		c.t.Errorf("the balance is %q, want 1002156%s", text, want)
	}
}

func TestCompletionsTakeNoMoreThanWasReserved(t *testing.T) {
	a := pier(t)
	synctest.Test(t, func(t *testing.T) {
		h := hostFor(t, a, hostsim.Options{})
		c := join(t, h, a)
		c.signOn()
		held := c.pay("pre-auth", 700, nil)
		for _, step := range []struct {
			name  string
			cents int64
			code  string
			net   int64
		}{
			{"completion", 701, "110", 0},
			{"completion", 300, "000", 300},
			{"completion", 401, "110", 300},
			{"pre-auth-void", 700, "902", 300},
			{"completion", 400, "000", 700},
			{"completion", 1, "110", 700},
		} {
			if p := c.pay(step.name, step.cents, &held); p.code != step.code || h.Net(nil) != step.net {
				t.Errorf("%s of %d: answered %q, net %d; want %q, %d", step.name, step.cents, p.code, h.Net(nil), step.code, step.net)
			}
		}
	})
}

func TestACodeIsChargedOnce(t *testing.T) {
	a := pier(t)
	synctest.Test(t, func(t *testing.T) {
		h := hostFor(t, a, hostsim.Options{})
		c := join(t, h, a)
		c.signOn()
		if p := c.pay("qr-sale", 700, nil); !p.approved {
			t.Fatalf("answered %q", p.code)
		}
		if p := c.pay("qr-sale", 700, nil); p.approved || h.Net(nil) != 700 {
			t.Errorf("the same code again is answered %q, net %d", p.code, h.Net(nil))
		}
		if e := h.Ledger()[0]; e.Card != "621234********3456" {
			t.Errorf("the code is kept as %q", e.Card)
		}
	})
}
