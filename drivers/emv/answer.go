package emv

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"

	"posd/drivers/port"
)

// twoForms reads an answer in either of its formats: 80 with values side by side, or 77 with data objects (book 3, 6.5.5.4 and
// 6.5.8.4). sizes are those of the values of format 1, the last one open.
func twoForms(data []byte, tags []Tag, sizes []int) ([]object, error) {
	list, err := parse(data)
	if err != nil {
		return nil, err
	}
	if len(list) == 1 && list[0].tag == tagFormat2 {
		return parse(list[0].value)
	}
	if len(list) != 1 || list[0].tag != tagFormat1 {
		return nil, fmt.Errorf("%w: neither format 1 nor format 2", ErrCard)
	}
	rest := list[0].value
	var out []object
	for i, tag := range tags {
		size := len(rest)
		if i < len(sizes) {
			size = sizes[i]
		}
		if size > len(rest) {
			return nil, fmt.Errorf("%w: an answer of format 1 is too short", ErrCard)
		}
		if size > 0 {
			out = append(out, object{tag, rest[:size]})
		}
		rest = rest[size:]
	}
	return out, nil
}

// options takes AIP and AFL: what the application can, and which records it has.
func (s Session) options(data []byte) (Session, error) {
	list, err := twoForms(data, []Tag{tagAIP, tagAFL}, []int{2})
	if err != nil {
		return s, err
	}
	aip, afl := find(list, tagAIP), find(list, tagAFL)
	if len(aip) != 2 || len(afl) == 0 || len(afl)%4 != 0 {
		return s, fmt.Errorf("%w: AIP of %d bytes, AFL of %d", ErrCard, len(aip), len(afl))
	}
	s.files = nil
	for ; len(afl) > 0; afl = afl[4:] {
		f := file{afl[0] >> 3, afl[1], afl[2]}
		if f.sfi < 1 || f.sfi > 30 || f.first < 1 || f.last < f.first || f.last-f.first > 20 {
			return s, fmt.Errorf("%w: AFL", ErrCard)
		}
		s.files = append(s.files, f)
	}
	if s.have, err = s.have.with([]object{{tagAIP, aip}}); err != nil {
		return s, err
	}
	s.step, s.record = atRecord, s.files[0].first
	return s, nil
}

// read takes a record. Records of files 11 and above are not in the form of templates (book 3, 10.2), and are none of this.
func (s Session) read(data []byte) (Session, error) {
	if f := s.files[0]; f.sfi <= 10 {
		list, err := only(data, tagRecord)
		if err != nil {
			return s, err
		}
		if s.have, err = s.have.with(card(list)); err != nil {
			return s, err
		}
	}
	if s.record++; s.record <= s.files[0].last {
		return s, nil
	}
	if s.files = s.files[1:]; len(s.files) > 0 {
		s.record = s.files[0].first
		return s, nil
	}
	return s.ready()
}

// card leaves out what only a terminal may say.
func card(list []object) (out []object) {
	for _, o := range list {
		switch o.tag {
		case tagTVR, tagAmount, tagOther, tagCurrency, tagCountry, tagRandom, tagCVM, tagDate, tagType, tagAC, tagATC, tagIAD, tagCID:
		default:
			out = append(out, o)
		}
	}
	return out
}

// ready looks whether the records have what a payment needs.
func (s Session) ready() (Session, error) {
	if len(s.have[tagPAN]) == 0 && len(s.have[tagTrack2]) == 0 {
		return s, fmt.Errorf("%w: it tells no card number", ErrCard)
	}
	if len(s.have[tagCDOL1]) == 0 {
		return s, fmt.Errorf("%w: it does not say what its cryptogram is to be about", ErrCard)
	}
	if d := s.have[tagExpiry]; len(d) == 3 && bytes.Compare(d, s.have[tagDate]) < 0 {
		tvr := bytes.Clone(s.have[tagTVR])
		tvr[1] |= tvrExpired
		s.have = s.have.set(tagTVR, tvr)
	}
	s.step = atCryptogram
	_, err := fill(s.have[tagCDOL1], s.have)
	return s, err
}

// Kinds of cryptogram, by the first two bits of 9F27 (book 3, 6.5.5.4).
const (
	kindMask = 0xC0
	kindAAC  = 0x00 // declined
	kindARQC = 0x80 // online
)

// cryptogram takes the cryptogram.
func (s Session) cryptogram(data []byte) (Session, error) {
	list, err := twoForms(data, []Tag{tagCID, tagATC, tagAC, tagIAD}, []int{1, 2, 8})
	if err != nil {
		return s, err
	}
	cid := find(list, tagCID)
	switch {
	case len(cid) != 1 || len(find(list, tagATC)) != 2 || len(find(list, tagAC)) != 8:
		return s, fmt.Errorf("%w: the cryptogram is not whole", ErrCard)
	case cid[0]&kindMask == kindAAC:
		return s, ErrDeclined
	case cid[0]&kindMask != kindARQC:
		return s, fmt.Errorf("%w: a cryptogram of another kind than was asked for", ErrCard)
	}
	keep := []object{}
	for _, o := range list {
		switch o.tag {
		case tagCID, tagATC, tagAC, tagIAD:
			keep = append(keep, o)
		default: // what else it says is none of the host's
		}
	}
	if s.have, err = s.have.with(keep); err != nil {
		return s, err
	}
	s.step = atEnd
	return s, nil
}

// inField55 are the data objects of an online request, in their order (China UnionPay's list; others take any order).
var inField55 = []Tag{
	tagAC, tagCID, tagIAD, tagRandom, tagATC, tagTVR, tagDate, tagType, tagAmount, tagCurrency, tagAIP, tagCountry, tagOther,
	tagCapabilities, tagCVM, tagTerminalType, tagSerial, tagDFName, tagVersion, tagSequence,
}

// Data gives what a session has found out; it is an error before it is done.
func (s Session) Data() (*Data, error) {
	if !s.Done() {
		return nil, fmt.Errorf("emv: the card was not asked all: it waits for %s", s.step)
	}
	var field []byte
	for _, tag := range inField55 {
		if v, ok := s.have[tag]; ok {
			field = appendTLV(field, tag, v)
		}
	}
	d := &Data{
		Field55: port.NewSecret(field), Track2: port.NewSecret(number(s.have[tagTrack2])), Expiry: port.NewSecret(s.expiry()),
		AID: bytes.Clone(s.have[tagDFName]), Label: printable(s.have[tagLabel]),
	}
	pan := number(s.have[tagPAN])
	if end := -1; len(pan) == 0 {
		d.Track2.Reveal(func(b []byte) {
			if end = bytes.IndexByte(b, 'D'); end > 0 {
				pan = bytes.Clone(b[:end])
			}
		})
	}
	if seq := s.have[tagPANSequence]; len(seq) == 1 {
		d.Sequence = fmt.Sprintf("%03x", seq[0])
	}
	d.PAN, d.masked = port.NewSecret(pan), mask(pan)
	if len(pan) < 8 || len(pan) > 19 || bytes.ContainsFunc(pan, func(r rune) bool { return r < '0' || r > '9' }) {
		d.Wipe()
		return nil, fmt.Errorf("%w: its number has %d digits, or others than digits", ErrCard, len(pan))
	}
	return d, nil
}

// expiry is YYMM of 5F24.
func (s Session) expiry() []byte {
	if d := s.have[tagExpiry]; len(d) == 3 {
		return []byte(hex.EncodeToString(d[:2]))
	}
	return nil
}

// number gives digits that end in F as text, with D for the separator.
func number(bcd []byte) []byte {
	out := hex.AppendEncode(make([]byte, 0, 2*len(bcd)), bcd)
	for i, c := range out {
		if c >= 'a' {
			out[i] = c - 'a' + 'A' // in place: no copy of them stays behind
		}
	}
	return bytes.TrimRight(out, "F")
}

func trimDigits(s string) string { return strings.Trim(s, "0123456789") }

// printable keeps what a screen may show.
func printable(b []byte) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, string(b))
}

// mask keeps six digits in front and four at the end. A number too short for that shows nothing.
func mask(pan []byte) string {
	m := bytes.Clone(pan)
	for i := range m {
		if len(m) < 11 || i >= 6 && i < len(m)-4 {
			m[i] = '*'
		}
	}
	return string(m)
}
