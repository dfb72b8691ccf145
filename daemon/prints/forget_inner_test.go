package prints

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"posd/daemon/journal"
)

func inMemory(t *testing.T) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.Context(), journal.Options{Now: time.Now, Memory: true, Owner: "test", Projections: []journal.Projection{Projection()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// query gives the text in one column of what a query finds.
func query(t *testing.T, j *journal.Journal, column int, text string, args ...any) (found []string) {
	t.Helper()
	err := j.View(t.Context(), func(tx *journal.Tx) error {
		rows, err := tx.Query(text, args...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			columns := make([]any, column+1)
			for i := range columns {
				columns[i] = new(any)
			}
			if err := rows.Scan(columns...); err != nil {
				return err
			}
			found = append(found, fmt.Sprint(*columns[column].(*any)))
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestForgettingLooksAtTheContentsThatAreKeptOnly(t *testing.T) {
	j := inMemory(t)
	for _, verb := range []string{"DELETE", "SELECT count(*)"} {
		plan := strings.Join(query(t, j, 3, "EXPLAIN QUERY PLAN "+verb+forgotten, 0, 0), "; ")
		if !strings.HasPrefix(plan, "SCAN c") || strings.Count(plan, "SCAN") != 1 || !strings.Contains(plan, "USING PRIMARY KEY (id=?)") {
			t.Errorf("the plan of %s is %s, want the contents, and of each its job", verb, plan)
		}
	}
}

// When a clock was set back, what was printed before has ended in the future.
func TestContentsAreDeletedAfterTheirTimeAlsoWhereTheClockWasSetBack(t *testing.T) {
	j := inMemory(t)
	now := time.Now()
	q := New(Options{Journal: j, Now: func() time.Time { return now }, Keep: 24 * time.Hour})
	err := j.Update(t.Context(), func(tx *journal.Tx) error {
		for id, ended := range map[string]time.Duration{"long ago": -25 * time.Hour, "today": -time.Hour, "soon": 23 * time.Hour, "in a month": 720 * time.Hour} {
			if err := tx.Exec(`INSERT INTO prints_job (id, client, state, ended_at) VALUES (?, 'till', 'printed', ?)`, id, now.Add(ended).UnixMilli()); err != nil {
				return err
			}
			if err := tx.Exec(`INSERT INTO prints_content VALUES (?, '')`, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = q.forget(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	if left := query(t, j, 0, `SELECT id FROM prints_content ORDER BY id`); !slices.Equal(left, []string{"soon", "today"}) {
		t.Errorf("kept %q", left)
	}
}
