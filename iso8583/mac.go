package iso8583

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/subtle"
	"fmt"

	"github.com/chmike/cmac-go"
)

// macBytes is how much of a result a message carries.
const macBytes = 8

// MACRule is how a dialect makes its MAC. The four settings are independent.
type MACRule struct {
	Algorithm string // "unionpay-ecb", "x9.9", "x9.19", "cmac"
	Padding   string // "zero" or "80" (ISO 9797-1 method 1 or 2); cmac pads by itself
	Output    string // "text": first 8 hex characters of the result; "binary": its first 8 bytes
	Field     int    // 64 or 128; 0 when the dialect has no MAC
	KeyBytes  int    // 8, 16, 24 or 32; 0 for whatever the sign-on brought
}

// The algorithms, paddings and outputs of a MACRule.
const (
	UnionPayECB = "unionpay-ecb"
	X99         = "x9.9"
	X919        = "x9.19"
	CMAC        = "cmac"

	PadZero = "zero"
	Pad80   = "80"

	OutputText   = "text"
	OutputBinary = "binary"
)

// Cipher makes MACs where the MAC key lives: in Keys, a PIN pad or an HSM. It gives the whole result (8 bytes for
// DES, 16 for AES); the dialect shortens it.
type Cipher interface {
	MAC(rule MACRule, data []byte) ([]byte, error)
}

// Sign fills the MAC of a packed message in place. The MAC must be its last field: it covers all from the MTI to the
// byte before it, TPDU and header apart.
func (d *Dialect) Sign(packed []byte, c Cipher) error {
	x, err := d.findMAC(packed)
	if err != nil {
		return err
	}
	mac, err := d.macOf(packed, x, c)
	if err != nil {
		return err
	}
	if d.base[x.field].wide {
		mac = appendUpperHex(nil, mac)
	}
	copy(packed[x.start:x.end], mac)
	return nil
}

// CheckMAC compares the MAC of a packed message in constant time: nil, ErrNoMAC, ErrBadMAC, a *FieldError when the
// bytes cannot be read, or the cipher's own error.
func (d *Dialect) CheckMAC(packed []byte, c Cipher) error {
	x, err := d.findMAC(packed)
	if err != nil {
		return err
	}
	want, err := d.macOf(packed, x, c)
	if err != nil {
		return err
	}
	if d.base[x.field].wide {
		want = appendUpperHex(nil, want)
	}
	if subtle.ConstantTimeCompare(want, packed[x.start:x.end]) != 1 {
		return ErrBadMAC
	}
	return nil
}

// findMAC looks for the MAC field by walking the message: what stands at the end may be something else.
func (d *Dialect) findMAC(packed []byte) (extent, error) {
	var mac extent
	end, ferr := d.scan(packed, &Message{}, func(_ *fieldSpec, x extent) {
		if x.field == d.mac.Field {
			mac = x
		}
	})
	switch {
	case ferr != nil:
		return mac, ferr
	case mac.field == 0:
		return mac, ErrNoMAC
	case mac.end != end || end != len(packed):
		return mac, fault(mac.start, "the MAC is not the last of the message").of(mac.field)
	}
	return mac, nil
}

// macOf makes the eight bytes that the MAC field should hold.
func (d *Dialect) macOf(packed []byte, x extent, c Cipher) ([]byte, error) {
	result, err := c.MAC(d.mac, packed[d.frame.tpduBytes+d.frame.headerBytes:x.start])
	if err != nil {
		return nil, fmt.Errorf("mac: %w", err)
	}
	return d.mac.short(result)
}

// short gives what of a result goes into the message.
func (r MACRule) short(result []byte) ([]byte, error) {
	if len(result) < macBytes {
		return nil, &KeyError{Slot: MAK, Rule: fmt.Sprintf("MAC result of %d bytes is too short", len(result))}
	}
	if r.Output == OutputText {
		return appendUpperHex(nil, result[:macBytes/2]), nil
	}
	return result[:macBytes], nil
}

// Compute makes the whole result of the rule's algorithm and padding.
func (r MACRule) Compute(key, data []byte) ([]byte, error) {
	switch r.Algorithm {
	case UnionPayECB:
		return unionPayECB(key, pad(data, r.Padding))
	case X99:
		return cbcMAC(key, pad(data, r.Padding))
	case X919:
		return retailMAC(key, pad(data, r.Padding))
	case CMAC:
		return aesCMAC(key, data)
	default:
		return nil, fmt.Errorf("no MAC algorithm %q; there are %s, %s, %s, %s", r.Algorithm, UnionPayECB, X99, X919, CMAC)
	}
}

// aesCMAC is AES-CMAC (RFC 4493; 16-, 24- or 32-byte key); 16 bytes.
func aesCMAC(key, data []byte) ([]byte, error) {
	h, err := cmac.New(aes.NewCipher, key)
	if err != nil {
		return nil, &KeyError{Slot: MAK, Rule: fmt.Sprintf("cmac: a key of %d bytes, 16, 24 or 32 wanted", len(key))}
	}
	_, _ = h.Write(data) // a hash never fails to write
	return h.Sum(nil), nil
}

// unionPayECB folds the data by XOR, writes the fold as 16 hex characters, encrypts the first half, folds in the
// second, and encrypts again (checked against two public samples, testdata/unionpay_mac.json).
func unionPayECB(key, data []byte) ([]byte, error) {
	block, err := desFor(MAK, key)
	if err != nil {
		return nil, err
	}
	var fold [macBytes]byte
	for i, c := range data {
		fold[i%macBytes] ^= c
	}
	chars := appendUpperHex(nil, fold[:])
	out := make([]byte, macBytes)
	block.Encrypt(out, chars[:macBytes])
	subtle.XORBytes(out, out, chars[macBytes:])
	block.Encrypt(out, out)
	return out, nil
}

func cbcMAC(key, data []byte) ([]byte, error) {
	if len(key) != des.BlockSize {
		return nil, &KeyError{Slot: MAK, Rule: fmt.Sprintf("x9.9: a key of %d bytes, 8 wanted", len(key))}
	}
	block, err := desFor(MAK, key)
	if err != nil {
		return nil, err
	}
	out := make([]byte, macBytes)
	for ; len(data) >= macBytes; data = data[macBytes:] {
		subtle.XORBytes(out, out, data[:macBytes])
		block.Encrypt(out, out)
	}
	return out, nil
}

// retailMAC is CBC with the left key, then the last block through the right key and the left again.
func retailMAC(key, data []byte) ([]byte, error) {
	if len(key) != 2*des.BlockSize {
		return nil, &KeyError{Slot: MAK, Rule: fmt.Sprintf("x9.19: a key of %d bytes, 16 wanted", len(key))}
	}
	out, err := cbcMAC(key[:8], data)
	if err != nil {
		return nil, err
	}
	right, err := desFor(MAK, key[8:])
	if err != nil {
		return nil, err
	}
	left, err := desFor(MAK, key[:8])
	if err != nil {
		return nil, err
	}
	right.Decrypt(out, out)
	left.Encrypt(out, out)
	return out, nil
}

// pad fills data to whole blocks: with zeros (ISO 9797-1 method 1), or with 80 and zeros (method 2).
func pad(data []byte, how string) []byte {
	out := append(make([]byte, 0, len(data)+macBytes), data...)
	if how == Pad80 {
		out = append(out, 0x80)
	}
	for len(out)%macBytes != 0 || len(out) == 0 {
		out = append(out, 0)
	}
	return out
}

// desFor makes a single, double or triple length DES cipher. Go's DES does not run in constant time; the keys are a
// terminal's own and the wire is the shop's.
func desFor(slot Slot, key []byte) (cipher.Block, error) {
	switch len(key) {
	case 8:
		return des.NewCipher(key)
	case 16:
		long := append(append(make([]byte, 0, 24), key...), key[:8]...)
		defer clear(long)
		return des.NewTripleDESCipher(long)
	case 24:
		return des.NewTripleDESCipher(key)
	default:
		return nil, &KeyError{Slot: slot, Rule: fmt.Sprintf("a key of %d bytes, 8, 16 or 24 wanted", len(key))}
	}
}
