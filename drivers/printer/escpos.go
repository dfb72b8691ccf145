package printer

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"posd/drivers/port"
)

func init() {
	registry.Register(Driver{
		Name: "escpos",
		Doc: "Receipt printers that speak Epson's ESC/POS: Epson TM and the many that copy them (Xprinter, Gprinter, SPRT, " +
			"Rongta, Bixolon, Citizen ...), with GB18030 for Chinese. No recorded trace of a real device yet.",
		Options: []port.Option{
			{
				Name: "columns", Default: "48", Kind: port.Number, Max: 96,
				Doc: "characters per line in the printer's normal font: 48 or 42 on 80 mm paper, 32 on 58 mm",
			},
			{
				Name: "cut", Default: "partial", Values: []string{"partial", "full", "none"},
				Doc: "how the paper is cut; none on a printer without cutter",
			},
			{
				Name: "confirm", Default: "auto", Values: []string{"auto", "process", "fence", "none"},
				Doc: "how the printer says that a slip is on paper: process (GS ( H), fence (GS r), none for printers that never " +
					"answer; auto tries process, then fence",
			},
			{
				Name: "status", Default: "yes", Kind: port.YesNo,
				Doc: "whether the printer answers when asked for its status (DLE EOT); no for one-way cables",
			},
		},
		Open: openESCPOS,
	})
}

// Commands that the exchange needs.
var (
	dleStatus = []byte{0x10, 0x04}                             // DLE EOT n: status now, even when offline
	gsFence   = []byte{0x1D, 'r', 1}                           // GS r 1: paper status, after the data before it
	gsProcess = []byte{0x1D, '(', 'H', 0x06, 0x00, 0x30, 0x30} // GS ( H fn 48: d1..d4 come back when printed
	errQuiet  = errors.New("the printer is well but did not confirm")
)

// How long the exchange waits.
const (
	answerWait  = time.Second            // for an answer that a printer gives at once
	probeWait   = 700 * time.Millisecond // for the first process id, which half of the printers do not know
	confirmWait = 8 * time.Second        // for the paper to come out, before asking how the printer is
	quietTries  = 2                      // so many waits in good health without a word, and the outcome is unknown
	holdLimit   = 10 * time.Minute       // for a person to put in paper in the middle of a slip
	drainWait   = 200 * time.Millisecond
	blockSize   = 1 << 10 // bytes written at once: a printer's buffer may be 4 KB
)

// escpos is one printer. turn is held by the caller who talks to it, who owns all other fields.
type escpos struct {
	conn    port.Conn
	turn    chan struct{}
	columns int
	cut     cutKind
	confirm string // process, fence or none; auto until the first job
	answers bool
	last    atomic.Pointer[Status] // nil until the first answer; anybody reads it

	torn   bool   // what was sent last may have ended within a command
	jobs   int    // for process ids
	late   bool   // answers to an earlier question may still come
	status []byte // answers to DLE EOT since the last question
	fences int    // answers to GS r since the last job
	done   string // last process id
}

var _ Printer = (*escpos)(nil)

func openESCPOS(c port.Conn, s port.Settings) Printer {
	p := &escpos{
		conn: c, turn: make(chan struct{}, 1), torn: true, // whoever had the line before may have been cut off
		columns: s.Int("columns"), cut: cutKind(s.Text("cut")), confirm: s.Text("confirm"), answers: s.Yes("status"),
	}
	if !p.answers {
		p.confirm = "none"
	}
	return p
}

func (p *escpos) Status(ctx context.Context) (Status, error) {
	if err := p.take(ctx); err != nil {
		if last := p.last.Load(); last != nil {
			return *last, nil
		}
		return Status{}, err
	}
	defer p.give()
	return p.ask(ctx)
}

func (p *escpos) Print(ctx context.Context, d Document) (Result, error) {
	if err := p.take(ctx); err != nil {
		return Result{}, err
	}
	defer p.give()
	if err := p.ready(ctx); err != nil {
		return Result{}, err
	}
	job, missing := encode(d, p.columns, p.cut)
	p.jobs++
	id := fmt.Sprintf("%04d", p.jobs%10000)
	job = append(job, p.fence(id)...)
	p.fences, p.done = 0, ""
	if err := p.send(ctx, job); err != nil {
		p.torn = true
		return Result{}, &UnconfirmedError{Cause: err}
	}
	if err := p.printed(ctx, id); err != nil {
		p.late, p.torn = true, true
		return Result{}, &UnconfirmedError{Cause: err}
	}
	how := map[string]Confirmation{"process": ByProcessID, "fence": ByFence}[p.confirm]
	return Result{Confirmed: how, Missing: missing}, nil
}

// take waits for the turn to talk to the printer.
func (p *escpos) take(ctx context.Context) error {
	select {
	case p.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *escpos) give() { <-p.turn }

// ready says why nothing should be sent now, and learns how this printer confirms.
func (p *escpos) ready(ctx context.Context) error {
	s, err := p.ask(ctx)
	if err == nil {
		err = s.Err()
	}
	if err == nil {
		err = p.mend(ctx)
	}
	if err != nil || p.confirm != "auto" {
		return err
	}
	// A printer that does not know GS ( H takes its bytes for text; ESC @ clears that line before it is printed.
	p.done = ""
	if err := p.send(ctx, append(p.process("ping"), escInit...)); err != nil {
		return fmt.Errorf("%w: %w", ErrOffline, err)
	}
	p.confirm = "fence"
	if err := p.pump(ctx, probeWait, func() bool { return p.done == "ping" }); err == nil {
		p.confirm = "process"
	} else if broken(err) || ctx.Err() != nil {
		p.confirm = "auto"
		return fmt.Errorf("%w: %w", ErrOffline, err)
	}
	return nil
}

// mended is how many zeros end any command that was cut off: a printer takes them for what is missing of its parameters, a
// length of one byte is at most 255, and of a longer one they make the high byte zero. By itself a zero means nothing.
const mended = 512

// mend ends a command that was cut off, so that the printer does not take the next slip for its parameters.
func (p *escpos) mend(ctx context.Context) error {
	if !p.torn {
		return nil
	}
	if err := p.send(ctx, append(make([]byte, mended), escInit...)); err != nil {
		return fmt.Errorf("%w: %w", ErrOffline, err)
	}
	p.torn = false
	return nil
}

// ask asks for the status and remembers it for those who cannot wait for their turn.
func (p *escpos) ask(ctx context.Context) (Status, error) {
	s, err := p.askAll(ctx)
	if err == nil {
		p.last.Store(&s)
	}
	return s, err
}

// askAll asks for the four status bytes. A printer that does not answer is offline, which is no error.
func (p *escpos) askAll(ctx context.Context) (Status, error) {
	if !p.answers {
		return Status{Online: true}, nil
	}
	if p.late {
		p.late = false
		if err := p.pump(ctx, drainWait, func() bool { return false }); broken(err) {
			return Status{}, err
		}
	}
	var replies [4]byte
	for i := range replies {
		p.status = p.status[:0]
		if err := p.conn.Write(ctx, []byte{dleStatus[0], dleStatus[1], byte(i + 1)}); err != nil {
			return Status{}, fmt.Errorf("ask for status: %w", err)
		}
		err := p.pump(ctx, answerWait, func() bool { return len(p.status) > 0 })
		switch {
		case err == nil:
			replies[i] = p.status[0]
		case broken(err) || ctx.Err() != nil:
			return Status{}, fmt.Errorf("ask for status: %w", err)
		default:
			p.late = true
			return Status{}, nil
		}
	}
	return decodeStatus(replies), nil
}

// fence is what comes after a job so that the printer tells when it is printed.
func (p *escpos) fence(id string) []byte {
	switch p.confirm {
	case "process":
		return p.process(id)
	case "fence":
		return gsFence
	default:
		return nil
	}
}

func (p *escpos) process(id string) []byte { return append(append([]byte{}, gsProcess...), id...) }

func (p *escpos) send(ctx context.Context, b []byte) error {
	for len(b) > 0 {
		n := min(len(b), blockSize)
		if err := p.conn.Write(ctx, b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// printed waits until the printer has confirmed the job. Out of paper in the middle of a slip it waits on: the printer
// keeps the rest and prints it by itself when a person has helped.
func (p *escpos) printed(ctx context.Context, id string) error {
	if p.confirm == "none" {
		return p.afterwards(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, holdLimit)
	defer cancel()
	for quiet := 0; quiet < quietTries; {
		err := p.pump(ctx, confirmWait, func() bool { return p.done == id || p.confirm == "fence" && p.fences > 0 })
		if err == nil || broken(err) || ctx.Err() != nil {
			return err
		}
		s, err := p.ask(ctx)
		if err != nil {
			return err
		}
		if p.done == id || p.confirm == "fence" && p.fences > 0 {
			return nil
		}
		if s.Err() == nil || errors.Is(s.Err(), ErrOffline) {
			quiet++
		}
	}
	return errQuiet
}

// afterwards looks at a printer that cannot confirm: trouble now means that the slip may not be whole.
func (p *escpos) afterwards(ctx context.Context) error {
	s, err := p.ask(ctx)
	if err != nil {
		return err
	}
	return s.Err()
}

// pump takes in answers until enough, or until wait is over.
func (p *escpos) pump(ctx context.Context, wait time.Duration, enough func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for !enough() {
		b, err := p.conn.Next(ctx, splitReply)
		if err != nil {
			return err
		}
		p.sort(b)
	}
	return nil
}

// sort sorts one answer. What the printer sends unasked (ASB, XON, XOFF) is dropped.
func (p *escpos) sort(b []byte) {
	switch kind, _ := kindOf(b[0]); kind {
	case replyStatus:
		p.status = append(p.status[:0], b[0])
	case replyFence:
		p.fences++
	case replyBlock:
		if id, ok := processID(b); ok {
			p.done = id
		}
	case replyAuto, replyFlow:
	}
}

// broken tells a connection that is of no more use from a wait that is over.
func broken(err error) bool {
	return err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) &&
		!errors.Is(err, port.ErrTooLong) && !errors.Is(err, port.ErrBadFrame)
}
