package printer

import (
	"bytes"
	"slices"
)

// Commands, in the words of the ESC/POS reference. Clones know all of these but GS ( H.
var (
	escInit        = []byte{0x1B, '@'}       // ESC @  initialise: modes off, line buffer cleared
	escBold        = []byte{0x1B, 'E'}       // ESC E n
	escAlign       = []byte{0x1B, 'a'}       // ESC a n
	escFeedLines   = []byte{0x1B, 'd'}       // ESC d n
	escPulse       = []byte{0x1B, 'p'}       // ESC p m t1 t2
	gsSize         = []byte{0x1D, '!'}       // GS ! n
	gsCutFeed      = []byte{0x1D, 'V', 0x42} // GS V B n: feed to the cutter, cut leaving a corner
	gsCutFull      = []byte{0x1D, 'V', 0x41} // GS V A n: feed to the cutter, cut off
	gsBarHeight    = []byte{0x1D, 'h', 60}   // GS h n dots
	gsBarWidth     = []byte{0x1D, 'w', 2}    // GS w n dots per module
	gsBarText      = []byte{0x1D, 'H', 0}    // GS H 0: no text with it
	gsBarCode128   = []byte{0x1D, 'k', 73}   // GS k I n data
	gsQR           = []byte{0x1D, '(', 'k'}  // GS ( k pL pH 31h fn ...
	fsChinese      = []byte{0x1C, '&'}       // FS &  two-byte characters on
	fsSingle       = []byte{0x1C, '.'}       // FS .  two-byte characters off; Chinese models power up with them on
	doubleSize     = byte(0x11)              // GS !: twice as wide, twice as high
	drawerPulse    = []byte{0, 25, 250}      // pin 2, on 50 ms, off 500 ms
	noCutFeedLines = byte(4)                 // tear-off edge of a printer without cutter
)

// cutKind is how the paper is cut.
type cutKind string

const (
	cutPartial cutKind = "partial"
	cutFull    cutKind = "full"
	cutNone    cutKind = "none"
)

// encode turns a document into ESC/POS for paper of so many columns. It is pure.
func encode(d Document, columns int, cut cutKind) (job []byte, missing []rune) {
	rows, missing := Layout(d, columns)
	e := &encoder{cut: cut}
	e.put(escInit, fsSingle)
	for _, r := range rows {
		e.row(r)
	}
	return e.out.Bytes(), missing
}

// encoder writes one job and remembers the modes that it has set.
type encoder struct {
	out     bytes.Buffer
	cut     cutKind
	style   Run // without text
	chinese bool
}

func (e *encoder) put(parts ...[]byte) {
	for _, p := range parts {
		e.out.Write(p)
	}
}

func (e *encoder) row(r Row) {
	switch r.Kind {
	case Text, Rule:
		for _, run := range r.Runs {
			e.run(run)
		}
		e.mode(Run{})
		e.put([]byte{'\n'})
	case Barcode:
		e.put(escAlign, []byte{1}, gsBarHeight, gsBarWidth, gsBarText, code128(r.Data), []byte{'\n'}, escAlign, []byte{0})
	case QR:
		e.put(escAlign, []byte{1}, qrCode(r.Data), []byte{'\n'}, escAlign, []byte{0})
	case Feed:
		e.put(escFeedLines, []byte{byte(min(r.Count, 255))})
	case Cut:
		e.cutPaper()
	case Drawer:
		e.put(escPulse, drawerPulse)
	}
}

func (e *encoder) cutPaper() {
	switch e.cut {
	case cutNone:
		e.put(escFeedLines, []byte{noCutFeedLines})
	case cutFull:
		e.put(gsCutFull, []byte{0})
	case cutPartial:
		e.put(gsCutFeed, []byte{0})
	}
}

// run writes text in its style. Layout has replaced everything that is neither ASCII nor Chinese.
func (e *encoder) run(run Run) {
	e.mode(run)
	for _, r := range run.Text {
		if r <= '~' {
			e.font(false)
			e.out.WriteByte(byte(r))
			continue
		}
		b, _ := chinese(r)
		e.font(true)
		e.put(b)
	}
	e.font(false)
}

// mode sets bold and size where they change.
func (e *encoder) mode(want Run) {
	if want.Bold != e.style.Bold {
		e.put(escBold, []byte{flag(want.Bold, 1)})
	}
	if want.Double != e.style.Double {
		e.put(gsSize, []byte{flag(want.Double, doubleSize)})
	}
	e.style = Run{Bold: want.Bold, Double: want.Double}
}

// font switches between the Chinese and the single-byte font.
func (e *encoder) font(chinese bool) {
	switch {
	case chinese == e.chinese:
	case chinese:
		e.put(fsChinese)
	default:
		e.put(fsSingle)
	}
	e.chinese = chinese
}

func flag(on bool, value byte) byte {
	if on {
		return value
	}
	return 0
}

// code128 is data in code set B; "{" itself is written twice (GS k, function B).
func code128(data string) []byte {
	body := append([]byte("{B"), bytes.ReplaceAll([]byte(data), []byte("{"), []byte("{{"))...)
	return slices.Concat(gsBarCode128, []byte{byte(min(len(body), 255))}, body[:min(len(body), 255)])
}

// qrCode is the five steps of GS ( k for a QR code: model 2, module of 6 dots, level M, store, print.
func qrCode(data string) []byte {
	n := len(data) + 3
	return slices.Concat(
		gsQR, []byte{4, 0, 0x31, 0x41, 0x32, 0},
		gsQR, []byte{3, 0, 0x31, 0x43, 6},
		gsQR, []byte{3, 0, 0x31, 0x45, 0x31},
		gsQR, []byte{byte(n), byte(n >> 8), 0x31, 0x50, 0x30}, []byte(data),
		gsQR, []byte{3, 0, 0x31, 0x51, 0x30},
	)
}
