package profile

import (
	"bytes"
	"cmp"
	_ "embed" // the data
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"

	"github.com/BurntSushi/toml"
)

//go:embed data/capabilities.json
var capabilities []byte

//go:embed data/overlay.toml
var overlay []byte

// The shapes of escpos-printer-db's dist/capabilities.json.
type (
	database struct {
		Profiles  map[string]dbProfile       `json:"profiles"`
		Encodings map[string]json.RawMessage `json:"encodings"`
	}
	dbProfile struct {
		CodePages map[string]string `json:"codePages"`
		Colors    map[string]string `json:"colors"`
		Features  map[string]bool   `json:"features"`
		Fonts     map[string]dbFont `json:"fonts"`
		Media     struct {
			DPI   any `json:"dpi"`
			Width struct {
				MM     any `json:"mm"`
				Pixels any `json:"pixels"`
			} `json:"width"`
		} `json:"media"`
		Name   string `json:"name"`
		Notes  string `json:"notes"`
		Vendor string `json:"vendor"`
	}
	dbFont struct {
		Name    string `json:"name"`
		Columns int    `json:"columns"`
	}
)

// The shapes of overlay.toml, whose head explains the keys.
type (
	overlayFile struct {
		Exclude map[string]string   `toml:"exclude"`
		Profile map[string]ownFacts `toml:"profile"`
	}
	ownFacts struct {
		Title     string    `toml:"title"`
		Base      string    `toml:"base"`
		Wide      Wide      `toml:"wide"`
		ProcessID Knowledge `toml:"process_id"`
		ASB       Knowledge `toml:"asb"`
		UTF8      bool      `toml:"utf8"`
		Columns   int       `toml:"columns"`
		Dots      int       `toml:"dots"`
		Cutter    Cutter    `toml:"cutter"`
		CodePages string    `toml:"code_pages"`
		USB       []string  `toml:"usb"`
		IEEE1284  string    `toml:"ieee1284"`
		Quirks    []Quirk   `toml:"quirks"`
	}
)

// Load reads the database and the overlay strictly: what it does not know, or what is not complete, is an error. All
// problems are reported at once.
func Load(database, overlay []byte) (map[string]*Profile, error) {
	db, own, err := decode(database, overlay)
	if err != nil {
		return nil, err
	}
	var errs []error
	for name := range db.Profiles {
		_, out := own.Exclude[name]
		if _, in := own.Profile[name]; in == out {
			errs = append(errs, fmt.Errorf("%s: want it in the overlay once, with its facts or left out", name))
		}
	}
	profiles := map[string]*Profile{}
	for _, name := range slices.Sorted(maps.Keys(own.Profile)) {
		p, err := build(name, db, own.Profile[name])
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
		profiles[name] = p
	}
	return profiles, errors.Join(errs...)
}

func decode(data, text []byte) (db database, own overlayFile, err error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&db); err != nil {
		return db, own, fmt.Errorf("capabilities.json: %w", err)
	}
	meta, err := toml.Decode(string(text), &own)
	if err != nil {
		return db, own, fmt.Errorf("overlay.toml: %w", err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return db, own, fmt.Errorf("overlay.toml: unknown keys %v", unknown)
	}
	return db, own, nil
}

// build joins what the database and the overlay say.
func build(name string, db database, own ownFacts) (*Profile, error) {
	from, ok := db.Profiles[name]
	if !ok {
		from, ok = db.Profiles[own.Base]
	}
	if !ok {
		return nil, fmt.Errorf("neither it nor its base %q is in the database", own.Base)
	}
	p := &Profile{
		Name: name, Title: own.Title, Columns: own.Columns, Dots: own.Dots, Wide: own.Wide, ProcessID: own.ProcessID, ASB: cmp.Or(own.ASB, Ask), UTF8: own.UTF8,
		Cutter: own.Cutter, USB: own.USB, Model: own.IEEE1284, Quirks: own.Quirks,
	}
	var err error
	if own.CodePages != "none" {
		p.CodePages, err = codePages(from.CodePages)
	}
	p.fill(from)
	return p, errors.Join(err, p.check(own))
}

// fill takes from the database what the overlay does not say.
func (p *Profile) fill(from dbProfile) {
	if p.Title == "" {
		p.Title = from.Vendor + " " + from.Name
	}
	if p.Columns == 0 {
		p.Columns = from.Fonts["0"].Columns
	}
	if pixels, ok := from.Media.Width.Pixels.(float64); ok && p.Dots == 0 {
		p.Dots = int(pixels)
	}
	f := from.Features
	switch {
	case p.Cutter != "":
	case f["paperPartCut"]:
		p.Cutter = CutPartial
	case f["paperFullCut"]:
		p.Cutter = CutFull
	default:
		p.Cutter = CutNone
	}
	p.Raster, p.Barcodes, p.QR, p.Drawer = f["bitImageRaster"], f["barcodeB"], f["qrCode"], f["pulseStandard"]
	p.Bits, p.Pins = f["bitImageColumn"] && f["highDensity"], f["bitImageColumn"] && !f["highDensity"]
}

func codePages(from map[string]string) (map[byte]string, error) {
	pages := map[byte]string{}
	for number, name := range from {
		n, err := strconv.ParseUint(number, 10, 8)
		if err != nil {
			return nil, fmt.Errorf("code page %q: want 0 to 255", number)
		}
		if name != "Unknown" {
			pages[byte(n)] = name
		}
	}
	return pages, nil
}

var vidPID = regexp.MustCompile(`^[0-9a-f]{4}:[0-9a-f]{4}$`)

// check says what a profile lacks.
func (p *Profile) check(own ownFacts) error {
	var errs []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	want(slices.Contains([]Wide{WideNone, WideAsk, GB18030, ShiftJIS, Big5, EUCKR}, p.Wide), "wide = %q is not known", p.Wide)
	want(slices.Contains([]Knowledge{Yes, No, Ask}, p.ProcessID), "process_id = %q: want yes, no or ask", p.ProcessID)
	want(slices.Contains([]Knowledge{Yes, No, Ask}, p.ASB), "asb = %q: want yes, no or ask", p.ASB)
	want(slices.Contains([]Cutter{CutPartial, CutFull, CutNone}, p.Cutter), "cutter = %q: want partial, full or none", p.Cutter)
	want(p.Columns >= 16 && p.Columns <= 96, "columns = %d: want 16 to 96", p.Columns)
	want(p.Dots >= 100 && p.Dots <= 1000, "dots = %d: want 100 to 1000", p.Dots)
	want(p.Raster || p.Bits || p.Pins, "it prints no pictures, which characters that it lacks need")
	want(own.CodePages == "" || own.CodePages == "none", "code_pages = %q: want none, or leave it out", own.CodePages)
	want(p.Cutter != CutNone || p.Has(TearOff), "it has no cutter: say tear-off")
	for _, q := range p.Quirks {
		want(q == TearOff, "quirk %q is not known", q)
	}
	for _, id := range p.USB {
		want(vidPID.MatchString(id), "usb %q: want four hex digits, a colon and four more, in small letters", id)
	}
	return errors.Join(errs...)
}
