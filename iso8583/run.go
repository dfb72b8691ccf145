package iso8583

import "math/bits"

// run is fields, one right behind the other, that are checked and written in one go: those of a packed message whose
// values will lie so in a Message, or the reverse.
type run struct {
	kind       runKind
	pos        int    // where its first field begins, length prefix and all
	start, end int    // its values where they are read
	at         int    // its place where they are written
	rest       uint64 // the bitmap from its first field on
}

// runKind is what fields must have in common to be of one run.
type runKind uint8

const (
	noRun     runKind = iota
	runPacked         // an even number of decimal digits, two to a byte
	runDigits         // ASCII digits
	runText           // printable ASCII
	runTrack          // ASCII characters of tracks
	runBytes          // anything
	runHex            // bytes as upper-case hex characters in ASCII
)

// joins is the kind of run that a value of a Message fits in.
func (s *fieldSpec) joins(at *span) runKind {
	if s == nil || at.kind != s.natural || int(at.n) != s.max && s.prefix == 0 || int(at.n) > s.max || s.run == runPacked && at.n%2 != 0 {
		return noRun
	}
	return s.run
}

// runKind is the kind of run that a field fits in.
func (s *fieldSpec) runKind() runKind {
	switch {
	case s.form == formPacked && s.kind == numeric && s.count != countBytes:
		return runPacked
	case s.form == formDigits && s.kind == numeric && !s.ebcdic:
		return runDigits
	case s.form == formDigits && s.kind == track && !s.ebcdic:
		return runTrack
	case s.form == formHex && !s.ebcdic:
		return runHex
	case s.form == formText && s.charset != charsetEBCDIC:
		return runText
	case s.form == formRaw:
		return runBytes
	default:
		return noRun
	}
}

// begin begins a run; it is set piece by piece, since that is much faster than as a whole.
func (r *run) begin(kind runKind, pos, start, at int, rest uint64) {
	r.kind, r.pos, r.start, r.end, r.at, r.rest = kind, pos, start, start, at, rest
}

// read appends the values of a run to buf; ok is false when they are not as simple as that, or wrong.
func (r *run) read(buf, b []byte) (out []byte, ok bool) {
	raw, at := b[r.start:r.end], len(buf)
	switch r.kind {
	case noRun:
		return buf, true
	case runPacked:
		out = extend(buf, 2*len(raw))
		return out, unpackDigits(out[at:], raw) == 0
	case runDigits:
		out = extend(buf, len(raw))
		return out, copyDecimal(out[at:], raw)
	case runText:
		out = extend(buf, len(raw))
		return out, copyPlain(out[at:], raw)
	case runHex:
		out = extend(buf, len(raw)/2)
		return out, packHexDigits(out[at:], raw)
	default:
		return append(buf, raw...), r.kind == runBytes || isTrack(raw)
	}
}

// write is the reverse of read.
func (r *run) write(dst, buf []byte) (out []byte, ok bool) {
	v, at := buf[r.start:r.end], len(dst)
	switch r.kind {
	case noRun:
		return dst, true
	case runPacked:
		out = extend(dst, len(v)/2)
		return out, packDecimal(out[at:], v) == 0
	case runDigits:
		out = extend(dst, len(v))
		return out, copyDecimal(out[at:], v)
	case runText:
		out = extend(dst, len(v))
		return out, copyPlain(out[at:], v)
	case runHex:
		out = extend(dst, 2*len(v))
		unpackDigits(out[at:], v)
		return out, true
	default:
		return append(dst, v...), r.kind == runBytes || isTrack(v)
	}
}

// packFields appends the fields of one bitmap. It gives what packEach gives, sooner: where anything is less simple than
// a run, that goes on from the run's first field.
func (d *Dialect) packFields(dst []byte, m *Message, fields *table, w int) (out []byte, err *FieldError) {
	out = dst
	buf := m.buf
	var r run
	var ok bool
	r.begin(noRun, 0, 0, len(out), m.set[w])
	for rest := m.set[w]; rest != 0; rest &= rest - 1 {
		n := 64*w + bits.TrailingZeros64(rest) + 1
		s, at := fields[n], &m.at[n]
		off, kind := int(at.off), s.joins(at)
		if kind != noRun && kind == r.kind && off == r.end && s.prefix == 0 {
			r.end += int(at.n)
			continue
		}
		if out, ok = r.write(out, buf); !ok {
			return d.packEach(out[:r.at], m, fields, &r, w)
		}
		if kind == noRun {
			if out, err = d.packField(out, m, s, n); err != nil {
				return dst, err
			}
			r.begin(noRun, 0, 0, len(out), rest&(rest-1))
			continue
		}
		r.begin(kind, off, off, len(out), rest)
		r.end = off + int(at.n)
		if s.prefix > 0 {
			out = extend(out, int(s.before))
			s.putLength(out[r.at:], int(at.n))
		}
	}
	if out, ok = r.write(out, buf); !ok {
		return d.packEach(out[:r.at], m, fields, &r, w)
	}
	return out, nil
}

// unpackFields reads the fields of one bitmap, the first of which begins at pos. It gives what unpackEach gives, sooner:
// where anything is less simple than a run, or wrong, that goes on from the run's first field.
func (h *head) unpackFields(m *Message, b []byte, w, pos int) (int, *FieldError) { //nolint:gocognit // one loop, since a call costs as much as a field
	fields, buf := h.fields, m.buf
	var r run
	var ok bool
	r.begin(noRun, pos, pos, len(buf), h.set[w])
	for rest := h.set[w]; rest != 0; rest &= rest - 1 {
		n := 64*w + bits.TrailingZeros64(rest) + 1
		s := fields[n]
		if s == nil || pos+s.bytes > len(b) && s.prefix == 0 {
			m.buf = buf[:r.at]
			return h.unpackEach(m, b, w, &r)
		}
		start, end, kind := pos, pos+s.bytes, s.run
		units := s.max
		if s.prefix > 0 {
			var err *FieldError
			if start, end, units, err = s.find(b, pos); err != nil {
				m.buf = buf[:r.at]
				return h.unpackEach(m, b, w, &r)
			}
		}
		if kind == runPacked && units%2 != 0 {
			kind = noRun
		}
		if kind != r.kind || start != r.end || kind == noRun {
			if buf, ok = r.read(buf, b); !ok {
				m.buf = buf[:r.at]
				return h.unpackEach(m, b, w, &r)
			}
			if kind == noRun {
				m.buf = buf
				if err := s.unpack(m, n, b[start:end], units); err != nil {
					return 0, err.from(start).of(n)
				}
				buf, pos = m.buf, end
				r.begin(noRun, end, end, len(buf), rest&(rest-1))
				continue
			}
			r.begin(kind, pos, start, len(buf), rest)
		}
		at, size := start-r.start, end-start
		switch kind {
		case runPacked:
			at, size = 2*at, 2*size
		case runHex:
			at, size = at/2, size/2
		default: // a byte is a byte
		}
		m.at[n] = span{off: int32(r.at + at), n: int32(size), kind: s.natural, pad: noPad}
		r.end, pos = end, end
	}
	if buf, ok = r.read(buf, b); !ok {
		m.buf = buf[:r.at]
		return h.unpackEach(m, b, w, &r)
	}
	m.buf = buf
	return pos, nil
}
