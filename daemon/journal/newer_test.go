package journal_test

import (
	"errors"
	"strings"
	"testing"

	"posd/daemon/journal"
)

// versed is a tally of a posd that knows so many kinds of "note".
type versed struct {
	tally
	kinds string
}

func (v versed) Knows(kind string) bool {
	return !strings.HasPrefix(kind, "note") || strings.Contains(v.kinds, "<"+kind+">")
}

// ofANewerPosd makes a journal of so many events, of which the older posd whose options it gives does not know one.
func ofANewerPosd(t *testing.T, events, unknown int, schema string) journal.Options {
	t.Helper()
	opt := options(t)
	opt.Projections = []journal.Projection{versed{tally{schema}, "<note><note.forgiven>"}}
	j := open(t, opt)
	entries := make([]journal.Entry, events)
	for i := range entries {
		entries[i] = journal.Entry{Subject: "sale/1", Kind: "note", Body: note{N: i}}
	}
	entries[unknown-1].Kind = "note.forgiven"
	if err := j.Update(t.Context(), func(tx *journal.Tx) error { return tx.Append(entries...) }); err != nil {
		t.Fatal(err)
	}
	stop(t, j)
	opt.Projections, opt.KeepDamaged = []journal.Projection{versed{tally{}, "<note>"}}, true
	return opt
}

func wantNewer(t *testing.T, err error) {
	t.Helper()
	var blocked *journal.BlockedError
	if !errors.As(err, &blocked) || blocked.Code != journal.CodeNewer || !strings.Contains(blocked.Detail, "written by a newer posd") || blocked.Remedy == "" {
		t.Errorf("blocked by %v, want %s", err, journal.CodeNewer)
	}
}

func TestAJournalThatANewerPosdHasWrittenToIsBlockedAndRead(t *testing.T) {
	const otherTables = "CREATE TABLE tally (subject TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT -- as the newer one has it"
	for name, tc := range map[string]struct {
		events, unknown int
		schema          string
	}{
		"small":                    {9, 4, ""},
		"at its end":               {1500, 1400, ""},
		"with tables of its own":   {1500, 17, otherTables},
		"small, and tables of its": {9, 9, otherTables},
	} {
		t.Run(name, func(t *testing.T) {
			opt := ofANewerPosd(t, tc.events, tc.unknown, tc.schema)
			j := open(t, opt)
			wantNewer(t, j.Blocked())
			for range 2 { // as the desk tries every second
				var newer *journal.NewerError
				if err := j.Reopen(t.Context()); !errors.As(err, &newer) || newer.Seq != int64(tc.unknown) || newer.Kind != "note.forgiven" {
					t.Errorf("reopen: %v", err)
				}
				wantNewer(t, j.Blocked())
			}
			err := j.Update(t.Context(), func(tx *journal.Tx) error { return tx.Append(journal.Entry{Subject: "x", Kind: "note"}) })
			wantNewer(t, err)
			if got := len(events(t, j)); got != tc.events || count(t, j, "sale/1") != tc.events {
				t.Errorf("%d events can be read, tally %d; want %d", got, count(t, j, "sale/1"), tc.events)
			}
			stop(t, j)
			opt.Projections = []journal.Projection{versed{tally{tc.schema}, "<note><note.forgiven>"}}
			if j := open(t, opt); j.Blocked() != nil { // the newer one is used, as the remedy says
				t.Error(j.Blocked())
			}
		})
	}
}

func TestVerifyNamesAnEventOfANewerPosd(t *testing.T) {
	opt := ofANewerPosd(t, 1500, 17, "") // not among those that a start checks
	j := open(t, opt)
	if j.Blocked() != nil {
		t.Fatal(j.Blocked())
	}
	_, err := j.Verify(t.Context())
	wantNewer(t, err)
	wantNewer(t, j.Blocked())
	if err := j.Reopen(t.Context()); err == nil || j.Blocked() == nil {
		t.Error("it is open again")
	}
	stop(t, j)
	const want = `event 17 is a "note.forgiven", which this posd does not know: it was written by a newer posd; use that one`
	if _, err := open(t, looked(opt)).Verify(t.Context()); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("who only looks hears %q, want %q", err, want)
	}
}

func TestAnEventThatIsNotKnownIsNotAppended(t *testing.T) {
	opt := options(t)
	opt.Projections = []journal.Projection{versed{kinds: "<note>"}}
	j := open(t, opt)
	if err := j.Update(t.Context(), func(tx *journal.Tx) error { return tx.Append(journal.Entry{Subject: "x", Kind: "note.made"}) }); err == nil || j.Blocked() != nil {
		t.Errorf("got %v, blocked by %v", err, j.Blocked())
	}
}
