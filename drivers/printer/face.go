package printer

import (
	"bytes"
	"slices"
	"unicode"

	"golang.org/x/text/width"

	"posd/drivers/printer/escpos"
	"posd/drivers/printer/glyph"
	"posd/drivers/printer/profile"
)

// how a printer prints a character.
type how byte

const (
	missing how = iota // not at all: no font here has it either
	ascii              // as itself
	wide               // from the font of two-byte characters
	paged              // from a code page
	drawn              // as a picture
)

// place is where a printer has a character.
type place struct {
	how     how
	columns int
	bytes   []byte
	page    byte
}

// face is the characters of one printer. It belongs to one caller: it remembers what it has found.
type face struct {
	wide  profile.Wide
	pages map[byte]string
	order []byte // of the pages, by number
	plain bool   // it prints no pictures: what it lacks is missing
	found map[rune]place
}

func newFace(wide profile.Wide, pages map[byte]string) *face {
	f := &face{wide: wide, pages: pages, found: map[rune]place{}}
	for n, name := range pages {
		if _, ok := escpos.CodePage(name); ok {
			f.order = append(f.order, n)
		}
	}
	slices.Sort(f.order)
	return f
}

// defaultFace is that of a printer for China, whose code pages nobody knows.
func defaultFace() *face { return newFace(profile.GB18030, nil) }

func (f *face) find(r rune) place {
	if p, ok := f.found[r]; ok {
		return p
	}
	p := f.search(r)
	f.found[r] = p
	return p
}

func (f *face) search(r rune) place {
	switch {
	case r >= ' ' && r <= '~':
		return place{how: ascii, columns: 1, bytes: []byte{byte(r)}}
	case unicode.IsControl(r):
		return place{columns: f.columns(r)}
	}
	if b, ok := f.wideBytes(r); ok {
		return place{how: wide, columns: 2, bytes: b}
	}
	for _, n := range f.order {
		page, _ := escpos.CodePage(f.pages[n])
		if b, ok := page.EncodeRune(r); ok {
			return place{how: paged, columns: 1, bytes: []byte{b}, page: n}
		}
	}
	columns := f.columns(r)
	if _, ok := glyph.Draw(r, columns); ok && !f.plain {
		return place{how: drawn, columns: columns}
	}
	return place{columns: columns, bytes: bytes.Repeat([]byte{'?'}, columns)}
}

func (f *face) wideBytes(r rune) ([]byte, bool) {
	if f.wide == profile.WideNone || f.wide == profile.WideAsk {
		return nil, false
	}
	return escpos.Wide(f.wide).Encode(r)
}

// columns is how many columns r takes where no font of the printer says it: characters of ambiguous width (UAX #11) are
// wide among two-byte characters.
func (f *face) columns(r rune) int {
	if width.LookupRune(r).Kind() == width.EastAsianAmbiguous && f.wide != profile.WideNone {
		return 2
	}
	return escpos.Columns(r)
}
