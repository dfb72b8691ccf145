package scanner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"posd/drivers/port"
)

// Command is something that a scanner can be told.
type Command int

// The commands.
const (
	Trigger      Command = iota + 1 // look for a code now
	Release                         // stop looking
	Beep                            // one beep, that a cashier may hear
	OnCommand                       // mode: look for codes when triggered only
	Presentation                    // mode: look for codes all the time
)

// commandNames are the commands as technicians write them.
var commandNames = [...]string{"none", "trigger", "release", "beep", "on-command", "presentation"}

// String is the command's name as technicians write it.
func (c Command) String() string {
	if c < 0 || int(c) >= len(commandNames) {
		return fmt.Sprintf("command %d", int(c))
	}
	return commandNames[c]
}

// ParseCommand reads what String writes; ok is false for no command.
func ParseCommand(name string) (c Command, ok bool) {
	i := slices.Index(commandNames[:], name)
	return Command(i), i > 0
}

// Commander is a Source that takes commands.
type Commander interface {
	Source
	// Do tells the scanner something and waits for its acknowledgement where there is one. Any goroutine may call it
	// while another is in Next, which does the work; codes that come meanwhile are not lost. The error wraps
	// ErrNoAnswer, ErrNotTaken or ErrUnsupported; ctx's error says that it was not sent or that its end was not waited for.
	Do(ctx context.Context, c Command) error
}

// Why a command was not carried out.
var (
	ErrNoAnswer    = errors.New("the scanner does not answer commands") // it may have carried it out all the same
	ErrNotTaken    = errors.New("the scanner refuses the command")
	ErrUnsupported = errors.New("the driver has no such command for this scanner")
)

// Limits of an exchange.
const (
	answerLimit = 2 * time.Second // Zebra SSI guide: a response is due within 2 s
	maxKept     = 16              // frames that may come between a command and its answer
)

// order is a command on its way to the goroutine that owns the connection.
type order struct {
	cmd  Command
	done chan error // buffered
}

// orders are the commands that wait. The zero value is empty.
type orders struct {
	mu    sync.Mutex
	queue []*order           // guarded by mu
	wake  context.CancelFunc // guarded by mu; ends the wait for a frame, nil when nobody waits
}

// Do hands a command over and waits until it was carried out.
func (o *orders) Do(ctx context.Context, c Command) error {
	x := &order{cmd: c, done: make(chan error, 1)}
	o.mu.Lock()
	o.queue = append(o.queue, x)
	if o.wake != nil {
		o.wake()
	}
	o.mu.Unlock()
	select {
	case err := <-x.done:
		return err
	case <-ctx.Done():
		o.mu.Lock()
		o.queue = slices.DeleteFunc(o.queue, func(y *order) bool { return x == y })
		o.mu.Unlock()
		return fmt.Errorf("command %v: %w", c, ctx.Err())
	}
}

// pop gives the first command that waits; if there is none, wake is called when one comes.
func (o *orders) pop(wake context.CancelFunc) *order {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.wake = wake
	if len(o.queue) == 0 {
		return nil
	}
	x := o.queue[0]
	o.queue = o.queue[1:]
	return x
}

// next waits for a frame or for a command, whatever is first. read reads the frame.
func (o *orders) next(ctx context.Context, read reading) ([]byte, *order, error) {
	for {
		wait, cancel := context.WithCancel(ctx)
		if x := o.pop(cancel); x != nil {
			cancel()
			return nil, x, nil
		}
		frame, err := read(wait)
		woken := wait.Err() != nil && ctx.Err() == nil
		cancel()
		if err != nil && woken && errors.Is(err, context.Canceled) {
			continue
		}
		return frame, nil, err
	}
}

// reading waits for a frame of a scanner.
type reading func(ctx context.Context) ([]byte, error)

// early is what came before the answer to a command: frames, and the errors of those that were cut off.
type early []arrival

type arrival struct {
	frame []byte
	err   error
}

// pop gives the first of them; ok is false if there is none.
func (e *early) pop() (first arrival, ok bool) {
	if len(*e) == 0 {
		return arrival{}, false
	}
	first, *e = (*e)[0], (*e)[1:]
	return first, true
}

// await waits for the answer to a command, and keeps what comes before it. It is nil if none comes in time.
func (e *early) await(ctx context.Context, read reading, is func(frame []byte) bool) ([]byte, error) {
	wait, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	for len(*e) < maxKept {
		frame, err := read(wait)
		switch {
		case errors.Is(err, port.ErrCutOff):
			*e = append(*e, arrival{err: err})
		case err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
			return nil, nil
		case err != nil:
			return nil, err
		case is(frame):
			return frame, nil
		default:
			*e = append(*e, arrival{frame: frame})
		}
	}
	return nil, nil
}
