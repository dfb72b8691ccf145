package iso8583

import (
	"bytes"
	"fmt"
)

// trailing takes what follows the last field for what does not belong there.
func (w *walker) trailing(r reading, at int) reading {
	f := Fault{
		Name: FaultTrailing, Path: "frame", Offset: w.base + at,
		Detail: fmt.Sprintf("%d bytes follow the last field of the bitmap", len(w.b)-at),
	}
	what := tailKind(w.b, at)
	if what != "" {
		f.Detail += ": " + what
	}
	switch r = r.and(f); {
	case what != "":
		r.weight -= 5
	case len(w.b)-at > 20:
		r.weight += 4 // nobody appends so much
	default:
		r.weight++
	}
	return r
}

// tailKind names what senders are known to append, "" for anything else.
func tailKind(b []byte, at int) string {
	const etx, spaceEBCDIC = 0x03, 0x40
	tail := b[at:]
	sum := byte(0)
	for _, c := range b[:at] {
		sum ^= c
	}
	switch {
	case filled(tail, 0x00):
		return "zeros"
	case filled(tail, ' '), filled(tail, spaceEBCDIC):
		return "spaces"
	case filled(tail, 0xFF):
		return "bytes FF"
	case len(bytes.Trim(tail, "\r\n")) == 0:
		return "a line end"
	case len(tail) == 1 && tail[0] == etx:
		return "ETX"
	case len(tail) == 1 && tail[0] == sum:
		return "the check byte (LRC) of the message"
	case len(tail) == 2 && tail[0] == etx:
		return "ETX and a check byte (LRC)"
	default:
		return glued(b, tail)
	}
}

func filled(b []byte, with byte) bool { return bytes.Count(b, []byte{with}) == len(b) }

// glued tells whether a tail begins as the message does, with a length before it or not.
func glued(b, tail []byte) string {
	const head = 4
	for _, length := range []int{0, 2, 4} {
		if len(tail) >= length+head && len(b) >= head && bytes.Equal(tail[length:length+head], b[:head]) {
			return "perhaps the next message, glued to this one"
		}
	}
	return ""
}
