package trace

import (
	"fmt"
	"strings"

	"posd/drivers/port"
)

// NoRecording is what a driver's Doc says as long as none of its traces is from a device.
const NoRecording = "No recorded trace of a real device yet"

// shortDoc is less than can say which devices a driver is for.
const shortDoc = 40

// Incomplete finds what a driver lacks: a Doc that says which devices and whether it was tried on one, the
// sort of devices that it is offered for, options that explain
// themselves and whose defaults are allowed, and a trace that names it. A test over the registry refuses what it finds.
func Incomplete[D any](d port.Driver[D], traces []*Trace) (problems []string) {
	complain := func(format string, args ...any) {
		problems = append(problems, "driver "+d.Name+": "+fmt.Sprintf(format, args...))
	}
	if len(d.Doc) < shortDoc {
		complain("its Doc does not say which devices it is for")
	}
	if len(d.For) == 0 {
		complain("it names no sort of devices (For): nobody will be told of it")
	}
	for _, o := range d.Options {
		if o.Name == "" || o.Doc == "" {
			complain("option %q explains nothing", o.Name)
		}
	}
	if _, err := port.Settle(d.Options, nil); err != nil {
		complain("its defaults are not allowed: %v", err)
	}
	ours, recorded := 0, false
	for _, t := range traces {
		if t.Get(Driver) != d.Name {
			continue
		}
		ours++
		recorded = recorded || t.Get(Source) == SourceDevice
		if _, err := port.Settle(d.Options, t.Options()); err != nil {
			complain("a trace sets what it does not have: %v", err)
		}
	}
	switch says := strings.Contains(d.Doc, NoRecording); {
	case ours == 0:
		complain("no trace in testdata names it")
	case recorded && says:
		complain("its Doc says %q, but there is one", NoRecording)
	case !recorded && !says:
		complain("none of its traces is from a device: its Doc must say %q", NoRecording)
	}
	return problems
}
