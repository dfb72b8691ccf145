package iso8583

// fieldSpec is how one field of one dialect, or one part of a field, is written. It is all that a value needs:
//
//	find    where a value lies that begins at an offset, by its length prefix or its fixed size
//	decode  appends a found value, checked, as a Message holds it
//	encode  appends a value with its length prefix
//
// Their errors lack field and path, and their offsets count from the slice they were given: see FieldError.of and from.
// Load makes fieldSpecs from the formats of a file (loader.field).
type fieldSpec struct {
	form    form
	kind    fieldKind
	prefix  uint8 // digits of the length before the value: 0 fixed, 1 L to 6 LLLLLL
	before  uint8 // bytes of that length
	lengths lengthForm
	count   lengthCount
	left    bool      // content first, fill after it
	pad     byte      // nibble of the odd half byte
	fill    byte      // what fills fixed text, as it is on the wire
	charset charset   // of text
	ebcdic  bool      // characters of digits and of hex text are EBCDIC
	wide    bool      // digits as characters, binary as hex text: two bytes where packed has one
	max     int       // digits (the sign of x apart), characters, or bytes
	bytes   int       // of a fixed one
	single  bool      // a byte is what its length counts
	natural valueKind // what a value of that kind is
	run     runKind   // what it can be read and written together with, if it has an even number of digits
	follows runKind   // the same of a field without a length, which can stand in the midst of a run

	name, zh string
	class    Class
	private  bool // secret, but no card data: the bench shows it
	holds    string
}

// fieldKind is what a value is made of.
type fieldKind uint8

const (
	numeric fieldKind = iota // decimal digits
	track                    // any nibble: encrypted tracks hold all sixteen
	signed                   // C or D, then decimal digits
	text
	binary
)

// form is how a value is written: kind and coding in one, so that the codec has one switch.
type form uint8

const (
	formPacked form = iota // digits of n and z, two to a byte
	formDigits             // digits of n and z as characters
	formSigned             // x+n
	formText
	formRaw // b as it is
	formHex // b as upper-case hex characters
)

// lengthCount is what a length counts.
type lengthCount uint8

const (
	countUnits      lengthCount = iota // digits of n and z, bytes of all else
	countBytes                         // bytes, though two digits may share one
	countCharacters                    // hex characters of b as hex, characters of Chinese text
)

// What a field may hold besides its class, so that the bench knows how to mask it.
const (
	holdsPAN   = "pan"
	holdsTrack = "track"
	holdsPIN   = "pin"
	holdsEMV   = "emv"
)

// compile fills in what follows from the rest.
func (s *fieldSpec) compile() {
	s.before = uint8(s.lengths.size(int(s.prefix)))
	switch {
	case s.kind == signed:
		s.form = formSigned
	case s.kind == text:
		s.form = formText
	case s.kind == binary && s.wide:
		s.form = formHex
	case s.kind == binary:
		s.form = formRaw
	case s.wide:
		s.form = formDigits
	default:
		s.form = formPacked
	}
	s.bytes = s.size(s.max)
	if s.natural = isText; s.kind == binary {
		s.natural = isBytes
	}
	s.single = s.form == formRaw || s.form == formDigits || s.form == formText && s.count != countCharacters
	s.run = s.runKind()
	if s.follows = s.run; s.prefix > 0 {
		s.follows = noRun
	}
}

// size is how many bytes so many units take; characters of Chinese text apart.
func (s *fieldSpec) size(units int) int {
	switch {
	case s.form == formPacked:
		return (units + 1) / 2
	case s.form == formSigned && !s.wide:
		return 1 + (units+1)/2
	case s.form == formSigned:
		return 1 + units
	case s.form == formHex:
		return 2 * units
	default:
		return units
	}
}

// find tells where in b the value lies that begins, length first, at pos, and how many digits, characters or bytes it
// has. Nothing is allocated by a length that was read: it is held against the rule and against what is there.
func (s *fieldSpec) find(b []byte, pos int) (start, end, units int, err *FieldError) {
	if s.prefix == 0 {
		if end = pos + s.bytes; end > len(b) {
			return pos, pos, 0, fault(pos, "length %d needs %d bytes, %d are left", s.max, s.bytes, len(b)-pos)
		}
		return pos, end, s.max, nil
	}
	start = pos + int(s.before)
	if start > len(b) {
		return pos, pos, 0, fault(pos, "length wants %d bytes, %d are left", s.before, len(b)-pos)
	}
	units, ok := s.lengths.read(b[pos:start])
	if !ok {
		return pos, pos, 0, fault(pos, "length is not %s", s.lengths).hint(lengthHint[s.lengths])
	}
	size := units
	if s.form == formPacked && s.count != countBytes {
		size = (units + 1) / 2
	} else if !s.single {
		if size, units, err = s.measure(b, pos, start, units); err != nil {
			return pos, pos, 0, err
		}
	}
	if units > s.max {
		return pos, pos, 0, fault(pos, "length %d exceeds %d", units, s.max).hint(s.lengthHint(b, pos, start, units))
	}
	if end = start + size; end > len(b) {
		return pos, pos, 0, fault(pos, "length %d needs %d bytes, %d are left", units, size, len(b)-start).hint(s.lengthHint(b, pos, start, units))
	}
	return start, end, units, nil
}

// measure gives the bytes that a length means, and turns what it counts into units.
func (s *fieldSpec) measure(b []byte, pos, start, said int) (size, units int, err *FieldError) {
	switch {
	case s.form == formPacked:
		return said, 2 * said, nil
	case s.form == formHex && s.count == countCharacters:
		if said%2 == 1 {
			return 0, 0, fault(pos, "length %d is odd, but a byte is two hex characters", said)
		}
		return said, said / 2, nil
	case s.form == formText && s.count == countCharacters && said <= s.max:
		return s.charset.size(b[start:], said), said, nil
	default:
		return s.size(said), said, nil
	}
}

var lengthHint = map[lengthForm]string{
	lengthBCD:    "lengths may be binary in this message",
	lengthASCII:  "lengths may be BCD or binary in this message",
	lengthEBCDIC: "lengths may be ASCII, BCD or binary in this message",
}

// lengthHint says by what other reading a length that is too long would fit.
func (s *fieldSpec) lengthHint(b []byte, pos, start, units int) string {
	left := len(b) - start
	if s.form == formPacked && s.count != countBytes && s.size(units) <= 2*left && units <= s.max {
		return "the message is cut short, or the length counts bytes where this dialect counts digits"
	}
	for _, other := range []lengthForm{lengthBCD, lengthBinary} {
		if other == s.lengths || s.lengths.size(int(s.prefix)) != other.size(int(s.prefix)) {
			continue
		}
		if n, ok := other.read(b[pos:start]); ok && n <= s.max && s.size(n) <= left {
			return "as " + other.String() + " the length would fit: lengths may be " + other.String() + " in this message"
		}
	}
	return ""
}

// checkLength holds a value's length against the field. Fixed text may be short, since a fill character completes it;
// nothing else may.
func (s *fieldSpec) checkLength(units int, short bool) *FieldError {
	switch {
	case units > s.max:
		return fault(-1, "length %d exceeds %d", units, s.max)
	case s.prefix > 0 || units == s.max || short:
		return nil
	default:
		return fault(-1, "length %d, %d wanted", units, s.max)
	}
}
