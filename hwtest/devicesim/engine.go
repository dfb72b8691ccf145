package devicesim

import (
	"fmt"
	"strings"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// Bytes of ESC/POS.
const (
	eot = 0x04
	enq = 0x05
	dle = 0x10
	esc = 0x1B
	fs  = 0x1C
	gs  = 0x1D
)

const maxComplaints = 100

// engine is the printer's interpreter and its paper. It is owned by its printer, under the printer's lock.
type engine struct {
	opt     PrinterOptions
	printer *Printer
	paper   strings.Builder // lines since the last cut

	line       strings.Builder // characters of the line that is being filled
	used       int             // its cells
	align      byte
	double     bool // width
	chinese    bool
	asb        bool
	qr         string // stored, to be printed
	pulses     int
	complaints []string
}

func newEngine(o PrinterOptions, p *Printer) engine {
	e := engine{opt: o, printer: p}
	e.reset()
	return e
}

// reset is ESC @: modes as at power-up, the unfinished line forgotten.
func (e *engine) reset() {
	e.line.Reset()
	e.used, e.align, e.double, e.chinese = 0, 0, false, true
}

func (e *engine) complain(format string, args ...any) {
	if len(e.complaints) < maxComplaints {
		e.complaints = append(e.complaints, fmt.Sprintf(format, args...))
	}
}

// step executes the first command or character of b and gives its length; 0 when more bytes are needed.
func (e *engine) step(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	switch c := b[0]; {
	case c == esc || c == gs || c == fs:
		return e.command(b)
	case c == '\n':
		e.printLine()
	case c == '\r' || c == 0:
	case c < ' ' || c == 0x7F:
		e.complain("control character %02X", c)
	case c < 0x80:
		e.char(rune(c), 1)
	case e.chinese:
		return e.twoBytes(b)
	default:
		e.complain("byte %02X without a Chinese font", c)
		e.char('?', 1)
	}
	return 1
}

// twoBytes prints a character of the Chinese font.
func (e *engine) twoBytes(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	s, err := simplifiedchinese.GB18030.NewDecoder().Bytes(b[:2])
	r := []rune(string(s))
	if err != nil || len(r) != 1 || r[0] == '\uFFFD' {
		e.complain("no character %X", b[:2])
		r = []rune{'?'}
	}
	e.char(r[0], 2)
	return 2
}

// char puts a character on the line; a full line is printed first.
func (e *engine) char(r rune, cells int) {
	if e.double {
		cells *= 2
	}
	if e.used+cells > e.opt.Columns {
		e.printLine()
	}
	e.line.WriteRune(r)
	e.used += cells
}

// printLine prints the line and feeds the paper.
func (e *engine) printLine() {
	text := e.line.String()
	free := max(e.opt.Columns-e.used, 0)
	switch {
	case text == "":
	case e.align == 1:
		text = strings.Repeat(" ", free/2) + text
	case e.align == 2:
		text = strings.Repeat(" ", free) + text
	}
	e.paper.WriteString(strings.TrimRight(text, " ") + "\n")
	e.line.Reset()
	e.used = 0
	e.printer.fed()
}

// symbol prints a machine-readable code as a word on a line of its own.
func (e *engine) symbol(kind, data string) {
	e.line.Reset()
	e.line.WriteString("[" + kind + " " + data + "]")
	e.used = min(e.line.Len(), e.opt.Columns)
	text := e.line.String()
	pad := 0
	if e.align == 1 {
		pad = max(e.opt.Columns-e.used, 0) / 2
	}
	e.paper.WriteString(strings.Repeat(" ", pad) + text + "\n")
	e.line.Reset()
	e.used = 0
	e.printer.fed()
}

// cutPaper ends a slip.
func (e *engine) cutPaper() {
	if e.line.Len() > 0 {
		e.printLine()
	}
	slip := e.paper.String()
	e.paper.Reset()
	e.printer.cut(slip)
}
