package main

import (
	"crypto/cipher"
	"crypto/des"
	"crypto/subtle"
)

// macKey is the MAC key of the samples; it protects nothing.
const macKey = "0123456789ABCDEF"

// macer makes the MAC of the dialect unionpay with a key schedule that was made before. Its buffers are in it because
// what is given to an interface's method moves to the heap.
type macer struct {
	block             cipher.Block
	fold, chars, last [8]byte
}

func newMACer() (*macer, error) {
	block, err := des.NewCipher(bytesOf(macKey))
	return &macer{block: block}, err
}

// sign fills the last eight bytes of a packed message: all blocks from the MTI to the MAC by XOR, that as hex
// characters, the first half encrypted, the second folded in, encrypted again; the MAC is the first eight characters.
func (m *macer) sign(packed []byte) {
	data := packed[headSize : len(packed)-8]
	clear(m.fold[:])
	for ; len(data) >= 8; data = data[8:] {
		subtle.XORBytes(m.fold[:], m.fold[:], data[:8])
	}
	subtle.XORBytes(m.fold[:], m.fold[:], data)
	hex8(m.chars[:], m.fold[:4])
	hex8(m.last[:], m.fold[4:])
	m.block.Encrypt(m.chars[:], m.chars[:])
	subtle.XORBytes(m.chars[:], m.chars[:], m.last[:])
	m.block.Encrypt(m.chars[:], m.chars[:])
	hex8(packed[len(packed)-8:], m.chars[:4])
}
