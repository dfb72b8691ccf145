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
	kept   [][]byte // codes that came before an answer
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
		if is, _ := t.tongue.answer(frame); is && !t.stale {
			continue // to a command that nobody waits for any more
		}
		if code, ok, err := t.code(frame); ok || err != nil {
			return code, err
		}
	}
}

// frame gives the next frame and carries out commands meanwhile.
func (t *talker) frame(ctx context.Context) ([]byte, error) {
	for {
		if len(t.kept) > 0 {
			first := t.kept[0]
			t.kept = t.kept[1:]
			return first, nil
		}
		frame, x, err := t.next(ctx, t.conn, t.patiently(t.tongue.split))
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

// tell sends a command and waits for its answer. Codes that come before it are kept.
func (t *talker) tell(ctx context.Context, c Command) error {
	p, ok := t.tongue.phrases[c]
	if !ok {
		return fmt.Errorf("%w: %v (%s)", ErrUnsupported, c, t.tongue.maker)
	}
	if err := t.conn.Write(ctx, []byte(p.bytes)); err != nil || p.silent {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	for len(t.kept) < maxKept {
		frame, err := t.conn.Next(wait, t.tongue.split)
		if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			break
		}
		if err != nil {
			return err
		}
		if is, yes := t.tongue.answer(frame); is && yes {
			return nil
		} else if is {
			return fmt.Errorf("%w: %v", ErrNotTaken, c)
		}
		t.kept = append(t.kept, frame)
	}
	return fmt.Errorf("%w: %v; look at the maker of the scanner, and at the wire to it", ErrNoAnswer, c)
}
