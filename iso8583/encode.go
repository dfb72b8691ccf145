package iso8583

// encode appends a value with its length prefix. kind tells whether the value is text (digits included) or bytes, pad is
// the nibble for an odd half byte, or noPad for the dialect's own. On an error dst comes back as it was.
func (s *fieldSpec) encode(dst, value []byte, kind valueKind, pad int8) ([]byte, *FieldError) {
	switch s.form {
	case formPacked, formDigits:
		if kind == isText && s.kind == numeric && (len(value) == s.max || s.prefix > 0 && len(value) < s.max) {
			return s.encodeNumber(dst, value, pad)
		}
		return s.encodeDigits(dst, value, kind, pad)
	case formSigned:
		return s.encodeDigits(dst, value, kind, pad)
	case formText:
		return s.encodeText(dst, value, kind)
	default:
		return s.encodeBytes(dst, value)
	}
}

// encodeNumber is encodeDigits for the most frequent fields: decimal digits that are neither too many nor too few.
func (s *fieldSpec) encodeNumber(dst, v []byte, pad int8) ([]byte, *FieldError) {
	at := len(dst)
	out := extend(dst, int(s.before)+s.size(len(v)))
	p := out[at:]
	if s.prefix > 0 {
		p = s.putLength(p, len(v))
	}
	if pad == noPad {
		pad = int8(s.pad)
	}
	if !s.putDecimal(p, v, byte(pad)) {
		clear(out[at:])
		return dst, s.noDigits()
	}
	return out, nil
}

// putDecimal writes decimal digits into their place; ok is false when they are none.
func (s *fieldSpec) putDecimal(p, v []byte, pad byte) (ok bool) {
	if !s.wide {
		return packAny(p, v, pad, s.left) == 0
	}
	copy(p, v)
	if s.ebcdic {
		translate(p, &toEBCDIC)
	}
	return isDecimal(v)
}

// packAny is packDecimal for any number of digits; an odd one has pad after them if left, else before.
func packAny(p, v []byte, pad byte, left bool) (bad uint64) {
	n := len(v)
	if n%2 == 0 {
		return packDecimal(p, v)
	}
	if left {
		last := v[n-1] - '0'
		p[n/2] = last<<4 | pad
		return packDecimal(p[:n/2], v[:n-1]) | uint64(last+0x76|last)&0x80
	}
	first := v[0] - '0'
	p[0] = pad<<4 | first&15
	return packDecimal(p[1:], v[1:]) | uint64(first+0x76|first)&0x80
}

func (s *fieldSpec) encodeDigits(dst, v []byte, kind valueKind, pad int8) ([]byte, *FieldError) {
	if kind != isText {
		return dst, fault(-1, "holds bytes where digits belong")
	}
	units := len(v)
	if s.form == formSigned {
		if units == 0 || v[0] != 'C' && v[0] != 'D' {
			return dst, fault(-1, "wants a sign, C or D, before its digits")
		}
		units--
	}
	if err := s.checkLength(units, false); err != nil {
		return dst, err.hint("numbers are written with all their digits")
	}
	at := len(dst)
	out := extend(dst, int(s.before)+s.size(units))
	place := s.putLength(out[at:], units)
	if s.form == formSigned {
		place[0] = v[0]
		if s.charset == charsetEBCDIC {
			place[0] = toEBCDIC[v[0]]
		}
		place, v = place[1:], v[1:]
	}
	if pad == noPad {
		pad = int8(s.pad)
	}
	if !s.putDigits(place, v, byte(pad)) {
		clear(out[at:])
		return dst, s.noDigits()
	}
	return out, nil
}

// putLength writes the length before a value and gives the place of the value.
func (s *fieldSpec) putLength(place []byte, units int) []byte {
	if s.prefix == 0 {
		return place
	}
	if s.form == formPacked && s.count == countBytes {
		units = (units + 1) / 2
	} else if s.form == formHex && s.count == countCharacters {
		units *= 2
	}
	s.lengths.write(place[:s.before], units)
	return place[s.before:]
}

func (s *fieldSpec) noDigits() *FieldError {
	if s.kind == track {
		return fault(-1, "holds something else than track characters (0-9, D or =, A-F)")
	}
	return fault(-1, "holds something else than digits")
}

// putDigits writes digits into their place; ok is false when they are none.
func (s *fieldSpec) putDigits(p, v []byte, pad byte) (ok bool) {
	n := len(v)
	switch {
	case s.kind != track:
		return s.putDecimal(p, v, pad)
	case s.wide:
		copy(p, v)
		if s.ebcdic {
			translate(p, &toEBCDIC)
		}
		return isTrack(v)
	case n%2 == 0:
		return packNibbles(p, v)
	case s.left:
		last := nibbleOf[v[n-1]]
		p[n/2] = last<<4 | pad
		return last != noDigit && packNibbles(p[:n/2], v[:n-1])
	default:
		first := nibbleOf[v[0]]
		p[0] = pad<<4 | first
		return first != noDigit && packNibbles(p[1:], v[1:])
	}
}

func (s *fieldSpec) encodeText(dst, v []byte, kind valueKind) ([]byte, *FieldError) {
	at := len(dst)
	out, ok := extend(dst, int(s.before)), true
	if kind == isText {
		out, ok = s.charset.appendRaw(out, v)
	} else {
		out = append(out, v...)
	}
	if !ok {
		clear(out[at:])
		return dst, fault(-1, "has a character that the dialect's character set lacks")
	}
	value := out[at+int(s.before):]
	units := len(value)
	if s.count == countCharacters && s.prefix > 0 {
		units = s.charset.characters(value)
	}
	if err := s.checkLength(units, kind == isText); err != nil {
		clear(out[at:])
		return dst, err
	}
	if s.prefix > 0 {
		s.putLength(out[at:], units)
		return out, nil
	}
	return s.fillUp(out, at), nil
}

// fillUp completes fixed text, which began at at.
func (s *fieldSpec) fillUp(out []byte, at int) []byte {
	size := len(out) - at
	if size == s.bytes {
		return out
	}
	out = extend(out, s.bytes-size)
	place := out[at:]
	fill := place[size:]
	if !s.left {
		copy(place[s.bytes-size:], place[:size])
		fill = place[:s.bytes-size]
	}
	for i := range fill {
		fill[i] = s.fill
	}
	return out
}

func (s *fieldSpec) encodeBytes(dst, v []byte) ([]byte, *FieldError) {
	if err := s.checkLength(len(v), false); err != nil {
		return dst, err
	}
	at := len(dst)
	out := extend(dst, int(s.before)+s.size(len(v)))
	place := s.putLength(out[at:], len(v))
	if s.form == formRaw {
		copy(place, v)
		return out, nil
	}
	unpackDigits(place, v)
	if s.ebcdic {
		translate(place, &toEBCDIC)
	}
	return out, nil
}
