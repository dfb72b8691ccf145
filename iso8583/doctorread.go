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
			b := env.payload
			if h.b != nil {
				b = h.b
			}
			w := walker{d: h.d, b: b[h.skip:], base: env.base + h.skip, faults: faults, weight: env.weight + h.weight, short: env.short}
			if w.begin() {
				e.readings = append(e.readings, w.walks(len(faults) < 2)...)
			}
		}
	}
}

// plainReading reads raw with or without its length prefix, and without any fault.
func (d *Dialect) plainReading(raw []byte) (best reading, ok bool) {
	e := examiner{d: d, raw: raw}
	for _, env := range e.envelopes() {
		w := walker{d: d, b: env.payload, base: env.base}
		if len(env.faults) > 0 || !w.begin() {
			continue
		}
		if r, left := w.whole(walkPlain()); left == 0 && (!ok || r.cost() < best.cost()) {
			best, ok = r, true
		}
	}
	return best, ok
}

// envelopes gives the ways to take away what is around the message.
func (e *examiner) envelopes() []envelope {
	list := e.d.envelopes(e.raw)
	if inner, ok := offSerialLine(e.raw); ok {
		for _, env := range e.d.envelopes(inner) {
			list = append(list, env.inside(1, FaultSerial, "STX (02) stands before it, ETX (03) behind it"))
		}
	}
	for k := 1; k <= mostLeading && k < len(e.raw); k++ {
		var v View
		if e.d.View(&v, e.raw[k:]) != nil || v.Trailing() > 0 {
			continue
		}
		env := envelope{payload: e.raw[k:]}
		list = append(list, env.inside(k, FaultLeading, fmt.Sprintf("%d bytes stand before the message%s", k, longLength(e.raw[:k], len(e.raw)-k))))
	}
	return list
}

// mostLeading is how many bytes in front of a message are tried.
const mostLeading = 12

// longLength tells whether the bytes before a message are a length of four bytes.
func longLength(b []byte, follow int) string {
	if n, ok := lengthBinary.read(b); ok && len(b) == 4 && (n == follow || n == follow+4) {
		return ": a length of four bytes"
	}
	return ""
}

// inside puts an envelope behind so many bytes of a greater one.
func (e envelope) inside(base int, name FaultName, detail string) envelope {
	out := e
	out.base, out.faults, out.weight = e.base+base, nil, e.weight
	out.add(name, "frame", 0, detail)
	for _, f := range e.faults {
		f.Offset += base
		out.faults = append(out.faults, f)
	}
	return out
}

// offSerialLine takes away what a serial line has around a message: STX, and ETX with or without a check byte behind it.
func offSerialLine(raw []byte) (inner []byte, ok bool) {
	const stx, etx = 0x02, 0x03
	n := len(raw)
	switch {
	case n < 4 || raw[0] != stx:
		return nil, false
	case raw[n-2] == etx:
		return raw[1 : n-2], true
	default:
		return raw[1 : n-1], raw[n-1] == etx
	}
}

func (d *Dialect) envelopes(raw []byte) []envelope {
	list := []envelope{{payload: raw}}
	for _, kind := range []lengthKind{lengthBin2, lengthBCD2, lengthASCII4, lengthHex4} {
		if len(raw) <= kind.size() {
			continue
		}
		if said, ok := kind.read(raw[:kind.size()]); ok {
			list = append(list, d.frame.opened(raw, kind, said)...)
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
	if tail == 0 && len(f.trailer) > 0 {
		env.add(FaultNoTrailer, "frame", size+len(body), fmt.Sprintf("the dialect has %d bytes of it", len(f.trailer)))
	}
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
