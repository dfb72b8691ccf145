package printer

// Document is what is to be printed, independent of the printer. It holds no secret: it is kept on disk and shown in
// the API. The zero value prints nothing.
type Document struct {
	Language string `json:"language,omitempty"` // "zh" or "en": of the marks that the print queue adds
	Lines    []Line `json:"lines"`
}

// Kind is what a line is.
type Kind string

// The kinds of line. The zero value is text.
const (
	Text    Kind = ""        // Runs, and End at the right edge
	Rule    Kind = "rule"    // a line across the paper
	Barcode Kind = "barcode" // Data as CODE128, printable ASCII
	QR      Kind = "qr"      // Data as QR code
	Feed    Kind = "feed"    // Count empty lines
	Cut     Kind = "cut"     // feed to the cutter and cut
	Drawer  Kind = "drawer"  // open the cash drawer
)

// Align is where a line stands.
type Align string

// The alignments. The zero value is left.
const (
	Left   Align = ""
	Center Align = "center"
	Right  Align = "right"
)

// Line is one line of a document. Text longer than the paper is wide goes on in further lines, at words where it can.
type Line struct {
	Kind  Kind   `json:"kind,omitempty"`
	Align Align  `json:"align,omitempty"`
	Runs  []Run  `json:"runs,omitempty"`
	End   []Run  `json:"end,omitempty"` // stands at the right edge of the same line, or of one below if there is no room
	Data  string `json:"data,omitempty"`
	Count int    `json:"count,omitempty"`
}

// Run is text of one style. Control characters in it are not printed.
type Run struct {
	Text   string `json:"text"`
	Bold   bool   `json:"bold,omitempty"`
	Double bool   `json:"double,omitempty"` // twice as wide and twice as high
}

// Plain is a line of unstyled text.
func Plain(text string) Line { return Line{Runs: []Run{{Text: text}}} }

// Pair is a line with a word on the left and a value on the right.
func Pair(left, right string) Line {
	return Line{Runs: []Run{{Text: left}}, End: []Run{{Text: right}}}
}
