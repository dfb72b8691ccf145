package iso8583

import (
	"bytes"
	"fmt"
	"slices"
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

// Keyring holds the working keys of one terminal by slot, wherever they live: Keys keeps them in memory, a PIN pad or
// an HSM never lets them out. It may be used by many goroutines.
type Keyring interface {
	Cipher
	// LoadWorkingKeys takes the key block of a sign-on reply, still under the master key. It fails with a *KeyError
	// that tells slot and rule; the old working keys are gone then, too.
	LoadWorkingKeys(block []byte) error
	// Has tells whether a slot is filled.
	Has(slot Slot) bool
}

// Keys is a software Keyring for the working keys of one terminal, under its master key. It may be used by many
// goroutines and prints masked.
type Keys struct {
	mu   sync.Mutex
	slot map[Slot][]byte // guarded by mu
	mac  *engine         // guarded by mu: the MAC key's tables under the last rule; nil: to be made
}

var _ Keyring = (*Keys)(nil)

// NewKeys makes a store with a terminal master key of 8, 16 or 24 bytes, which it copies.
func NewKeys(tmk []byte) (*Keys, error) {
	k := &Keys{slot: map[Slot][]byte{}}
	if len(tmk) == 0 {
		return nil, &KeyError{Slot: TMK, Rule: "is empty"}
	}
	return k, k.Set(TMK, tmk)
}

// Set puts a copy of a plain key into a slot; nil empties it. Keys have 8, 16 or 24 bytes, a MAC key for AES 32 as
// well; another length is a *KeyError.
func (k *Keys) Set(slot Slot, key []byte) error {
	lengths := []int{0, 8, 16, 24}
	if slot == MAK {
		lengths = append(lengths, 32)
	}
	if !slices.Contains(lengths, len(key)) {
		return &KeyError{Slot: slot, Rule: fmt.Sprintf("a key of %d bytes, %s wanted", len(key), either(lengths[1:]))}
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

// MAC makes a MAC with the MAC key. It fails with ErrNoKey before sign-on, with a *KeyError where rule and key do not
// go together, and as MACRule.Check does. The key's tables are made at the first MAC under a rule and kept.
func (k *Keys) MAC(rule MACRule, data []byte) ([8]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.mac == nil || k.mac.rule != rule {
		if err := k.prepare(rule); err != nil {
			return [macBytes]byte{}, err
		}
	}
	return [macBytes]byte(k.mac.sum(data)), nil
}

// prepare makes the MAC key's tables; the caller holds mu.
func (k *Keys) prepare(rule MACRule) error {
	key := k.slot[MAK]
	if len(key) == 0 {
		return ErrNoKey
	}
	e, err := newEngine(rule, key)
	if err != nil {
		return err
	}
	k.mac = e
	return nil
}

// LoadWorkingKeys takes the key block of a sign-on reply, as OpenWorkingKeys describes it. On any error (*KeyError) the
// old keys are gone too: the host uses them no more.
func (k *Keys) LoadWorkingKeys(block []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range blockOrder {
		k.replace(s, nil)
	}
	keys, err := OpenWorkingKeys(k.slot[TMK], block)
	if err != nil {
		return err
	}
	defer func() {
		for _, w := range keys {
			clear(w.plain)
		}
	}()
	for _, w := range keys {
		if err := w.Err(); err != nil {
			return err
		}
	}
	for _, w := range keys {
		k.replace(w.Slot, w.plain)
	}
	return nil
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

// replace wipes a slot and fills it; the caller holds mu. The tables of an old MAC key are left to the collector: the
// cipher packages of Go give no way to wipe them.
func (k *Keys) replace(slot Slot, key []byte) {
	clear(k.slot[slot])
	delete(k.slot, slot)
	if slot == MAK {
		k.mac = nil
	}
	if len(key) > 0 {
		k.slot[slot] = bytes.Clone(key)
	}
}
