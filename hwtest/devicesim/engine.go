package devicesim

import (
	"cmp"
	"fmt"
	"strings"

	"posd/drivers/printer/escpos"
	"posd/drivers/printer/paper"
)

// Real-time commands, which the printer takes out of the stream before the interpreter sees it.
const (
	eot = 0x04
	enq = 0x05
	dle = 0x10
)

const maxComplaints = 100

// engine is the printer's interpreter and its paper. It is owned by its printer, under the printer's lock.
type engine struct {
	opt     PrinterOptions
	printer *Printer
	machine *escpos.Machine
	paper   strings.Builder // lines since the last cut

	asb        bool
	pulses     int
	complaints []string
}

func newEngine(o PrinterOptions, p *Printer) engine {
	e := engine{opt: o, printer: p}
	e.reset()
	return e
}

// reset is what a loss of power does: modes as at power-up, the unfinished line forgotten.
func (e *engine) reset() {
	lacks := e.opt.Lacks
	if e.opt.Clone {
		lacks = append([]string{"GS ( H"}, lacks...)
	}
	e.machine = escpos.New(escpos.Options{Columns: e.opt.Columns, Lacks: lacks})
}

func (e *engine) complain(format string, args ...any) {
	if len(e.complaints) < maxComplaints {
		e.complaints = append(e.complaints, fmt.Sprintf(format, args...))
	}
}

// step executes the first command or character of b and gives its length; 0 when more bytes are needed. What the machine
// has printed and done is taken from it at once.
func (e *engine) step(b []byte) int {
	n := e.machine.Step(b)
	slips, events := e.machine.Slips, e.machine.Events
	e.machine.Slips, e.machine.Events = []escpos.Slip{{}}, nil
	for _, s := range slips {
		for _, l := range s.Lines {
			e.print(l)
		}
		if s.Cut != "" {
			slip := e.paper.String()
			e.paper.Reset()
			e.printer.cut(slip)
		}
	}
	for _, ev := range events {
		e.happen(ev)
	}
	return n
}

// print puts a line on the paper, an empty one at a time.
func (e *engine) print(l escpos.Line) {
	text := paper.LineText(l, e.machine.Dots)
	for line := range strings.Lines(text) {
		e.paper.WriteString(line)
		e.printer.fed()
	}
}

// happen answers, and notes what is wrong.
func (e *engine) happen(ev escpos.Event) {
	switch ev.Kind {
	case escpos.Unknown, escpos.Trouble, escpos.Truncated:
		e.complain("%s %s %X %s", ev.Kind, ev.Command, ev.Args, ev.Note)
	case escpos.Drawer:
		e.pulses++
	case escpos.Process:
		e.printer.answer(append(append([]byte{0x37, 0x22}, ev.Args...), 0)...)
	case escpos.Request:
		e.answer(ev.Command, ev.Args)
	case escpos.Reset: // which ends that it tells by itself (Epson, GS a)
		e.asb = false
	case escpos.CutPaper, escpos.Known:
	}
}

func (e *engine) answer(command string, args []byte) {
	if len(args) != 1 {
		return
	}
	switch n := args[0]; command {
	case "GS a":
		e.asb = n != 0
		e.printer.tell()
	case "GS r":
		e.printer.answer(e.printer.fence(n))
	case "GS I":
		e.printer.answer(e.identity(n)...)
	}
}

// fence is the answer to GS r n.
func (p *Printer) fence(n byte) byte {
	if n == 1 && p.low {
		return 0x03
	}
	return 0
}

// identity is the answer to GS I n.
func (e *engine) identity(n byte) []byte {
	model, language := cmp.Or(e.opt.Model, "VIRTUAL"), cmp.Or(e.opt.Language, "CHINA GB18030")
	text := map[byte]string{65: "1.00", 66: "POSD", 67: model, 68: "0001", 69: language}[n]
	if text == NoLanguage {
		return nil
	}
	if text == "" {
		return []byte{0x20}
	}
	return append(append([]byte{0x5F}, text...), 0)
}
