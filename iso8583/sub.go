package iso8583

import (
	"slices"
	"strconv"
	"strings"
)

// Limits of what is read inside a field.
const (
	deepestPart = 8   // parts within parts
	mostParts   = 512 // of one field, on all levels
)

// restKey is the part of what positions leave over.
const restKey = "rest"

// sub is the inside of a field, or of a part of one: how to cut it into parts and to put them together again.
type sub struct {
	layout
	ordered bool            // the parts stand in the order of their numbers
	inner   map[string]*sub // what is inside of its parts
}

// layout is one way to put parts into a value. Values are as they lie on the wire, digits one to a byte.
type layout interface {
	// split cuts raw into pieces that cover it. Their contents are appended to buf. An error comes with the pieces
	// before it; its path is the key of the part, if that is known.
	split(raw, buf []byte) ([]piece, *FieldError)
	// encode makes a piece of a value as a Message holds it.
	encode(key string, value []byte, kind valueKind) (piece, *FieldError)
	// spec is what is known of a part, nil where there is no such part.
	spec(key string) *partSpec
	// join puts pieces together: what split cut comes out as it was.
	join(list []piece) ([]byte, *FieldError)
}

// piece is one part where it lies in the value that holds it.
type piece struct {
	key        string // "9F26", "3"; empty for padding and a bitmap
	spec       *partSpec
	value, end int    // offsets of its content
	whole      []byte // the content and what stands before it
	content    []byte // as a Message would hold it
	kind       valueKind
}

// partSpec is what is known of a part.
type partSpec struct {
	*fieldSpec
	open bool // it takes what is left, up to its size
	tlv  tlvForm
}

// decode gives the content that raw is, appended to buf.
func (s *partSpec) decode(buf, raw []byte, units int) (content []byte, kind valueKind, err *FieldError) {
	out, kind, _, err := s.fieldSpec.decode(buf, raw, units)
	return out[len(buf):len(out):len(out)], kind, err
}

// take decodes raw as the whole content, whatever its length within the rule.
func (s *partSpec) take(buf, raw []byte) (content []byte, kind valueKind, err *FieldError) {
	units := len(raw)
	switch {
	case s.form == formPacked:
		units *= 2
	case s.form == formHex:
		units /= 2
	}
	if units > s.max || !s.open && len(raw) != s.bytes {
		return nil, absent, fault(0, "length %d, the format has %d", units, s.max)
	}
	return s.decode(buf, raw, units)
}

// encodeOpen writes a content without filling it up to the format's size.
func (s *partSpec) encodeOpen(value []byte, kind valueKind) ([]byte, *FieldError) {
	if !s.open {
		return s.encode(nil, value, kind, noPad)
	}
	exact := *s.fieldSpec
	exact.max = len(value)
	switch {
	case s.form == formText && kind == isText:
		raw, ok := s.charset.appendRaw(nil, value)
		if !ok {
			return nil, fault(-1, "has a character that the dialect's character set lacks")
		}
		value, kind, exact.max = raw, isBytes, len(raw)
	case s.form == formSigned:
		exact.max = max(0, len(value)-1)
	}
	if exact.max > s.max {
		return nil, fault(-1, "length %d exceeds %d", exact.max, s.max)
	}
	exact.compile()
	return exact.encode(nil, value, kind, noPad)
}

// index finds the piece of a key. "86#2" is the second of key 86.
func index(list []piece, key string) int {
	key, count, _ := strings.Cut(key, "#")
	nth, err := strconv.Atoi(count)
	if err != nil {
		nth = 1
	}
	for i, p := range list {
		if p.key != key {
			continue
		}
		if nth--; nth == 0 {
			return i
		}
	}
	return -1
}

// put replaces the piece of a key, or adds it where it belongs.
func (s *sub) put(list []piece, key string, p piece) ([]piece, *FieldError) {
	if i := index(list, key); i >= 0 {
		list[i] = p
		return list, nil
	}
	if p.key != key {
		return nil, fault(-1, "is not there to be replaced")
	}
	at := len(list)
	if n := number(key); s.ordered && n > 0 {
		if i := slices.IndexFunc(list, func(q piece) bool { return q.key == restKey || number(q.key) > n }); i >= 0 {
			at = i
		}
	}
	return slices.Insert(list, at, p), nil
}

// number is the number that a key is, or 0.
func number(key string) int {
	n, err := strconv.Atoi(key)
	if err != nil || n < 0 || strconv.Itoa(n) != key {
		return 0
	}
	return n
}

// inside is the layout of what a part holds, or nil.
func (s *sub) inside(key string) *sub {
	if in := s.inner[key]; in != nil {
		return in
	}
	if _, ok := s.layout.(berTLV); ok && isTag(key) && isConstructed(key) {
		return s
	}
	return nil
}

// joinWholes puts pieces together that need nothing around them.
func joinWholes(list []piece) []byte {
	var out []byte
	for _, p := range list {
		out = append(out, p.whole...)
	}
	return out
}

// rawOf is a content as it lies on the wire.
func (s *fieldSpec) rawOf(content []byte, kind valueKind) []byte {
	if kind != isText || s.kind != text {
		return content
	}
	out, ok := s.charset.appendRaw(nil, content)
	if !ok {
		return content
	}
	return out
}

// contentOf is the reverse of rawOf.
func (s *fieldSpec) contentOf(raw []byte) ([]byte, valueKind) {
	switch s.kind {
	case binary:
		return raw, isBytes
	case text:
		if out, ok := s.charset.appendText(nil, raw); ok {
			return out, isText
		}
		return raw, isBytes
	default:
		return raw, isText
	}
}
