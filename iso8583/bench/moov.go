package main

import (
	"errors"

	moov "github.com/moov-io/iso8583"
	"github.com/moov-io/iso8583/encoding"
	"github.com/moov-io/iso8583/field"
	"github.com/moov-io/iso8583/padding"
	"github.com/moov-io/iso8583/prefix"
)

// The message in moov-io/iso8583, by its public API only. It knows no TPDU and no header, so it has 11 bytes less to
// do.

// moovBCD is the sample's part of the dialect unionpay. Field 35 wants a packer of its own: the library's encodings
// have no half bytes above 9 with a length that counts them.
func moovBCD() *moov.MessageSpec {
	fixed := func(n int) field.Field { return chars(n, encoding.BCD, prefix.BCD.Fixed) }
	ascii := func(n int) field.Field { return chars(n, encoding.ASCII, prefix.ASCII.Fixed) }
	left := func(n int, p prefix.Prefixer) field.Field { return chars(n, encoding.LBCD, p) }
	track := &field.Spec{
		Length: 48, Enc: encoding.ASCIIHexToBytes, Pref: prefix.BCD.LL, Pad: padding.Right('0'),
		Packer: field.Track2Packer{}, Unpacker: field.UnpackerFunc(unpackTrack),
	}
	return &moov.MessageSpec{Name: "BCD", Fields: map[int]field.Field{
		0: fixed(4),
		1: field.NewBitmap(&field.Spec{Length: 8, Enc: encoding.Binary, Pref: prefix.Binary.Fixed}),
		2: left(19, prefix.BCD.LL), 3: fixed(6), 4: fixed(12), 7: fixed(10), 11: fixed(6), 12: fixed(6), 13: fixed(4),
		14: fixed(4), 22: left(3, prefix.BCD.Fixed), 25: fixed(2), 35: field.NewString(track), 37: ascii(12), 41: ascii(8),
		42: ascii(15), 49: ascii(3), 52: octets(8, encoding.Binary, prefix.Binary.Fixed), 53: fixed(16),
		55: octets(512, encoding.Binary, prefix.BCD.LLL), 60: left(99, prefix.BCD.LLL),
		64: octets(8, encoding.Binary, prefix.Binary.Fixed),
	}}
}

// moovASCII is the sample's part of the dialect iso87-ascii. The length of field 55 counts hex characters there, which
// wants a packer, too.
func moovASCII() *moov.MessageSpec {
	fixed := func(n int) field.Field { return chars(n, encoding.ASCII, prefix.ASCII.Fixed) }
	chip := &field.Spec{
		Length: 998, Enc: encoding.BytesToASCIIHex, Pref: prefix.ASCII.LLL,
		Packer: field.PackerFunc(packHex), Unpacker: field.UnpackerFunc(unpackHex),
	}
	return &moov.MessageSpec{Name: "ASCII", Fields: map[int]field.Field{
		0: fixed(4),
		1: field.NewBitmap(&field.Spec{Length: 8, Enc: encoding.BytesToASCIIHex, Pref: prefix.Hex.Fixed}),
		2: chars(19, encoding.ASCII, prefix.ASCII.LL), 3: fixed(6), 4: fixed(12), 7: fixed(10), 11: fixed(6), 12: fixed(6),
		13: fixed(4), 14: fixed(4), 22: fixed(3), 25: fixed(2), 35: chars(37, encoding.ASCII, prefix.ASCII.LL), 37: fixed(12),
		41: fixed(8), 42: fixed(15), 49: fixed(3), 52: octets(8, encoding.BytesToASCIIHex, prefix.ASCII.Fixed),
		53: fixed(16), 55: field.NewBinary(chip), 60: chars(999, encoding.ASCII, prefix.ASCII.LLL),
		64: octets(8, encoding.BytesToASCIIHex, prefix.ASCII.Fixed),
	}}
}

func chars(n int, enc encoding.Encoder, pref prefix.Prefixer) field.Field {
	return field.NewString(&field.Spec{Length: n, Enc: enc, Pref: pref})
}

func octets(n int, enc encoding.Encoder, pref prefix.Prefixer) field.Field {
	return field.NewBinary(&field.Spec{Length: n, Enc: enc, Pref: pref})
}

func unpackTrack(b []byte, spec *field.Spec) ([]byte, int, error) {
	units, used, err := spec.Pref.DecodeLength(spec.Length, b)
	if err != nil {
		return nil, 0, err
	}
	size := (units + 1) / 2
	if len(b) < used+size {
		return nil, 0, errors.New("track: too short")
	}
	out, _, err := spec.Enc.Decode(b[used:], size)
	if err != nil {
		return nil, 0, err
	}
	return out[:units], used + size, nil
}

func packHex(value []byte, spec *field.Spec) ([]byte, error) {
	text, err := spec.Enc.Encode(value)
	if err != nil {
		return nil, err
	}
	length, err := spec.Pref.EncodeLength(spec.Length, len(text))
	return append(length, text...), err
}

func unpackHex(b []byte, spec *field.Spec) ([]byte, int, error) {
	size, used, err := spec.Pref.DecodeLength(spec.Length, b)
	if err != nil {
		return nil, 0, err
	}
	out, read, err := spec.Enc.Decode(b[used:], size/2)
	return out, used + read, err
}

// moovEmpty takes every field away: what is not set or read next would be left from the message before.
func moovEmpty(m *moov.Message) {
	for i := range sale {
		m.UnsetField(sale[i].field)
	}
}

// moovSet gives a message the sample's values.
func moovSet(m *moov.Message) error {
	m.MTI(saleMTI)
	for i := range sale {
		v := &sale[i]
		var err error
		if v.raw != nil {
			err = m.BinaryField(v.field, v.raw)
		} else {
			err = m.Field(v.field, v.text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
