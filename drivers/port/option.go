package port

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Option is one setting of a driver; its Doc is the manual.
type Option struct {
	Name    string
	Doc     string
	Default string
	Values  []string // the only ones allowed; empty allows any that Kind reads
	Kind    OptionKind
	Max     int // of numbers (from 0) and of milliseconds in durations; 0 is no limit
}

// OptionKind is how the value of an option is written.
type OptionKind int

// The kinds of option.
const (
	Words    OptionKind = iota
	Number              // digits
	Duration            // Go's way: 50ms, 2s
	YesNo               // yes or no
	Hex                 // bytes, two hex digits each
)

// Settings are the checked values of a driver's options. Settle makes them.
type Settings struct{ values map[string]string }

// Settle checks what was given against the options and fills in the defaults. It reports all problems at once.
func Settle(options []Option, given map[string]string) (Settings, error) {
	s := Settings{values: map[string]string{}}
	var errs []error
	for name := range given {
		if !slices.ContainsFunc(options, func(o Option) bool { return o.Name == name }) {
			errs = append(errs, fmt.Errorf("unknown option %q, this driver has: %s", name, optionNames(options)))
		}
	}
	for _, o := range options {
		v, ok := given[o.Name]
		if !ok {
			v = o.Default
		}
		if err := o.check(v); err != nil {
			errs = append(errs, fmt.Errorf("option %s = %q: %w", o.Name, v, err))
		}
		s.values[o.Name] = v
	}
	return s, errors.Join(errs...)
}

func optionNames(options []Option) string {
	names := make([]string, 0, len(options))
	for _, o := range options {
		names = append(names, o.Name)
	}
	return strings.Join(names, ", ")
}

func (o Option) check(v string) error {
	if len(o.Values) > 0 && !slices.Contains(o.Values, v) {
		return fmt.Errorf("want one of %s", strings.Join(o.Values, ", "))
	}
	switch o.Kind {
	case Number:
		if n, err := strconv.Atoi(v); err != nil || n < 0 || (o.Max > 0 && n > o.Max) {
			return fmt.Errorf("want a number from 0 to %d", o.Max)
		}
	case Duration:
		d, err := time.ParseDuration(v)
		if err != nil || d < 0 || (o.Max > 0 && d > time.Duration(o.Max)*time.Millisecond) {
			return fmt.Errorf("want a time such as 50ms, at most %d ms", o.Max)
		}
	case YesNo:
		if v != "yes" && v != "no" {
			return errors.New("want yes or no")
		}
	case Hex:
		if _, err := hex.DecodeString(v); err != nil {
			return errors.New("want bytes as hex digits, such as 02")
		}
	case Words:
	}
	return nil
}

// Text is the value of an option.
func (s Settings) Text(name string) string { return s.values[name] }

// Yes tells whether an option is yes.
func (s Settings) Yes(name string) bool { return s.values[name] == "yes" }

// Int is the value of a Number.
func (s Settings) Int(name string) int {
	n, _ := strconv.Atoi(s.values[name]) // checked by Settle
	return n
}

// Time is the value of a Duration.
func (s Settings) Time(name string) time.Duration {
	d, _ := time.ParseDuration(s.values[name]) // checked by Settle
	return d
}

// Bytes is the value of a Hex.
func (s Settings) Bytes(name string) []byte {
	b, _ := hex.DecodeString(s.values[name]) // checked by Settle
	return b
}
