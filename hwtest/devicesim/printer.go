package devicesim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// PrinterOptions say what kind of printer it is.
type PrinterOptions struct {
	Columns  int    // 48 when 0
	Model    string // what it says it is; VIRTUAL when empty
	Language string // what it says of its two-byte characters; CHINA GB18030 when empty, no answer when it is NoLanguage
	SlipFile string // each slip is appended to this file and synced; empty for none
	Clone    bool   // knows no GS ( H and prints its bytes, as cheap copies do
	Mute     bool   // answers nothing, as over a one-way cable

	Lacks  []string // further commands that it does not know, such as "GS ( k"
	Loses  int      // every so many-th byte that comes is lost; 0: none
	Buffer int      // bytes that it takes in while it does not print; 64 KB when 0
	Speed  int      // bytes that it prints in a second; 0: at once
	Flow   Flow     // what it does when its buffer is full
}

// NoLanguage is the Language of a printer that does not know the question.
const NoLanguage = "-"

// Flow is what a printer does when its buffer is full.
type Flow string

// The flows. The zero value is hardware lines, or USB: it takes no more, and nothing is lost.
const (
	FlowLines Flow = ""
	FlowXON   Flow = "xon"   // XOFF when there is little room, XON when there is again; what comes in spite of it is lost
	FlowStuck Flow = "stuck" // XOFF, and never XON
	FlowNone  Flow = "none"  // what does not fit is lost
)

// Printer is an ESC/POS receipt printer with a Chinese font: two-byte characters are on at power-up, as on models for
// China. Its methods are the operator's hands.
type Printer struct {
	opt PrinterOptions

	mu      sync.Mutex
	room    *sync.Cond // told when pending gets shorter or the line ends
	line    io.Writer  // guarded by mu; nil when nobody has it open
	engine  engine     // guarded by mu; what is printed
	pending []byte     // guarded by mu; received, not executed
	held    []byte     // guarded by mu; start of what may become a real-time command
	came    int        // guarded by mu; bytes, to lose some
	lost    int        // guarded by mu; bytes
	stop    bool       // guarded by mu; XOFF was sent
	short   bool       // guarded by mu; it waits for the rest of a command
	due     int        // guarded by mu; bytes that it may print by now, with a Speed
	off     bool       // guarded by mu
	noPaper bool       // guarded by mu
	low     bool       // guarded by mu
	open    bool       // guarded by mu
	cutter  bool       // guarded by mu; jammed
	left    int        // guarded by mu; lines until the paper ends; negative for plenty
	slips   []string   // guarded by mu
	waiting chan struct{}
	fileErr error // guarded by mu; first failure to write the slip file
}

// receiveBuffer is how much a printer takes in while it cannot print, and tick how often one with a speed prints.
const (
	receiveBuffer = 64 << 10
	tick          = 10 * time.Millisecond
)

// NewPrinter gives a printer that is switched on and has paper.
func NewPrinter(o PrinterOptions) *Printer {
	if o.Columns == 0 {
		o.Columns = 48
	}
	if o.Buffer == 0 {
		o.Buffer = receiveBuffer
	}
	p := &Printer{opt: o, left: -1, waiting: make(chan struct{})}
	p.room = sync.NewCond(&p.mu)
	p.engine = newEngine(o, p)
	return p
}

// Serve prints what comes over line and answers. It is a Device.
func (p *Printer) Serve(ctx context.Context, line io.ReadWriteCloser) error {
	defer context.AfterFunc(ctx, func() { _ = line.Close(); p.leave(line) })()
	defer line.Close()
	p.connect(line)
	defer p.leave(line)
	if p.opt.Speed > 0 {
		ctx, stop := context.WithCancel(ctx)
		var motor sync.WaitGroup
		motor.Go(func() { p.turn(ctx) })
		defer motor.Wait()
		defer stop()
	}
	buf := make([]byte, 1024)
	for {
		n, err := line.Read(buf)
		p.receive(line, buf[:n])
		if err != nil {
			return err
		}
	}
}

func (p *Printer) connect(w io.Writer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line = w
	p.room.Broadcast()
}

// leave ends the connection over w; a newer one, which is there before the old one has noticed its end, stays.
func (p *Printer) leave(w io.Writer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.line == w {
		p.line = nil
	}
	p.room.Broadcast()
}

// receive takes in bytes from a line, answers real-time commands and prints as far as it can. With a full buffer it waits.
func (p *Printer) receive(from io.Writer, b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.off {
		return
	}
	p.take(p.realTime(p.loseSome(b)))
	p.run()
	for len(p.pending) > p.opt.Buffer && p.line == from {
		p.room.Wait()
	}
}

// realTime answers and takes out DLE EOT n and DLE ENQ n: they work on receipt, whatever stands before them.
func (p *Printer) realTime(b []byte) []byte {
	b = append(p.held, b...)
	p.held = nil
	var rest []byte
	for len(b) > 0 {
		switch {
		case b[0] != dle:
			rest, b = append(rest, b[0]), b[1:]
		case len(b) < 3 && (len(b) == 1 || b[1] == eot || b[1] == enq):
			p.held = append(p.held, b...)
			return rest
		case b[1] == eot && b[2] >= 1 && b[2] <= 4:
			p.answer(p.status(b[2]))
			b = b[3:]
		case b[1] == enq && b[2] == 2:
			p.pending, rest, b = nil, nil, b[3:]
			p.engine.reset()
		default:
			rest, b = append(rest, b[0]), b[1:]
		}
	}
	return rest
}

// run executes what has been received, as long as the printer can print.
func (p *Printer) run() {
	for !p.stopped() && (p.opt.Speed == 0 || p.due > 0) {
		n := p.engine.step(p.pending)
		if p.short = n == 0; p.short {
			p.due = 0
			break
		}
		p.due -= n
		p.pending = p.pending[n:]
	}
	p.flow()
	p.room.Broadcast()
}

func (p *Printer) stopped() bool { return p.off || p.noPaper || p.open || p.cutter }

// status is the answer to DLE EOT n.
func (p *Printer) status(n byte) byte {
	s := byte(0x12)
	set := func(on bool, bits byte) {
		if on {
			s |= bits
		}
	}
	switch n {
	case 1:
		set(p.stopped(), 0x08)
	case 2:
		set(p.open, 0x04)
		set(p.noPaper, 0x20)
		set(p.cutter, 0x40)
	case 3:
		set(p.cutter, 0x08)
	case 4:
		set(p.low || p.noPaper, 0x0C)
		set(p.noPaper, 0x60)
	}
	return s
}

// automatic are the four bytes of ASB.
func (p *Printer) automatic() []byte {
	b := []byte{0x10, 0, 0, 0x0F}
	if p.stopped() {
		b[0] |= 0x08
	}
	if p.open {
		b[0] |= 0x20
	}
	if p.cutter {
		b[1] |= 0x08
	}
	if p.low || p.noPaper {
		b[2] |= 0x03
	}
	if p.noPaper {
		b[2] |= 0x0C
	}
	return b
}

// answer sends bytes back. A line that takes nothing is the host's trouble.
func (p *Printer) answer(b ...byte) {
	if p.line != nil && !p.opt.Mute {
		_, _ = p.line.Write(b)
	}
}

// fed is told by the engine for each line of paper. It says whether there is more.
func (p *Printer) fed() {
	if p.left > 0 {
		p.left--
	}
	if p.left == 0 && !p.noPaper {
		p.noPaper = true
		p.tell()
	}
}

// tell sends ASB where the host has switched it on.
func (p *Printer) tell() {
	if p.engine.asb {
		p.answer(p.automatic()...)
	}
}

// cut is told by the engine at the end of a slip.
func (p *Printer) cut(slip string) {
	p.slips = append(p.slips, slip)
	if err := appendSynced(p.opt.SlipFile, slip+"--- cut ---\n"); err != nil && p.fileErr == nil {
		p.fileErr = err
	}
	close(p.waiting)
	p.waiting = make(chan struct{})
}

func appendSynced(path, text string) error {
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("slip file: %w", err)
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// operate changes something by hand; the printer goes on if it can.
func (p *Printer) operate(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	p.tell()
	p.run()
}

// SetPaper takes the paper out, or puts a full roll in.
func (p *Printer) SetPaper(in bool) {
	p.operate(func() { p.noPaper, p.left, p.low = !in, -1, false })
}

// SetPaperLeft puts in a roll that ends after so many lines.
func (p *Printer) SetPaperLeft(lines int) {
	p.operate(func() { p.left, p.noPaper = lines, lines == 0 })
}

// SetPaperLow moves the near-end sensor.
func (p *Printer) SetPaperLow(low bool) { p.operate(func() { p.low = low }) }

// SetCover opens or closes the cover.
func (p *Printer) SetCover(open bool) { p.operate(func() { p.open = open }) }

// SetCutterJam jams the cutter, or frees it.
func (p *Printer) SetCutterJam(jammed bool) { p.operate(func() { p.cutter = jammed }) }

// SetPower switches the printer off, which forgets what is not printed, or on.
func (p *Printer) SetPower(on bool) {
	p.operate(func() {
		p.off = !on
		p.pending, p.held = nil, nil
		p.engine.reset()
	})
}

// Slips are the texts of the slips that were cut, oldest first.
func (p *Printer) Slips() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.slips...)
}

// WaitSlips waits until n slips were cut and gives them all.
func (p *Printer) WaitSlips(ctx context.Context, n int) ([]string, error) {
	for {
		p.mu.Lock()
		got, more := append([]string(nil), p.slips...), p.waiting
		p.mu.Unlock()
		if len(got) >= n {
			return got, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return got, ctx.Err()
		}
	}
}

// Paper is what hangs out of the printer: printed since the last cut.
func (p *Printer) Paper() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.engine.paper.String()
}

// DrawerPulses is how often the drawer was opened.
func (p *Printer) DrawerPulses() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.engine.pulses
}

// Complaints are commands and bytes that the printer did not understand, and failures to write the slip file.
func (p *Printer) Complaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := append([]string(nil), p.engine.complaints...)
	if p.fileErr != nil {
		c = append(c, p.fileErr.Error())
	}
	return c
}
