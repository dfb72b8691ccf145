package payment

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/journal"
)

// lines is a log that may be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// errors counts the lines at that level.
func (l *lines) errors() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), "level=ERROR")
}

func TestAJournalThatStaysDamagedIsSaidOnceAndEveryFewMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fails error
		path := filepath.Join(t.TempDir(), "journal.db")
		j, err := journal.Open(t.Context(), journal.Options{
			Path: path, Now: time.Now, Owner: "test", Projections: []journal.Projection{Projection()},
			BeforeCommit: func() error { return fails },
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = j.Close() }()
		said := &lines{}
		log := slog.New(slog.NewTextHandler(said, nil))
		d := NewDesk(Options{Book: NewBook(j, nil, time.Now, log), Card: &script{pol: cardPolicy}, Now: time.Now, Log: log})
		ctx, stop := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() { _ = d.Run(ctx) })
		defer run.Wait()
		defer stop()
		synctest.Wait()
		fails = errors.New("the disk does not write")
		if _, err := d.OpenSale(ctx, NewSale{Client: "till", ID: "s", Amount: 1, Currency: "CNY"}); err == nil {
			t.Fatal("a sale is opened on a disk that does not write")
		}
		for _, name := range []string{path, path + "-wal"} {
			if err := os.WriteFile(name, bytes.Repeat([]byte("no journal\n"), 1000), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(4 * time.Minute)
		if n := said.errors(); n != 1 {
			t.Errorf("in four minutes it was said %d times, want once:\n%.600s", n, said.text.String())
		}
		time.Sleep(56 * time.Minute)
		if n := said.errors(); n < 4 || n > 12 {
			t.Errorf("in an hour it was said %d times, want it every few minutes", n)
		}
	})
}
