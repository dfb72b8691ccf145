package prints

import (
	"context"
	"errors"
	"fmt"
	"time"

	"posd/daemon/journal"
	"posd/drivers/printer"
)

// A job in whose middle the printer is lost is printed again, marked, until it is on paper. A printer that dies of each try
// (a worn cable, a weak power supply) must not eat the paper meanwhile: from the third time on the job rests, longer each
// time, and others go before it.
const (
	maxLost     = 3
	firstRest   = time.Minute
	longestRest = 16 * time.Minute
)

// rests is true of a job that rests at a time; the second parameter is as late as a rest can end, whatever the clock was.
const rests = `(again > ? AND again <= ?)`

// restOf is how long a job rests in which the printer was lost so often.
func restOf(lost int) time.Duration {
	rest := firstRest
	for ; lost > maxLost && rest < longestRest; lost-- {
		rest *= 2
	}
	return rest
}

// unsure records that nobody knows how much of a job is on paper.
func (q *Queue) unsure(ctx context.Context, j job, cause error) error {
	f := fact{Why: cause.Error(), Quiet: errors.Is(cause, printer.ErrQuiet)}
	q.torn = true
	if lost := j.Unsure - j.Quiet + 1; !f.Quiet && lost >= maxLost {
		f.Again = q.o.Now().Add(restOf(lost))
		f.Why = fmt.Sprintf("the printer failed %d times in the middle of it; it is tried again at %s", lost, f.Again.Format("15:04"))
	}
	q.o.Log.Warn("slip may be cut short", "slip", j.ID, "tries", j.Unsure+1, "why", f.Why)
	return q.record(ctx, j.ID, unsure, f)
}

// nap is how soon it is to be looked again for jobs that rest; 0 when there are none.
func (q *Queue) nap(ctx context.Context) time.Duration {
	n := 0
	err := q.o.Journal.View(ctx, func(tx *journal.Tx) error {
		return tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM prints_job WHERE state = 'waiting' AND again > 0)`).Scan(&n)
	})
	if err == nil && n == 0 {
		return 0
	}
	return pollEvery
}

// takenBack is the Why of a job that rested when its till took it back.
const takenBack = "taken back by its till; some of it may be on paper"

// takeBack is what is written of a job that its till takes back.
func takeBack(j job) journal.Entry {
	if j.Rests() {
		return entry(j.ID, held, fact{Why: takenBack})
	}
	return entry(j.ID, recalled, fact{})
}
