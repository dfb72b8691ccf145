package scanner

import (
	"bytes"

	"posd/drivers/port"
)

// Bytes of Honeywell's commands (Voyager 1400g user's guide, serial programming commands): SYN T CR and SYN U CR are the
// trigger and have no answer; SYN BEL CR beeps; SYN M CR begins a menu command, whose end is ! until power-off, or . for
// good. The answer to a menu command is the command with ACK, NAK or ENQ before its end.
const (
	hwTrigger = "\x16T\r"
	hwRelease = "\x16U\r"
	hwBeep    = "\x16\x07\r"
	hwMenu    = "\x16M\r"
	hwTail    = "!"
)

func init() {
	registry.Register(Driver{
		Name: "honeywell",
		For:  []port.Match{{Kind: port.Serial, Vendor: 0x0C2E}, {Kind: port.Serial, Vendor: 0x23D0}},
		Doc: "Honeywell, Hand Held Products and Youjie scanners over a serial port or USB-CDC that take commands (trigger, " +
			"release, beep, modes). No recorded trace of a real device yet.",
		Options: []port.Option{patienceOption, prefixOption, aimOption, repeatOption},
		Open:    func(c port.Conn, s port.Settings) Source { return openTalker(c, s, honeywell) },
	})
}

var honeywell = tongue{
	maker: "honeywell",
	phrases: map[Command]phrase{
		Trigger:      {bytes: hwTrigger, silent: true},
		Release:      {bytes: hwRelease, silent: true},
		Beep:         {bytes: hwBeep, silent: true},
		OnCommand:    {bytes: hwMenu + "TRGMOD0" + hwTail},
		Presentation: {bytes: hwMenu + "PAPPST" + hwTail},
	},
	split: splitHoneywell,
	answer: func(frame []byte) (is, yes bool) {
		n := len(frame)
		if n < 2 || frame[n-1] != '!' && frame[n-1] != '.' {
			return false, false
		}
		yes = frame[n-2] == ack
		return yes || frame[n-2] == nak || frame[n-2] == enq, yes
	},
}

// splitHoneywell cuts codes at CR or LF, and answers behind the byte that follows ACK, NAK or ENQ.
func splitHoneywell(data []byte, atEOF bool) (int, []byte, error) {
	end, sign := bytes.IndexAny(data, "\r\n"), bytes.IndexAny(data, "\x05\x06\x15")
	switch {
	case sign < 0 || end >= 0 && end < sign:
		return splitAt("\r\n")(data, atEOF)
	case sign+1 == len(data):
		return 0, nil, nil
	case data[sign+1] == '!' || data[sign+1] == '.':
		return sign + 2, data[:sign+2], nil
	case end < 0:
		return 0, nil, nil // a code with a control character, which is refused when it is whole
	default:
		return end + 1, data[:end], nil
	}
}
