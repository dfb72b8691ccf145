package iso8583

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Part is what stands inside a field: a chip's data object, a position, a field of a nested bitmap. Its zero value
// is of no use. It prints as its path only.
type Part struct {
	Path     string // "55.9F26", "60.2", "127.25.3"; "55.72.86#2" is the second 86
	Name, ZH string // empty where the dialect does not know it
	Class    Class  // what may be kept of it; Secret where nothing is known
	Group    bool   // its parts follow it in the list
	Offset   int    // byte in the field's value as it lies on the wire
	Size     int    // bytes there

	spec    *fieldSpec
	content []byte
	kind    valueKind
}

// Bytes gives the value as it lies in a Message: digits and text as characters, all else as bytes. It is the caller's.
func (p Part) Bytes() []byte { return p.content }

// Text gives the value as text: digits, text, or "hex:.." for bytes.
func (p Part) Text() string {
	if p.kind == isText {
		return string(p.content)
	}
	return hexText(p.content)
}

// Shown is the value as the bench shows it: masked as its class wants, unless reveal. Of a group it tells the size, since
// its parts follow.
func (p Part) Shown(reveal bool) string {
	switch {
	case reveal:
		return p.Text()
	case p.Group:
		return fmt.Sprintf("(%d bytes)", p.Size)
	default:
		return p.spec.masked(p.Text())
	}
}

// Format keeps every fmt verb, %#v included, from the value.
func (p Part) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(p.Path)) }

// Parts lists what stands inside field n, each part before the parts of its own. It is nil where the dialect says
// nothing of the field's inside. What cannot be read is left out and gives a *FieldError, whose offset counts from the
// start of the field's value; the parts that can be read come with it.
func (d *Dialect) Parts(m *Message, n int) ([]Part, error) {
	root := d.inside(m.MTI, n)
	if root == nil || !m.Has(n) {
		return nil, nil
	}
	w := partWalk{field: n}
	raw := d.spec(m.MTI, n).rawOf(m.value(n), m.at[n].kind)
	w.open(root, strconv.Itoa(n), 0, bytes.Clone(raw)) // the parts outlive the message's value
	for w.step() {
	}
	if w.err != nil {
		return w.parts, w.err
	}
	return w.parts, nil
}

// inside is the layout of a field, nil where the dialect has none.
func (d *Dialect) inside(mti string, n int) *sub {
	if own, ok := d.subs[mti]; ok {
		return own[n]
	}
	return d.subs[""][n]
}

// partWalk goes through parts and the parts of these.
type partWalk struct {
	field  int
	parts  []Part
	levels []partLevel
	err    *FieldError // the first
}

type partLevel struct {
	sub  *sub
	path string
	base int // offset of its value in the field's
	list []piece
	seen map[string]int
}

func (w *partWalk) open(s *sub, path string, base int, raw []byte) {
	if len(w.levels) == deepestPart {
		w.fail(fault(0, "parts within parts, more than %d deep", deepestPart), path, base)
		return
	}
	list, err := s.split(raw, scratch(raw))
	if err != nil {
		w.fail(err, path, base)
	}
	w.levels = append(w.levels, partLevel{sub: s, path: path, base: base, list: list, seen: map[string]int{}})
}

// scratch has room for all contents of raw, so that none is left behind by a buffer that grew.
func scratch(raw []byte) []byte { return make([]byte, 0, 2*len(raw)+slack) }

func (w *partWalk) fail(err *FieldError, path string, base int) {
	if w.err == nil {
		w.err = err.inside(path, w.field, base)
	}
}

// inside completes the error of a part.
func (e *FieldError) inside(path string, field, base int) *FieldError {
	if e.Path != "" {
		path += "." + e.Path
	}
	e.Field, e.Path = field, path
	return e.from(base)
}

// step takes the next part; false when there is none.
func (w *partWalk) step() bool {
	if len(w.levels) == 0 {
		return false
	}
	top := &w.levels[len(w.levels)-1]
	if len(top.list) == 0 {
		w.levels = w.levels[:len(w.levels)-1]
		return true
	}
	p := top.list[0]
	top.list = top.list[1:]
	if p.key == "" {
		return true
	}
	if len(w.parts) == mostParts {
		w.fail(fault(0, "more than %d parts", mostParts), top.path, top.base)
		return false
	}
	part := top.part(p)
	w.parts = append(w.parts, part)
	if part.Group {
		w.open(top.sub.inside(p.key), part.Path, part.Offset, p.spec.rawOf(p.content, p.kind))
	}
	return true
}

func (l *partLevel) part(p piece) Part {
	path := l.path + "." + p.key
	if l.seen[p.key]++; l.seen[p.key] > 1 {
		path += "#" + strconv.Itoa(l.seen[p.key])
	}
	return Part{
		Path: path, Name: p.spec.name, ZH: p.spec.zh, Class: p.spec.class, Group: l.sub.inside(p.key) != nil,
		Offset: l.base + p.value, Size: p.end - p.value,
		spec: p.spec.fieldSpec, content: p.content, kind: p.kind,
	}
}

// covered is a field's value with those of its parts covered that the bench may not show. What cannot be read is covered
// as a whole.
func (d *Dialect) covered(m *Message, n int) string {
	text := m.written(n)
	parts, err := d.Parts(m, n)
	digits, hexed := strings.CutPrefix(text, hexMark)
	if err != nil || !hexed && !isASCII([]byte(text)) {
		return maskAll(text)
	}
	out, width := []byte(text), 1
	if hexed {
		out, width = []byte(digits), 2
	}
	for _, p := range parts {
		if !p.Group && !p.spec.open() {
			for i := width * p.Offset; i < width*(p.Offset+p.Size); i++ {
				out[i] = '*'
			}
		}
	}
	if hexed {
		return hexMark + string(out)
	}
	return string(out)
}

// Part gives the value of a part by its path, as Part.Text has it. It is false where the message or the dialect has no
// such part, and where what holds it cannot be read.
func (d *Dialect) Part(m *Message, path string) (string, bool) {
	o, err := d.openPath(m, path)
	defer o.wipe()
	if err != nil {
		return "", false
	}
	last := o.levels[len(o.levels)-1]
	i := index(last.list, last.key)
	if i < 0 {
		return "", false
	}
	p := last.list[i]
	return Part{content: p.content, kind: p.kind}.Text(), true
}

// SetPart gives a part a value, as Set and dialect files write it, and builds its field anew: the other parts keep their
// bytes. A part that is not there is added, a data object behind the others; "55.72.86#2" replaces the second 86.
// A *FieldError says what does not fit; the message is then as it was.
func (d *Dialect) SetPart(m *Message, path, value string) error {
	o, err := d.openPath(m, path)
	defer o.wipe()
	if err == nil {
		err = o.set(value)
	}
	if err != nil {
		return err
	}
	content, kind := o.spec.contentOf(o.raw)
	if kind == isBytes {
		m.SetBytes(o.field, content)
	} else {
		m.Set(o.field, string(content))
	}
	return nil
}

// openedPath is a field, opened along the path to one of its parts.
type openedPath struct {
	field  int
	spec   *fieldSpec
	levels []openedLevel
	raw    []byte // the field's value, built anew
}

type openedLevel struct {
	sub  *sub
	path string // of what it is the inside of
	key  string // of the part on the way
	list []piece
	buf  []byte
}

// openPath reads the levels of a path. A part that is not there is an empty one.
func (d *Dialect) openPath(m *Message, path string) (*openedPath, *FieldError) {
	first, _, _ := strings.Cut(path, ".")
	keys := strings.Split(path, ".")[1:]
	o := &openedPath{field: number(first)}
	o.spec = d.spec(m.MTI, o.field)
	if o.spec == nil || len(keys) == 0 || len(keys) > deepestPart {
		return o, faultAt("path", -1, "names no part such as 55.9F26").hint("a field of the dialect, then the part's number or tag")
	}
	var raw []byte
	if m.Has(o.field) {
		raw = o.spec.rawOf(m.value(o.field), m.at[o.field].kind)
	}
	at, base, inside := first, 0, d.inside(m.MTI, o.field)
	for _, key := range keys {
		if inside == nil || !isKey(plainKey(key)) {
			return o, fault(-1, "the dialect knows no such part").inside(at+"."+key, o.field, 0)
		}
		level := openedLevel{sub: inside, path: at, key: key, buf: scratch(raw)}
		var err *FieldError
		if len(raw) > 0 {
			level.list, err = inside.split(raw, level.buf)
		}
		o.levels = append(o.levels, level)
		if err != nil {
			return o, err.inside(at, o.field, base)
		}
		raw = nil
		if i := index(level.list, key); i >= 0 {
			p := level.list[i]
			raw, base = p.spec.rawOf(p.content, p.kind), base+p.value
		}
		inside, at = inside.inside(plainKey(key)), at+"."+key
	}
	return o, nil
}

// plainKey is a key without the count of a repeated one.
func plainKey(key string) string {
	key, _, _ = strings.Cut(key, "#")
	return key
}

// set gives the innermost part its value and builds everything around it.
func (o *openedPath) set(value string) *FieldError {
	content, kind := parseValue(value)
	for i := len(o.levels) - 1; i >= 0; i-- {
		l := &o.levels[i]
		p, err := l.sub.encode(plainKey(l.key), content, kind)
		if err == nil {
			l.list, err = l.sub.put(l.list, l.key, p)
		}
		if err != nil {
			return err.inside(l.path+"."+l.key, o.field, 0)
		}
		clear(o.raw)
		if o.raw, err = l.sub.join(l.list); err != nil {
			return err.inside(l.path+"."+l.key, o.field, 0)
		}
		if i > 0 {
			up := o.levels[i-1]
			content, kind = up.sub.spec(plainKey(up.key)).contentOf(o.raw)
		}
	}
	return nil
}

// wipe overwrites what was read and built on the way.
func (o *openedPath) wipe() {
	clear(o.raw)
	for _, l := range o.levels {
		clear(l.buf[:cap(l.buf)])
	}
}

// parseValue reads a value as JSON and dialect files write it: "hex:.." is bytes, all else is text.
func parseValue(v string) ([]byte, valueKind) {
	if digits, ok := strings.CutPrefix(v, hexMark); ok {
		if b, err := hex.DecodeString(digits); err == nil {
			return b, isBytes
		}
	}
	return []byte(v), isText
}
