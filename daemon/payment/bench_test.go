package payment

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"posd/daemon/journal"
)

// always is a tender whose host says yes at once.
type always struct{ script }

func (*always) Authorize(_ context.Context, a Attempt, _ Input) Answer { return yes(a.Amount) }

// BenchmarkSale is what a sale costs posd beside its host and the API: opened, paid, told, with the journal on disk. With
// TMPDIR on a disk in memory it is the computing alone.
func BenchmarkSale(b *testing.B) {
	j, err := journal.Open(b.Context(), journal.Options{
		Path: filepath.Join(b.TempDir(), "journal.db"), Now: time.Now, Owner: "bench", Projections: []journal.Projection{Projection()},
	})
	if err != nil {
		b.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	desk := NewDesk(Options{Book: NewBook(j, nil, time.Now, log), Wallet: &always{}, Now: time.Now, Log: log, Slip: func(Sale, Attempt) {}})
	ctx, cancel := context.WithCancel(b.Context())
	var run sync.WaitGroup
	run.Go(func() { _ = desk.Run(ctx) })
	defer func() { cancel(); run.Wait(); _ = j.Close() }()
	<-desk.Recovered()
	for n := 0; b.Loop(); n++ {
		if err := sell(ctx, desk, fmt.Sprint(n), Cents(100+n)); err != nil {
			b.Fatal(err)
		}
	}
}

// sell opens a sale, pays it with a code, and tells the till.
func sell(ctx context.Context, desk *Desk, id string, amount Cents) error {
	if _, err := desk.OpenSale(ctx, NewSale{Client: "till", ID: id, Amount: amount, Currency: "CNY"}); err != nil {
		return err
	}
	r := request(id, "a", RailWallet)
	r.Code = NewSecret([]byte("13" + id))
	if _, err := desk.Pay(ctx, r); err != nil {
		return err
	}
	a, err := desk.Wait(ctx, r.Key, time.Minute)
	if err != nil {
		return err
	}
	if _, err := desk.Sale(ctx, a.Client, a.Sale); err != nil {
		return err
	}
	return desk.Told(ctx, a)
}
