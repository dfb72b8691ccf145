package payment

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
)

// Sealer keeps what a later message needs (a PAN for a void) so that it is worth nothing once its key is gone: each
// attempt has a data key of its own, wrapped by the shop's key. Deleting the wrapped key destroys the data.
// AES-256-GCM, random nonces.
type Sealer struct{ kek cipher.AEAD }

// ErrNoSealKey says that sealing was asked for and no key is configured.
var ErrNoSealKey = errors.New("no sealing key is configured")

// NewSealer takes a key of 32 bytes.
func NewSealer(kek []byte) (*Sealer, error) {
	if len(kek) != 32 {
		return nil, fmt.Errorf("sealing key: want 32 bytes, got %d", len(kek))
	}
	a, err := newGCM(kek)
	if err != nil {
		return nil, fmt.Errorf("sealing key: %w", err)
	}
	return &Sealer{kek: a}, nil
}

// Seal gives the wrapped data key and the box. about binds them to their attempt.
func (s *Sealer) Seal(plain []byte, about string) (wrapped, box []byte, err error) {
	if s == nil {
		return nil, nil, ErrNoSealKey
	}
	key := make([]byte, 32)
	defer clear(key)
	if _, err := rand.Read(key); err != nil {
		return nil, nil, err
	}
	data, err := newGCM(key)
	if err != nil {
		return nil, nil, err
	}
	return closeBox(s.kek, key, about), closeBox(data, plain, about), nil
}

// Open gives back what Seal was given. The caller wipes it.
func (s *Sealer) Open(wrapped, box []byte, about string) ([]byte, error) {
	if s == nil {
		return nil, ErrNoSealKey
	}
	key, err := openBox(s.kek, wrapped, about)
	if err != nil {
		return nil, fmt.Errorf("the sealing key does not fit: %w", err)
	}
	defer clear(key)
	data, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	return openBox(data, box, about)
}

func newGCM(key []byte) (cipher.AEAD, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(b)
}

func closeBox(a cipher.AEAD, plain []byte, about string) []byte {
	return a.Seal(nil, nil, plain, []byte(about))
}

func openBox(a cipher.AEAD, box []byte, about string) ([]byte, error) {
	return a.Open(nil, nil, box, []byte(about))
}
