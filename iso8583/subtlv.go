package iso8583

import "strings"

// berTLV is the layout of BER-TLV data. The parts of a constructed object are its own layout again.
type berTLV struct {
	tags map[string]*partSpec // what the dialect says
}

// tag gives what is known of a data object.
func (l berTLV) tag(key string) (spec *partSpec, known bool) {
	if s := l.tags[key]; s != nil {
		return s, true
	}
	if t, ok := emvTags[key]; ok {
		return t.spec(), true
	}
	return unknownTag, false
}

var unknownTag = emvTag{}.spec()

func (t emvTag) spec() *partSpec {
	return &partSpec{fieldSpec: &fieldSpec{kind: binary, form: formRaw, name: t.name, zh: t.zh, class: t.class, private: t.private, holds: t.holds}, tlv: t.form}
}

func (l berTLV) spec(key string) *partSpec {
	s, _ := l.tag(key)
	return s
}

// isConstructed tells whether the value of a tag is data objects again.
func isConstructed(tag string) bool {
	return strings.IndexByte(upperDigits, tag[0])&(constructedBit>>4) != 0
}

func (l berTLV) split(raw, buf []byte) ([]piece, *FieldError) {
	var list []piece
	for pos := 0; pos < len(raw); {
		o, rule := nextTLV(raw, pos)
		p := piece{whole: raw[o.start:o.end], value: o.value, end: o.end, key: upperHex(o.tag)}
		spec, known := l.tag(p.key)
		switch {
		case rule != "" && known:
			return list, faultAt(p.key, o.value, "%s", rule).hint(tlvHint)
		case rule != "": // what was read as a tag may be content
			return list, fault(pos, "%s", rule).hint(tlvHint)
		case len(list) == mostParts:
			return list, fault(pos, "more than %d parts", mostParts)
		}
		if pos = o.end; len(o.tag) > 0 {
			p.spec = spec
			p.content, p.kind = spec.readTLV(buf, raw[o.value:o.end], o.constructed())
			buf = grown(buf, p.content)
		}
		list = append(list, p)
	}
	return list, nil
}

const tlvHint = "an object before this one may have a wrong length, or this is no BER-TLV"

// grown is buf with what was appended to it, if it was.
func grown(buf, content []byte) []byte {
	if len(content) > 0 && cap(buf) >= len(buf)+len(content) && &buf[:len(buf)+1][len(buf)] == &content[0] {
		return buf[:len(buf)+len(content)]
	}
	return buf
}

// readTLV gives a data object's value as it reads best: digits, text, or as it is.
func (s *partSpec) readTLV(buf, raw []byte, group bool) ([]byte, valueKind) {
	if group || len(raw) == 0 {
		return raw, isBytes
	}
	switch {
	case s.tlv == asText && isPlain(raw):
		return raw, isText
	case s.tlv == asDigits || s.tlv == asTrack:
		out := appendUpperHex(buf, raw)
		digits := out[len(buf):len(out):len(out)]
		if s.tlv == asTrack {
			if digits[len(digits)-1] == 'F' {
				digits = digits[:len(digits)-1]
			}
			return digits, isText
		}
		if isDecimal(digits) {
			return digits, isText
		}
	}
	return raw, isBytes
}

// writeTLV is the reverse of readTLV.
func (s *partSpec) writeTLV(value []byte, kind valueKind) ([]byte, *FieldError) {
	if kind == isBytes || s.tlv == asBytes || s.tlv == asText {
		return value, nil
	}
	digit := &decimalOf
	if s.tlv == asTrack {
		digit = &nibbleOf
		if len(value)%2 == 1 {
			value = append(append(make([]byte, 0, len(value)+1), value...), 'F')
		}
	}
	out := make([]byte, len(value)/2)
	if len(value)%2 == 1 || !packDigits(out, value, digit) {
		return nil, fault(-1, "wants an even number of digits")
	}
	return out, nil
}

func (l berTLV) encode(key string, value []byte, kind valueKind) (piece, *FieldError) {
	if !isTag(key) {
		return piece{}, fault(-1, "is no tag in upper-case hex")
	}
	spec, _ := l.tag(key)
	raw, err := spec.writeTLV(value, kind)
	if err != nil {
		return piece{}, err
	}
	tag, _ := decodeHex(key) // isTag has read it
	return piece{key: key, spec: spec, whole: appendTLV(nil, tag, raw)}, nil
}

func (berTLV) join(list []piece) ([]byte, *FieldError) { return joinWholes(list), nil }

// tagLength is the layout of tag, length, value, each coded as the dialect says.
type tagLength struct {
	tag    *fieldSpec
	length *fieldSpec // its prefix is the length of a value
	tags   map[string]*partSpec
	plain  *partSpec // of a tag that the dialect does not list
}

func (l tagLength) spec(key string) *partSpec {
	if s := l.tags[key]; s != nil {
		return s
	}
	return l.plain
}

func (l tagLength) split(raw, buf []byte) ([]piece, *FieldError) {
	var list []piece
	for pos := 0; pos < len(raw); {
		key, after, err := l.readTag(raw, pos)
		if err != nil {
			return list, err
		}
		start, end, _, err := l.length.find(raw, after)
		if err == nil && len(list) == mostParts {
			err = fault(pos, "more than %d parts", mostParts)
		}
		if err != nil {
			return list, l.at(err, key)
		}
		p := piece{key: key, spec: l.spec(key), whole: raw[pos:end], value: start, end: end}
		if p.content, p.kind, err = p.spec.take(buf, raw[start:end]); err != nil {
			return list, l.at(err.from(start), key)
		}
		buf, pos = grown(buf, p.content), end
		list = append(list, p)
	}
	return list, nil
}

// at names the part of an error if the dialect lists its tag: any other may be content.
func (l tagLength) at(err *FieldError, key string) *FieldError {
	if l.tags[key] != nil {
		err.Path = key
	}
	return err
}

func (l tagLength) readTag(raw []byte, pos int) (key string, after int, err *FieldError) {
	start, end, units, err := l.tag.find(raw, pos)
	if err != nil {
		return "", pos, err.hint("a part before this one may have a wrong length")
	}
	v, kind, _, err := l.tag.decode(nil, raw[start:end], units)
	if err != nil {
		return "", pos, err.from(start)
	}
	if kind == isBytes {
		return upperHex(v), end, nil
	}
	if !isKey(string(v)) {
		return "", pos, fault(pos, "the tag is not of letters and digits").hint("a part before this one may have a wrong length")
	}
	return string(v), end, nil
}

// isKey tells whether a key can stand in a path.
func isKey(key string) bool {
	for _, c := range []byte(key) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return key != ""
}

func (l tagLength) encode(key string, value []byte, kind valueKind) (piece, *FieldError) {
	tag, tagKind := []byte(key), isText
	if l.tag.kind == binary {
		b, err := decodeHex(key)
		if err != nil {
			return piece{}, fault(-1, "is no tag in hex")
		}
		tag, tagKind = b, isBytes
	}
	whole, err := l.tag.encode(nil, tag, tagKind, noPad)
	if err != nil {
		return piece{}, fault(-1, "is no tag of this layout")
	}
	spec := l.spec(key)
	raw, err := spec.encodeOpen(value, kind)
	if err == nil {
		whole, err = l.length.encode(whole, raw, isBytes, noPad)
	}
	return piece{key: key, spec: spec, whole: whole}, err
}

func (tagLength) join(list []piece) ([]byte, *FieldError) { return joinWholes(list), nil }
