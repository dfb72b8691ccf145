package iso8583

import (
	"crypto/subtle"
	"fmt"
	"slices"
)

// macBytes is how much of a result a message carries.
const macBytes = 8

// Cipher makes MACs where the MAC key lives: in Keys, a PIN pad or an HSM. It gives the first eight bytes of the
// result under the rule's algorithm, padding and key length; what of them stands in the message is the dialect's
// matter. It fails with ErrNoKey before sign-on, and keeps neither data nor any part of it. One that talks to a device
// bounds its own waiting.
type Cipher interface {
	MAC(rule MACRule, data []byte) ([8]byte, error)
}

// Sign fills the MAC of a packed message in place. The MAC must be its last field: it covers all from where the rule's
// range begins to the byte before it.
func (d *Dialect) Sign(packed []byte, c Cipher) error {
	var buf [2 * macBytes]byte
	at, want, err := d.macOf(buf[:0], packed, c)
	if err == nil {
		copy(packed[at.Value:at.End], want)
	}
	return err
}

// CheckMAC compares the MAC of a packed message in constant time: nil, ErrNoMAC, ErrBadMAC, a *FieldError when the
// bytes cannot be read, or the cipher's own error.
func (d *Dialect) CheckMAC(packed []byte, c Cipher) error {
	var buf [2 * macBytes]byte
	at, want, err := d.macOf(buf[:0], packed, c)
	if err == nil && subtle.ConstantTimeCompare(want, packed[at.Value:at.End]) != 1 {
		return ErrBadMAC
	}
	return err
}

// macOf tells where the MAC of a packed message stands, and appends to dst what should stand there.
func (d *Dialect) macOf(dst, packed []byte, c Cipher) (Place, []byte, error) {
	at, err := d.findMAC(packed)
	if err != nil {
		return at, nil, err
	}
	sum, err := c.MAC(d.mac, packed[d.rangeStart(d.mac.Range):at.Start])
	if err != nil {
		return at, nil, fmt.Errorf("mac: %w", err)
	}
	return at, d.mac.written(dst, sum, d.base[at.Field]), nil
}

// findMAC looks for the MAC field by walking the message: what stands at the end may be something else.
func (d *Dialect) findMAC(packed []byte) (Place, error) {
	var v View
	if err := d.View(&v, packed); err != nil {
		return Place{}, err
	}
	at := v.Place(d.mac.Field)
	switch {
	case at.Field == 0:
		return at, ErrNoMAC
	case at.End != len(packed):
		return at, fault(at.Start, "the MAC is not the last of the message").of(at.Field)
	}
	return at, nil
}

// rangeStart is the first byte that a MAC covers.
func (d *Dialect) rangeStart(first string) int {
	switch first {
	case RangeTPDU:
		return 0
	case RangeHeader:
		return d.frame.tpduBytes
	default:
		return d.frame.tpduBytes + d.frame.headerBytes
	}
}

// MACParts gives what the MAC of a packed message covers when its range begins at first (RangeMTI, RangeHeader or
// RangeTPDU), and the MAC as it stands there. Both lie in packed. Errors are those of CheckMAC.
func (d *Dialect) MACParts(packed []byte, first string) (covered, mac []byte, err error) {
	at, err := d.findMAC(packed)
	if err != nil {
		return nil, nil, err
	}
	return packed[d.rangeStart(first):at.Start], packed[at.Value:at.End], nil
}

// Compute makes the whole result under a plain key, 8 bytes for DES and 16 for AES and SM4. It is for the bench: who
// makes many MACs asks Keys, which keep the key's tables. It fails where Check does, or with a *KeyError.
func (r MACRule) Compute(key, data []byte) ([]byte, error) {
	e, err := newEngine(r, key)
	if err != nil {
		return nil, err
	}
	return slices.Clone(e.sum(data)), nil
}

// written appends what stands in the MAC field: the result's first eight bytes, or the first eight characters of it as
// upper-case hex, in the field's own coding.
func (r MACRule) written(dst []byte, result [macBytes]byte, s *fieldSpec) []byte {
	if r.Output == OutputText {
		half := [macBytes / 2]byte(result[:])
		appendUpperHex(result[:0], half[:])
	}
	at := len(dst)
	if s.form == formHex {
		dst = appendUpperHex(dst, result[:])
	} else {
		dst = append(dst, result[:]...)
	}
	if s.ebcdic || s.form == formText && r.Output == OutputText && s.charset == charsetEBCDIC {
		translate(dst[at:], &toEBCDIC)
	}
	return dst
}
