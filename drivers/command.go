package drivers

import (
	"context"
	"errors"
	"fmt"

	"posd/drivers/scanner"
)

// Why a scanner was not told something. Errors of the scanner itself are scanner.ErrNoAnswer, ErrNotTaken, ErrUnsupported.
var (
	ErrNoDevice   = errors.New("no such scanner")
	ErrNotOnline  = errors.New("the scanner is not connected")
	ErrNoCommands = errors.New("the scanner's driver knows no commands; drivers newland, honeywell and ssi do")
)

// ErrNoCommand says that a word is no command.
var ErrNoCommand = errors.New("no such command: want trigger, release, beep, on-command or presentation")

// Why a scanner did not do what it was told.
var (
	ErrNoAnswer    = scanner.ErrNoAnswer
	ErrNotTaken    = scanner.ErrNotTaken
	ErrUnsupported = scanner.ErrUnsupported
)

// Tell is Command by the word that technicians write.
func (s *Set) Tell(ctx context.Context, name, command string) error {
	c, ok := scanner.ParseCommand(command)
	if !ok {
		return fmt.Errorf("%q: %w", command, ErrNoCommand)
	}
	return s.Command(ctx, name, c)
}

// Command tells a scanner something and waits for its acknowledgement: look for a code now, beep. name "" means the first
// scanner. Codes that come meanwhile go their usual way.
func (s *Set) Command(ctx context.Context, name string, c scanner.Command) error {
	for _, d := range s.devices {
		r, ok := d.runner.(*scannerRunner)
		if !ok || name != "" && name != d.config.Name {
			continue
		}
		src := r.source()
		commander, takes := src.(scanner.Commander)
		switch {
		case src == nil:
			return fmt.Errorf("%s: %w", d.config.Name, ErrNotOnline)
		case !takes:
			return fmt.Errorf("%s: %w", d.config.Name, ErrNoCommands)
		}
		if err := commander.Do(ctx, c); err != nil {
			return fmt.Errorf("%s: %w", d.config.Name, err)
		}
		return nil
	}
	return fmt.Errorf("%w: %q", ErrNoDevice, name)
}

// usable asks a source that may know at once that it cannot work with its port: it never was online then.
func usable(src any) error {
	if s, ok := src.(interface{ Usable() error }); ok {
		return s.Usable()
	}
	return nil
}
