package cardreader

import (
	"bytes"
	"fmt"

	"posd/drivers/port"
)

// lenKSN is the length of a key serial number (ANSI X9.24-1).
const lenKSN = 10

// sealed is what an encrypting reader sent of a card. Its slices belong to the frame.
type sealed struct {
	masked  [3][]byte // without sentinels
	tracks  [3][]byte // ciphertext
	ksn     []byte
	session []byte
	cipher  Cipher
}

// sealedCard copies what was read into secrets of their own.
func sealedCard(s sealed) (*Card, error) {
	block := map[Cipher]int{TDES: 8, AES: 16}[s.cipher]
	if len(s.ksn) != lenKSN || len(bytes.Trim(s.ksn, "\x00")) == 0 {
		return nil, fmt.Errorf("%w: the reader has no key: its KSN is empty; have the acquirer's key injected", ErrUnreadable)
	}
	for i, t := range s.tracks {
		if len(t)%block != 0 {
			return nil, fmt.Errorf("%w: ciphertext of track %d has %d bytes, want blocks of %d", ErrUnreadable, i+1, len(t), block)
		}
	}
	number, err := maskedNumber(s.masked)
	if err != nil {
		return nil, err
	}
	if len(s.tracks[0])+len(s.tracks[1]) == 0 {
		return nil, fmt.Errorf("%w: neither track 1 nor track 2 is encrypted", ErrUnreadable)
	}
	secret := func(b []byte) port.Secret { return port.NewSecret(bytes.Clone(b)) }
	return &Card{masked: number, Encrypted: Encrypted{
		Track1: secret(s.tracks[0]), Track2: secret(s.tracks[1]), Track3: secret(s.tracks[2]),
		KSN: secret(s.ksn), Session: secret(s.session), Cipher: s.cipher,
	}}, nil
}
