package printer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"posd/drivers/port"
	"posd/drivers/printer/profile"
)

func init() {
	registry.Register(Driver{
		Name: "escpos",
		For:  []port.Match{{Kind: port.LP}, {Kind: port.Serial}},
		Doc: "Receipt printers that speak Epson's ESC/POS: Epson TM and the many that copy them (Xprinter, Gprinter, SPRT, " +
			"Rongta, Bixolon, Citizen ...), with GB18030 for Chinese. No recorded trace of a real device yet.",
		Options: []port.Option{
			{
				Name: "profile", Default: profile.Default, Values: append([]string{autoProfile}, profile.Names()...),
				Doc: "the model, or the one whose commands and characters it has; chinese-80 and chinese-58 for boards made for China; " +
					"auto goes by the IEEE 1284 id, by what the printer says (GS I 67), by VID:PID, in this order, before the first slip",
			},
			{
				Name: "columns", Default: "0", Kind: port.Number, Max: 96,
				Doc: "characters per line in the printer's normal font: 48 or 42 on 80 mm paper, 32 on 58 mm; 0: as the profile says",
			},
			{
				Name: "cut", Default: "auto", Values: []string{"auto", "partial", "full", "none"},
				Doc: "how the paper is cut: auto as the profile says, none on a printer without cutter",
			},
			{
				Name: "confirm", Default: "auto", Values: []string{"auto", "process", "fence", "none"},
				Doc: "how the printer says that a slip is on paper: process (GS ( H), fence (GS r), none for printers that never " +
					"answer; auto tries process, then fence",
			},
			{
				Name: "asb", Default: "auto", Values: []string{"auto", "yes", "no"},
				Doc: "whether the printer tells by itself of cover, paper and faults (GS a): auto tries it unless the profile says no, " +
					"from the first slip on; else, and before, it is asked every two seconds",
			},
			{
				Name: "utf8", Default: "auto", Values: []string{"auto", "yes", "no"},
				Doc: "whether text is sent as UTF-8 (FS ( C) instead of by code pages and two-byte characters: auto as the profile says",
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
)

// autoProfile is the profile of a printer that is asked who it is.
const autoProfile = "auto"

// How long the exchange waits.
const (
	answerWait  = time.Second            // for an answer that a printer gives at once
	probeWait   = 700 * time.Millisecond // for the first process id, which half of the printers do not know
	confirmWait = 8 * time.Second        // for the paper to come out, before asking how the printer is
	quietTries  = 2                      // so many waits in good health without a word, and the outcome is unknown
	holdLimit   = 10 * time.Minute       // for a person to put in paper in the middle of a slip, and for XON
	settleWait  = 4 * time.Second        // for the next answer of a printer that may have much to print yet
	drainWait   = 200 * time.Millisecond
	glanceWait  = time.Millisecond // for what has come already
	blockSize   = 512              // bytes written at once, after which it may say that it takes no more
)

// epson is one printer. turn is held by the caller who talks to it, who owns all other fields.
type epson struct {
	conn     port.Conn
	turn     chan struct{}
	settings port.Settings
	columns  int
	cut      cutKind
	profile  *profile.Profile
	unnamed  bool         // it is still to be found out which model it is
	wide     profile.Wide // as the profile says; WideAsk until the printer was asked
	confirm  string       // process, fence or none; auto until the first job
	answers  bool
	last     atomic.Pointer[Status] // nil until the first answer; anybody reads it
	wanted   chan struct{}          // holds one: somebody waits for the turn
	waiting  atomic.Int32           // how many wait for it
	tryASB   atomic.Bool            // it is still to be tried whether it tells by itself
	tells    atomic.Bool            // it does (ASB)

	replies [4]byte   // to the last full question for the status
	asked   time.Time // when that was

	stopped bool     // it has sent XOFF, and no XON yet
	torn    bool     // what was sent last may have ended within a command
	jobs    int      // for process ids
	late    bool     // answers to an earlier question may still come
	told    int      // answers to DLE EOT since the last question
	status  byte     // the last of them
	fences  int      // answers to GS r since the last job
	done    string   // last process id
	heard   []string // the last process ids
	who     identity // what it says that it is

	toldSelf bool // ASB has come since it was last looked
}

func openESCPOS(c port.Conn, s port.Settings) Printer {
	p := &epson{
		conn: c, turn: make(chan struct{}, 1), wanted: make(chan struct{}, 1),
		torn: true, late: true, // whoever had the line before may have been cut off, and not have heard all
		settings: s, confirm: s.Text("confirm"), answers: s.Yes("status"),
	}
	if !p.answers {
		p.confirm = "none"
	}
	known, ok := profile.Lookup(s.Text("profile"))
	if !ok { // Settle has looked at the name: it is auto
		known, _ = profile.Lookup(profile.Default)
		p.unnamed = true
	}
	if p.answers {
		p.who.unasked = []byte{askModel, askLanguage}
	}
	p.become(known)
	return p
}

// become takes on what a profile says; the options say more.
func (p *epson) become(known *profile.Profile) {
	p.profile, p.wide, p.columns, p.cut = known, known.Wide, known.Columns, cutKind(known.Cutter)
	if n := p.settings.Int("columns"); n > 0 {
		p.columns = n
	}
	if cut := p.settings.Text("cut"); cut != "auto" {
		p.cut = cutKind(cut)
	}
	if p.confirm == "auto" && known.ProcessID == profile.No {
		p.confirm = "fence"
	}
	asb := p.settings.Text("asb")
	p.tryASB.Store(p.answers && !p.tells.Load() && (asb == "yes" || asb == "auto" && known.ASB != profile.No))
}

// utf8 tells whether text is sent as UTF-8.
func (p *epson) utf8() bool {
	said := p.settings.Text("utf8")
	return said == "yes" || said == "auto" && p.profile.UTF8
}

func (p *epson) Status(ctx context.Context) (Status, error) {
	if err := p.take(ctx); err != nil {
		return p.lastHeard(err)
	}
	defer p.give()
	return p.ask(ctx)
}

// lastHeard is how the printer was, for somebody who could not ask because of err.
func (p *epson) lastHeard(err error) (Status, error) {
	if last := p.last.Load(); last != nil {
		return *last, nil
	}
	return Status{}, err
}

// ready says why nothing should be sent now, and learns how this printer confirms. again: it may have much to print yet.
func (p *epson) ready(ctx context.Context, again bool) error {
	s, err := p.ask(ctx)
	if err == nil {
		err = s.Err()
	}
	if err == nil {
		err = p.mend(ctx, again)
	}
	if err == nil {
		err = p.learn(ctx)
	}
	var questions []byte
	if err == nil && !again && p.confirm != "none" { // with again, late answers would be taken for those to an earlier slip
		questions = p.who.questions()
	}
	switch {
	case err != nil:
		return err
	case p.confirm != "auto":
		return p.askAside(ctx, questions)
	}
	// A printer that does not know GS ( H takes its bytes for text; ESC @ clears that line before it is printed.
	p.done = ""
	if err := p.send(ctx, slices.Concat(questions, p.process("ping"), p.fresh())); err != nil {
		return fmt.Errorf("%w: %w", ErrOffline, err)
	}
	wait := probeWait
	if again {
		wait = confirmWait
	}
	p.confirm = "fence"
	if err := p.pump(ctx, wait, func() bool { return p.done == "ping" }); err == nil {
		p.confirm = "process"
	} else if broken(err) || ctx.Err() != nil {
		p.confirm = "auto"
		return fmt.Errorf("%w: %w", ErrOffline, err)
	}
	return nil
}

// fence is what comes after a job so that the printer tells when it is printed.
func (p *epson) fence(id string) []byte {
	switch p.confirm {
	case "process":
		return p.process(id)
	case "fence":
		return gsFence
	default:
		return nil
	}
}

func (p *epson) process(id string) []byte { return append(append([]byte{}, gsProcess...), id...) }

// afterwards looks at a printer that cannot confirm: trouble now means that the slip may not be whole.
func (p *epson) afterwards(ctx context.Context) error {
	s, err := p.ask(ctx)
	if err != nil {
		return err
	}
	return s.Err()
}

// pump takes in answers until enough, or until wait is over.
func (p *epson) pump(ctx context.Context, wait time.Duration, enough func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for !enough() {
		b, err := p.conn.Next(ctx, SplitReply)
		if err != nil {
			return err
		}
		p.sort(b)
	}
	return nil
}

// sort sorts one answer. What the printer tells by itself (ASB) is how it is from then on.
func (p *epson) sort(b []byte) {
	switch r := ReadReply(b); r.Kind {
	case ReplyStatus:
		p.status, p.told = r.Bits, p.told+1
	case ReplyFence:
		p.fences++
	case ReplyProcess:
		p.hear(r.Text)
	case ReplyInfo:
		p.who.hear(r.Text)
	case ReplyAuto:
		r.Status.Mismatch = p.who.mismatch
		p.last.Store(&r.Status)
		p.toldSelf = true
	case ReplyFlow:
		p.stopped = r.Bits == xoff
	case ReplyBlock:
	}
}

// broken tells a connection that is of no more use from a wait that is over.
func broken(err error) bool {
	return err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) &&
		!errors.Is(err, port.ErrTooLong) && !errors.Is(err, port.ErrBadFrame)
}
