package iso8583

import (
	"bytes"
	"crypto/cipher"
	"crypto/subtle"
	"fmt"
	"strings"
	"sync"
)

// Slot names a key.
type Slot string

// The key slots: master key, MAC key, PIN key, track key.
const (
	TMK Slot = "TMK"
	MAK Slot = "MAK"
	PIK Slot = "PIK"
	TDK Slot = "TDK"
)

// checkBytes is the length of a check value: the first bytes of eight zero bytes under the plain key.
const checkBytes = 4

// blockOrder is the order of the keys in a sign-on reply; the track key may be missing.
var blockOrder = []Slot{PIK, MAK, TDK}

// blockLayouts tells by the length of a sign-on reply's key block how many keys of which length it holds.
var blockLayouts = map[int]struct{ keys, size int }{
	24: {2, 8}, 40: {2, 16}, 60: {3, 16}, 84: {3, 24},
}

// Keys is a software key store for the working keys of one terminal, under its master key. It may be used by many
// goroutines and prints masked.
type Keys struct {
	mu   sync.Mutex
	slot map[Slot][]byte // guarded by mu
}

// NewKeys makes a store with a terminal master key of 8, 16 or 24 bytes, which it copies.
func NewKeys(tmk []byte) (*Keys, error) {
	k := &Keys{slot: map[Slot][]byte{}}
	if len(tmk) == 0 {
		return nil, &KeyError{Slot: TMK, Rule: "is empty"}
	}
	return k, k.Set(TMK, tmk)
}

// Set puts a copy of a plain key into a slot; nil empties it.
func (k *Keys) Set(slot Slot, key []byte) error {
	if len(key) != 0 && len(key) != 32 { // 32: an AES MAC key
		if _, err := desFor(slot, key); err != nil {
			return err
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.replace(slot, key)
	return nil
}

// Has tells whether a slot is filled.
func (k *Keys) Has(slot Slot) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.slot[slot]) > 0
}

// MAC makes a MAC with the MAC key. It fails with ErrNoKey before sign-on.
func (k *Keys) MAC(rule MACRule, data []byte) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key := k.slot[MAK]
	switch {
	case len(key) == 0:
		return nil, ErrNoKey
	case len(key) < rule.KeyBytes:
		return nil, &KeyError{Slot: MAK, Rule: fmt.Sprintf("%d bytes, the dialect wants %d", len(key), rule.KeyBytes)}
	case rule.KeyBytes > 0:
		key = key[:rule.KeyBytes]
	}
	return rule.Compute(key, data)
}

// LoadWorkingKeys takes the key block of a sign-on reply: 24, 40, 60 or 84 bytes of keys under the master key, each
// with its 4-byte check value. A short key stands in a long place with zeros after it; a place of zeros is no key.
// On any error (*KeyError) the old keys are gone too: the host uses them no more.
func (k *Keys) LoadWorkingKeys(block []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range blockOrder {
		k.replace(s, nil)
	}
	layout, ok := blockLayouts[len(block)]
	if !ok {
		return &KeyError{Rule: fmt.Sprintf("a block of %d bytes, 24, 40, 60 or 84 wanted", len(block))}
	}
	master, err := desFor(TMK, k.slot[TMK])
	if err != nil {
		return err
	}
	plain := map[Slot][]byte{}
	for i, s := range blockOrder[:layout.keys] {
		place := block[i*(layout.size+checkBytes):][:layout.size+checkBytes]
		if plain[s], err = unwrap(master, s, place); err != nil {
			return err
		}
	}
	for s, key := range plain {
		k.replace(s, key)
		clear(key)
	}
	return nil
}

// unwrap decrypts one key of a block and holds it against its check value.
func unwrap(master cipher.Block, slot Slot, place []byte) ([]byte, error) {
	size := len(place) - checkBytes
	wrapped, check := place[:size], place[size:]
	for len(wrapped) > 0 && bytes.Equal(wrapped[len(wrapped)-8:], make([]byte, 8)) {
		wrapped = wrapped[:len(wrapped)-8]
	}
	if len(wrapped) == 0 && slot == TDK {
		return nil, nil
	}
	key := make([]byte, len(wrapped))
	for i := 0; i < len(wrapped); i += 8 {
		master.Decrypt(key[i:], wrapped[i:])
	}
	want, err := checkValue(slot, key)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(want, check) != 1 {
		clear(key)
		return nil, &KeyError{Slot: slot, Rule: "does not fit its check value: check the master key"}
	}
	return key, nil
}

func checkValue(slot Slot, key []byte) ([]byte, error) {
	block, err := desFor(slot, key)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 8)
	block.Encrypt(out, out)
	return out[:checkBytes], nil
}

// WrapWorkingKeys makes the key block of a sign-on reply, as a host does: pik, mak and, if not nil, tdk under tmk,
// each in a place of the longest one's length, with check values.
func WrapWorkingKeys(tmk, pik, mak, tdk []byte) ([]byte, error) {
	master, err := desFor(TMK, tmk)
	if err != nil {
		return nil, err
	}
	keys := [][]byte{pik, mak, tdk}
	if tdk == nil {
		keys = keys[:2]
	}
	size := max(len(pik), len(mak), len(tdk))
	var block []byte
	for i, key := range keys {
		check, err := checkValue(blockOrder[i], key)
		if err != nil {
			return nil, err
		}
		place := make([]byte, size)
		for j := 0; j < len(key); j += 8 {
			master.Encrypt(place[j:], key[j:])
		}
		block = append(append(block, place...), check...)
	}
	if l, ok := blockLayouts[len(block)]; !ok || l.keys != len(keys) {
		return nil, &KeyError{Rule: fmt.Sprintf("%d keys of %d bytes make no known block", len(keys), size)}
	}
	return block, nil
}

// Wipe overwrites every key, the master key included.
func (k *Keys) Wipe() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for s := range k.slot {
		k.replace(s, nil)
	}
}

// String tells which slots are filled, never with what.
func (k *Keys) String() string {
	var s strings.Builder
	s.WriteString("keys:")
	for _, slot := range []Slot{TMK, PIK, MAK, TDK} {
		if k.Has(slot) {
			s.WriteString(" " + string(slot))
		}
	}
	return s.String()
}

// Format keeps every fmt verb from the keys.
func (k *Keys) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }

// replace wipes a slot and fills it; the caller holds mu.
func (k *Keys) replace(slot Slot, key []byte) {
	clear(k.slot[slot])
	delete(k.slot, slot)
	if len(key) > 0 {
		k.slot[slot] = bytes.Clone(key)
	}
}
