package scanner

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"

	"posd/drivers/port"
)

// Opcodes of Zebra's Simple Serial Interface (SSI Programmer's Guide 72E-40451). A packet is its length without the
// checksum, opcode, source (04 host), status, data, and the two's complement of the sum of all that, big-endian.
const (
	ssiAck      = 0xD0
	ssiNak      = 0xD1
	ssiStart    = 0xE4
	ssiStop     = 0xE5
	ssiBeep     = 0xE6
	ssiParam    = 0xC6
	ssiDecode   = 0xF3
	ssiHost     = 0x04
	ssiRetry    = 0x01 // status: sent again, since no answer came
	ssiContinue = 0x02 // status: more packets of the same message follow
	ssiHead     = 4
	ssiResend   = 0x01 // cause of a NAK: send it again
	ssiTries    = 2    // how often a command is sent that is not answered
	triggerMode = 0x8A // parameter 138: 0 level, 7 presentation, 8 host
)

func init() {
	registry.Register(Driver{
		Name: "ssi",
		For:  []port.Match{{Kind: port.Serial, When: "the scanner is set to SSI packets"}},
		Doc: "Zebra (Symbol, Motorola) scanners over a serial port or USB-CDC in SSI packets, which are checked and " +
			"acknowledged (trigger, release, beep, modes). No recorded trace of a real device yet.",
		Options: []port.Option{
			{
				Name: "patience", Default: "2s", Kind: port.Duration, Max: 60_000,
				Doc: "a packet, or a code of several, that stops for so long is cut off: it is refused",
			},
			prefixOption, aimOption, repeatOption,
		},
		Open: openSSI,
	})
}

// ssi is one scanner. But for orders, it is owned by the caller of Next.
type ssi struct {
	line
	orders
	parts  assembly
	early  early
	before uint64 // hash of the last packet's data; 0 when the next one cannot be that packet sent again
}

var _ Commander = (*ssi)(nil)

func openSSI(c port.Conn, s port.Settings) Source {
	x := &ssi{line: *newLine(c, s), parts: assembly{patience: s.Time("patience")}}
	x.pause.Skips = false // a packet says itself where it ends
	return x
}

// ssiPacket puts a packet of the host together.
func ssiPacket(opcode byte, data ...byte) []byte {
	p := append([]byte{byte(ssiHead + len(data)), opcode, ssiHost, 0}, data...)
	sum := ssiSum(p)
	return append(p, byte(sum>>8), byte(sum))
}

func ssiSum(b []byte) uint16 {
	var sum uint16
	for _, c := range b {
		sum -= uint16(c)
	}
	return sum
}

// splitSSI cuts packets by their length. A byte that can be no length is skipped, and what does not add up comes as a
// frame all the same: it is answered with a NAK.
func splitSSI(data []byte, _ bool) (int, []byte, error) {
	n := int(data[0])
	switch {
	case n < ssiHead:
		return 1, nil, nil
	case len(data) < n+2:
		return 0, nil, nil
	default:
		return n + 2, data[:n+2], nil
	}
}

func ssiWhole(p []byte) bool {
	n := len(p) - 2
	return n >= ssiHead && ssiSum(p[:n]) == uint16(p[n])<<8|uint16(p[n+1])
}

func (x *ssi) Next(ctx context.Context) (Code, error) {
	for {
		packet, err := x.packet(ctx)
		if err != nil {
			return Code{}, x.explain(err)
		}
		code, ok, err := x.receive(ctx, packet)
		clear(packet)
		if ok || err != nil {
			return code, err
		}
	}
}

// read waits for a packet.
func (x *ssi) read(ctx context.Context) ([]byte, error) { return x.pause.Next(ctx, x.conn, splitSSI) }

// packet gives the next packet and carries out commands meanwhile.
func (x *ssi) packet(ctx context.Context) ([]byte, error) {
	for {
		if first, ok := x.early.pop(); ok {
			return first.frame, first.err
		}
		wait, cancel := x.parts.limit(ctx)
		p, o, err := x.next(wait, x.read)
		ended := wait.Err() != nil
		cancel()
		if err != nil && ended && ctx.Err() == nil {
			return nil, fmt.Errorf("%w: cut off after %d bytes of a code", ErrRefused, x.parts.giveUp(true))
		}
		if o == nil {
			return p, err
		}
		err = x.tell(ctx, o.cmd)
		o.done <- err
		if fatal(err) {
			return nil, err
		}
	}
}

// explain makes a refused scan of what ends no connection.
func (x *ssi) explain(err error) error {
	if errors.Is(err, port.ErrCutOff) {
		x.before = 0 // it is sent again, and may equal the packet before it
		return fmt.Errorf("%w: %w; look at the cable", ErrRefused, err)
	}
	return x.line.explain(err)
}

// receive answers a packet and gives the code when it is whole.
func (x *ssi) receive(ctx context.Context, p []byte) (Code, bool, error) {
	if !ssiWhole(p) {
		if p[3]&ssiRetry == 0 {
			x.before = 0 // sent again it may equal the packet before it, and is new all the same
		}
		err := x.conn.Write(ctx, ssiPacket(ssiNak, ssiResend))
		return Code{}, false, errors.Join(err, fmt.Errorf("%w: checksum of a packet of %d bytes; asked for it again", ErrRefused, len(p)))
	}
	if p[1] != ssiDecode {
		return Code{}, false, nil // an answer that nobody waits for any more, or an event
	}
	if err := x.conn.Write(ctx, ssiPacket(ssiAck)); err != nil {
		return Code{}, false, err
	}
	body := p[ssiHead : len(p)-2]
	if !x.parts.open && len(body) == 0 {
		return Code{}, false, fmt.Errorf("%w: a packet without data", ErrRefused)
	}
	if !x.parts.open {
		body = body[1:] // the type of the code, in the first packet only
	}
	sum := maphash.Bytes(x.seed, p[ssiHead:len(p)-2])
	again := p[3]&ssiRetry != 0 && sum == x.before
	if x.before = sum; again {
		return Code{}, false, nil // our answer was lost
	}
	whole, err := x.parts.add(part{data: body, more: p[3]&ssiContinue != 0})
	if err != nil || whole == nil {
		return Code{}, false, err
	}
	return x.take(whole, "")
}

// tell sends a command and waits for its answer.
func (x *ssi) tell(ctx context.Context, c Command) error {
	packet, ok := map[Command][]byte{
		Trigger: ssiPacket(ssiStart), Release: ssiPacket(ssiStop), Beep: ssiPacket(ssiBeep, 0),
		OnCommand:    ssiPacket(ssiParam, 0xFF, triggerMode, 8),
		Presentation: ssiPacket(ssiParam, 0xFF, triggerMode, 7),
	}[c]
	if !ok {
		return fmt.Errorf("%w: %v (ssi)", ErrUnsupported, c)
	}
	for range ssiTries {
		if err := x.conn.Write(ctx, packet); err != nil {
			return err
		}
		answer, err := x.early.await(ctx, x.read, ssiAnswers)
		switch {
		case err != nil:
			return err
		case answer == nil:
		case answer[1] == ssiNak:
			return fmt.Errorf("%w: %v", ErrNotTaken, c)
		default:
			return nil
		}
		packet = ssiAgain(packet)
	}
	return fmt.Errorf("%w: %v; look at the wire to the scanner, and whether it is set to SSI", ErrNoAnswer, c)
}

// ssiAgain is a packet with the bit that says it was sent before.
func ssiAgain(p []byte) []byte {
	p = append([]byte(nil), p[:len(p)-2]...)
	p[3] |= ssiRetry
	sum := ssiSum(p)
	return append(p, byte(sum>>8), byte(sum))
}

// ssiAnswers tells whether a packet is an ACK or a NAK.
func ssiAnswers(p []byte) bool { return ssiWhole(p) && (p[1] == ssiAck || p[1] == ssiNak) }
