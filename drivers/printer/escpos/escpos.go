// Package escpos reads streams of ESC/POS, whoever wrote them: bytes in; lines, pictures, codes and events out.
//
// It is pure, and safe on any bytes: what it does not know becomes an event. Commands are named and counted as in Epson's
// "ESC/POS Command Reference".
package escpos

import (
	"bytes"
	"image"
)

// Options say which printer is meant. The zero value is an 80 mm printer for China.
type Options struct {
	Columns   int             // characters of font A in a line; 48 when 0
	CodePages map[byte]string // what ESC t n chooses; Epson's table when nil
	Wide      Wide            // what two-byte characters are; GB18030 when empty
	WideOff   bool            // two-byte characters are off until FS &, as on printers that are not for China
	Lacks     []string        // commands that it does not know, such as "GS ( H": their bytes are text to it, as to cheap copies
}

// DotsPerColumn is the width of a character of font A, and DotsPerLine the usual distance of lines (ESC 2).
const (
	DotsPerColumn = 12
	DotsPerLine   = 30
	dotsFontB     = 9
	dotsHigh      = 24 // of font A
	dotsHighB     = 17
)

// Print is what a stream does.
type Print struct {
	Dots   int // width of the paper
	Slips  []Slip
	Events []Event
}

// Slip is what is printed up to a cut.
type Slip struct {
	Lines []Line
	Cut   Cut
}

// Cut is how a slip ends. The zero value is: not cut yet.
type Cut string

// The cuts.
const (
	CutFull    Cut = "full"
	CutPartial Cut = "partial"
)

// Align is where a line stands (ESC a).
type Align byte

// The alignments.
const (
	Left Align = iota
	Center
	Right
)

// Line is one line of the paper: characters and pictures, a code, or a feed.
type Line struct {
	Offset   int // in the stream, where it was printed
	Height   int // dots
	Align    Align
	Cells    []Cell
	Pictures []Picture
	Symbol   *Symbol
	Feed     int // so many empty lines
}

// Cell is one character. X counts dots from the left edge, alignment included; Width and Height are dots.
type Cell struct {
	Rune          rune
	Wide          bool // of the two-byte font: two columns by its nature
	X             int
	Width, Height int
	Style         Style
}

// Style is how a character looks, besides its size.
type Style struct {
	Bold       bool `json:"bold,omitempty"`
	Underline  bool `json:"underline,omitempty"`
	Invert     bool `json:"invert,omitempty"`
	FontB      bool `json:"font_b,omitempty"`
	UpsideDown bool `json:"upside_down,omitempty"`
	Rotated    bool `json:"rotated,omitempty"`
	Red        bool `json:"red,omitempty"`
}

// Picture is a bit image at X dots; colour 1 of its palette is black.
type Picture struct {
	X     int
	Image *image.Paletted
}

// Symbol is a machine-readable code, as asked for; whether its data fit its kind the printer would decide.
type Symbol struct {
	Kind   string // "CODE128", "EAN13", "QR" ...
	Data   string
	Module int // dots
	Height int // dots, of barcodes
	Level  string
	Text   bool // printed with its text (GS H)
}

// EventKind is what an event is.
type EventKind string

// The kinds of events.
const (
	Unknown   EventKind = "unknown"   // a command that is not known
	Trouble   EventKind = "trouble"   // known, and wrong here
	Truncated EventKind = "truncated" // the stream ends within it
	Reset     EventKind = "reset"     // ESC @
	CutPaper  EventKind = "cut"
	Drawer    EventKind = "drawer"  // a pulse: ESC p, DLE DC4
	Request   EventKind = "request" // wants an answer: GS r, GS I, GS a, DLE EOT
	Process   EventKind = "process" // GS ( H: wants its id back when all before it is printed
	Known     EventKind = "known"   // nothing to see on paper, or nothing that is shown
)

// Event is what happens besides printing.
type Event struct {
	Offset  int // of its command in the stream
	Kind    EventKind
	Command string // "GS r"
	Args    []byte
	Note    string
}

// Read reads a whole stream. It never fails: what is wrong with the stream is among the events.
func Read(stream []byte, o Options) Print {
	m := New(o)
	for rest := stream; len(rest) > 0; {
		n := m.Step(rest)
		if n == 0 {
			m.event(Truncated, nameOf(rest), head(rest), "the stream ends in the middle of it")
			break
		}
		rest = rest[n:]
	}
	m.flush()
	return m.Print
}

// Machine is a printer's interpreter. It is owned by its caller.
type Machine struct {
	Print
	opt    Options
	at     int // offset of what is executed
	mode   mode
	area   area
	line   Line
	x      int // dots used of the line
	code   codeSettings
	stored *image.Paletted // GS ( L fn 112 and 113, until it is printed
	defs   *image.Paletted // GS *
	copies int             // of defs
}

// mode is what ESC @ resets.
type mode struct {
	style         Style
	width, height int // GS !
	wide          bool
	wideDouble    [2]bool // FS !: width, height
	utf8          bool
	page          byte
	country       byte
	align         Align
	spacing       int
	gap           int // ESC SP
	tabs          []byte
}

// area is where is printed, in dots.
type area struct{ left, width int }

// New gives a printer that was just switched on.
func New(o Options) *Machine {
	if o.Columns <= 0 {
		o.Columns = 48
	}
	if o.CodePages == nil {
		o.CodePages = epsonPages
	}
	m := &Machine{opt: o, Print: Print{Dots: o.Columns * DotsPerColumn, Slips: []Slip{{}}}}
	m.reset()
	return m
}

// reset is ESC @: modes as at power-up, the unfinished line forgotten.
func (m *Machine) reset() {
	m.mode = mode{width: 1, height: 1, wide: !m.opt.WideOff, spacing: DotsPerLine}
	m.area = area{width: m.Dots}
	m.line, m.x = Line{}, 0
	m.code = codeSettings{width: 3, height: 162, module: 3, level: "L", data: map[byte]string{}}
}

// Step executes the first command or character of b and gives its length; 0 when more bytes are needed.
func (m *Machine) Step(b []byte) int {
	n := m.step(b)
	m.at += n
	return n
}

func (m *Machine) step(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	switch c := b[0]; {
	case c == esc || c == gs || c == fs || c == dle:
		return m.command(b)
	case c < ' ' || c == 0x7F:
		return m.control(c)
	default:
		return m.text(b)
	}
}

// control executes a control character.
func (m *Machine) control(c byte) int {
	switch c {
	case '\n':
		m.printLine()
	case '\t':
		m.tab()
	case '\r', 0: // CR: ignored unless a switch says otherwise
	case 0x0C:
		m.flush() // FF prints the page in page mode
	case 0x18:
		m.line, m.x = Line{}, 0 // CAN
	default:
		m.event(Unknown, "", []byte{c}, "control character")
	}
	return 1
}

// flush prints a line that was begun.
func (m *Machine) flush() {
	if m.begun() {
		m.printLine()
	}
}

func (m *Machine) begun() bool { return len(m.line.Cells) > 0 || len(m.line.Pictures) > 0 }

// printLine prints the line, which may be empty, and feeds the paper.
func (m *Machine) printLine() {
	if !m.begun() {
		m.feedLines(1)
		return
	}
	l := m.line
	l.Align, l.Height = m.mode.align, max(m.mode.spacing, l.Height)
	shift := m.area.left
	if free := m.area.width - m.x; free > 0 {
		shift += free * int(l.Align) / 2
	}
	for i := range l.Cells {
		l.Cells[i].X += shift
	}
	for i := range l.Pictures {
		l.Pictures[i].X += shift
	}
	m.line, m.x = Line{}, 0
	m.add(l)
}

// feedLines feeds n empty lines.
func (m *Machine) feedLines(n int) {
	if n > 0 {
		m.add(Line{Height: n * m.mode.spacing, Feed: n})
	}
}

// add puts a line on the paper.
func (m *Machine) add(l Line) {
	l.Offset = m.at
	s := &m.Slips[len(m.Slips)-1]
	s.Lines = append(s.Lines, l)
}

// cut ends a slip.
func (m *Machine) cut(how Cut) {
	m.flush()
	m.Slips[len(m.Slips)-1].Cut = how
	m.Slips = append(m.Slips, Slip{})
	m.event(CutPaper, "", nil, string(how))
}

// maxArgs is how many bytes of a command an event keeps.
const maxArgs = 16

func head(b []byte) []byte { return bytes.Clone(b[:min(len(b), maxArgs)]) }

func (m *Machine) event(kind EventKind, command string, args []byte, note string) {
	m.Events = append(m.Events, Event{Offset: m.at, Kind: kind, Command: command, Args: head(args), Note: note})
}
