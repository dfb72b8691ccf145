package iso8583

// decode appends to dst the value whose bytes raw find has found, as a Message holds it: digits and text as
// characters (text in UTF-8), all else as bytes, and text that is none as bytes, too. pad is the nibble that fills an odd
// half byte, or noPad. It grows dst at most to twice the length of raw.
func (s *fieldSpec) decode(dst, raw []byte, units int) (out []byte, kind valueKind, pad int8, err *FieldError) {
	switch s.form {
	case formPacked:
		return s.decodePacked(dst, raw, units)
	case formText:
		if out, ok := s.charset.appendText(dst, raw); ok {
			return out, isText, noPad, nil
		}
		return append(dst, raw...), isBytes, noPad, nil
	case formDigits:
		out, err = s.decodeDigits(dst, raw)
		return out, isText, noPad, err
	case formSigned:
		return s.decodeSigned(dst, raw, units)
	case formHex:
		out, err = s.decodeHex(dst, raw)
		return out, isBytes, noPad, err
	default:
		return append(dst, raw...), isBytes, noPad, nil
	}
}

func (s *fieldSpec) decodePacked(dst, raw []byte, units int) ([]byte, valueKind, int8, *FieldError) {
	at, pad := len(dst), int8(noPad)
	out := extend(dst, 2*len(raw))
	value := out[at:]
	over := unpackDigits(value, raw)
	if len(value) == 0 {
		return out, isText, noPad, nil
	}
	if s.count == countBytes && over != 0 && s.kind != track {
		units -= s.fillsHalf(value)
	}
	if units < len(value) {
		if s.left {
			pad = int8(raw[len(raw)-1] & 15)
		} else {
			pad = int8(raw[0] >> 4)
			copy(value, value[1:])
		}
		out, value = out[:len(out)-1], value[:units]
	}
	if over != 0 && s.kind != track {
		if i := indexNot(value, &decimalOf); i >= 0 {
			if pad != noPad && !s.left {
				i++
			}
			return dst, absent, noPad, fault(i/2, "a nibble of n is above 9").half(i % 2)
		}
	}
	return out, isText, pad, nil
}

// fillsHalf gives 1 when the outermost half byte of a number, whose length counts bytes, can only be fill.
func (s *fieldSpec) fillsHalf(value []byte) int {
	i := 0
	if s.left {
		i = len(value) - 1
	}
	if value[i] > '9' {
		return 1
	}
	return 0
}

// decodeDigits reads digits that are characters.
func (s *fieldSpec) decodeDigits(dst, raw []byte) ([]byte, *FieldError) {
	out := append(dst, raw...)
	value := out[len(dst):]
	if s.ebcdic {
		translate(value, &fromEBCDIC)
	}
	if s.kind == track {
		if !isTrack(value) {
			return dst, fault(indexNot(value, &nibbleOf), "not a character of a track")
		}
		return out, nil
	}
	if !isDecimal(value) {
		i := indexNot(value, &decimalOf)
		return dst, fault(i, "not %s digits", s.characters()).hint("numbers may be " + s.otherDigits(raw) + " in this message")
	}
	return out, nil
}

func (s *fieldSpec) characters() string {
	if s.ebcdic {
		return "EBCDIC"
	}
	return "ASCII"
}

// otherDigits guesses how digits are written that are not as the dialect has them.
func (s *fieldSpec) otherDigits(raw []byte) string {
	switch {
	case s.ebcdic && isDecimal(raw):
		return "ASCII"
	case !s.ebcdic && len(raw) > 0 && raw[0] >= 0xF0:
		return "EBCDIC"
	default:
		return "BCD"
	}
}

func (s *fieldSpec) decodeSigned(dst, raw []byte, units int) ([]byte, valueKind, int8, *FieldError) {
	sign := raw[0]
	if s.charset == charsetEBCDIC {
		sign = fromEBCDIC[sign]
	}
	if sign != 'C' && sign != 'D' {
		return dst, absent, noPad, fault(0, "the sign is not C or D")
	}
	out, pad := append(dst, sign), int8(noPad)
	var err *FieldError
	if s.wide {
		out, err = s.decodeDigits(out, raw[1:])
	} else {
		out, _, pad, err = s.decodePacked(out, raw[1:], units)
	}
	if err != nil {
		return dst, absent, noPad, err.from(1)
	}
	return out, isText, pad, nil
}

func (s *fieldSpec) decodeHex(dst, raw []byte) ([]byte, *FieldError) {
	size, digits := len(raw)/2, raw
	out := extend(dst, size+len(raw))
	if s.ebcdic { // in ASCII behind the value
		digits = out[len(dst)+size:]
		copy(digits, raw)
		translate(digits, &fromEBCDIC)
	}
	out = out[:len(dst)+size]
	if len(raw)%2 == 0 && packHexDigits(out[len(dst):], digits) {
		return out, nil
	}
	i := indexNotHex(digits)
	if i < 0 {
		return dst, fault(len(raw)-1, "%d hex characters, but a byte is two", len(raw))
	}
	return dst, fault(i, "not upper-case hex text").hint("binary fields may be raw bytes in this message")
}
