package main

import (
	"testing"

	moov "github.com/moov-io/iso8583"

	"posd/iso8583"
)

// bench is one thing that is measured.
type bench struct {
	key

	once func() error // does it once; what it works on was made before
}

// key names what is measured.
type key struct{ wire, who, what string }

func (k key) String() string { return k.wire + " " + k.who + " " + k.what }

// reuses tells whether a thing works in memory that is there already: then it must not allocate.
func (k key) reuses() bool { return k.what != newSetting && k.what != newReading }

// run measures it. An error ends the measuring: nothing is said of what does not work.
func (c bench) run(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if err := c.once(); err != nil {
			b.Fatal(c.key, err)
		}
	}
}

// The words for the same thing in every group of the table.
const (
	wireBCD   = "BCD"
	wireASCII = "ASCII"

	ours    = "posd"
	theirs  = "moov"
	floor   = "reference"
	packing = "pack"
	setting = "set fields + pack"
	sealing = "pack + MAC"
	viewing = "view"
	reading = "full decode"

	newSetting = "new message, set + pack"
	newReading = "new message, decode"
)

// benches makes all that is measured.
func benches() ([]bench, error) {
	unionpay, err := iso8583.Preset("unionpay")
	if err != nil {
		return nil, err
	}
	ascii, err := iso8583.Preset("iso87-ascii")
	if err != nil {
		return nil, err
	}
	var all []bench
	for _, group := range []func() ([]bench, error){
		referenceBenches,
		func() ([]bench, error) { return posdBenches(wireBCD, unionpay) },
		func() ([]bench, error) { return moovBenches(wireBCD, moovBCD()) },
		func() ([]bench, error) { return posdBenches(wireASCII, ascii) },
		func() ([]bench, error) { return moovBenches(wireASCII, moovASCII()) },
	} {
		list, err := group()
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

func referenceBenches() ([]bench, error) {
	s := saleSample()
	packed, err := referencePack(nil, s)
	if err != nil {
		return nil, err
	}
	mac, err := newMACer()
	if err != nil {
		return nil, err
	}
	buf, found, decoded := make([]byte, 0, largest), &places{}, &texts{buf: make([]byte, largest)}
	return []bench{
		{key{wireBCD, floor, packing}, func() error {
			_, err := referencePack(buf, s)
			return err
		}},
		{key{wireBCD, floor, sealing}, func() error {
			out, err := referencePack(buf, s)
			mac.sign(out)
			return err
		}},
		{key{wireBCD, floor, viewing}, func() error { return referenceParse(found, packed) }},
		{key{wireBCD, floor, reading}, func() error { return referenceDecode(decoded, packed) }},
	}, nil
}

// fill gives m the sample's values.
func fill(m *iso8583.Message) {
	m.MTI = saleMTI
	for i := range sale {
		v := &sale[i]
		if v.raw != nil {
			m.SetBytes(v.field, v.raw)
		} else {
			m.Set(v.field, v.text)
		}
	}
}

func posdBenches(wire string, d *iso8583.Dialect) ([]bench, error) {
	m := &iso8583.Message{}
	fill(m)
	packed, err := d.Pack(nil, m)
	if err != nil {
		return nil, err
	}
	again, read, buf := &iso8583.Message{}, &iso8583.Message{}, make([]byte, 0, 2*largest)
	var seen iso8583.View
	list := []bench{
		{key{wire, ours, packing}, func() error {
			_, err := d.Pack(buf, m)
			return err
		}},
		{key{wire, ours, setting}, func() error {
			again.Reset()
			fill(again)
			_, err := d.Pack(buf, again)
			return err
		}},
		{key{wire, ours, newSetting}, func() error {
			fresh := &iso8583.Message{}
			fill(fresh)
			_, err := d.Pack(buf, fresh)
			return err
		}},
		{key{wire, ours, viewing}, func() error { return d.View(&seen, packed) }},
		{key{wire, ours, reading}, func() error {
			_, err := d.UnpackInto(read, packed)
			return err
		}},
		{key{wire, ours, newReading}, func() error {
			got, _, err := d.Unpack(packed)
			if err == nil {
				got.Wipe()
			}
			return err
		}},
	}
	if !m.Has(d.MACRule().Field) {
		return list, nil
	}
	keys, err := testKeys()
	if err != nil {
		return nil, err
	}
	return append(list, bench{key{wire, ours, sealing}, func() error {
		out, err := d.Pack(buf, m)
		if err != nil {
			return err
		}
		return d.Sign(out, keys)
	}}), nil
}

func moovBenches(wire string, spec *moov.MessageSpec) ([]bench, error) {
	m, again, read := moov.NewMessage(spec), moov.NewMessage(spec), moov.NewMessage(spec)
	if err := moovSet(m); err != nil {
		return nil, err
	}
	packed, err := m.Pack()
	if err != nil {
		return nil, err
	}
	return []bench{
		{key{wire, theirs, packing}, func() error {
			_, err := m.Pack()
			return err
		}},
		{key{wire, theirs, setting}, func() error {
			moovEmpty(again)
			if err := moovSet(again); err != nil {
				return err
			}
			_, err := again.Pack()
			return err
		}},
		{key{wire, theirs, reading}, func() error {
			moovEmpty(read)
			return read.Unpack(packed)
		}},
		{key{wire, theirs, newSetting}, func() error {
			fresh := moov.NewMessage(spec)
			if err := moovSet(fresh); err != nil {
				return err
			}
			_, err := fresh.Pack()
			return err
		}},
		{key{wire, theirs, newReading}, func() error { return moov.NewMessage(spec).Unpack(packed) }},
	}, nil
}

// testKeys is a key store with the samples' MAC key.
func testKeys() (*iso8583.Keys, error) {
	keys, err := iso8583.NewKeys(bytesOf(macKey))
	if err != nil {
		return nil, err
	}
	return keys, keys.Set(iso8583.MAK, bytesOf(macKey))
}
