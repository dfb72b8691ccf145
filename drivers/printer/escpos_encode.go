package printer

import (
	"bytes"
	"encoding/base64"
	"slices"

	"posd/drivers/printer/glyph"
	"posd/drivers/printer/profile"
	"posd/drivers/printer/symbol"
)

// Commands, in the words of the ESC/POS reference. Clones know all of these but GS ( H.
var (
	escInit        = []byte{0x1B, '@'}                     // ESC @  initialise: modes off, line buffer cleared
	escBold        = []byte{0x1B, 'E'}                     // ESC E n
	escAlign       = []byte{0x1B, 'a'}                     // ESC a n
	escUnderline   = []byte{0x1B, '-'}                     // ESC - n
	escPage        = []byte{0x1B, 't'}                     // ESC t n
	escFeedLines   = []byte{0x1B, 'd'}                     // ESC d n
	escPulse       = []byte{0x1B, 'p'}                     // ESC p m t1 t2
	gsSize         = []byte{0x1D, '!'}                     // GS ! n
	gsCutFeed      = []byte{0x1D, 'V', 0x42}               // GS V B n: feed to the cutter, cut leaving a corner
	gsCutFull      = []byte{0x1D, 'V', 0x41}               // GS V A n: feed to the cutter, cut off
	gsInvert       = []byte{0x1D, 'B'}                     // GS B n
	gsBarHeight    = []byte{0x1D, 'h'}                     // GS h n dots
	gsBarWidth     = []byte{0x1D, 'w'}                     // GS w n dots per module
	gsBarText      = []byte{0x1D, 'H'}                     // GS H n: 0 no text with it, 2 below
	gsBarcode      = []byte{0x1D, 'k'}                     // GS k m n data
	gsQR           = []byte{0x1D, '(', 'k'}                // GS ( k pL pH 31h fn ...
	fsChinese      = []byte{0x1C, '&'}                     // FS &  two-byte characters on
	fsSingle       = []byte{0x1C, '.'}                     // FS .  two-byte characters off; Chinese models power up with them on
	fsShiftJIS     = []byte{0x1C, 'C', 1}                  // FS C 1: two-byte characters are Shift-JIS; Epson's are JIS at power-up
	fsUTF8         = []byte{0x1C, '(', 'C', 2, 0, 0x30, 2} // FS ( C fn 48: text is UTF-8, until ESC @
	fsUnderline    = []byte{0x1C, '-'}                     // FS - n: of two-byte characters
	noCutFeedLines = byte(4)                               // tear-off edge of a printer without cutter
)

// cutKind is how the paper is cut.
type cutKind string

const (
	cutPartial cutKind = "partial"
	cutFull    cutKind = "full"
	cutNone    cutKind = "none"
)

// look is what an encoder must know of its printer.
type look struct {
	columns int
	cut     cutKind
	face    *face
	profile *profile.Profile
	utf8    bool // text is sent as UTF-8
	tells   bool // the printer tells by itself how it is, until ESC @
}

// job is a document as bytes, and the characters that no font has, or that are printed as pictures.
type job struct {
	bytes          []byte
	head           int   // so many bytes prepare the printer; who goes on sends them, too
	ends           []int // where it may be cut: a line has ended, and all modes are as at the beginning
	missing, drawn []rune
}

// encode turns a document into ESC/POS. It is pure.
func encode(d Document, o look) job {
	m := meansOf(o.profile, o.columns)
	o.face.plain = m.way == noDots
	s := set(d, o.columns, o.face, m)
	e := &encoder{look: o, means: m, page: -1}
	e.put(escInit, fsSingle)
	if o.tells {
		e.put(gsAuto)
	}
	if o.utf8 {
		e.put(fsUTF8)
	}
	if o.face.wide == profile.ShiftJIS {
		e.put(fsShiftJIS)
	}
	head := e.out.Len()
	e.whole = slices.ContainsFunc(s.rows, func(r Row) bool { return r.Kind == Raw }) // which may change anything
	for _, r := range s.rows {
		e.row(r)
		e.mayEnd(r.Kind)
	}
	return job{bytes: e.out.Bytes(), head: head, ends: e.ends, missing: s.missing, drawn: s.drawn}
}

// encoder writes one job and remembers the modes that it has set.
type encoder struct {
	look
	means means
	out   bytes.Buffer
	style Run // without text
	wide  bool
	page  int
	ends  []int // of blocks
	whole bool  // there are none
}

// mayEnd ends a block when it is long enough, or cut off. The next one says its code page itself.
func (e *encoder) mayEnd(after Kind) {
	if e.whole {
		return
	}
	last := 0
	if n := len(e.ends); n > 0 {
		last = e.ends[n-1]
	}
	if after != Cut && e.out.Len()-last < blockBytes {
		return
	}
	e.ends = append(e.ends, e.out.Len())
	e.page = -1
}

func (e *encoder) put(parts ...[]byte) {
	for _, p := range parts {
		e.out.Write(p)
	}
}

func (e *encoder) row(r Row) {
	switch r.Kind {
	case Text, Rule, Table:
		e.textRow(r)
	case Barcode, QR:
		e.aligned(r.Line, Center, e.code(r.Line))
	case Image:
		e.aligned(r.Line, Left, e.picture(r.Line))
	case Feed:
		e.put(escFeedLines, []byte{byte(min(r.Count, 255))})
	case Cut:
		e.cutPaper()
	case Drawer:
		e.put(escPulse, pulse(r.Line))
	case Raw:
		raw, _ := base64.StdEncoding.DecodeString(r.Line.Data) // Check has looked at it
		e.put(raw)
	}
}

// aligned puts what stands on lines of its own where it belongs; usual is where it belongs if the line says nothing. A block
// may end between two parts.
func (e *encoder) aligned(l Line, usual Align, parts [][]byte) {
	where := l.Align
	if where == Left {
		where = usual
	}
	n := map[Align]byte{Center: 1, Right: 2}[where] // AtLeft is 0
	for _, what := range parts {
		if n != 0 {
			what = slices.Concat(escAlign, []byte{n}, what, escAlign, []byte{0})
		}
		e.put(what)
		e.mayEnd(l.Kind)
	}
}

// code is a barcode or QR code, drawn where the printer cannot.
func (e *encoder) code(l Line) [][]byte {
	if !e.means.native(l) {
		parts, _ := e.means.code(l) // Layout has seen that it can be drawn
		return append(parts, []byte{'\n'})
	}
	if l.Kind == QR {
		return [][]byte{slices.Concat(qrCode(l), []byte{'\n'})}
	}
	c := l.Code
	return [][]byte{slices.Concat(gsBarHeight, []byte{byte(c.Height)}, gsBarWidth, []byte{byte(c.Module)},
		gsBarText, []byte{flag(c.Text, 2)}, barcode(l), []byte{'\n'})}
}

func (e *encoder) picture(l Line) [][]byte {
	to := scale{dots: e.means.across}
	if e.means.way == pinDots {
		to = pinScale(e.means.across)
	}
	p, err := readPicture(l.Data, to)
	if err != nil {
		return [][]byte{[]byte("[picture]\n")} // Check has said why
	}
	return e.means.parts(p)
}

// pulse is m t1 t2 of ESC p: which pin, on, off, in units of 2 ms; off is 500 ms.
func pulse(l Line) []byte {
	on := l.Pulse
	if on <= 0 {
		on = 50
	}
	return []byte{flag(l.Pin == 5, 1), byte(min(max(on/2, 1), 255)), 250}
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

// textRow writes a row of text; as a picture where the printer lacks a character and has no pictures within a line.
func (e *encoder) textRow(r Row) {
	if !e.profile.Bits && e.means.way != noDots && e.lacks(r.Runs) {
		e.put(e.means.parts(e.drawnRow(r.Runs))...)
		return
	}
	for _, run := range r.Runs {
		e.run(run)
	}
	e.mode(Run{})
	e.put([]byte{'\n'})
}

// drawnRow draws a row of text as wide as the printer would print it.
func (e *encoder) drawnRow(runs []Run) *bitmap {
	b := drawRow(runs, e.face)
	if e.means.way == pinDots {
		b = b.squeezed(min(b.w*e.means.across/(e.columns*glyph.Width), e.means.across))
	}
	return b
}

func (e *encoder) lacks(runs []Run) bool {
	for _, run := range runs {
		for _, r := range run.Text {
			if e.face.find(r).how == drawn {
				return true
			}
		}
	}
	return false
}

// run writes text in its style. Layout has replaced everything that cannot be printed.
func (e *encoder) run(run Run) {
	e.mode(run)
	across, _ := run.size()
	for _, r := range run.Text {
		switch p := e.face.find(r); p.how {
		case ascii, missing:
			e.font(false)
			e.put(p.bytes)
		case wide, paged:
			e.known(r, p)
		case drawn:
			e.put(drawGlyph(r, p.columns, across, 1).inline(0, bits24))
		}
	}
	e.font(false)
}

// known writes a character that the printer has.
func (e *encoder) known(r rune, p place) {
	switch {
	case e.utf8:
		e.put([]byte(string(r)))
	case p.how == wide:
		e.font(true)
		e.put(p.bytes)
	default:
		e.font(false)
		e.codePage(p.page)
		e.put(p.bytes)
	}
}

func (e *encoder) codePage(n byte) {
	if e.page != int(n) {
		e.put(escPage, []byte{n})
	}
	e.page = int(n)
}

// mode sets what changes between two styles.
func (e *encoder) mode(want Run) {
	if want.Bold != e.style.Bold {
		e.put(escBold, []byte{flag(want.Bold, 1)})
	}
	if want.Underline != e.style.Underline {
		e.put(escUnderline, []byte{flag(want.Underline, 1)})
		if _, some := e.face.wideBytes(Geta); some {
			e.put(fsUnderline, []byte{flag(want.Underline, 1)})
		}
	}
	if want.Invert != e.style.Invert {
		e.put(gsInvert, []byte{flag(want.Invert, 1)})
	}
	if size := sizeByte(want); size != sizeByte(e.style) {
		e.put(gsSize, []byte{size})
	}
	e.style = want.style()
}

// sizeByte is n of GS !.
func sizeByte(r Run) byte {
	w, h := r.size()
	return byte((w-1)<<4 | (h - 1))
}

// font switches between the font of two-byte characters and the other one.
func (e *encoder) font(wide bool) {
	switch {
	case wide == e.wide:
	case wide:
		e.put(fsChinese)
	default:
		e.put(fsSingle)
	}
	e.wide = wide
}

func flag(on bool, value byte) byte {
	if on {
		return value
	}
	return 0
}

func printableASCII(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// barcode is GS k, form B. CODE128 is in code set B, where "{" itself is written twice.
func barcode(l Line) []byte {
	body := []byte(l.Data)
	if l.Code.Kind == symbol.Code128 {
		body = append([]byte("{B"), bytes.ReplaceAll(body, []byte("{"), []byte("{{"))...)
	}
	body = body[:min(len(body), 255)]
	return slices.Concat(gsBarcode, []byte{barcodeNumbers[l.Code.Kind], byte(len(body))}, body)
}

// qrCode is the five steps of GS ( k for a QR code: model 2, module, level, store, print.
func qrCode(l Line) []byte {
	low, high := qrLength(l)
	level := byte('0' + bytes.IndexByte([]byte("LMQH"), l.Code.Level[0]))
	return slices.Concat(
		gsQR, []byte{4, 0, 0x31, 0x41, 0x32, 0},
		gsQR, []byte{3, 0, 0x31, 0x43, byte(l.Code.Module)},
		gsQR, []byte{3, 0, 0x31, 0x45, level},
		gsQR, []byte{low, high, 0x31, 0x50, 0x30}, []byte(l.Data),
		gsQR, []byte{3, 0, 0x31, 0x51, 0x30},
	)
}

// qrLength is pL pH of the data of a QR code, with the three bytes before them.
func qrLength(l Line) (low, high byte) {
	n := len(l.Data) + 3
	return byte(n), byte(n >> 8)
}
