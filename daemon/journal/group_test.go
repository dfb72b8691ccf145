package journal_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"posd/daemon/journal"
)

// crowd are callers of Update that all wait while the first one is at it, so that they share a commit.
type crowd struct {
	t       *testing.T
	j       *journal.Journal
	commits []int64 // the last event of each
	gate    chan struct{}
	done    chan struct{}
	errs    map[string]error
}

// together runs fn in a bubble, with a journal on a disk whose commits can fail.
func together(t *testing.T, fail func() error, fn func(c *crowd)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{t: t, gate: make(chan struct{}), done: make(chan struct{}), errs: map[string]error{}}
		opt := options(t)
		opt.BeforeCommit = fail
		opt.AfterCommit = func(seq int64) { c.commits = append(c.commits, seq) }
		c.j = open(t, opt)
		fn(c)
		_ = c.j.Close() // its goroutines must end in the bubble
	})
}

// add begins a transaction of that name; names are events' subjects. It gets its turn after those that were added before.
func (c *crowd) add(ctx context.Context, name string, more func(tx *journal.Tx) error) {
	first := len(c.errs) == 0
	c.errs[name] = errors.New("not ended")
	results := make(chan error, 1)
	go func() {
		results <- c.j.Update(ctx, func(tx *journal.Tx) error {
			if first {
				<-c.gate
			}
			if err := tx.Append(journal.Entry{Subject: name, Kind: "note"}); err != nil {
				return err
			}
			return more(tx)
		})
	}()
	before := c.done
	c.done = make(chan struct{})
	go func(done chan struct{}) {
		err := <-results
		<-before
		c.errs[name] = err
		close(done)
	}(c.done)
	if first {
		close(before)
	}
	synctest.Wait()
}

// finish lets them all go on, and waits for them.
func (c *crowd) finish() {
	close(c.gate)
	<-c.done
}

// holds fails the test unless the journal has the events of these subjects, and is sound.
func (c *crowd) holds(want ...string) {
	c.t.Helper()
	var got []string
	for _, e := range events(c.t, c.j) {
		got = append(got, e.Subject)
	}
	if !slices.Equal(got, want) {
		c.t.Errorf("journal holds %v, want %v", got, want)
	}
	if r, err := c.j.Verify(c.t.Context()); err != nil || r.Events != int64(len(want)) {
		c.t.Errorf("verify: %+v, %v; want %d events", r, err, len(want))
	}
}

func fine(*journal.Tx) error { return nil }

func TestThoseWhoWriteAtOnceShareACommitAndNobodyReadsBefore(t *testing.T) {
	together(t, nil, func(c *crowd) {
		c.add(c.t.Context(), "a", fine)
		seen, reads := -1, make(chan error, 1)
		go func() {
			reads <- c.j.View(c.t.Context(), func(tx *journal.Tx) error {
				if len(c.commits) != 1 {
					c.t.Errorf("read after %d commits, want 1", len(c.commits))
				}
				return tx.QueryRow("SELECT count(*) FROM tally").Scan(&seen)
			})
		}()
		synctest.Wait()
		c.add(c.t.Context(), "b", func(tx *journal.Tx) error {
			var n int
			if err := tx.QueryRow("SELECT n FROM tally WHERE subject = 'a'").Scan(&n); err != nil || n != 1 {
				c.t.Errorf("the second part sees %d of the first, %v", n, err)
			}
			return nil
		})
		c.add(c.t.Context(), "c", fine)
		c.finish()
		if err := errors.Join(c.errs["a"], c.errs["b"], c.errs["c"], <-reads); err != nil {
			c.t.Error(err)
		}
		if !slices.Equal(c.commits, []int64{3}) || seen != 3 {
			c.t.Errorf("commits %v, a reader saw %d; want one commit, and 3", c.commits, seen)
		}
		c.holds("a", "b", "c")
	})
}

func TestAPartThatFailsIsUndoneAlone(t *testing.T) {
	refused := errors.New("not now")
	for name, wrong := range map[string]func(tx *journal.Tx) error{
		"refuses":    func(*journal.Tx) error { return refused },
		"constraint": func(tx *journal.Tx) error { return tx.Exec("INSERT INTO tally VALUES (NULL, NULL)") },
		"hidden":     func(tx *journal.Tx) error { _ = tx.Exec("INSERT INTO tally VALUES (NULL, NULL)"); return nil },
		"projection": func(tx *journal.Tx) error { return tx.Append(journal.Entry{Subject: "x", Kind: "refused"}) },
	} {
		t.Run(name, func(t *testing.T) {
			together(t, nil, func(c *crowd) {
				c.add(c.t.Context(), "a", fine)
				c.add(c.t.Context(), "b", wrong)
				c.add(c.t.Context(), "c", fine)
				c.finish()
				if c.errs["a"] != nil || c.errs["b"] == nil || c.errs["c"] != nil || c.j.Blocked() != nil {
					c.t.Errorf("got %v, blocked %v; want an error of b alone", c.errs, c.j.Blocked())
				}
				c.holds("a", "c")
			})
		})
	}
}

func TestAPartThatFailsFirstLeavesTheOthersAlone(t *testing.T) {
	together(t, nil, func(c *crowd) {
		c.add(c.t.Context(), "a", func(*journal.Tx) error { return errRefused })
		c.add(c.t.Context(), "b", fine)
		c.finish()
		if !errors.Is(c.errs["a"], errRefused) || c.errs["b"] != nil {
			c.t.Errorf("got %v", c.errs)
		}
		c.holds("b")
	})
}

func TestAPartThatPanicsIsUndoneAlone(t *testing.T) {
	together(t, nil, func(c *crowd) {
		c.add(c.t.Context(), "a", fine)
		go func() {
			defer func() { _ = recover() }()
			_ = c.j.Update(c.t.Context(), func(tx *journal.Tx) error {
				_ = tx.Append(journal.Entry{Subject: "b", Kind: "note"})
				panic("b")
			})
		}()
		synctest.Wait()
		c.add(c.t.Context(), "c", fine)
		c.finish()
		if err := errors.Join(c.errs["a"], c.errs["c"]); err != nil {
			c.t.Error(err)
		}
		c.holds("a", "c")
	})
}

func TestAFailedCommitFailsEverybodyWhoSharesIt(t *testing.T) {
	broken := errors.New("input/output error")
	fail := broken
	together(t, func() error { return fail }, func(c *crowd) {
		c.add(c.t.Context(), "a", fine)
		c.add(c.t.Context(), "b", func(*journal.Tx) error { return errRefused })
		c.add(c.t.Context(), "c", fine)
		c.finish()
		for name, err := range c.errs {
			var blocked *journal.BlockedError
			if !errors.As(err, &blocked) || !errors.Is(err, broken) {
				c.t.Errorf("%s: got %v, want blocked", name, err)
			}
		}
		fail = nil
		if err := c.j.Reopen(c.t.Context()); err != nil {
			c.t.Fatal(err)
		}
		c.holds()
	})
}

func TestAFullDiskFailsEverybodyWhoSharesTheTransaction(t *testing.T) {
	together(t, nil, func(c *crowd) {
		if err := c.j.Update(c.t.Context(), func(tx *journal.Tx) error { return tx.Exec("PRAGMA max_page_count = 20") }); err != nil {
			c.t.Fatal(err)
		}
		c.add(c.t.Context(), "a", fine)
		c.add(c.t.Context(), "b", func(tx *journal.Tx) error {
			return tx.Append(journal.Entry{Subject: "b", Kind: "note", Body: note{Text: string(make([]byte, 100_000))}})
		})
		c.add(c.t.Context(), "c", fine)
		c.finish()
		for _, err := range c.errs {
			wantBlocked(c.t, err, journal.CodeDiskFull)
		}
		if err := c.j.Reopen(c.t.Context()); err != nil {
			c.t.Fatal(err)
		}
		c.holds()
	})
}

func wantBlocked(t *testing.T, err error, code string) {
	t.Helper()
	var blocked *journal.BlockedError
	if !errors.As(err, &blocked) || blocked.Code != code {
		t.Errorf("got %v, want blocked with %s", err, code)
	}
}

func TestWhoGivesUpWaitingTakesNoPart(t *testing.T) {
	together(t, nil, func(c *crowd) {
		ctx, cancel := context.WithCancel(c.t.Context())
		c.add(c.t.Context(), "a", fine)
		c.add(ctx, "b", fine)
		c.add(c.t.Context(), "c", fine)
		cancel()
		synctest.Wait()
		c.finish()
		if c.errs["a"] != nil || !errors.Is(c.errs["b"], context.Canceled) || c.errs["c"] != nil {
			c.t.Errorf("got %v", c.errs)
		}
		c.holds("a", "c")
	})
}

func TestAGroupHasALimit(t *testing.T) {
	together(t, nil, func(c *crowd) {
		for range 100 {
			c.add(c.t.Context(), string(rune('a'+len(c.errs))), fine)
		}
		c.finish()
		if len(c.commits) != 2 || c.commits[1] != 100 {
			c.t.Errorf("commits %v, want two for 100", c.commits)
		}
	})
}
