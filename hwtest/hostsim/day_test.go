package hostsim_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"posd/hwtest/hostsim"
	"posd/iso8583"
)

// booked is what the till believes of a payment.
type booked struct {
	paid
	of                 *booked
	voided, reversed   bool
	refunded, complete int64
}

// books are the till's own, kept without a look at the host's.
type books struct {
	c    *till
	rng  *rand.Rand
	all  []*booked
	bad  []string
	code int
}

// follows are the kinds that name one of another kind.
var follows = map[string][]string{
	"sale": {"void", "refund"}, "pre-auth": {"pre-auth-void", "completion"}, "completion": {"completion-void", "refund"},
	"qr-sale": {"qr-void", "qr-refund"},
}

// play does n steps of a random day.
func (b *books) play(n int) {
	for range n {
		switch {
		case b.rng.IntN(10) < 5 || len(b.all) == 0:
			b.begin()
		case b.rng.IntN(10) < 2:
			b.undo(b.all[b.rng.IntN(len(b.all))])
		default:
			b.follow(b.all[b.rng.IntN(len(b.all))])
		}
	}
}

func (b *books) begin() {
	name := []string{"sale", "sale", "pre-auth", "balance", "qr-sale", "echo"}[b.rng.IntN(6)]
	if !b.c.dialect.HasTransaction(name) {
		return
	}
	b.code++
	b.c.vars["code"] = fmt.Sprintf("62%016d", b.code)
	b.c.vars["track2"] = []string{testPAN, "6228480000000000018"}[b.rng.IntN(2)] + "=3012101"
	b.ask(name, 1+b.rng.Int64N(5000), nil)
}

// ask asks for something that the host must approve.
func (b *books) ask(name string, cents int64, of *booked) {
	var before *paid
	if of != nil {
		before = &of.paid
		b.c.vars["pan"], b.c.vars["expiry"] = of.vars["pan"], "3012"
	} else {
		b.c.vars["pan"], _, _ = strings.Cut(b.c.vars["track2"], "=")
	}
	if name == "echo" {
		b.c.trace++
		b.c.ask(name, false, iso8583.VarMap{"trace": b.c.number()})
		return
	}
	p := b.c.pay(name, cents, before)
	p.vars["pan"] = b.c.vars["pan"]
	if !p.approved {
		b.bad = append(b.bad, fmt.Sprintf("%s of %d is answered %q", name, cents, p.code))
		return
	}
	one := &booked{paid: p, of: of}
	b.all = append(b.all, one)
	one.mark(1)
}

// mark notes what a payment does to the one that it names.
func (p *booked) mark(sign int64) {
	switch o := p.of; {
	case o == nil:
	case strings.HasSuffix(p.name, "void"):
		if o.voided = sign > 0; o.of != nil {
			o.of.complete -= sign * o.amount
		}
	case p.name == "completion":
		o.complete += sign * p.amount
	default:
		o.refunded += sign * p.amount
	}
}

// follow voids, refunds or completes a payment, if that can be.
func (b *books) follow(o *booked) {
	kinds := follows[o.name]
	if len(kinds) == 0 || o.voided || o.reversed {
		return
	}
	name := kinds[b.rng.IntN(len(kinds))]
	rest := o.amount - o.refunded - o.complete
	switch whole := strings.HasSuffix(name, "void"); {
	case !b.c.dialect.HasTransaction(name) || rest <= 0 || whole && rest != o.amount:
	case whole:
		b.ask(name, o.amount, o)
	default:
		b.ask(name, 1+b.rng.Int64N(rest), o)
	}
}

// undo reverses a payment, if that can be.
func (b *books) undo(o *booked) {
	if o.reversed || o.voided || o.refunded+o.complete > 0 || b.c.dialect.ReversalNeeds(o.name) == nil {
		return
	}
	b.c.vars["pan"] = o.vars["pan"]
	if code := b.c.reverse(o.paid); b.c.dialect.ReversalAction(code) != iso8583.ReversalFinal {
		b.bad = append(b.bad, fmt.Sprintf("the reversal of a %s is answered %q", o.name, code))
		return
	}
	o.reversed = true
	o.mark(-1)
}

// counted are the payments of the batch's totals.
func (b *books) counted() []*booked {
	net := !b.c.dialect.Settlement().VoidsCredit
	return slices.DeleteFunc(slices.Clone(b.all), func(p *booked) bool {
		void := strings.HasSuffix(p.name, "void")
		return p.reversed || p.name == "pre-auth" || p.name == "pre-auth-void" || p.name == "balance" || net && (void || p.voided)
	})
}

// totals adds up the batch.
func (b *books) totals(list []*booked) (t hostsim.Totals) {
	for _, p := range list {
		if p.name == "sale" || p.name == "completion" || p.name == "qr-sale" {
			t.DebitCount++
			t.DebitAmount += p.amount
		} else {
			t.CreditCount++
			t.CreditAmount += p.amount
		}
	}
	return t
}

// settle tells totals and gives what the answer says.
func (b *books) settle(t hostsim.Totals) (balanced, unbalanced bool) {
	b.c.trace++
	_, reply := b.c.ask("settlement", false, iso8583.VarMap{
		"trace": b.c.number(), "debit.amount": fmt.Sprintf("%012d", t.DebitAmount), "debit.count": fmt.Sprintf("%03d", t.DebitCount),
		"credit.amount": fmt.Sprintf("%012d", t.CreditAmount), "credit.count": fmt.Sprintf("%03d", t.CreditCount),
	})
	return b.c.dialect.SettlementResult(orNone(reply))
}

// upload sends items, as many in a message as the dialect has, then the end with their number.
func (b *books) upload(list []*booked, count int, t hostsim.Totals) {
	d := b.c.dialect
	for chunk := range slices.Chunk(list, d.Settlement().ItemsPerMessage) {
		var items []iso8583.Vars
		for _, p := range chunk {
			pan := p.vars["pan"]
			if strings.HasPrefix(p.name, "qr-") {
				pan = ""
			}
			items = append(items, iso8583.VarMap{
				"item.trace": p.vars["trace"], "item.amount": fmt.Sprintf("%012d", p.amount), "item.pan": pan, "item.kind": p.name,
				"item.expiry": "3012", "item.rrn": p.numbers["original.rrn"], "item.approval": p.numbers["original.approval"],
				"item.date": p.numbers["original.date"], "item.time": p.numbers["original.time"],
			})
		}
		b.c.trace++
		all := maps.Clone(b.c.vars)
		all["trace"] = b.c.number()
		v, err := d.WithItems(all, items)
		if err != nil {
			b.c.t.Fatal(err)
		}
		m, err := d.Build("batch-upload", v)
		if err != nil {
			b.c.t.Fatal(err)
		}
		b.accepted(m)
		b.accepted(m) // sent again, since nobody knows whether it came
	}
	b.c.trace++
	b.accepted(b.c.build("batch-end", false, iso8583.VarMap{
		"trace": b.c.number(), "batch.count": fmt.Sprintf("%04d", count),
		"debit.amount": fmt.Sprintf("%012d", t.DebitAmount), "debit.count": fmt.Sprintf("%03d", t.DebitCount),
		"credit.amount": fmt.Sprintf("%012d", t.CreditAmount), "credit.count": fmt.Sprintf("%03d", t.CreditCount),
	}))
}

func (b *books) accepted(m *iso8583.Message) {
	if code, _ := b.c.exchange(m); b.c.dialect.Action(code).Action != iso8583.ActionApprove {
		b.bad = append(b.bad, fmt.Sprintf("%s is answered %q", m.MTI, code))
	}
}

// newDay begins a day at a host.
func newDay(t *testing.T, a acquirer, seed uint64, o hostsim.Options) (*hostsim.Host, *books) {
	t.Helper()
	h := hostFor(t, a, o)
	c := join(t, h, a)
	c.signOn()
	return h, &books{c: c, rng: rand.New(rand.NewPCG(seed, 1))}
}

// settling are the acquirers that settle, and upload where upload is wanted.
func settling(t *testing.T, upload bool) []acquirer {
	return slices.DeleteFunc(acquirers(t), func(a acquirer) bool {
		return !a.dialect.HasTransaction("settlement") || upload && !a.dialect.HasTransaction("batch-upload")
	})
}

func TestADayOfRandomPaymentsBalances(t *testing.T) {
	for _, a := range settling(t, false) {
		for seed := range uint64(4) {
			t.Run(fmt.Sprintf("%s/%d", a.name, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h, b := newDay(t, a, seed, hostsim.Options{})
					b.play(150)
					list := b.counted()
					yes, no := b.settle(b.totals(list))
					batch := h.Batches()[0]
					if !yes || no || !batch.Balanced || !batch.Closed || batch.Next != "000002" || len(b.bad) > 0 {
						t.Errorf("balanced %t, unbalanced %t: %v\nbatch %+v\nof %d payments", yes, no, b.bad, batch, len(b.all))
					}
					sum := b.totals(list)
					if net := sum.DebitAmount - sum.CreditAmount; h.Net(nil) != net {
						t.Errorf("net %d, the till says %d", h.Net(nil), net)
					}
				})
			})
		}
	}
}

func TestWhatTheTillDoesNotTellIsUnbalancedAndHealedByTheUpload(t *testing.T) {
	for _, a := range settling(t, true) {
		t.Run(a.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, b := newDay(t, a, 7, hostsim.Options{})
				b.play(80)
				list := b.counted()
				short := b.totals(list[1:])
				if yes, no := b.settle(short); yes || !no {
					t.Fatalf("totals without the first payment: balanced %t, unbalanced %t", yes, no)
				}
				b.upload(list, len(list), b.totals(list))
				batch := h.Batches()[0]
				if !batch.Healed() || batch.Next != "000002" || len(batch.Items) != len(list) || len(b.bad) > 0 {
					t.Errorf("not healed: %v\n%+v", b.bad, batch)
				}
			})
		})
	}
}

func TestWhatTheHostHasLostIsHealedByTheUpload(t *testing.T) {
	for _, a := range settling(t, true) {
		t.Run(a.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, b := newDay(t, a, 9, hostsim.Options{Rules: []hostsim.Rule{{Kind: "sale", Nth: 2, Do: hostsim.Forget}}})
				for range 3 {
					b.c.vars["track2"] = testPAN + "=3012101"
					b.ask("sale", 100, nil)
				}
				list := b.counted()
				if yes, no := b.settle(b.totals(list)); yes || !no || h.Net(nil) != 200 {
					t.Fatalf("balanced %t, unbalanced %t, net %d", yes, no, h.Net(nil))
				}
				b.upload(list, len(list), b.totals(list))
				batch := h.Batches()[0]
				if h.Net(nil) != 300 || !batch.Healed() || batch.Items[1].Wrong != "taken" || batch.Items[1].Entry == 0 || len(b.bad) > 0 {
					t.Errorf("net %d, %v\n%+v", h.Net(nil), b.bad, batch)
				}
				if e := h.Ledger()[2]; !e.Uploaded || e.Card != "411111******1111" || e.Captured != 100 {
					t.Errorf("taken over as %+v", e)
				}
			})
		})
	}
}

func TestAWrongUploadIsToldInTheRecord(t *testing.T) {
	a := unionpay(t)
	synctest.Test(t, func(t *testing.T) {
		h, b := newDay(t, a, 9, hostsim.Options{})
		for range 4 {
			b.c.vars["track2"] = testPAN + "=3012101"
			b.ask("sale", 100, nil)
		}
		b.undo(b.all[3])
		list := slices.Clone(b.all)
		b.settle(b.totals(list))
		list[0].amount = 99
		list[1].vars["pan"] = "6228480000000000018"
		b.upload([]*booked{list[0], list[1], list[3], list[0]}, 5, hostsim.Totals{})
		if len(b.bad) != 1 || !strings.Contains(b.bad[0], `"30"`) {
			t.Errorf("a wrong number of items: %v, want one refusal with 30", b.bad)
		}
		b.upload(nil, 4, hostsim.Totals{})
		batch := h.Batches()[0]
		var wrong []string
		for _, it := range batch.Items {
			wrong = append(wrong, it.Wrong)
		}
		if got := strings.Join(wrong, " "); got != "amount card reversed twice" || batch.Healed() || !batch.Closed || fmt.Sprint(batch.Missing) != "[4]" {
			t.Errorf("items are %q; %+v", got, batch)
		}
	})
}

func TestAHostThatRestartsGoesOnWithTheNextBatch(t *testing.T) {
	a := unionpay(t)
	path := filepath.Join(t.TempDir(), "host.jsonl")
	h, b := newDay(t, a, 3, hostsim.Options{Ledger: path})
	b.play(30)
	told := b.totals(b.counted())
	last := b.c.trace + 1
	if yes, _ := b.settle(told); !yes {
		t.Fatal("not balanced")
	}
	before := h.Net(nil)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}

	h, b = newDay(t, a, 3, hostsim.Options{Ledger: path})
	defer func() { _ = h.Close() }()
	if b.c.vars["batch"] != "000002" || h.Net(nil) != before {
		t.Errorf("the sign-on tells batch %s; net %d, want %d", b.c.vars["batch"], h.Net(nil), before)
	}
	b.c.vars["batch"], b.c.trace = "000001", last-1
	if yes, _ := b.settle(told); !yes { // the same message again: its answer was perhaps lost
		t.Error("the repeated settlement is not balanced")
	}
	list, err := hostsim.ReadBatches(path)
	if err != nil || len(list) != 1 || !list[0].Healed() || list[0].Told != told || list[0].Own != told {
		t.Errorf("batches are %+v, %v", list, err)
	}
}
