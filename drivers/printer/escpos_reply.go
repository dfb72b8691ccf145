package printer

import (
	"bytes"
)

// replyKind is what a printer's answer is.
type replyKind int

const (
	replyFlow   replyKind = iota // XON, XOFF
	replyStatus                  // to DLE EOT
	replyAuto                    // four bytes that the printer sends by itself (ASB)
	replyFence                   // to GS r
	replyBlock                   // header ... NUL: GS I, GS ( H
)

// Replies that are told by their first byte.
const (
	xon         = 0x11
	xoff        = 0x13
	blockID     = 0x37 // GS ( H, DLE EOT 7 ...
	blockInfo   = 0x5F // GS I 65 ...
	blockType   = 0x3D // GS I 33
	maxBlock    = 80
	autoBytes   = 4
	processMark = 0x22 // second byte of the reply to GS ( H fn 48
)

// kindOf tells replies apart by the fixed bits of their first byte. ok is false for noise.
func kindOf(b byte) (kind replyKind, ok bool) {
	switch {
	case b == xon || b == xoff:
		return replyFlow, true
	case b == blockID || b == blockInfo || b == blockType:
		return replyBlock, true
	case b&0x93 == 0x10:
		return replyAuto, true
	case b&0x93 == 0x12:
		return replyStatus, true
	case b&0x90 == 0:
		return replyFence, true
	default:
		return 0, false
	}
}

// splitReply is a bufio.SplitFunc that gives one reply of the printer at a time and skips noise byte by byte.
func splitReply(data []byte, _ bool) (advance int, token []byte, err error) {
	if len(data) == 0 {
		return 0, nil, nil
	}
	kind, ok := kindOf(data[0])
	if !ok {
		return 1, nil, nil
	}
	switch kind {
	case replyAuto:
		return splitAuto(data)
	case replyBlock:
		return splitBlock(data)
	default:
		return 1, data[:1], nil
	}
}

// splitAuto takes four bytes whose fixed bits fit; else the first was noise.
func splitAuto(data []byte) (int, []byte, error) {
	for _, b := range data[1:min(len(data), autoBytes)] {
		if b&0x90 != 0 {
			return 1, nil, nil
		}
	}
	if len(data) < autoBytes {
		return 0, nil, nil
	}
	return autoBytes, data[:autoBytes], nil
}

// splitBlock takes printable bytes up to NUL; else the first was noise.
func splitBlock(data []byte) (int, []byte, error) {
	for i, b := range data[1:min(len(data), maxBlock)] {
		if b == 0 {
			return i + 2, data[:i+2], nil
		}
		if b < ' ' || b > '~' {
			return 1, nil, nil
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

// decodeStatus reads the four answers to DLE EOT 1..4 (Epson, DLE EOT; Samsung's and Bixolon's manuals word bits 5 and 6
// of the paper sensor ambiguously, Epson's and Citizen's do not).
func decodeStatus(reply [4]byte) Status {
	state, why, fault, paper := reply[0], reply[1], reply[2], reply[3]
	s := Status{
		DrawerPin: state&0x04 != 0,
		CoverOpen: why&0x04 != 0,
		PaperOut:  why&0x20 != 0 || paper&0x60 != 0,
		PaperLow:  paper&0x0C != 0,
	}
	switch {
	case fault&0x08 != 0:
		s.Fault = "cutter"
	case fault&0x20 != 0:
		s.Fault = "unrecoverable: switch it off and on, else call service"
	case fault&0x40 != 0:
		s.Fault = "print head too hot, or stopped for a moment"
	case state&0x20 != 0 || fault&0x04 != 0 || why&0x40 != 0:
		s.Fault = "mechanical: open and close the cover"
	}
	s.Online = state&0x08 == 0
	return s
}
