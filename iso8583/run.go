package iso8583

import "math/bits"

// A run is fields, one right behind the other, that are checked and written in one go: those of a packed message whose
// values will lie so in a Message, or the reverse. Behind the first one are only fields without a length.

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
	case s.form == formPacked && s.prefix == 0 && s.max%2 != 0, s.form == formText && s.prefix > 0 && s.count == countCharacters:
		return noRun
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

// read appends the values of a run to those of m; ok is false when they are not as simple as that, or wrong.
func (k runKind) read(m *Message, raw []byte) (ok bool) {
	switch k {
	case runPacked:
		return unpackDigits(m.more(2*len(raw)), raw) == 0
	case runDigits:
		return copyDecimal(m.more(len(raw)), raw)
	case runText:
		return copyPlain(m.more(len(raw)), raw)
	case runHex:
		return packHexDigits(m.more(len(raw)/2), raw)
	default:
		copy(m.more(len(raw)), raw)
		return k == runBytes || isTrack(raw)
	}
}

// write is the reverse of read.
func (k runKind) write(dst, v []byte) (out []byte, ok bool) {
	at := len(dst)
	switch k {
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
		return append(dst, v...), k == runBytes || isTrack(v)
	}
}

// packFields appends the fields of one bitmap, run by run. It gives what packEach gives, sooner: where a run is less
// simple than that, or wrong, that goes on from the run's first field.
func (d *Dialect) packFields(dst []byte, m *Message, fields *table, w int) (out []byte, err *FieldError) {
	out = dst
	for rest := m.set[w]; rest != 0; {
		n := 64*w + bits.TrailingZeros64(rest) + 1
		s, at := fields[n], &m.at[n]
		kind := s.joins(at)
		if kind == noRun {
			if out, err = d.packField(out, m, s, n); err != nil {
				return dst, err
			}
			rest &= rest - 1
			continue
		}
		first, begin := rest, len(out)
		if s.prefix > 0 {
			out = extend(out, int(s.before))
			s.putLength(out[begin:], int(at.n))
		}
		off := at.off
		end := off + at.n
		for rest &= rest - 1; rest != 0; rest &= rest - 1 {
			n = 64*w + bits.TrailingZeros64(rest) + 1
			s, at = fields[n], &m.at[n]
			if s == nil || s.follows != kind || at.off != end || int(at.n) != s.max || at.kind != s.natural {
				break
			}
			end += at.n
		}
		var ok bool
		if out, ok = kind.write(out, m.buf[off:end]); !ok {
			return d.packEach(out[:begin], m, fields, w, first)
		}
	}
	return out, nil
}

// unpackFields reads the fields of one bitmap, the first of which begins at pos, run by run. It gives what unpackEach
// gives, sooner: where a run is less simple than that, or wrong, that goes on from the run's first field.
func (h *head) unpackFields(m *Message, b []byte, w, pos int) (int, *FieldError) { //nolint:gocognit // one loop, since a call costs as much as a field
	fields := h.fields
	for rest := h.set[w]; rest != 0; {
		n := 64*w + bits.TrailingZeros64(rest) + 1
		s := fields[n]
		if s == nil {
			return 0, fault(pos, noSuchField).of(n)
		}
		start, end, units := pos, pos+s.bytes, s.max
		if s.prefix > 0 || end > len(b) {
			var err *FieldError
			if start, end, units, err = s.find(b, pos); err != nil {
				return 0, err.of(n)
			}
		}
		kind := s.run
		if kind == noRun || kind == runPacked && units%2 != 0 {
			if err := s.unpack(m, n, b[start:end], units); err != nil {
				return 0, err.from(start).of(n)
			}
			pos, rest = end, rest&(rest-1)
			continue
		}
		first, begin := rest, len(m.buf)
		for at := begin; ; {
			m.at[n] = span{off: int32(at), n: int32(units), kind: s.natural, pad: noPad}
			if rest &= rest - 1; rest == 0 {
				break
			}
			n = 64*w + bits.TrailingZeros64(rest) + 1
			if s = fields[n]; s == nil || s.follows != kind || end+s.bytes > len(b) {
				break
			}
			at, units, end = at+units, s.max, end+s.bytes
		}
		if !kind.read(m, b[start:end]) {
			m.buf = m.buf[:begin]
			return h.unpackEach(m, b, w, pos, first)
		}
		pos = end
	}
	return pos, nil
}
