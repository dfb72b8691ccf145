package drivers

import (
	"fmt"
	"runtime"
	"strings"
)

// panicked is a panic of a driver as an error: it ends a connection. A device may send what nobody thought of, and whoever is
// paying at that moment has nothing to do with it.
//
// Scanners' and readers' drivers hold nothing that outlives their connection. What they read is handed over outside of careful: a
// panic there is not theirs, and ends posd as ever.
type panicked struct {
	what  string
	where string // function and line of each caller, the panic's first
}

func (p *panicked) Error() string { return "the driver failed: " + p.what }

// careful does what a driver is for, and makes an error of a panic.
func careful[T any](do func() (T, error)) (v T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &panicked{what: inWords(r), where: callers()}
		}
	}()
	return do()
}

// inWords tells of a panic what holds nothing of a code or a card: the runtime's own words have numbers and types only.
func inWords(r any) string {
	if err, ok := r.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a panic with a %T", r)
}

// mostCallers limits what is told of a stack.
const mostCallers = 64

// callers is the stack without what functions were called with, as debug.Stack has it: that may be of a code or a card.
func callers() string {
	var text strings.Builder
	pcs := make([]uintptr, mostCallers)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)]) // without Callers, callers and the deferred function
	for {
		f, more := frames.Next()
		fmt.Fprintf(&text, "%s %s:%d\n", f.Function, f.File, f.Line)
		if !more {
			return text.String()
		}
	}
}
