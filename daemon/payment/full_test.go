package payment

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"posd/daemon/journal"
)

func TestANearlyFullDiskIsInTheHealthAndInTheRefusalWithHowMuchIsMissing(t *testing.T) {
	free := int64(8 << 20)
	j, err := journal.Open(t.Context(), journal.Options{
		Path: filepath.Join(t.TempDir(), "journal.db"), Now: time.Now, Projections: []journal.Projection{Projection()},
		Free: func() int64 { return free },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	log := slog.New(slog.DiscardHandler)
	d := NewDesk(Options{Book: NewBook(j, nil, time.Now, log), Card: &script{pol: cardPolicy}, Now: time.Now, Log: log})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { _ = d.Run(ctx); close(ended) }()
	defer func() { stop(); <-ended }()

	const room = "8 MiB free, 16 MiB needed"
	_, err = d.OpenSale(ctx, NewSale{Client: "till", ID: "s", Amount: 1, Currency: "CNY"})
	if p := Explain(err); p == nil || p.Code != "disk_full" || p.Status != 507 || !strings.Contains(p.Detail, room) || p.Remedy == "" {
		t.Errorf("a sale on a full disk: %+v, want %q in it", p, room)
	}
	h := d.Health(ctx)
	if h.Status != "degraded" || h.Problems[0].Code != "disk_full" || !strings.Contains(h.Problems[0].Detail, room) || h.Problems[0].Remedy == "" {
		t.Errorf("health is %+v, want disk_full with %q", h, room)
	}
	free = 1 << 30
	if h := d.Health(ctx); h.Status != "ok" {
		t.Errorf("with room again health is %+v", h)
	}
}

func TestHealthThatIsAskedForWritesNothingBesideTheJournal(t *testing.T) {
	free := int64(8 << 20)
	path := filepath.Join(t.TempDir(), "journal.db")
	j, err := journal.Open(t.Context(), journal.Options{
		Path: path, Now: time.Now, Projections: []journal.Projection{Projection()}, Ballast: 1 << 20,
		Free: func() int64 { return free },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	log := slog.New(slog.DiscardHandler)
	d := NewDesk(Options{Book: NewBook(j, nil, time.Now, log), Card: &script{pol: cardPolicy}, Now: time.Now, Log: log})
	free = 1 << 30
	d.Health(t.Context())
	if _, err := os.Stat(path + ".ballast"); err == nil {
		t.Error("health has written the ballast")
	}
}
