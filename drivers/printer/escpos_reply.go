package printer

import (
	"bytes"
)

// ReplyKind is what a printer's answer is.
type ReplyKind int

// The kinds of reply.
const (
	ReplyFlow    ReplyKind = iota // XON, XOFF
	ReplyStatus                   // to DLE EOT
	ReplyAuto                     // four bytes that the printer sends by itself (ASB)
	ReplyFence                    // to GS r, or to GS I 1 to 3
	ReplyProcess                  // to GS ( H fn 48: all before it is printed
	ReplyInfo                     // to GS I 65 to 69
	ReplyBlock                    // header ... NUL of another kind
)

// Reply is one thing that a printer says.
type Reply struct {
	Kind   ReplyKind
	Bits   byte   // ReplyStatus, ReplyFence; XON or XOFF of ReplyFlow
	Status Status // ReplyAuto
	Text   string // the id of ReplyProcess, the text of ReplyInfo
}

// Replies that are told by their first byte.
const (
	xon         = 0x11
	xoff        = 0x13
	blockID     = 0x37 // GS ( H, DLE DC4 8 ...
	blockInfo   = 0x5F // GS I 65 ...
	blockType   = 0x3D // GS I 33
	maxBlock    = 80
	autoBytes   = 4
	processMark = 0x22 // second byte of the reply to GS ( H fn 48
)

// kindOf tells replies apart by the fixed bits of their first byte. ok is false for noise.
func kindOf(b byte) (kind ReplyKind, ok bool) {
	switch {
	case isFlow(b):
		return ReplyFlow, true
	case b == blockID || b == blockInfo || b == blockType:
		return ReplyBlock, true
	case b&0x93 == 0x10:
		return ReplyAuto, true
	case b&0x93 == 0x12:
		return ReplyStatus, true
	case b&0x90 == 0:
		return ReplyFence, true
	default:
		return 0, false
	}
}

func isFlow(b byte) bool { return b == xon || b == xoff }

// ReadReply reads one reply as SplitReply gives it. It is pure.
func ReadReply(b []byte) Reply {
	kind, ok := kindOf(b[0])
	if !ok {
		return Reply{Kind: ReplyBlock}
	}
	r := Reply{Kind: kind, Bits: b[0]}
	switch kind {
	case ReplyAuto:
		r.Status = decodeAuto([autoBytes]byte(b))
	case ReplyBlock:
		if id, ok := processID(b); ok {
			return Reply{Kind: ReplyProcess, Text: id}
		}
		if b[0] == blockInfo {
			return Reply{Kind: ReplyInfo, Text: string(b[1 : len(b)-1])}
		}
	default:
	}
	return r
}

// SplitReply is a bufio.SplitFunc that gives one reply of the printer at a time and skips noise byte by byte. XON and XOFF
// may stand within another reply, which is then given without them.
func SplitReply(data []byte, _ bool) (advance int, token []byte, err error) {
	if len(data) == 0 {
		return 0, nil, nil
	}
	kind, ok := kindOf(data[0])
	if !ok {
		return 1, nil, nil
	}
	switch kind {
	case ReplyAuto:
		return splitAuto(data)
	case ReplyBlock:
		return splitBlock(data)
	default:
		return 1, data[:1], nil
	}
}

// maxFlow is how many XON and XOFF one reply is searched through: a printer that sends nothing else says nothing.
const maxFlow = 16

// splitAuto takes four bytes whose fixed bits fit; else the first was noise.
func splitAuto(data []byte) (int, []byte, error) {
	got := make([]byte, 0, autoBytes)
	for i, b := range data[:min(len(data), autoBytes+maxFlow)] {
		switch {
		case i > 0 && isFlow(b):
			continue
		case i > 0 && b&0x90 != 0:
			return 1, nil, nil
		}
		if got = append(got, b); len(got) == autoBytes {
			return i + 1, got, nil
		}
	}
	if len(data) >= autoBytes+maxFlow {
		return 1, nil, nil
	}
	return 0, nil, nil
}

// splitBlock takes printable bytes up to NUL; else the first was noise.
func splitBlock(data []byte) (int, []byte, error) {
	got := []byte{data[0]}
	for i, b := range data[1:min(len(data), maxBlock)] {
		switch {
		case isFlow(b):
		case b == 0:
			return i + 2, append(got, 0), nil
		case b < ' ' || b > '~':
			return 1, nil, nil
		default:
			got = append(got, b)
		}
	}
	if len(data) >= maxBlock {
		return 1, nil, nil
	}
	return 0, nil, nil
}

// processID takes the id out of a reply to GS ( H: 37h 22h d1 d2 d3 d4 00h.
func processID(block []byte) (string, bool) {
	id, ok := bytes.CutPrefix(block, []byte{blockID, processMark})
	if !ok || len(id) != 5 {
		return "", false
	}
	return string(id[:4]), true
}

// DecodeStatus reads the four answers to DLE EOT 1..4 (Epson, DLE EOT; Samsung's and Bixolon's manuals word bits 5 and 6
// of the paper sensor ambiguously, Epson's and Citizen's do not).
func DecodeStatus(reply [4]byte) Status {
	state, why, fault, paper := reply[0], reply[1], reply[2], reply[3]
	return Status{
		Online:    state&0x08 == 0,
		DrawerPin: state&0x04 != 0,
		CoverOpen: why&0x04 != 0,
		PaperOut:  why&0x20 != 0 || paper&0x60 != 0,
		PaperLow:  paper&0x0C != 0,
		Fault:     faultOf(fault, state&0x20 != 0 || why&0x40 != 0),
	}
}

// decodeAuto reads the four bytes that a printer sends by itself (Epson, GS a).
func decodeAuto(b [autoBytes]byte) Status {
	return Status{
		Online:    b[0]&0x08 == 0,
		DrawerPin: b[0]&0x04 != 0,
		CoverOpen: b[0]&0x20 != 0,
		PaperOut:  b[2]&0x0C != 0,
		PaperLow:  b[2]&0x03 != 0,
		Fault:     faultOf(b[1], b[1]&0x01 != 0),
	}
}

// faultOf reads the bits of faults, which DLE EOT 3 and the second byte of ASB have in the same places. waits: the printer
// says that it waits to be helped.
func faultOf(bits byte, waits bool) string {
	switch {
	case bits&0x08 != 0:
		return FaultCutter
	case bits&0x20 != 0:
		return FaultBroken
	case bits&0x40 != 0:
		return FaultHot
	case waits || bits&0x04 != 0:
		return FaultMechanical
	default:
		return ""
	}
}
