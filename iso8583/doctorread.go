package iso8583

import (
	"bytes"
	"fmt"
	"math/bits"
)

// examiner tries readings of bytes as a message of one dialect.
type examiner struct {
	d        *Dialect
	raw      []byte
	readings []reading
}

// reading is bytes read from the first to the last, under the assumption that some things are wrong with them.
type reading struct {
	faults []Fault
	weight int
	doubts []string
	good   int // values that look right
}

// cost orders readings: unlikely faults, and doubts that stay under them, cost; values that look right say that the
// reading has not lost its step.
func (r reading) cost() int { return r.weight + doubtWeight*len(r.doubts) - min(r.good, mostGood) }

const (
	doubtWeight = 8
	mostGood    = 12
)

// envelope is one way to take the length prefix away: the payload, where it begins, and what is wrong for that.
type envelope struct {
	payload []byte
	base    int
	faults  []Fault
	weight  int
	short   bool // the length says that there is more
}

// tryAll tries each envelope with each head and each way to walk over the fields, two faults at most.
func (e *examiner) tryAll() {
	for _, env := range e.envelopes() {
		for _, h := range e.d.headsTried(env.payload) {
			faults := append(append([]Fault{}, env.faults...), h.faultsAt(env.base)...)
			if len(faults) > 2 || h.skip > len(env.payload) {
				continue
			}
			w := walker{d: h.d, b: env.payload[h.skip:], base: env.base + h.skip, faults: faults, weight: env.weight + h.weight, short: env.short}
			if w.begin() {
				e.readings = append(e.readings, w.walks(len(faults) < 2)...)
			}
		}
	}
}

// plainReading reads raw with or without its length prefix, and without any fault.
func (d *Dialect) plainReading(raw []byte) (best reading, ok bool) {
	best.weight = hopeless
	e := examiner{d: d, raw: raw}
	for _, env := range e.envelopes() {
		w := walker{d: d, b: env.payload, base: env.base}
		if len(env.faults) > 0 || !w.begin() {
			continue
		}
		if r, left := w.whole(walkPlain()); left == 0 && r.cost() < best.cost() {
			best, ok = r, true
		}
	}
	return best, ok
}

func (e *examiner) envelopes() []envelope {
	list := []envelope{{payload: e.raw}}
	for _, kind := range []lengthKind{lengthBin2, lengthBCD2, lengthASCII4, lengthHex4} {
		if len(e.raw) <= kind.size() {
			continue
		}
		if said, ok := kind.read(e.raw[:kind.size()]); ok {
			list = append(list, e.d.frame.opened(e.raw, kind, said)...)
		}
	}
	return list
}

// opened takes a length prefix of some kind away, where that leads to something.
func (f *frameSpec) opened(raw []byte, kind lengthKind, said int) []envelope {
	size := kind.size()
	body := raw[size:]
	tail := 0
	if len(f.trailer) > 0 && bytes.HasSuffix(body, f.trailer) {
		tail = len(f.trailer)
	}
	payload := body[:len(body)-tail]
	counted := len(payload)
	if f.counted {
		counted += tail
	}
	env := envelope{payload: payload, base: size}
	if kind != f.length {
		env.add(formFault(kind, f.length, said))
	}
	inclusive := said == counted+size
	switch {
	case said == counted && !f.inclusive, inclusive && f.inclusive:
	case inclusive:
		env.add(FaultInclusive, "frame", 0, fmt.Sprintf("it says %d, which counts its own %d bytes; %d follow it", said, size, len(body)))
	case said == counted:
		env.add(FaultExclusive, "frame", 0, fmt.Sprintf("it says %d, and %d bytes follow it; the dialect counts the length itself", said, len(body)))
	case kind != f.length:
		return nil
	default:
		return f.unequal(env, said)
	}
	return []envelope{env}
}

// unequal is for a length prefix that is neither right nor wrong in a known way.
func (f *frameSpec) unequal(env envelope, said int) []envelope {
	n, tail := f.payload(said)
	left := len(env.payload) - n
	if n <= 0 || left <= 0 {
		env.add(FaultLength, "frame", 0, fmt.Sprintf("it says %d, and %d bytes follow it", said, len(env.payload)))
		env.short = left < 0
		return []envelope{env}
	}
	wrong := env
	wrong.add(FaultLength, "frame", 0, fmt.Sprintf("it says %d, and %d bytes follow it", said, len(env.payload)))
	detail := fmt.Sprintf("%d bytes follow the end that the length prefix tells", left-tail)
	if rest := env.payload[n:]; len(rest) > tail+f.length.size() {
		if next, ok := f.length.read(rest[tail : tail+f.length.size()]); ok && next > 0 && next <= len(rest) {
			detail += "; perhaps the next message, glued to this one"
		}
	}
	env.add(FaultTrailing, "frame", env.base+n, detail)
	env.weight -= 4 // the length says so
	env.payload = env.payload[:n]
	return []envelope{env, wrong}
}

func (e *envelope) add(name FaultName, path string, offset int, detail string) {
	e.faults = append(e.faults[:len(e.faults):len(e.faults)], Fault{Name: name, Path: path, Offset: offset, Detail: detail})
	e.weight += faultsKnown[name].weight
}

// formFault names a length prefix that is of one kind where the dialect has another.
func formFault(is, want lengthKind, said int) (name FaultName, path string, offset int, detail string) {
	name = FaultLengthForm
	switch {
	case is == lengthBCD2 && want == lengthBin2:
		name = FaultBCDLength
	case is == lengthBin2 && want == lengthBCD2:
		name = FaultBinaryLength
	}
	return name, "frame", 0, fmt.Sprintf("as %s it says %d, which is right; the dialect has %s", is, said, want)
}

// headTried is a dialect with another head, and what is wrong for that.
type headTried struct {
	d      *Dialect
	skip   int // bytes in front that are too many
	faults []Fault
	weight int
}

func (h headTried) faultsAt(base int) []Fault {
	out := make([]Fault, len(h.faults))
	for i, f := range h.faults {
		f.Offset += base
		out[i] = f
	}
	return out
}

func (h headTried) with(name FaultName, path string, offset int, detail string) headTried {
	d := *h.d
	h.d = &d
	h.faults = append(h.faults[:len(h.faults):len(h.faults)], Fault{Name: name, Path: path, Offset: offset, Detail: detail})
	h.weight += faultsKnown[name].weight
	return h
}

// headsTried gives the dialect's head, and heads that differ from it in at most two things.
func (d *Dialect) headsTried(b []byte) []headTried {
	list := d.tpdusTried(b)
	for _, h := range list {
		if d.frame.headerBytes > 0 {
			v := h.with(FaultNoHeader, "header", h.d.frame.tpduBytes, fmt.Sprintf("the message type stands where the %d bytes of header belong", d.frame.headerBytes))
			v.d.frame.headerBytes = 0
			list = append(list, v)
		}
	}
	for _, h := range list {
		list = append(list, h.mtiTried()...)
	}
	for _, h := range list {
		if len(h.faults) < 2 {
			list = append(list, h.bitmapTried())
		}
	}
	return list
}

func (d *Dialect) tpdusTried(b []byte) []headTried {
	plain := headTried{d: d}
	list := []headTried{plain}
	switch size := d.frame.tpduBytes; {
	case size > 0:
		v := plain.with(FaultNoTPDU, "tpdu", 0, fmt.Sprintf("what follows a TPDU stands where its %d bytes belong", size))
		v.d.frame.tpduBytes = 0
		list = append(list, v)
		if len(b) > 2*size && b[0] == b[size] {
			two := plain.with(FaultTwoTPDUs, "tpdu", size, fmt.Sprintf("after the TPDU come %d bytes that look like a TPDU again", size))
			two.skip = size
			list = append(list, two)
		}
	case len(b) > 5 && b[0] == 0x60:
		v := plain.with(FaultStrayTPDU, "tpdu", 0, "five bytes that look like a TPDU stand before the message")
		v.skip = 5
		list = append(list, v)
	}
	return list
}

func (h headTried) mtiTried() []headTried {
	at := h.d.frame.tpduBytes + h.d.frame.headerBytes
	if h.d.mti != codingBCD {
		v := h.with(FaultBCDMTI, "mti", at, "two bytes of BCD stand where the dialect has four characters")
		v.d.mti = codingBCD
		return []headTried{v}
	}
	v := h.with(FaultTextMTI, "mti", at, "four characters stand where the dialect has two bytes of BCD")
	v.d.mti = codingASCII
	return []headTried{v}
}

func (h headTried) bitmapTried() headTried {
	at := h.d.frame.tpduBytes + h.d.frame.headerBytes + h.d.mti.size()
	if h.d.bitmapText {
		v := h.with(FaultBinaryBitmap, "bitmap", at, "eight bytes stand where the dialect has sixteen hex characters")
		v.d.bitmapText = false
		return v
	}
	v := h.with(FaultTextBitmap, "bitmap", at, "sixteen hex characters stand where the dialect has eight bytes")
	v.d.bitmapText = true
	return v
}

// walker walks over the fields of one message in several ways.
type walker struct {
	d      *Dialect
	b      []byte
	base   int // of b in what was given
	faults []Fault
	weight int
	short  bool
	head   head
}

func (w *walker) begin() bool { return w.d.readHead(w.b, &w.head) == nil }

// step is a field where a walk has found it.
type step struct {
	n                        int
	s                        *fieldSpec
	start, value, end, units int
}

// way is how to walk: which fields are there, and how each of them is written.
type way struct {
	add, drop int // a field besides those of the bitmap, or one of them that is not there
	alter     func(n int, s *fieldSpec) *fieldSpec
	b         []byte // what to walk over, where that is not the message itself
}

func walkPlain() way { return way{} }

// steps walks to the end of the last field.
func (w *walker) steps(how way) (list []step, end int, err *FieldError) {
	set, pos, b := w.head.set, w.head.pos, w.b
	if how.b != nil {
		b = how.b
	}
	if how.add > 0 {
		set.add(how.add)
	}
	if how.drop > 0 {
		set.drop(how.drop)
	}
	for i := range set {
		for rest := set[i]; rest != 0; rest &= rest - 1 {
			n := 64*i + bits.TrailingZeros64(rest) + 1
			s := w.head.fields[n]
			if s == nil {
				return list, pos, w.d.unknownField(n, pos, w.head.mti)
			}
			if how.alter != nil {
				s = how.alter(n, s)
			}
			value, end, units, err := s.find(b, pos)
			if err != nil {
				return list, pos, err.of(n)
			}
			list = append(list, step{n, s, pos, value, end, units})
			pos = end
		}
	}
	return list, pos, nil
}
