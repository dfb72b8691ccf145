//go:build proof && linux

package proof

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"posd/daemon/journal"
	"posd/daemon/payment"
	"posd/daemon/prints"
)

// keptFact is what of an event matters to those who were told something.
type keptFact struct {
	Sent *struct {
		Numbers struct {
			Trace uint32 `json:"trace"`
			Order string `json:"order"`
		} `json:"numbers"`
	} `json:"sent"`
	Trace uint32 `json:"trace"`
}

// keptFacts remembers what events say: the same ones are read in thousands of states. Its keys are their hashes, which
// Verify has checked.
var keptFacts sync.Map

func factIn(e journal.Event) (keptFact, error) {
	if f, ok := keptFacts.Load(e.Hash); ok {
		return f.(keptFact), nil
	}
	var f keptFact
	err := json.Unmarshal(e.Body, &f)
	keptFacts.Store(e.Hash, f)
	return f, err
}

// kept is what a journal holds after the power came back.
type kept struct {
	events []journal.Event
	facts  map[string]map[string]bool // by subject: the kinds of event
	traces map[uint32]bool            // every trace number that was taken
	sent   map[uint32]string          // trace number to the attempt that was sent under it
	orders map[string]string          // order number, likewise
	owed   map[string]bool            // the attempts that recovery goes on with, or a person
}

// smallJournal is up to how many events opening checks everything that Verify does.
const smallJournal = 1000

// has tells whether an event about a subject is there.
func (k *kept) has(subject, kind string) bool { return k.facts[subject][kind] }

// reopen opens what is in a folder as posd does and reads it. Opening checks a small journal wholly; with verify it is
// verified besides, as a technician would. An error is a violation.
func reopen(ctx context.Context, folder string, verify bool) (k *kept, err error) {
	file := filepath.Join(folder, journalFile)
	if err := journal.MakeFolder(filepath.Dir(file)); err != nil {
		return nil, err
	}
	quiet := slog.New(slog.DiscardHandler)
	j, err := journal.Open(ctx, journal.Options{
		Path: file, Now: time.Now, Owner: "posd", Ballast: ballastMiB << 20, Log: quiet,
		Projections: []journal.Projection{payment.Projection(), prints.Projection()}, KeepDamaged: true,
	})
	if err != nil {
		return nil, fmt.Errorf("does not open: %w", err)
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	if err := j.Blocked(); err != nil {
		return nil, err
	}
	if k, err = readKept(ctx, j); err != nil {
		return nil, err
	}
	if verify || len(k.events) > smallJournal {
		if _, err := j.Verify(ctx); err != nil {
			return nil, fmt.Errorf("is not what its events say (I10): %w", err)
		}
	}
	book := payment.NewBook(j, nil, time.Now, quiet)
	return k, k.addOwed(ctx, payment.NewDesk(payment.Options{Book: book, Now: time.Now, Log: quiet}))
}

func readKept(ctx context.Context, j *journal.Journal) (*kept, error) {
	k := &kept{
		facts: map[string]map[string]bool{}, traces: map[uint32]bool{}, sent: map[uint32]string{}, orders: map[string]string{}, owed: map[string]bool{},
	}
	var err error
	if k.events, err = j.Events(ctx, 0, 0, ""); err != nil {
		return nil, err
	}
	for _, e := range k.events {
		if k.facts[e.Subject] == nil {
			k.facts[e.Subject] = map[string]bool{}
		}
		k.facts[e.Subject][e.Kind] = true
		f, err := factIn(e)
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", e.Seq, err)
		}
		k.traces[f.Trace] = true
		if s := f.Sent; s != nil {
			k.traces[s.Numbers.Trace] = true
			k.sent[s.Numbers.Trace] = e.Subject
			k.orders[s.Numbers.Order] = e.Subject
		}
	}
	return k, nil
}

// addOwed reads what recovery would go on with, the way the API shows it.
func (k *kept) addOwed(ctx context.Context, desk *payment.Desk) error {
	o, err := desk.Owed(ctx, "")
	if err != nil {
		return fmt.Errorf("does not tell what is owed: %w", err)
	}
	for _, a := range append(o.Open, o.Stuck...) {
		k.owed["sale/"+a.Client+"/"+a.Sale+"/"+a.Attempt] = true
	}
	return nil
}

// unowed gives the attempts that were sent, have not ended, and that nobody would go on with. That an attempt has
// ended is told by the last of its events that moved it.
func (k *kept) unowed() []string {
	last := map[string]string{}
	for _, e := range k.events {
		switch _, what, _ := strings.Cut(e.Kind, "."); what {
		case "sent", "approved", "declined", "unsent", "cancelled", "reversing", "reversed", "stuck", "settled":
			last[e.Subject] = e.Kind
		}
	}
	var out []string
	for subject, kind := range last {
		if open := kind == "attempt.sent" || kind == "attempt.reversing" || kind == "attempt.stuck"; open && !k.owed[subject] {
			out = append(out, fmt.Sprintf("%s is %s, and nobody goes on with it (I5)", subject, kind))
		}
	}
	return out
}
