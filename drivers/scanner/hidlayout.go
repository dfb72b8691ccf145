package scanner

import (
	"errors"
	"fmt"
	"slices"

	"posd/drivers/hid"
)

// Usages of HID-POS scanners (HID Point of Sale Usage Tables 1.02, section 6; byte count: HID Usage Tables, page 1).
const (
	byteCount  hid.Usage = 0x01<<16 | 0x3B
	symbology  hid.Usage = 0x8C<<16 | 0xFB // the first of three
	decoded    hid.Usage = 0x8C<<16 | 0xFE
	continued  hid.Usage = 0x8C<<16 | 0xFF
	reportID             = 0x02 // of scanned data, in all devices known
	unknownAIM           = -2
	notThere             = -1 // no place of a value
)

// layout is where things stand in a report, in bytes from its start, the number included.
type layout struct {
	id           byte
	length, data int // of length notThere: what follows the data is zero
	size         int // bytes of data
	aim          int // notThere, or unknownAIM: look
	more         hid.Place
}

// moreBit is where all of the makers below say that the code goes on: the lowest bit of byte 63.
var moreBit = hid.Place{Bit: 63 * 8, Size: 1, Count: 1}

// layouts are those of the makers. Newland: NLS-FM420 integration guide, HID-POS output format. Honeywell: HID bar code
// scanner report; the other two have a byte more in front of the identifier. Where a descriptor says otherwise, auto
// believes the descriptor; what it leaves out is as its maker has it.
var layouts = map[string]layout{
	"auto":      {id: reportID, length: 1, aim: unknownAIM, more: moreBit},
	"newland":   {id: reportID, length: 1, aim: notThere, data: 2, size: 56, more: moreBit},
	"honeywell": {id: reportID, length: 1, aim: 2, data: 5, size: 56, more: moreBit},
	"datalogic": {id: reportID, length: 1, aim: 3, data: 6, size: 56, more: moreBit},
	"zebra":     {id: reportID, length: 1, aim: 3, data: 6, size: 56, more: moreBit},
}

// Why a descriptor gives no layout: it is another device's, or a scanner's that does not say what is in its reports.
var (
	errNoScanner = errors.New("the device's descriptor has no decoded data (usage 8C:FE): it is no HID-POS scanner; " +
		"switch it to HID-POS mode")
	errUndescribed = errors.New("the device is a HID-POS scanner, but its descriptor has no decoded data (usage 8C:FE); " +
		"set the option layout to the maker whose reports it sends")
)

const scannerPage hid.Usage = 0x8C // of bar code scanners

// layoutOf finds the places in the descriptor.
func layoutOf(d *hid.Descriptor) (layout, error) {
	place, ok := d.Find(hid.Input, decoded)
	if !ok || place.Size != 8 || place.Bit%8 != 0 {
		if slices.ContainsFunc(d.Apps, func(u hid.Usage) bool { return u>>16 == scannerPage }) {
			return layout{}, errUndescribed
		}
		return layout{}, errNoScanner
	}
	l := layout{id: place.ID, length: notThere, data: place.Bit / 8, size: place.Count, aim: notThere}
	r, _ := d.Report(hid.Input, place.ID)
	if p, ok := d.FindIn(r, symbology); ok && p.Size == 8 && p.Bit%8 == 0 {
		l.aim = p.Bit / 8
	}
	if p, ok := d.FindIn(r, byteCount); ok && p.Size == 8 && p.Bit%8 == 0 {
		l.length = p.Bit / 8
	} else if d.Numbered && l.data > 1 && l.aim != 1 {
		l.length = 1 // most leave it without a usage: the first byte counts
	}
	if p, ok := d.FindIn(r, continued); ok {
		l.more = p
	}
	return l, nil
}

// flag takes the place of the bit that says that a code goes on from the maker, where the descriptor gives it no usage but
// has room for it behind the data.
func (l *layout) flag(d *hid.Descriptor, known hid.Place) {
	r, _ := d.Report(hid.Input, l.id)
	if l.more.Size == 0 && known.Bit/8 >= l.data+l.size && known.Bit/8 < r.Len(d.Numbered) {
		l.more = known
	}
}

// part is a piece of a code; data is a part of its report.
type part struct {
	data []byte
	aim  string
	more bool
}

// found is the layout that fits a report: the identifier shows where the data begins.
func (l layout) found(report []byte) layout {
	if l.aim != unknownAIM {
		return l
	}
	for _, name := range []string{"honeywell", "datalogic"} {
		if known := layouts[name]; len(report) > known.data && isAIM(report[known.aim:known.data]) {
			return known
		}
	}
	return layouts["newland"]
}

// part reads a report. The error tells nothing of the data; with it comes whether the code goes on, as far as that can be told.
func (l layout) part(report []byte) (part, error) {
	l = l.found(report)
	if need := max(l.data+l.size, l.length+1); len(report) < need { // the count may stand behind the data
		return part{}, fmt.Errorf("a report of %d bytes, want at least %d", len(report), need)
	}
	data, more := report[l.data:l.data+l.size], l.more.Size > 0 && l.more.Uint(report)&1 == 1
	switch {
	case l.length == notThere:
		for len(data) > 0 && data[len(data)-1] == 0 {
			data = data[:len(data)-1]
		}
	case int(report[l.length]) > len(data):
		return part{more: more}, fmt.Errorf("a report that counts %d bytes and holds %d; look at the option layout", report[l.length], len(data))
	default:
		data = data[:report[l.length]]
	}
	p := part{data: data, more: more}
	if l.aim >= 0 && len(report) >= l.aim+3 && isAIM(report[l.aim:l.aim+3]) {
		p.aim = string(report[l.aim : l.aim+3])
	}
	return p, nil
}
