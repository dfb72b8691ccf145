// Package profile knows what receipt printers can do: escpos-printer-db's data with an overlay of posd's own.
package profile

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// Profile is what one model of printer can do. It is never changed.
type Profile struct {
	Name      string
	Title     string // maker and model, for people
	Columns   int    // characters of font A in a line
	Dots      int    // width of a picture
	CodePages map[byte]string
	Wide      Wide
	ProcessID Knowledge // GS ( H
	ASB       Knowledge // GS a
	UTF8      bool      // FS ( C fn 48
	Cutter    Cutter
	Raster    bool // GS v 0
	Bits      bool // ESC * 33, 24 dots high
	Pins      bool // ESC * 1, 8 dots high, and nothing finer
	Barcodes  bool // GS k, form B
	QR        bool // GS ( k
	Drawer    bool // ESC p
	USB       []string
	Model     string // how MDL of its IEEE 1284 id begins; empty: unknown
	Quirks    []Quirk
}

// Wide is a set of two-byte characters.
type Wide string

// The sets of two-byte characters.
const (
	WideNone Wide = "none"
	WideAsk  Wide = "ask" // the printer is asked, and has none if it does not answer
	GB18030  Wide = "gb18030"
	GB2312   Wide = "gb2312" // what a printer says; no profile has it
	ShiftJIS Wide = "shift-jis"
	Big5     Wide = "big5"
	EUCKR    Wide = "euc-kr"
)

// Knowledge is whether a printer can do something; Ask: try it.
type Knowledge string

// What may be known.
const (
	Yes Knowledge = "yes"
	No  Knowledge = "no"
	Ask Knowledge = "ask"
)

// Cutter is how a slip is cut.
type Cutter string

// The cutters.
const (
	CutPartial Cutter = "partial"
	CutFull    Cutter = "full"
	CutNone    Cutter = "none"
)

// Quirk is something to know about a printer.
type Quirk string

// TearOff says that the printer has no cutter, and that the edge to tear at is four lines behind the print head.
const TearOff Quirk = "tear-off"

// Has tells whether the printer has a quirk.
func (p *Profile) Has(q Quirk) bool { return slices.Contains(p.Quirks, q) }

// Default is the printer that is meant when none is named.
const Default = "chinese-80"

// all is read once. The data is part of the program and a test loads it, so that it does not fail at a shop.
var all = sync.OnceValue(func() map[string]*Profile {
	profiles, err := Load(capabilities, overlay)
	if err != nil {
		panic("profile: " + err.Error())
	}
	return profiles
})

// Lookup finds a profile by its name.
func Lookup(name string) (*Profile, bool) {
	p, ok := all()[name]
	return p, ok
}

// Names lists all profiles. It reads their headings only, since every start of the program asks for them.
func Names() []string {
	var names []string
	for line := range strings.Lines(string(overlay)) {
		if name, ok := strings.CutPrefix(line, "[profile."); ok {
			names = append(names, strings.Trim(name, "\"]\r\n"))
		}
	}
	slices.Sort(names)
	return names
}

// Match finds the profile that fits an IEEE 1284 id, or else VID:PID (four hex digits each); either may be empty. The
// longest model that fits wins. False means that nothing is known, and that Default is a good guess.
func Match(ieee1284, usb string) (*Profile, bool) {
	model := field(ieee1284, "MDL", "MODEL")
	fits := []*Profile{}
	for _, p := range all() {
		if p.Model != "" && hasFold(model, p.Model) {
			fits = append(fits, p)
		}
	}
	if len(fits) > 0 {
		return slices.MaxFunc(fits, func(a, b *Profile) int { return cmp.Compare(len(a.Model), len(b.Model)) }), true
	}
	for _, p := range all() {
		if slices.Contains(p.USB, strings.ToLower(usb)) {
			return p, true
		}
	}
	return nil, false
}

func hasFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// field gives the value of the first key that an IEEE 1284 id has.
func field(id string, keys ...string) string {
	for part := range strings.SplitSeq(id, ";") {
		key, value, _ := strings.Cut(part, ":")
		if slices.Contains(keys, strings.ToUpper(strings.TrimSpace(key))) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
