package suite

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"posd/drivers/port"
	"posd/drivers/printer"
)

// How long is waited.
const (
	openWait   = 10 * time.Second
	answerWait = time.Second      // for what is answered at once
	printWait  = 20 * time.Second // for what is answered when all before it is on paper
	quietWait  = 300 * time.Millisecond
	heldWait   = 30 * time.Second // for XON
)

const (
	chunk = 256
	xoff  = 0x13
)

// Commands of the checks (Epson ESC/POS reference).
const (
	dleStatus  = "\x10\x04"               // DLE EOT n
	escInit    = "\x1b@"                  // ESC @
	gsFence    = "\x1dr\x01"              // GS r 1
	gsAsk      = "\x1dI"                  // GS I n
	gsKind     = gsAsk + "\x01"           // GS I 1: answered with one byte
	gsProcess  = "\x1d(H\x06\x00\x30\x30" // GS ( H fn 48
	gsAuto     = "\x1da"                  // GS a n
	mendedBy   = 512                      // zeros that end any command
	autoAll    = "\x0f"
	autoNone   = "\x00"
	fenceReply = printer.ReplyFence
)

func itoa(n int) string { return strconv.Itoa(n) }

// recorder is the port as it was opened, and keeps what goes over it for the picture.
type recorder struct {
	port.Conn
	b *bench
}

func (r *recorder) Write(ctx context.Context, p []byte) error {
	r.b.sent = append(r.b.sent, p...)
	return r.Conn.Write(ctx, p)
}

// dial opens the port, as often as it takes until ctx ends.
func (b *bench) dial(ctx context.Context) error {
	opening, cancel := context.WithTimeout(ctx, openWait)
	defer cancel()
	c, err := b.o.Open(opening)
	if err == nil {
		b.conn = &recorder{c, b}
	}
	return err
}

func (b *bench) hangUp() {
	if b.conn != nil {
		_ = b.conn.Close()
	}
	b.conn = nil
}

// say sends, and waits while XOFF holds the line.
func (b *bench) say(ctx context.Context, what string) error {
	for rest := []byte(what); len(rest) > 0; {
		n := min(len(rest), chunk)
		if err := b.held(ctx); err != nil {
			return err
		}
		if err := b.conn.Write(ctx, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// listen goes through what was heard, and hears on, until enough, or for a while: then it is errSilent.
func (b *bench) listen(ctx context.Context, wait time.Duration, enough func(printer.Reply) bool) error {
	end := time.Now().Add(wait)
	for {
		for b.seen < len(b.heard) {
			b.seen++
			if enough(b.last()) {
				return nil
			}
		}
		if err := b.hear(ctx, time.Until(end)); err != nil {
			return err
		}
	}
}

// last is the answer that was looked at last.
func (b *bench) last() printer.Reply { return b.heard[b.seen-1] }

// forget is for what was heard so far.
func (b *bench) forget() { b.heard, b.seen = nil, 0 }

// held waits for XON where XOFF was sent.
func (b *bench) held(ctx context.Context) error {
	for {
		if err := b.hear(ctx, time.Millisecond); errors.Is(err, errSilent) {
			break
		} else if err != nil {
			return err
		}
	}
	if b.stopped {
		b.stops++
	}
	for b.stopped {
		if err := b.hear(ctx, heldWait); errors.Is(err, errSilent) {
			b.stopped = false
			return errHeld
		} else if err != nil {
			return err
		}
	}
	return nil
}

// hear takes in one answer.
func (b *bench) hear(ctx context.Context, wait time.Duration) error {
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	raw, err := b.conn.Next(waiting, printer.SplitReply)
	switch {
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
		return errSilent
	case errors.Is(err, port.ErrTooLong), errors.Is(err, port.ErrBadFrame):
		return nil
	case err != nil:
		return err
	}
	r := printer.ReadReply(raw)
	if r.Kind == printer.ReplyFlow {
		b.stopped = r.Bits == xoff
	}
	b.heard = append(b.heard, r)
	return nil
}

func never(printer.Reply) bool { return false }

// quiet hears out what may still come of before.
func (b *bench) quiet(ctx context.Context) error {
	err := b.listen(ctx, quietWait, never)
	b.forget()
	if errors.Is(err, errSilent) {
		return nil
	}
	return err
}

// settle brings a printer back after a check that failed: what it takes for parameters ends, and what it says is heard out.
func (b *bench) settle(ctx context.Context) {
	if b.conn == nil {
		return
	}
	if b.say(ctx, string(make([]byte, mendedBy))+escInit) == nil {
		_ = b.listen(ctx, answerWait, never)
	}
	b.forget()
}

// mark is a question behind what was sent: its answer says that all before it is printed.
func (b *bench) mark() (question string, answer func(printer.Reply) bool) {
	if !b.named {
		return gsFence, func(r printer.Reply) bool { return r.Kind == printer.ReplyFence }
	}
	b.ids++
	id := fmt.Sprintf("%04d", b.ids%10000)
	return gsProcess + id, func(r printer.Reply) bool { return r.Kind == printer.ReplyProcess && r.Text == id }
}

// printed sends and waits until it is printed. strays are answers to questions that were hidden in it: a printer that knows
// its commands does not answer them.
func (b *bench) printed(ctx context.Context, what string) (strays int, err error) {
	if err := b.quiet(ctx); err != nil {
		return 0, err
	}
	question, answer := b.mark()
	if err := b.say(ctx, what+question); err != nil {
		return 0, err
	}
	if err := b.listen(ctx, printWait, answer); err != nil {
		return 0, err
	}
	strays = count(b.heard[:b.seen-1], printer.ReplyFence)
	if b.named {
		return strays, nil
	}
	// A fence looks like the answer to a hidden question: all of them are counted but one.
	if err := b.listen(ctx, quietWait, never); !errors.Is(err, errSilent) {
		return 0, err
	}
	return count(b.heard, printer.ReplyFence) - 1, nil
}

func count(all []printer.Reply, kind printer.ReplyKind) int {
	n := 0
	for _, r := range all {
		if r.Kind == kind {
			n++
		}
	}
	return n
}

// askStatus is how the printer is (DLE EOT 1 to 4), and how many of the four it did not answer.
func (b *bench) askStatus(ctx context.Context) (s printer.Status, silent int, err error) {
	var replies [4]byte
	for i := range replies {
		if err := b.say(ctx, dleStatus+string(rune(i+1))); err != nil {
			return s, 0, err
		}
		err := b.listen(ctx, answerWait, func(r printer.Reply) bool { return r.Kind == printer.ReplyStatus })
		switch {
		case errors.Is(err, errSilent):
			silent++
		case err != nil:
			return s, 0, err
		default:
			replies[i] = b.last().Bits
		}
	}
	return printer.DecodeStatus(replies), silent, nil
}

// inform asks for a text; of a printer that does not answer it is empty.
func (b *bench) inform(ctx context.Context, n byte) (string, error) {
	if err := b.say(ctx, gsAsk+string(rune(n))+escInit); err != nil {
		return "", err
	}
	err := b.listen(ctx, answerWait, func(r printer.Reply) bool { return r.Kind == printer.ReplyInfo })
	if errors.Is(err, errSilent) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return b.last().Text, nil
}

// broke says of a line that failed in the middle of a check.
func broke(err error) finding {
	if errors.Is(err, errHeld) {
		return failed(
			Words{"it sent XOFF and never XON", "发送 XOFF 后没有再发 XON"},
			Words{"switch it off and on; set its flow control to DTR/RTS", "请重新开关打印机；将流控设为 DTR/RTS"})
	}
	if errors.Is(err, errSilent) {
		return failed(
			Words{"it did not answer a question that stands behind what was sent", "发送之后的询问没有应答"},
			Words{
				"bytes were lost, or it took a command for longer than it is: look at cable, speed and flow control; switch it off and on",
				"可能丢失了字节，或命令长度不符：请检查电缆、波特率和流控，并重新开关打印机",
			})
	}
	return failed(
		Words{"the line broke: " + err.Error(), "连接中断：" + err.Error()},
		Words{"look at cable, plug and power supply", "请检查电缆、插头和电源"})
}
