package scanner

import (
	"bytes"

	"posd/drivers/port"
)

// Bytes of Newland's unified commands (NLS serial programming command manual): ~ SOH 0000 # TAG SUB data ; ETX, where #
// sets for now and @ for good. The answer is STX SOH 0000, the command with ACK, NAK or ENQ before its end.
const (
	nlsHead   = "~\x010000#"
	nlsTail   = ";\x03"
	nlsAnswer = "\x02\x01"
	nlsLimit  = 256 // of an answer
	ack       = 0x06
	nak       = 0x15
	enq       = 0x05
	etx       = 0x03
)

func init() {
	registry.Register(Driver{
		Name: "newland",
		For:  []port.Match{{Kind: port.Serial, Vendor: 0x1EAB}},
		Doc: "Newland scanners over a serial port or USB-CDC that take NLS commands (trigger, release, modes; no beep). " +
			"No recorded trace of a real device yet.",
		Options: []port.Option{patienceOption, prefixOption, aimOption, repeatOption},
		Open:    func(c port.Conn, s port.Settings) Source { return openTalker(c, s, newland) },
	})
}

var newland = tongue{
	maker: "newland",
	phrases: map[Command]phrase{
		Trigger:      {bytes: nlsHead + "SCNTRG1" + nlsTail},
		Release:      {bytes: nlsHead + "SCNTRG0" + nlsTail},
		OnCommand:    {bytes: nlsHead + "SCNMOD0" + nlsTail},
		Presentation: {bytes: nlsHead + "SCNMOD2" + nlsTail},
	},
	split: splitNewland,
	answer: func(frame []byte) (is, yes bool) {
		is = bytes.HasPrefix(frame, []byte(nlsAnswer))
		return is, is && bytes.IndexByte(frame, ack) > 0
	},
}

// splitNewland cuts codes at CR or LF, and answers at ETX. An STX that no SOH follows is a code's prefix.
func splitNewland(data []byte, atEOF bool) (int, []byte, error) {
	if len(data) < len(nlsAnswer) && data[0] == nlsAnswer[0] && !atEOF {
		return 0, nil, nil
	}
	if !bytes.HasPrefix(data, []byte(nlsAnswer)) {
		return splitAt("\r\n")(data, atEOF)
	}
	end := bytes.IndexByte(data[:min(len(data), nlsLimit)], etx)
	switch {
	case end > 0:
		return end + 1, data[:end+1], nil
	case len(data) >= nlsLimit:
		return nlsLimit, data[:nlsLimit], nil // noise: no answer is so long
	default:
		return 0, nil, nil
	}
}
