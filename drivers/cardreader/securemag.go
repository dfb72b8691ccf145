package cardreader

import (
	"bytes"
	"context"
	"fmt"

	"posd/drivers/port"
)

// Frame of ID TECH's readers (SecureMag user manual 80096504-001, enhanced encryption format): STX, length low and high,
// data, XOR of the data, sum of the data, ETX.
const (
	stx         = 0x02
	etx         = 0x03
	idHead      = 3
	idTail      = 3
	idFixed     = 7       // type, track status, three lengths, fields 8 and 9
	idLimit     = 1 << 10 // of data; three tracks clear, encrypted and hashed have less
	idEnhanced  = 0x80    // type: in the enhanced format
	idISO       = 0x80    // types of card
	idAAMVA     = 0x81
	idAES       = 0x10 // field 8: bits 4 and 5 are the cipher
	idCiphers   = 0x30
	idSerial    = 0x80 // field 8: the reader's serial number is there
	idSession   = 0x40 // field 9: a session id is there
	idKSN       = 0x80 // field 9
	lenHash     = 20
	lenSerial   = 10
	lenSession  = 8
	idHashShift = 3 // field 9: bits 3 to 5 are the hashes
)

func init() {
	registry.Register(Driver{
		Name: "securemag",
		For:  []port.Match{{Kind: port.Report, Vendor: 0x0ACD}, {Kind: port.Serial, Vendor: 0x0ACD}},
		Doc: "ID TECH SecureMag and Augusta S readers in the enhanced encryption format, over USB-CDC, a serial port or HID " +
			"(0acd): tracks are encrypted in the reader and passed on with the KSN. No recorded trace of a real device yet.",
		Options: []port.Option{patienceOption},
		Open: func(c port.Conn, s port.Settings) Source {
			return &secureMag{conn: c, pause: port.Pause{Patience: s.Time("patience")}}
		},
	})
}

// secureMag is one reader, owned by the caller of Next.
type secureMag struct {
	conn  port.Conn
	pause port.Pause
}

func (m *secureMag) Next(ctx context.Context) (*Card, error) {
	if h, ok := m.conn.(port.HID); ok {
		return nextReport(ctx, h)
	}
	b, err := next(ctx, &m.pause, m.conn, splitSecureMag)
	if err != nil {
		return nil, err
	}
	defer clear(b)
	return secureMagCard(b)
}

// nextReport waits for a report, which holds one frame and is filled up by zeros.
func nextReport(ctx context.Context, h port.HID) (*Card, error) {
	b, err := h.Next(ctx, port.SplitReport)
	if err != nil {
		return nil, unreadable(err)
	}
	defer clear(b)
	for rest := b; len(rest) > 0; {
		n, frame, _ := splitSecureMag(rest, true)
		if frame != nil {
			return secureMagCard(frame)
		}
		if n == 0 {
			break
		}
		rest = rest[n:]
	}
	return nil, fmt.Errorf("%w: no whole frame in a report of %d bytes", ErrUnreadable, len(b))
}

// splitSecureMag cuts frames by their length. What can be no frame is skipped up to the next STX: noise, and the zeros
// that fill a HID report.
func splitSecureMag(data []byte, _ bool) (int, []byte, error) {
	switch i := bytes.IndexByte(data, stx); {
	case i < 0:
		return len(data), nil, nil
	case i > 0:
		return i, nil, nil
	case len(data) < idHead:
		return 0, nil, nil
	}
	n := int(data[1]) | int(data[2])<<8
	if n < idFixed || n > idLimit {
		return 1, nil, nil
	}
	if n += idHead + idTail; len(data) < n {
		return 0, nil, nil
	}
	return n, data[:n], nil
}

// secureMagCard reads a frame. It keeps no part of it.
func secureMagCard(b []byte) (*Card, error) {
	data := b[idHead : len(b)-idTail]
	var xor, sum byte
	for _, c := range data {
		xor ^= c
		sum += c
	}
	switch {
	case b[len(b)-1] != etx:
		return nil, fmt.Errorf("%w: a frame of %d bytes without its ETX", ErrUnreadable, len(b))
	case b[len(b)-3] != xor || b[len(b)-2] != sum:
		return nil, fmt.Errorf("%w: check bytes of a frame of %d bytes", ErrUnreadable, len(b))
	case data[0]&idEnhanced == 0:
		return nil, fmt.Errorf("%w: not the enhanced encryption format; set the reader to it", ErrUnreadable)
	case data[0] == idAAMVA:
		return nil, fmt.Errorf("%w: a driving licence", ErrNotPayment)
	case data[0] != idISO:
		return nil, fmt.Errorf("%w: the reader found no ISO format (type %d)", ErrNotPayment, data[0]&^idEnhanced)
	}
	s, err := secureMagFields(data)
	if err != nil {
		return nil, err
	}
	return sealedCard(s)
}

// cutter takes fields off the front of a frame. After one that is not there in full, short is set and all are empty.
type cutter struct {
	rest  []byte
	short bool
}

func (c *cutter) take(n int, there bool) []byte {
	if !there || c.short {
		return nil
	}
	if n > len(c.rest) {
		c.short = true
		return nil
	}
	field := c.rest[:n]
	c.rest = c.rest[n:]
	return field
}

// secureMagFields cuts a frame's data into its fields, in their order.
func secureMagFields(data []byte) (sealed, error) {
	clearSent, sent := data[5], data[6]
	s, block := sealed{cipher: TDES}, 8
	if clearSent&idCiphers == idAES {
		s.cipher, block = AES, 16
	}
	c := cutter{rest: data[idFixed:]}
	for i := range s.masked {
		s.masked[i] = bare(c.take(int(data[2+i]), clearSent>>i&1 == 1))
	}
	for i := range s.tracks {
		s.tracks[i] = c.take((int(data[2+i])+block-1)/block*block, sent>>i&1 == 1)
	}
	s.session = c.take(lenSession, sent&idSession != 0)
	for i := range s.tracks {
		c.take(lenHash, sent>>(idHashShift+i)&1 == 1)
	}
	c.take(lenSerial, clearSent&idSerial != 0)
	s.ksn = c.take(lenKSN, sent&idKSN != 0)
	if c.short || len(c.rest) > 0 {
		return sealed{}, fmt.Errorf("%w: fields of a frame of %d bytes do not add up", ErrUnreadable, len(data))
	}
	return s, nil
}
