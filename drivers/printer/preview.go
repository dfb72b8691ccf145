package printer

import (
	"encoding/base64"
	"errors"
	"fmt"

	"posd/drivers/printer/escpos"
	"posd/drivers/printer/profile"
)

// Preview is what a printer would print, and the characters that cannot be printed, or only as pictures.
type Preview struct {
	Bytes          []byte // ESC/POS
	Print          escpos.Print
	Missing, Drawn []rune
}

// Show makes a document into bytes for a printer of a profile and reads them back: what is shown is what is sent. Columns
// are the profile's when 0. Package paper makes text, SVG or PNG of it.
func Show(d Document, profileName string, columns int) (Preview, error) {
	p, ok := profile.Lookup(profileName)
	if !ok {
		return Preview{}, fmt.Errorf("unknown profile %q", profileName)
	}
	if err := Check(d); err != nil {
		return Preview{}, err
	}
	if columns <= 0 {
		columns = p.Columns
	}
	wide := p.Wide
	if wide == profile.WideAsk {
		wide = profile.WideNone
	}
	job := encode(d, look{columns: columns, cut: cutKind(p.Cutter), face: newFace(wide, p.CodePages), profile: p, utf8: p.UTF8})
	o := escpos.Options{Columns: columns, CodePages: p.CodePages, WideOff: true}
	if wide != profile.WideNone {
		o.Wide = escpos.Wide(wide)
	}
	return Preview{Bytes: job.bytes, Print: escpos.Read(job.bytes, o), Missing: job.missing, Drawn: job.drawn}, nil
}

// Check says what of a document cannot be printed by any printer: kinds that are not known, pictures that are none, codes
// that cannot hold their data. Print prints a document that does not pass, with words in the place of what is wrong.
func Check(d Document) error {
	var errs []error
	for i, l := range d.Lines {
		if err := l.check(); err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", i+1, err))
		}
	}
	return errors.Join(errs...)
}

// The width of 80 mm paper.
const (
	usualDots    = 576
	usualColumns = 48
)

func (l Line) check() error {
	switch l.Kind {
	case Text, Rule, Feed, Cut, Drawer:
		return nil
	case Table:
		if len(l.Columns) == 0 {
			return errors.New("a table without columns")
		}
		return nil
	case Barcode, QR:
		if l, fits := usualMeans(usualColumns).fitting(l); !fits {
			return fmt.Errorf("%s cannot hold this data of %d characters on 80 mm paper", l.Code.Kind, len(l.Data))
		}
		return nil
	case Image:
		_, err := readPicture(l.Data, scale{dots: usualDots})
		return err
	case Raw:
		if _, err := base64.StdEncoding.DecodeString(l.Data); err != nil {
			return errors.New("raw data is no base64")
		}
		return nil
	default:
		return fmt.Errorf("unknown kind %q", l.Kind)
	}
}
