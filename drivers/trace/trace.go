// Package trace reads, plays and writes recorded conversations with devices: the files that drivers are tested with.
//
// A trace is text. Its first line is port.TraceHeader; lines "#Name: value" say what was recorded; then each line is
// milliseconds since the start, a direction and bytes, as hex or as a quoted Go string:
//
//	#posd-trace 1
//	#Device: HR32, USB-CDC
//	#Source: manual: NLS-HR32 user guide, serial output
//	#Driver: line
//	#Expect: code 6901234567892
//	+0 < "6901234567892\r\n"
//	+15 > 1b40
//	+20 ! device is gone
package trace

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"posd/drivers/port"
)

// Direction is who sent the bytes of a step.
type Direction byte

// The directions, and what is no bytes.
const (
	FromDevice Direction = '<'
	ToDevice   Direction = '>'
	Trouble    Direction = '!' // the connection broke; for people
)

// Step is one line of a conversation.
type Step struct {
	Line int           // of the file
	At   time.Duration // since the start
	Dir  Direction
	Data []byte
}

// Field is one line of the header.
type Field struct{ Name, Value string }

// Trace is a recorded conversation.
type Trace struct {
	Header []Field
	Steps  []Step
}

// Names of header fields. Device, Source and Driver must be there.
const (
	Device  = "Device"  // which one, in which mode
	Source  = "Source"  // SourceDevice, or "manual: " and which one it was built from
	Driver  = "Driver"  // that reads it
	Option  = "Option"  // name=value of the driver; may come several times
	Do      = "Do"      // a command that the driver is given at the start: trigger, beep ...
	Expect  = "Expect"  // what the driver makes of it, one line for each code, card or refusal
	HIDInfo = "HID"     // vendor:product in hex, and the report descriptor in hex if it is known
	Redact  = "Redact"  // what was taken out while recording
	Serial  = "Serial"  // how the line was set
	Comment = "Comment" // for people
)

// SourceDevice is the Source of a trace that was recorded.
const SourceDevice = "device"

// fromManual begins the Source of a trace that was built.
const fromManual = "manual: "

// ErrTrace says that a text is no trace. The error names the line.
var ErrTrace = errors.New("trace")

// maxSteps limits a trace.
const maxSteps = 1_000_000

// Parse reads a trace.
func Parse(text string) (*Trace, error) {
	t := &Trace{}
	n := 0
	for l := range strings.Lines(text) {
		n++
		if l = strings.TrimSpace(l); n == 1 {
			if l != port.TraceHeader {
				return nil, fmt.Errorf("%w: line 1: want %q", ErrTrace, port.TraceHeader)
			}
			continue
		}
		if err := t.line(n, l); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrTrace, n, err)
		}
	}
	if n == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrTrace)
	}
	return t, nil
}

func (t *Trace) line(n int, l string) error {
	switch {
	case l == "":
		return nil
	case len(t.Steps) == maxSteps:
		return fmt.Errorf("more than %d lines", maxSteps)
	case l[0] == '#':
		name, value, found := strings.Cut(l[1:], ":")
		if !found {
			name, value = Comment, l[1:]
		}
		t.Header = append(t.Header, Field{strings.TrimSpace(name), strings.TrimSpace(value)})
		return nil
	}
	s, err := parseStep(l)
	s.Line = n
	t.Steps = append(t.Steps, s)
	return err
}

func parseStep(l string) (Step, error) {
	f := strings.SplitN(l, " ", 3)
	if len(f) != 3 || !strings.HasPrefix(f[0], "+") || len(f[1]) != 1 || !strings.Contains("<>!", f[1]) {
		return Step{}, errors.New("want +milliseconds, one of < > and !, and bytes")
	}
	ms, err := strconv.ParseUint(f[0][1:], 10, 31)
	if err != nil {
		return Step{}, fmt.Errorf("want milliseconds, got %q", f[0])
	}
	s := Step{At: time.Duration(ms) * time.Millisecond, Dir: Direction(f[1][0])}
	if s.Dir != Trouble {
		s.Data, err = parseBytes(f[2])
	}
	return s, err
}

func parseBytes(text string) ([]byte, error) {
	switch text[0] {
	case '(':
		return nil, errors.New("redacted to its length: it cannot be played; record it with test data, or redacted to its shape")
	case '"':
		s, err := strconv.Unquote(text)
		if err != nil {
			return nil, errors.New("a quoted string that does not end or has a wrong escape")
		}
		return []byte(s), nil
	}
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		return nil, errors.New("want hex digits or a quoted string")
	}
	return b, nil
}

// Get gives the first value of a field; "" if there is none.
func (t *Trace) Get(name string) string {
	for _, f := range t.Header {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// All gives every value of a field.
func (t *Trace) All(name string) (values []string) {
	for _, f := range t.Header {
		if f.Name == name {
			values = append(values, f.Value)
		}
	}
	return values
}

// Options are the driver's options that the header names.
func (t *Trace) Options() map[string]string {
	all := map[string]string{}
	for _, v := range t.All(Option) {
		name, value, _ := strings.Cut(v, "=")
		all[name] = value
	}
	return all
}

// Check finds what a trace for a driver's test lacks: which device, where it comes from, which driver, any bytes.
func (t *Trace) Check() error {
	var errs []error
	for _, name := range []string{Device, Source, Driver} {
		if t.Get(name) == "" {
			errs = append(errs, fmt.Errorf("%w: the header has no #%s", ErrTrace, name))
		}
	}
	manual, built := strings.CutPrefix(t.Get(Source), fromManual)
	if s := t.Get(Source); s != "" && s != SourceDevice && (!built || manual == "") {
		errs = append(errs, fmt.Errorf("%w: #Source is %q; want %q, or %q and which one", ErrTrace, s, SourceDevice, fromManual))
	}
	if len(t.Steps) == 0 {
		errs = append(errs, fmt.Errorf("%w: no bytes", ErrTrace))
	}
	return errors.Join(errs...)
}

// HID gives what the header says of a HID device; ok is false for a stream of bytes.
func (t *Trace) HID() (info port.HIDInfo, ok bool, err error) {
	v := t.Get(HIDInfo)
	if v == "" {
		return info, false, nil
	}
	ids, descriptor, _ := strings.Cut(v, " ")
	if _, err := fmt.Sscanf(ids, "%4x:%4x", &info.Vendor, &info.Product); err != nil {
		return info, false, fmt.Errorf("%w: #HID: want vendor:product in hex", ErrTrace)
	}
	if info.Descriptor, err = hex.DecodeString(strings.TrimSpace(descriptor)); err != nil {
		return info, false, fmt.Errorf("%w: #HID: the report descriptor is not hex", ErrTrace)
	}
	return info, true, nil
}
