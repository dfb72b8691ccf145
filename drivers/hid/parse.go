package hid

import (
	"errors"
	"fmt"
	"slices"
)

// ErrDescriptor says that a report descriptor cannot be used.
var ErrDescriptor = errors.New("report descriptor of the device")

// Types and tags of short items (HID 1.11, 6.2.2.4, 6.2.2.7, 6.2.2.8), as prefix bytes without their size.
const (
	longItem       = 0xFE
	mainInput      = 0x80
	mainOutput     = 0x90
	mainFeature    = 0xB0
	mainCollection = 0xA0
	mainEnd        = 0xC0
	globalPage     = 0x04
	globalSize     = 0x74
	globalID       = 0x84
	globalCount    = 0x94
	globalPush     = 0xA4
	globalPop      = 0xB4
	localUsage     = 0x08
	localUsageMin  = 0x18
	localUsageMax  = 0x28
)

// tooMuch is more than any report has, of bits and of elements. The product of two of them is a number on every machine.
const tooMuch = 8*MaxReport + 1

// global is the state that holds until it is changed.
type global struct {
	page        Usage // already shifted
	size, count int
	id          byte
}

// parser walks over a descriptor.
type parser struct {
	d      *Descriptor
	global global
	pushed []global
	depth  int // of collections
	fields int

	usages   []span // local: they end with the next main item
	min      Usage
	minGiven bool
}

// item is one item of a descriptor.
type item struct {
	tag  byte // prefix without its size
	data uint32
	size int // of data in bytes
}

// Parse reads a report descriptor. The error wraps ErrDescriptor and names the byte that is at fault.
func Parse(b []byte) (*Descriptor, error) {
	if len(b) == 0 || len(b) > MaxDescriptor {
		return nil, fmt.Errorf("%w: %d bytes, want 1 to %d", ErrDescriptor, len(b), MaxDescriptor)
	}
	p := parser{d: &Descriptor{}}
	for at := 0; at < len(b); {
		it, n := readItem(b[at:])
		if n == 0 {
			return nil, fmt.Errorf("%w: byte %d: the item is cut off", ErrDescriptor, at)
		}
		if err := p.take(it); err != nil {
			return nil, fmt.Errorf("%w: byte %d: %w", ErrDescriptor, at, err)
		}
		at += n
	}
	if err := p.finish(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDescriptor, err)
	}
	return p.d, nil
}

// readItem gives the item that b begins with and its length, 0 if it is cut off. Long items have no use yet: they come
// as the zero item.
func readItem(b []byte) (item, int) {
	if b[0] == longItem {
		if len(b) < 3 || len(b) < 3+int(b[1]) {
			return item{}, 0
		}
		return item{}, 3 + int(b[1])
	}
	size := int(b[0] & 3)
	if size == 3 {
		size = 4
	}
	if len(b) < 1+size {
		return item{}, 0
	}
	it := item{tag: b[0] &^ 3, size: size}
	for i := range size {
		it.data |= uint32(b[1+i]) << (8 * i)
	}
	return it, 1 + size
}

func (p *parser) take(it item) error {
	switch it.tag {
	case mainInput:
		return p.field(Input, it.data)
	case mainOutput:
		return p.field(Output, it.data)
	case mainFeature:
		return p.field(Feature, it.data)
	case mainCollection:
		return p.open(it.data)
	case mainEnd:
		if p.depth--; p.depth < 0 {
			return errors.New("a collection ends that never began")
		}
		p.forget()
	case localUsage, localUsageMin, localUsageMax:
		return p.local(it)
	default:
		return p.globalItem(it)
	}
	return nil
}

func (p *parser) globalItem(it item) error {
	switch it.tag {
	case globalPage:
		p.global.page = Usage(it.data << 16)
	case globalSize:
		p.global.size = int(min(it.data, tooMuch))
	case globalCount:
		p.global.count = int(min(it.data, tooMuch))
	case globalID:
		if it.data == 0 || it.data > 255 {
			return fmt.Errorf("report number %d, want 1 to 255", it.data)
		}
		p.global.id, p.d.Numbered = byte(it.data), true
	case globalPush:
		if len(p.pushed) == maxDepth {
			return fmt.Errorf("more than %d pushed states", maxDepth)
		}
		p.pushed = append(p.pushed, p.global)
	case globalPop:
		if len(p.pushed) == 0 {
			return errors.New("a pop without its push")
		}
		p.global = p.pushed[len(p.pushed)-1]
		p.pushed = p.pushed[:len(p.pushed)-1]
	default: // ranges and units of values, strings, and what later versions may bring
	}
	return nil
}

// local takes a usage, or an end of a range of them. Four bytes of data bring their own page (6.2.2.8).
func (p *parser) local(it item) error {
	u := Usage(it.data)
	if it.size < 4 {
		u |= p.global.page
	}
	switch {
	case len(p.usages) == maxUsages:
		return fmt.Errorf("more than %d usages of one field", maxUsages)
	case it.tag == localUsage:
		p.usages = append(p.usages, span{u, u})
	case it.tag == localUsageMin:
		p.min, p.minGiven = u, true
	case !p.minGiven || u < p.min || u>>16 != p.min>>16:
		return errors.New("a range of usages that ends before it begins")
	default:
		p.usages = append(p.usages, span{p.min, u})
		p.minGiven = false
	}
	return nil
}

// forget ends the local state.
func (p *parser) forget() { p.usages, p.min, p.minGiven = nil, 0, false }

func (p *parser) open(kind uint32) error {
	const application = 1
	if p.depth++; p.depth > maxDepth {
		return fmt.Errorf("more than %d collections within each other", maxDepth)
	}
	if kind == application && len(p.usages) > 0 {
		p.d.Apps = append(p.d.Apps, p.usages[0].first)
	}
	p.forget()
	return nil
}

// field appends a field to its report.
func (p *parser) field(kind Kind, flags uint32) error {
	const constant = 1
	r := p.report(kind)
	f := Field{Bit: r.bits, Size: p.global.size, Count: p.global.count, Constant: flags&constant != 0, usages: p.usages}
	p.forget()
	if f.Size*f.Count == 0 { // takes no place; some devices have such
		return nil
	}
	if f.Size*f.Count > 8*MaxReport-r.bits {
		return fmt.Errorf("report %d is longer than %d bytes", r.ID, MaxReport)
	}
	if p.fields++; p.fields > maxFields {
		return fmt.Errorf("more than %d fields", maxFields)
	}
	r.bits += f.Size * f.Count
	r.Fields = append(r.Fields, f)
	return nil
}

// report finds or begins the report that fields belong to now.
func (p *parser) report(kind Kind) *Report {
	if r, ok := p.d.Report(kind, p.global.id); ok {
		return r
	}
	p.d.Reports = append(p.d.Reports, Report{Kind: kind, ID: p.global.id})
	return &p.d.Reports[len(p.d.Reports)-1]
}

func (p *parser) finish() error {
	if p.depth != 0 {
		return fmt.Errorf("%d collections do not end", p.depth)
	}
	p.d.Reports = slices.DeleteFunc(p.d.Reports, func(r Report) bool { return r.bits == 0 })
	if p.d.Numbered && slices.ContainsFunc(p.d.Reports, func(r Report) bool { return r.ID == 0 }) {
		return errors.New("some reports are numbered and some are not")
	}
	return nil
}
