package emv

import (
	"encoding/hex"
	"fmt"
	"maps"
)

// Tag is a data object's name, such as 0x9F26.
type Tag uint32

// Tags of EMV 4.3 book 3, annex A.
const (
	tagAID          Tag = 0x4F
	tagLabel        Tag = 0x50
	tagTrack2       Tag = 0x57
	tagPAN          Tag = 0x5A
	tagEntry        Tag = 0x61
	tagFCI          Tag = 0x6F
	tagRecord       Tag = 0x70
	tagFormat2      Tag = 0x77
	tagFormat1      Tag = 0x80
	tagAIP          Tag = 0x82
	tagDFName       Tag = 0x84
	tagPriority     Tag = 0x87
	tagSFI          Tag = 0x88
	tagCDOL1        Tag = 0x8C
	tagAFL          Tag = 0x94
	tagTVR          Tag = 0x95
	tagDate         Tag = 0x9A
	tagTSI          Tag = 0x9B
	tagType         Tag = 0x9C
	tagProprietary  Tag = 0xA5
	tagExpiry       Tag = 0x5F24
	tagCurrency     Tag = 0x5F2A
	tagPANSequence  Tag = 0x5F34
	tagAmount       Tag = 0x9F02
	tagOther        Tag = 0x9F03
	tagVersion      Tag = 0x9F09
	tagIAD          Tag = 0x9F10
	tagCountry      Tag = 0x9F1A
	tagSerial       Tag = 0x9F1E
	tagTime         Tag = 0x9F21
	tagAC           Tag = 0x9F26
	tagCID          Tag = 0x9F27
	tagCapabilities Tag = 0x9F33
	tagCVM          Tag = 0x9F34
	tagTerminalType Tag = 0x9F35
	tagATC          Tag = 0x9F36
	tagRandom       Tag = 0x9F37
	tagPDOL         Tag = 0x9F38
	tagExtended     Tag = 0x9F40
	tagSequence     Tag = 0x9F41
)

// Limits of what a card may send: it is never trusted with memory.
const (
	longestTag   = 4   // bytes
	longestValue = 255 // bytes; the answer to a short command has 256 with tags and lengths (ISO/IEC 7816-4)
	mostTags     = 500 // of one payment
)

// object is a data object of a buffer, and not a copy of it.
type object struct {
	tag   Tag
	value []byte
}

// bytes are a tag as it is written.
func (t Tag) bytes() (b []byte) {
	for shift := 24; shift >= 0; shift -= 8 {
		if c := byte(t >> shift); c != 0 || len(b) > 0 {
			b = append(b, c)
		}
	}
	return b
}

// readTag reads the tag at the start of b; n is 0 where there is none.
func readTag(b []byte) (t Tag, n int) {
	for n < len(b) && n < longestTag {
		c := b[n]
		t = t<<8 | Tag(c)
		n++
		if n == 1 && c&0x1F != 0x1F || n > 1 && c&0x80 == 0 {
			return t, n
		}
	}
	return 0, 0
}

// readLength reads a length of definite form; n is 0 where there is none.
func readLength(b []byte) (length, n int) {
	switch {
	case len(b) > 0 && b[0] < 0x80:
		return int(b[0]), 1
	case len(b) > 1 && b[0] == 0x81:
		return int(b[1]), 2
	case len(b) > 2 && b[0] == 0x82:
		return int(b[1])<<8 | int(b[2]), 3
	}
	return 0, 0
}

// parse cuts a buffer into its data objects. Bytes 00 and FF between them are padding (book 3, B1).
func parse(b []byte) (list []object, err error) {
	for at := 0; at < len(b); {
		if b[at] == 0x00 || b[at] == 0xFF {
			at++
			continue
		}
		tag, n := readTag(b[at:])
		length, m := readLength(b[at+n:])
		if n == 0 || m == 0 || length > len(b)-at-n-m {
			return nil, fmt.Errorf("%w: a data object breaks off at byte %d of %d", ErrCard, at, len(b))
		}
		if length > longestValue {
			return nil, fmt.Errorf("%w: a data object of %d bytes, at most %d are taken", ErrCard, length, longestValue)
		}
		at += n + m
		list = append(list, object{tag, b[at : at+length : at+length]})
		at += length
		if len(list) > mostTags {
			return nil, fmt.Errorf("%w: more than %d data objects", ErrCard, mostTags)
		}
	}
	return list, nil
}

// find gives the first object of a tag; nil where there is none.
func find(list []object, tag Tag) []byte {
	for _, o := range list {
		if o.tag == tag {
			return o.value
		}
	}
	return nil
}

// only gives the content of a buffer that is one template of this tag.
func only(b []byte, tag Tag) ([]object, error) {
	list, err := parse(b)
	if err != nil {
		return nil, err
	}
	if len(list) != 1 || list[0].tag != tag {
		return nil, fmt.Errorf("%w: want one template %X", ErrCard, tag)
	}
	return parse(list[0].value)
}

// appendTLV writes a data object, of which the value has at most longestValue bytes.
func appendTLV(to []byte, tag Tag, value []byte) []byte {
	to = append(to, tag.bytes()...)
	if len(value) >= 0x80 {
		to = append(to, 0x81)
	}
	return append(append(to, byte(len(value))), value...)
}

// objects are the data of a payment by their tags: the terminal's and the card's. As a value of a Session it is never changed,
// but copied.
type objects map[Tag][]byte

// with gives a copy that has the new ones, too, and copies of their values. A card that gives a data object twice makes no sense.
func (o objects) with(list []object) (objects, error) {
	all := maps.Clone(o)
	for i, n := range list {
		if _, twice := all[n.tag]; twice {
			for _, made := range list[:i] {
				clear(all[made.tag])
			}
			return o, fmt.Errorf("%w: %X is there twice", ErrCard, n.tag)
		}
		all[n.tag] = append([]byte(nil), n.value...)
	}
	return all, nil
}

// set gives a copy with one value replaced.
func (o objects) set(tag Tag, value []byte) objects {
	all := maps.Clone(o)
	all[tag] = value
	return all
}

func (o objects) wipe() {
	for _, v := range o {
		clear(v)
	}
}

// digits writes numbers as BCD of so many bytes.
func digits(text string, size int) []byte {
	for len(text) < 2*size {
		text = "0" + text
	}
	b, _ := hex.DecodeString(text[len(text)-2*size:]) // decimal digits are hex digits
	return b
}
