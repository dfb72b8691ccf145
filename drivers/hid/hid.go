// Package hid reads the report descriptors of HID devices and finds values in their reports. It does no I/O.
//
// Source: Device Class Definition for HID 1.11 (USB-IF), section 6.2.2. What a device says is not trusted: sizes are
// limited, and a descriptor that contradicts itself is refused with the byte at which it does.
package hid

import "slices"

// Limits of what is taken from a device.
const (
	MaxDescriptor = 4096 // bytes; Linux takes no longer ones
	MaxReport     = 4096 // bytes of one report
	maxFields     = 1024
	maxUsages     = 1024 // entries of the local usage list of one field
	maxDepth      = 32   // of collections and of pushed states
)

// Usage is a usage page and a usage of it: page<<16 | usage.
type Usage uint32

// Kind is the direction of a report.
type Kind byte

// The kinds of report.
const (
	Input Kind = iota
	Output
	Feature
)

// Descriptor is what a device says of its reports.
type Descriptor struct {
	Numbered bool    // every report begins with its number
	Apps     []Usage // the top-level collections, such as 8C:02, bar code scanner
	Reports  []Report
}

// Report is one kind of message.
type Report struct {
	Kind   Kind
	ID     byte // 0 when reports are not numbered
	Fields []Field
	bits   int
}

// Field is one main item of a report: so many elements of the same size side by side.
type Field struct {
	Bit      int // from the start of the report, its number not counted
	Size     int // bits of one element
	Count    int // elements
	Constant bool
	usages   []span
}

// span is a range of usages, both ends in it.
type span struct{ first, last Usage }

// Usage is that of the i-th element; the last one given holds for all that follow (HID 1.11, 6.2.2.8).
func (f Field) Usage(i int) Usage {
	for _, s := range f.usages {
		n := int(s.last-s.first) + 1
		if i < n {
			return s.first + Usage(i)
		}
		i -= n
	}
	if len(f.usages) == 0 {
		return 0
	}
	return f.usages[len(f.usages)-1].last
}

// Len is the report's length in bytes, with its number where numbered is set.
func (r *Report) Len(numbered bool) int {
	n := (r.bits + 7) / 8
	if numbered {
		n++
	}
	return n
}

// Report finds a report.
func (d *Descriptor) Report(kind Kind, id byte) (*Report, bool) {
	i := slices.IndexFunc(d.Reports, func(r Report) bool { return r.Kind == kind && r.ID == id })
	if i < 0 {
		return nil, false
	}
	return &d.Reports[i], true
}

// Place is where a value stands in the reports of one number, as they come from the device, number included.
type Place struct {
	ID    byte
	Bit   int // from the first byte of the report
	Size  int // bits of one element
	Count int // elements of this usage in a row
}

// Find gives the first place of a usage in reports of a kind.
func (d *Descriptor) Find(kind Kind, u Usage) (Place, bool) {
	for i := range d.Reports {
		if r := &d.Reports[i]; r.Kind == kind {
			if p, ok := d.FindIn(r, u); ok {
				return p, true
			}
		}
	}
	return Place{}, false
}

// FindIn gives the first place of a usage in one report of d.
func (d *Descriptor) FindIn(r *Report, u Usage) (Place, bool) {
	head := 0
	if d.Numbered {
		head = 8
	}
	for _, f := range r.Fields {
		for i := range f.Count {
			if f.Constant || f.Usage(i) != u {
				continue
			}
			n := 1
			for i+n < f.Count && f.Usage(i+n) == u {
				n++
			}
			return Place{ID: r.ID, Bit: head + f.Bit + i*f.Size, Size: f.Size, Count: n}, true
		}
	}
	return Place{}, false
}

// Bytes is the value of a place of whole bytes, a part of report; nil where the report is too short, or the place is of
// something else.
func (p Place) Bytes(report []byte) []byte {
	first, last := p.Bit/8, (p.Bit+p.Size*p.Count)/8
	if p.Bit%8 != 0 || p.Size != 8 || last > len(report) {
		return nil
	}
	return report[first:last]
}

// Uint is the value of the place's first element, little-endian (HID 1.11, 5.8); what lies beyond the report is 0.
func (p Place) Uint(report []byte) uint32 {
	var v uint32
	for i := range min(p.Size, 32) {
		bit := p.Bit + i
		if bit/8 < len(report) && report[bit/8]>>(bit%8)&1 == 1 {
			v |= 1 << i
		}
	}
	return v
}
