package acquirer_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/journal"
	"posd/daemon/payment"
	"posd/daemon/wallet"
	"posd/hwtest/hostsim"
)

// counter is a whole till: the core with its journal, the card tender, and codes that travel through it.
type counter struct {
	*bench
	t    *testing.T
	j    *journal.Journal
	desk *payment.Desk
	end  func() // stops the desk, as the end of the program does
}

// openCounter makes a till of a bench.
func openCounter(t *testing.T, b *bench) *counter {
	t.Helper()
	j, err := journal.Open(t.Context(), journal.Options{
		Memory: true, Now: time.Now, Owner: "test", Projections: []journal.Projection{payment.Projection()},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{bench: b, t: t, j: j}
	c.start()
	t.Cleanup(func() {
		c.end()
		_ = j.Close()
	})
	return c
}

// start is the start of the program: everything but the journal is made anew.
func (c *counter) start() {
	c.t.Helper()
	seal, err := payment.NewSealer(make([]byte, 32))
	if err != nil {
		c.t.Fatal(err)
	}
	book := payment.NewBook(c.j, seal, time.Now, c.logger)
	c.journal = book
	c.boot(c.t)
	o := payment.Options{Book: book, Card: c.Acquirer, Now: time.Now, Log: c.logger}
	if q, err := c.QR("unionpay", time.Minute); err == nil {
		o.Wallet, err = wallet.New(wallet.Options{Terminals: map[string]wallet.Terminal{"unionpay": q}, Log: c.logger})
		if err != nil {
			c.t.Fatal(err)
		}
	}
	c.desk = payment.NewDesk(o)
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() { _ = c.desk.Run(ctx) })
	synctest.Wait()
	c.end = sync.OnceFunc(func() {
		cancel()
		run.Wait()
	})
}

// pays makes an attempt for a sale of its own, or one of original's, and waits for what the till hears.
func (c *counter) pays(r payment.Request, amount payment.Cents, want string) payment.Attempt {
	c.t.Helper()
	r.Key.Client = "till"
	if r.Original == nil {
		if _, err := c.desk.OpenSale(c.t.Context(), payment.NewSale{Client: "till", ID: r.Key.Sale, Amount: amount, Currency: "CNY"}); err != nil {
			c.t.Fatal(err)
		}
	}
	swiped := r.Original == nil && r.Code.Empty()
	if _, err := c.desk.Pay(c.t.Context(), r); err != nil {
		c.t.Fatalf("%s of %s: %v", r.Kind, r.Key, err)
	}
	for swiped && c.hub.Waiting() == 0 {
		time.Sleep(time.Millisecond)
	}
	if swiped {
		c.hub.Deliver(card())
	}
	a, err := c.desk.Wait(c.t.Context(), r.Key, 5*time.Minute)
	if err != nil || a.Said() != want {
		c.t.Fatalf("%s of %s: %q (%v), want %q", r.Kind, r.Key, a.Said(), err, want)
	}
	return a
}

func cardRequest(sale string, k payment.Kind) payment.Request {
	return payment.Request{Key: payment.Key{Sale: sale, Attempt: string(k)}, Rail: payment.RailCard, Kind: k}
}

func about(original payment.Attempt, k payment.Kind, amount payment.Cents) payment.Request {
	return payment.Request{Key: payment.Key{Sale: original.Sale, Attempt: string(k)}, Kind: k, Amount: amount, Original: &original}
}

// day makes a payment of every kind that the dialect has. What is left captured is 2900, or 2200 without scanned codes.
func (c *counter) day() {
	c.t.Helper()
	sale := c.pays(cardRequest("S-1", payment.KindSale), 1000, payment.SaidApproved)
	c.pays(about(sale, payment.KindRefund, 300), 0, payment.SaidApproved)
	other := c.pays(cardRequest("S-2", payment.KindSale), 500, payment.SaidApproved)
	c.pays(about(other, payment.KindVoid, 0), 0, payment.SaidApproved)
	pre := c.pays(cardRequest("S-3", payment.KindPreAuth), 2000, payment.SaidApproved)
	c.pays(about(pre, payment.KindCompletion, 1500), 0, payment.SaidApproved)
	c.pays(cardRequest("S-4", payment.KindBalance), 100, payment.SaidApproved)
	if !c.setup.dialect.HasTransaction("qr-sale") {
		return
	}
	code := payment.Request{Key: payment.Key{Sale: "S-5", Attempt: "a"}, Rail: payment.RailWallet, Kind: payment.KindSale, Code: payment.NewSecret([]byte(testCode))}
	c.pays(code, 700, payment.SaidApproved)
}

// closed closes the batch and waits for it.
func (c *counter) closed(want payment.BatchState) payment.Batch {
	c.t.Helper()
	b, err := c.desk.CloseBatch(c.t.Context(), payment.CloseBatch{By: "test"})
	if err == nil {
		b, err = c.desk.WaitBatch(c.t.Context(), b.Seq, time.Hour)
	}
	if err != nil || b.State != want {
		c.t.Fatalf("the batch is %+v (%v), want it %s", b, err, want)
	}
	return b
}

func TestDayOfEveryKindIsSettled(t *testing.T) {
	served(t, func(t *testing.T, b *bench) {
		c := openCounter(t, b)
		c.day()
		b.left(t, 2900)
		if done := c.closed(payment.BatchClosed); done.Number != "000007" || done.Next != "000008" {
			t.Errorf("batch %s is followed by %s, want 000007 and 000008", done.Number, done.Next)
		}
		if all := b.host.Batches(); len(all) != 1 || !all[0].Balanced {
			t.Errorf("the host has %+v, want one balanced batch", all)
		}
		next := c.pays(cardRequest("S-9", payment.KindSale), 100, payment.SaidApproved)
		if next.Numbers.Batch != "000008" {
			t.Errorf("the next sale is in batch %s, want 000008", next.Numbers.Batch)
		}
	})
}

// However often the program ends and answers get lost while the items are uploaded, each of them arrives once.
func TestUploadGoesOnAfterRestartsAndLostAnswers(t *testing.T) {
	served(t, func(t *testing.T, b *bench) {
		c := openCounter(t, b)
		c.day()
		begun, err := c.desk.CloseBatch(t.Context(), payment.CloseBatch{By: "test"})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			time.Sleep(30 * time.Second)
			c.end()
			c.start()
		}
		done, err := c.desk.WaitBatch(t.Context(), begun.Seq, time.Hour)
		if err != nil || done.State != payment.BatchClosed {
			t.Errorf("the batch is %+v (%v), want it closed", done, err)
		}
		if all := b.host.Batches(); len(all) != 1 || !all[0].Healed() {
			t.Errorf("the host has %+v, want one batch that is healed", all)
		}
	},
		hostsim.Rule{Kind: "settlement", Do: hostsim.Unbalanced},
		hostsim.Rule{Kind: "batch-upload", Nth: 1, Do: hostsim.CommitSilent},
		hostsim.Rule{Kind: "batch-upload", Nth: 3, Do: hostsim.BadMAC},
		hostsim.Rule{Kind: "batch-end", Times: 1, Do: hostsim.CommitSilent})
}

func TestBatchThatTheHostRefusesStaysOpen(t *testing.T) {
	served(t, func(t *testing.T, b *bench) {
		c := openCounter(t, b)
		c.day()
		if out := c.closed(payment.BatchRefused); out.Code != "58" {
			t.Errorf("the batch is refused by %s, want 58", out.Code)
		}
		c.pays(cardRequest("S-9", payment.KindSale), 100, payment.SaidApproved)
	}, hostsim.Rule{Kind: "settlement", Do: hostsim.Decline, Code: "58"})
}
