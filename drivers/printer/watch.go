package printer

import (
	"context"
	"errors"
	"time"
)

// Watcher is a Printer that can tell how it is without being asked.
type Watcher interface {
	Printer
	// Watch tells how the printer is, and again when that may have changed, until ctx or the connection ends.
	Watch(ctx context.Context, tell func(Status)) error
}

// How often an idle printer is asked how it is, one that tells it by itself as well, and how long that may take. They are no
// whole seconds, as the waits of a print are: who asks would else give up, or not, in the instant in which a print does.
const (
	askEvery   = 1900 * time.Millisecond
	checkEvery = 29300 * time.Millisecond
	askLimit   = 4700 * time.Millisecond
)

// Watch watches any printer: an unplugged one shows in no other way while nothing is printed.
func Watch(ctx context.Context, p Printer, tell func(Status)) error {
	if w, ok := p.(Watcher); ok {
		return w.Watch(ctx, tell)
	}
	return poll(ctx, p.Status, tell, func(ctx context.Context) error { return rest(ctx, askEvery) })
}

// poll asks how a printer is, and again after each pause.
func poll(ctx context.Context, ask func(context.Context) (Status, error), tell func(Status), pause func(context.Context) error) error {
	for ctx.Err() == nil {
		asking, cancel := context.WithTimeout(ctx, askLimit)
		s, err := ask(asking)
		cancel()
		switch {
		case errors.Is(err, context.DeadlineExceeded): // somebody prints, and nothing was heard yet
		case err != nil:
			return err
		default:
			tell(s)
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// rest waits; that ctx ends is no error of it.
func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
	return nil
}
