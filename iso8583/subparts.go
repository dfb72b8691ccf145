package iso8583

import "strconv"

// positions is the layout of parts one behind the other. The last ones may be missing.
type positions struct {
	parts []*partSpec // part n is parts[n-1]
	rest  *partSpec   // of what they leave over
}

func (l positions) split(raw, buf []byte) ([]piece, *FieldError) {
	var list []piece
	pos := 0
	for i, s := range l.parts {
		if pos == len(raw) {
			return list, nil
		}
		p, err := s.cut(raw, buf, pos)
		if err != nil {
			err.Path = strconv.Itoa(i + 1)
			return list, err
		}
		p.key = strconv.Itoa(i + 1)
		buf, pos = grown(buf, p.content), p.end
		list = append(list, p)
	}
	if pos < len(raw) {
		p := piece{key: restKey, spec: l.rest, whole: raw[pos:], value: pos, end: len(raw)}
		p.content, p.kind = l.rest.contentOf(raw[pos:])
		list = append(list, p)
	}
	return list, nil
}

// cut reads the part that begins at pos.
func (s *partSpec) cut(raw, buf []byte, pos int) (p piece, err *FieldError) {
	p = piece{spec: s, value: pos, end: len(raw)}
	if s.open {
		p.content, p.kind, err = s.take(buf, raw[pos:])
	} else {
		var units int
		if p.value, p.end, units, err = s.find(raw, pos); err != nil {
			return p, err // its offset counts from the start of raw
		}
		p.content, p.kind, err = s.decode(buf, raw[p.value:p.end], units)
	}
	if err != nil {
		return p, err.from(p.value)
	}
	p.whole = raw[pos:p.end]
	return p, nil
}

func (l positions) encode(key string, value []byte, kind valueKind) (piece, *FieldError) {
	if key == restKey {
		return piece{key: key, spec: l.rest, whole: l.rest.rawOf(value, kind)}, nil
	}
	s := l.spec(key)
	if s == nil {
		return piece{}, fault(-1, "is none of the parts 1 to %d", len(l.parts))
	}
	whole, err := s.encodeOpen(value, kind)
	return piece{key: key, spec: s, whole: whole}, err
}

func (l positions) spec(key string) *partSpec {
	if n := number(key); n > 0 && n <= len(l.parts) {
		return l.parts[n-1]
	}
	if key == restKey {
		return l.rest
	}
	return nil
}

func (l positions) join(list []piece) ([]byte, *FieldError) {
	for i, p := range list {
		if number(p.key) != i+1 && (p.key != restKey || i != len(l.parts)) {
			return nil, fault(-1, "part %d stands before it and is missing", i+1)
		}
	}
	return joinWholes(list), nil
}

// bitmapped is the layout of a bitmap and the parts that it announces.
type bitmapped struct {
	bitmap *fieldSpec // of its bytes
	double bool       // bit 1 announces a second bitmap; else it is part 1
	parts  map[int]*partSpec
}

func (l bitmapped) split(raw, buf []byte) ([]piece, *FieldError) {
	bits, pos, err := l.readBits(raw)
	if err != nil {
		return nil, err
	}
	list := []piece{{whole: raw[:pos]}}
	for n := 1; n <= 8*len(bits); n++ {
		if bits[(n-1)/8]&(0x80>>((n-1)%8)) == 0 || l.double && n == 1 {
			continue
		}
		key := strconv.Itoa(n)
		if l.parts[n] == nil {
			return list, faultAt(key, pos, "the dialect has no such part").hint(bitmapHint)
		}
		p, err := l.parts[n].cut(raw, buf, pos)
		if err != nil {
			err.Path = key
			return list, err
		}
		p.key = key
		buf, pos = grown(buf, p.content), p.end
		list = append(list, p)
	}
	if pos < len(raw) {
		return list, fault(pos, "%d bytes follow the last part", len(raw)-pos).hint("a part has no bit in the bitmap, or one before has a wrong length")
	}
	return list, nil
}

const bitmapHint = "the bitmap may be hex text where binary was expected, or the other way round"

// readBits gives the bitmap, or both, and the offset behind it.
func (l bitmapped) readBits(raw []byte) (bits []byte, pos int, err *FieldError) {
	for more := true; more; more = l.double && len(bits) == l.bitmap.max && bits[0]&0x80 != 0 {
		start, end, units, err := l.bitmap.find(raw, pos)
		if err != nil {
			return nil, pos, err.hint("a bitmap belongs here")
		}
		if bits, _, _, err = l.bitmap.decode(bits, raw[start:end], units); err != nil {
			return nil, pos, err.from(start).hint(bitmapHint)
		}
		pos = end
	}
	return bits, pos, nil
}

func (l bitmapped) encode(key string, value []byte, kind valueKind) (piece, *FieldError) {
	s := l.spec(key)
	if s == nil {
		return piece{}, fault(-1, "the dialect has no such part")
	}
	whole, err := s.encodeOpen(value, kind)
	return piece{key: key, spec: s, whole: whole}, err
}

func (l bitmapped) spec(key string) *partSpec { return l.parts[number(key)] }

func (l bitmapped) join(list []piece) ([]byte, *FieldError) {
	size, wide := l.bitmap.max, false
	for _, p := range list {
		wide = wide || number(p.key) > 8*size || p.key == "" && len(p.whole) > l.bitmap.bytes
	}
	bits := make([]byte, size, 2*size)
	if wide {
		bits = bits[:2*size]
		bits[0] |= 0x80
	}
	for _, p := range list {
		if n := number(p.key); n > 0 {
			bits[(n-1)/8] |= 0x80 >> ((n - 1) % 8)
		}
	}
	var out []byte
	for i := 0; i < len(bits); i += size {
		var err *FieldError
		if out, err = l.bitmap.encode(out, bits[i:i+size], isBytes, noPad); err != nil {
			return nil, err
		}
	}
	for _, p := range list {
		if p.key != "" {
			out = append(out, p.whole...)
		}
	}
	return out, nil
}
