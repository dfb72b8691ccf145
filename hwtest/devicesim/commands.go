package devicesim

import (
	"bytes"
	"strings"
)

// lengths are the commands of fixed length that change nothing on a plain-text paper, with their arguments' length.
var lengths = map[byte]map[byte]int{
	esc: {
		'!': 1, 'G': 1, 'M': 1, 't': 1, 'R': 1, '-': 1, '2': 0, '3': 1, '{': 1, 'V': 1, ' ': 1, '$': 2, '\\': 2, '=': 1,
		'c': 2, 'r': 1, 'S': 0, 'L': 0, 'T': 1, 'W': 8, 'E': 1,
	},
	gs: {'B': 1, 'H': 1, 'h': 1, 'w': 1, 'f': 1, 'L': 2, 'W': 2, 'P': 2, ':': 0, '/': 1, '^': 3, 'b': 1},
	fs: {'!': 1, '-': 1, 'S': 2, 'W': 1, 'C': 1, 'p': 2},
}

// command executes a command and gives its length; 0 when more bytes are needed.
func (e *engine) command(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	if n, ok := lengths[b[0]][b[1]]; ok {
		return enough(b, 2+n)
	}
	switch b[0] {
	case esc:
		return e.escCommand(b)
	case gs:
		return e.gsCommand(b)
	default:
		return e.fsCommand(b)
	}
}

// enough gives n if b is that long, else 0.
func enough(b []byte, n int) int {
	if len(b) < n {
		return 0
	}
	return n
}

func (e *engine) unknown(b []byte) int {
	e.complain("unknown command %X", b[:2])
	return 2
}

func (e *engine) escCommand(b []byte) int {
	switch b[1] {
	case '@':
		e.reset()
		return 2
	case 'i', 'm':
		e.cutPaper()
		return 2
	case 'a':
		if len(b) < 3 {
			return 0
		}
		e.setAlign(b[2])
		return 3
	case 'd', 'J':
		if len(b) < 3 {
			return 0
		}
		e.feed(b[1], int(b[2]))
		return 3
	case 'p':
		if len(b) < 5 {
			return 0
		}
		e.pulses++
		return 5
	case '*':
		return e.columnImage(b)
	default:
		return e.unknown(b)
	}
}

// setAlign works at the start of a line only (ESC a, Epson's reference).
func (e *engine) setAlign(n byte) {
	if e.line.Len() > 0 {
		e.complain("ESC a in the middle of a line")
		return
	}
	e.align = n & 3
}

// feed prints the line and feeds n lines, or n dots.
func (e *engine) feed(unit byte, n int) {
	const dotsPerLine = 30
	if unit == 'J' {
		n /= dotsPerLine
	}
	if e.line.Len() > 0 {
		e.printLine()
		n--
	}
	for range n {
		e.printLine()
	}
}

// columnImage is ESC * m nL nH data.
func (e *engine) columnImage(b []byte) int {
	if len(b) < 5 {
		return 0
	}
	n := int(b[3]) + int(b[4])<<8
	if b[2] >= 32 {
		n *= 3
	}
	return e.image(b, 5+n)
}

// image swallows the dots of a picture.
func (e *engine) image(b []byte, n int) int {
	if len(b) < n {
		return 0
	}
	e.symbol("IMAGE", "")
	return n
}

func (e *engine) fsCommand(b []byte) int {
	switch b[1] {
	case '&':
		e.chinese = true
	case '.':
		e.chinese = false
	case '(':
		return e.block(b)
	default:
		return e.unknown(b)
	}
	return 2
}

func (e *engine) gsCommand(b []byte) int {
	if b[1] == '(' && e.opt.Clone && len(b) > 2 && b[2] == 'H' {
		e.complain("GS ( H is not known to this printer")
		return 2
	}
	switch b[1] {
	case '(':
		return e.block(b)
	case 'V':
		return e.cutCommand(b)
	case 'k':
		return e.barcode(b)
	case 'v':
		if len(b) < 8 {
			return 0
		}
		return e.image(b, 8+(int(b[4])+int(b[5])<<8)*(int(b[6])+int(b[7])<<8))
	}
	if len(b) < 3 {
		return 0
	}
	switch b[1] {
	case '!':
		e.double = b[2]&0xF0 != 0
	case 'a':
		e.asb = b[2] != 0
		e.printer.tell()
	case 'r':
		e.printer.answer(e.printer.fence(b[2]))
	case 'I':
		e.printer.answer(identity(b[2])...)
	default:
		return e.unknown(b)
	}
	return 3
}

// fence is the answer to GS r n.
func (p *Printer) fence(n byte) byte {
	if n == 1 && p.low {
		return 0x03
	}
	return 0
}

// identity is the answer to GS I n.
func identity(n byte) []byte {
	text := map[byte]string{65: "1.00", 66: "POSD", 67: "VIRTUAL", 68: "0001", 69: "CHINA GB18030"}[n]
	if text == "" {
		return []byte{0x20}
	}
	return append(append([]byte{0x5F}, text...), 0)
}

func (e *engine) cutCommand(b []byte) int {
	if len(b) < 3 {
		return 0
	}
	n := 3
	if b[2] >= 65 { // with a feed
		n = 4
	}
	if len(b) < n {
		return 0
	}
	e.cutPaper()
	return n
}

// barcode is GS k: form A ends with NUL, form B has a length.
func (e *engine) barcode(b []byte) int {
	if len(b) < 4 {
		return 0
	}
	if b[2] <= 6 {
		n := bytes.IndexByte(b[3:], 0)
		if n < 0 {
			return 0
		}
		e.symbol("BARCODE", string(b[3:3+n]))
		return 4 + n
	}
	n := 4 + int(b[3])
	if len(b) < n {
		return 0
	}
	e.code128(string(b[4:n]))
	return n
}

// code128 reads the data of GS k 73: it begins with a code set, and "{{" is one brace.
func (e *engine) code128(data string) {
	text, ok := strings.CutPrefix(data, "{B")
	if !ok {
		e.complain("CODE128 data without code set B")
	}
	e.symbol("CODE128", strings.ReplaceAll(text, "{{", "{"))
}

// block is GS ( X pL pH ... and FS ( X pL pH ....
func (e *engine) block(b []byte) int {
	if len(b) < 5 {
		return 0
	}
	n := 5 + int(b[3]) + int(b[4])<<8
	if len(b) < n {
		return 0
	}
	body := b[5:n]
	switch {
	case b[0] == gs && b[2] == 'H' && len(body) == 6 && body[0] == 0x30:
		e.printer.answer(append(append([]byte{0x37, 0x22}, body[2:]...), 0)...)
	case b[0] == gs && b[2] == 'k' && len(body) > 3 && body[0] == 0x31 && body[1] == 0x50:
		e.qr = string(body[3:])
	case b[0] == gs && b[2] == 'k' && len(body) > 1 && body[1] == 0x51:
		e.symbol("QR", e.qr)
	case b[0] == gs && b[2] == 'k':
	default:
		e.complain("unknown block %X", b[:3])
	}
	return n
}
