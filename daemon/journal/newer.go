package journal

import (
	"database/sql"
	"errors"
	"fmt"
)

// Knowing is a Projection that tells events of a newer posd from those that are not its own. Without it a posd that takes the
// place of a newer one would pass over what that one did, and move money by what is left.
type Knowing interface {
	// Knows tells whether events of this kind are understood, or somebody else's.
	Knows(kind string) bool
}

// NewerError says that a newer posd has written to the journal. Nothing is damaged; but what it did is not known here.
type NewerError struct {
	Seq  int64 // the event that is not known
	Kind string
}

const newerRemedy = "use that one, or one that is newer still; nothing is lost"

// Error names the event and the remedy.
func (e *NewerError) Error() string { return e.fault() + "; " + newerRemedy }

// fault is the error without its remedy.
func (e *NewerError) fault() string {
	return fmt.Sprintf("event %d is a %q, which this posd does not know: it was written by a newer posd", e.Seq, e.Kind)
}

// known refuses an event that one of the projections should know and does not.
func known(list []Projection, e *Event) error {
	for _, p := range list {
		if k, asked := p.(Knowing); asked && !k.Knows(e.Kind) {
			return &NewerError{Seq: e.Seq, Kind: e.Kind}
		}
	}
	return nil
}

// stillNewer says at once what has blocked the journal, if it still stands there: it is looked at every second.
func (j *Journal) stillNewer() error {
	var newer *NewerError
	if !errors.As(j.Blocked(), &newer) {
		return nil
	}
	var kind string
	err := j.store.queryRow("SELECT kind FROM event WHERE seq = ?", newer.Seq).Scan(&kind)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && kind != newer.Kind:
		return nil // another file
	case err != nil:
		return err
	}
	return newer
}
