package scanner

import (
	"bufio"
	"context"
	"errors"
	"fmt"

	"posd/drivers/port"
)

// tongue is how a maker's scanners that send lines are told something, as data and pure functions.
type tongue struct {
	maker   string
	phrases map[Command]phrase
	// split cuts codes and answers.
	split bufio.SplitFunc
	// answer tells whether a frame is an answer, and whether it is a yes.
	answer func(frame []byte) (is, yes bool)
}

// phrase is a command's bytes.
type phrase struct {
	bytes  string
	silent bool // there is no answer to it
}

// talker is a scanner that sends lines and takes commands. But for orders, it is owned by the caller of Next.
type talker struct {
	line
	orders
	tongue tongue
	early  early
}

var _ Commander = (*talker)(nil)

func openTalker(c port.Conn, s port.Settings, t tongue) Source {
	return &talker{line: *newLine(c, s), tongue: t}
}

func (t *talker) Next(ctx context.Context) (Code, error) {
	for {
		frame, err := t.frame(ctx)
		if err != nil {
			return Code{}, t.explain(err)
		}
		if is, _ := t.tongue.answer(frame); is {
			continue // to a command that nobody waits for any more
		}
		if code, ok, err := t.take(frame, ""); ok || err != nil {
			return code, err
		}
	}
}

// read waits for a code or an answer.
func (t *talker) read(ctx context.Context) ([]byte, error) {
	return t.pause.Next(ctx, t.conn, t.tongue.split)
}

// frame gives the next frame and carries out commands meanwhile.
func (t *talker) frame(ctx context.Context) ([]byte, error) {
	for {
		if first, ok := t.early.pop(); ok {
			return first.frame, first.err
		}
		frame, x, err := t.next(ctx, t.read)
		if x == nil {
			return frame, err
		}
		err = t.tell(ctx, x.cmd)
		x.done <- err
		if fatal(err) {
			return nil, err
		}
	}
}

// fatal tells an error of the connection from one of a command.
func fatal(err error) bool {
	return err != nil && !errors.Is(err, ErrNoAnswer) && !errors.Is(err, ErrNotTaken) && !errors.Is(err, ErrUnsupported)
}

// tell sends a command and waits for its answer.
func (t *talker) tell(ctx context.Context, c Command) error {
	p, ok := t.tongue.phrases[c]
	if !ok {
		return fmt.Errorf("%w: %v (%s)", ErrUnsupported, c, t.tongue.maker)
	}
	if err := t.conn.Write(ctx, []byte(p.bytes)); err != nil || p.silent {
		return err
	}
	answer, err := t.early.await(ctx, t.read, func(frame []byte) bool { is, _ := t.tongue.answer(frame); return is })
	switch {
	case err != nil:
		return err
	case answer == nil:
		return fmt.Errorf("%w: %v; look at the maker of the scanner, and at the wire to it", ErrNoAnswer, c)
	}
	if _, yes := t.tongue.answer(answer); !yes {
		return fmt.Errorf("%w: %v", ErrNotTaken, c)
	}
	return nil
}
