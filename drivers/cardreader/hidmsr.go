package cardreader

import (
	"context"
	"errors"
	"fmt"

	"posd/drivers/hid"
	"posd/drivers/port"
)

// Usages of magnetic stripe readers (HID Point of Sale Usage Tables 1.02, page 8E), of the first of three tracks.
const (
	msrLength hid.Usage = 0x8E<<16 | 0x11
	msrData   hid.Usage = 0x8E<<16 | 0x21
)

// Usages of MagTek's readers (page FF00; MagTek 99875388 and 99875475, section on the report descriptor), of the first
// of three tracks where there are three.
const (
	magtekStatus       hid.Usage = 0xFF00<<16 | 0x20
	magtekLength       hid.Usage = 0xFF00<<16 | 0x28
	magtekData         hid.Usage = 0xFF00<<16 | 0x30
	magtekEncode       hid.Usage = 0xFF00<<16 | 0x38
	magtekKSN          hid.Usage = 0xFF00<<16 | 0x46
	magtekMaskedLength hid.Usage = 0xFF00<<16 | 0x47
	magtekMasked       hid.Usage = 0xFF00<<16 | 0x4A
	magtekSession      hid.Usage = 0xFF00<<16 | 0x50
)

func init() {
	registry.Register(Driver{
		Name: "hidmsr",
		For:  []port.Match{{Kind: port.Report, Page: 0x8E}},
		Doc: "Magnetic stripe readers with a HID interface of usage page 8E, by the device's report descriptor; in the clear, " +
			"for test acquirers. No recorded trace of a real device yet.",
		Options: []port.Option{luhnOption},
		Open: func(c port.Conn, s port.Settings) Source {
			r := newHIDReader(c, s.Yes("luhn"))
			r.describe(func(d *hid.Descriptor) (fields, bool) {
				return fields{length: three(d, msrLength), data: three(d, msrData)}, has(d, msrData)
			})
			if r.broken == nil && r.fields.data[1].Size == 0 {
				r.broken = errNoMSR
			}
			return r
		},
	})
}

var (
	errNoHID = errors.New(`this driver needs a HID port, such as "hid:///dev/hidraw0"; a reader on a serial port or in keyboard ` +
		`mode has the driver "magnetic"`)
	errNoMSR = errors.New("the device tells of no track data in usage page 8E; set the reader to HID, or choose the driver of " +
		"its maker")
)

// fields is where things stand in a report. Places of no size are not there.
type fields struct {
	status, length, data [3]hid.Place // of track data: in clear, or ciphertext
	encode               hid.Place    // type of the card
	maskedLength, masked [3]hid.Place
	ksn, session         hid.Place
}

// three finds a usage and the two after it.
func three(d *hid.Descriptor, first hid.Usage) (p [3]hid.Place) {
	for i := range p {
		p[i], _ = d.Find(hid.Input, first+hid.Usage(i))
	}
	return p
}

func has(d *hid.Descriptor, u hid.Usage) bool {
	_, ok := d.Find(hid.Input, u)
	return ok
}

// hidReader is a reader whose reports have fields, owned by the caller of Next.
type hidReader struct {
	conn   port.HID
	fields fields
	luhn   bool
	broken error // why the device cannot be used; nil mostly
}

func newHIDReader(c port.Conn, luhn bool) *hidReader {
	r := &hidReader{luhn: luhn}
	var ok bool
	if r.conn, ok = c.(port.HID); !ok {
		r.broken = errNoHID
	}
	return r
}

// describe takes the places from the descriptor, if the device tells one and find knows it.
func (r *hidReader) describe(find func(*hid.Descriptor) (fields, bool)) {
	if r.broken != nil || len(r.conn.Info().Descriptor) == 0 {
		return
	}
	d, err := hid.Parse(r.conn.Info().Descriptor)
	if err != nil {
		r.broken = err
		return
	}
	if f, ok := find(d); ok {
		r.fields = f
	}
}

// Usable tells at once whether the port is one for this driver.
func (r *hidReader) Usable() error { return r.broken }

func (r *hidReader) Next(ctx context.Context) (*Card, error) {
	if r.broken != nil {
		return nil, r.broken
	}
	for {
		report, err := r.conn.Next(ctx, port.SplitReport)
		if err != nil {
			return nil, unreadable(err)
		}
		card, err := r.fields.card(report, r.luhn)
		clear(report)
		if card != nil || err != nil {
			return card, err
		}
	}
}

// encodeAAMVA is the type of a driving licence (MagTek 99875388, card encode type).
const encodeAAMVA = 1

// card makes a card of a report; nil where the report is of another number. It keeps no part of it.
func (f *fields) card(report []byte, check bool) (*Card, error) {
	if id := f.data[1].ID; id != 0 && (len(report) == 0 || report[0] != id) {
		return nil, nil
	}
	if f.encode.Size > 0 && f.encode.Uint(report) == encodeAAMVA {
		return nil, fmt.Errorf("%w: a driving licence", ErrNotPayment)
	}
	tracks, err := f.tracks(report, f.length, f.data)
	if err != nil {
		return nil, err
	}
	if f.ksn.Size > 0 {
		return f.encrypted(report, tracks)
	}
	for i := range tracks {
		tracks[i] = bare(tracks[i])
	}
	return cardOf(tracks, check)
}

// tracks cuts three values out of a report. A track that the reader could not decode is left out.
func (f *fields) tracks(report []byte, length, data [3]hid.Place) (tracks [3][]byte, err error) {
	for i := range tracks {
		n, all := int(length[i].Uint(report)), data[i].Bytes(report)
		if n > len(all) {
			return tracks, fmt.Errorf("%w: track %d counts %d bytes and has %d; look at the driver's name in the configuration",
				ErrUnreadable, i+1, n, len(all))
		}
		if failed := f.status[i].Size > 0 && f.status[i].Uint(report)&1 == 1; n > 0 && !failed {
			tracks[i] = all[:n]
		}
	}
	return tracks, nil
}

// encrypted makes a card of ciphertext. The masked tracks beside it say what number may be shown.
func (f *fields) encrypted(report []byte, ciphertext [3][]byte) (*Card, error) {
	masked, err := f.tracks(report, f.maskedLength, f.masked)
	if err != nil {
		return nil, err
	}
	for i := range masked {
		masked[i] = bare(masked[i])
	}
	return sealedCard(sealed{
		masked: masked, tracks: ciphertext, ksn: f.ksn.Bytes(report), session: f.session.Bytes(report), cipher: TDES,
	})
}
