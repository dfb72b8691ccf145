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
	Rule    Kind = "rule"    // a line across the paper; with Columns, the edge of a table
	Table   Kind = "table"   // Columns side by side
	Barcode Kind = "barcode" // Data as Code says, CODE128 if it says nothing; printable ASCII
	QR      Kind = "qr"      // Data as QR code
	Image   Kind = "image"   // Data is a PNG or JPEG in base64
	Feed    Kind = "feed"    // Count empty lines
	Cut     Kind = "cut"     // feed to the cutter and cut
	Drawer  Kind = "drawer"  // open the cash drawer: Pin, Pulse
	Raw     Kind = "raw"     // Data is base64 of bytes that go to the printer as they are
)

// Align is where a line stands.
type Align string

// The alignments. The zero value is left.
const (
	Left   Align = ""
	Center Align = "center"
	Right  Align = "right"
	AtLeft Align = "left" // of codes, which stand in the center where nothing is said
)

// Line is one line of a document. Text longer than the paper is wide goes on in further lines, at words where it can.
type Line struct {
	Kind    Kind     `json:"kind,omitempty"`
	Align   Align    `json:"align,omitempty"`
	Runs    []Run    `json:"runs,omitempty"`
	End     []Run    `json:"end,omitempty"` // stands at the right edge of the same line, or of one below if there is no room
	Columns []Column `json:"columns,omitempty"`
	Border  Border   `json:"border,omitempty"` // between the columns of a table
	Code    Code     `json:"code,omitzero"`
	Data    string   `json:"data,omitempty"`
	Count   int      `json:"count,omitempty"`
	Pin     int      `json:"pin,omitempty"`   // of the drawer: 2, which it is when 0, or 5
	Pulse   int      `json:"pulse,omitempty"` // of the drawer, in milliseconds: 50 when 0, at most 510
}

// Column is one column of a table. Its text is cut into lines anywhere.
type Column struct {
	Width  int   `json:"width,omitempty"` // characters; 0 is an equal share of what is left
	Align  Align `json:"align,omitempty"`
	Runs   []Run `json:"runs,omitempty"`
	NoWrap bool  `json:"no_wrap,omitempty"` // what does not fit is left out
}

// Border is what stands between the columns of a table.
type Border string

// The borders. The zero value is one space.
const (
	BorderSpace Border = ""
	BorderNone  Border = "none"
	BorderWide  Border = "wide" // two spaces
	BorderLine  Border = "line" // lines, also at both sides
)

// Code says how a machine-readable code looks.
type Code struct {
	// Kind is of a barcode: UPC-A, EAN13, EAN8, CODE39, ITF, CODABAR, CODE93, CODE128; QR; or one that is always drawn: GS1-128,
	// PDF417, Aztec, DataMatrix.
	Kind   string `json:"kind,omitempty"`
	Module int    `json:"module,omitempty"` // dots: 2 of a barcode, 6 of a QR code, Aztec and DataMatrix when 0
	Height int    `json:"height,omitempty"` // dots: 60 when 0
	Text   bool   `json:"text,omitempty"`   // the data below a barcode
	Level  string `json:"level,omitempty"`  // of a QR code: L, M, Q or H; M when empty
}

// Run is text of one style. Control characters in it are not printed.
type Run struct {
	Text      string `json:"text"`
	Bold      bool   `json:"bold,omitempty"`
	Double    bool   `json:"double,omitempty"` // twice as wide and twice as high
	Underline bool   `json:"underline,omitempty"`
	Invert    bool   `json:"invert,omitempty"`
	Width     int    `json:"width,omitempty"`  // times as wide, up to 8; 0 is as Double says
	Height    int    `json:"height,omitempty"` // times as high, up to 8; 0 is as Double says
}

// size is how many times as wide and as high text is.
func (r Run) size() (width, height int) {
	width, height = r.Width, r.Height
	usual := 1
	if r.Double {
		usual = 2
	}
	if width <= 0 {
		width = usual
	}
	if height <= 0 {
		height = usual
	}
	return min(width, 8), min(height, 8)
}

// style is the run without its text.
func (r Run) style() Run {
	r.Text = ""
	return r
}

// Plain is a line of unstyled text.
func Plain(text string) Line { return Line{Runs: []Run{{Text: text}}} }

// Pair is a line with a word on the left and a value on the right.
func Pair(left, right string) Line {
	return Line{Runs: []Run{{Text: left}}, End: []Run{{Text: right}}}
}
