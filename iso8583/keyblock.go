package iso8583

import (
	"bytes"
	"crypto/cipher"
	"crypto/subtle"
	"fmt"
	"slices"
)

// checkBytes is the length of a check value: the first bytes of a block of zeros under the plain key.
const checkBytes = 4

// blockOrder is the order of the keys in a sign-on reply; the track key may be missing.
var blockOrder = []Slot{PIK, MAK, TDK}

// blockLayouts tells by the length of a sign-on reply's key block how many keys of which length it holds.
var blockLayouts = map[int]struct{ keys, size int }{
	24: {2, 8}, 40: {2, 16}, 60: {3, 16}, 84: {3, 24},
}

// Wrapping is the cipher by which a host puts working keys under the master key, and makes their check values.
type Wrapping string

// The wrappings. No setting names them: check values tell which one it is.
const (
	WrappedDES Wrapping = "DES" // single to triple length, as the master key has it
	WrappedSM4 Wrapping = "SM4" // keys of 16 bytes
)

// cipher makes the wrapping's cipher; SM4 has keys of 16 bytes only.
func (w Wrapping) cipher(slot Slot, key []byte) (cipher.Block, error) {
	if w != WrappedSM4 {
		return desFor(slot, key)
	}
	if len(key) != 16 {
		return nil, &KeyError{Slot: slot, Rule: fmt.Sprintf("a key of %d bytes, SM4 wants 16", len(key))}
	}
	return newSM4(key)
}

// WorkingKey is what stands in one place of a key block. It prints without the key.
type WorkingKey struct {
	Slot     Slot
	Wrapping Wrapping
	Place    int              // bytes of the place, its check value apart
	Length   int              // bytes of the key; 0: a place of zeros
	Zeros    bool             // the key is shorter than its place, and zeros fill it
	Said     [checkBytes]byte // the check value in the block
	Own      [checkBytes]byte // the check value of the key that was unwrapped
	plain    []byte
}

// Fits tells whether the key is the one that its check value was made of.
func (w WorkingKey) Fits() bool {
	return w.Length > 0 && subtle.ConstantTimeCompare(w.Said[:], w.Own[:]) == 1
}

// Err is nil for a key that can be used and for a track key that is not there, else a *KeyError.
func (w WorkingKey) Err() error {
	switch {
	case w.Fits(), w.Length == 0 && w.Slot == TDK:
		return nil
	case w.Length == 0:
		return &KeyError{Slot: w.Slot, Rule: "its place holds zeros only"}
	default:
		return &KeyError{Slot: w.Slot, Rule: "does not fit its check value: check the master key"}
	}
}

// Reveal gives a copy of the plain key, which is meaningless unless Fits. It is for the bench.
func (w WorkingKey) Reveal() []byte { return slices.Clone(w.plain) }

// String tells slot, length and whether the check value fits.
func (w WorkingKey) String() string {
	return fmt.Sprintf("%s of %d bytes, fits: %t", w.Slot, w.Length, w.Fits())
}

// Format keeps every fmt verb from the key.
func (w WorkingKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(w.String())) }

// OpenWorkingKeys takes apart the key block of a sign-on reply: 24, 40, 60 or 84 bytes, which are the PIN key, the MAC
// key and in the longer two a track key under the master key in ECB, each with its 4-byte check value. It fails with a
// *KeyError where the length is another or the master key cannot be one; whether a key fits is the key's own word.
//
// A short key stands in a long place with zeros after it. A MAC key whose check value is that of its left half alone is
// single-length, whatever the right half: public terminal programs look at no more. Where the master key has 16 bytes
// and nothing fits by DES, SM4 is tried: its check values prove it.
func OpenWorkingKeys(tmk, block []byte) ([]WorkingKey, error) {
	layout, ok := blockLayouts[len(block)]
	if !ok {
		return nil, &KeyError{Rule: fmt.Sprintf("a block of %d bytes, 24, 40, 60 or 84 wanted", len(block))}
	}
	keys, err := unwrapAll(WrappedDES, tmk, block, layout.keys)
	if err != nil || slices.ContainsFunc(keys, WorkingKey.Fits) || len(tmk) != 16 || layout.size != 16 {
		return keys, err
	}
	bySM4, err := unwrapAll(WrappedSM4, tmk, block, layout.keys)
	if err != nil || !slices.ContainsFunc(bySM4, WorkingKey.Fits) {
		return keys, nil //nolint:nilerr // the block is read by DES then, and does not fit
	}
	return bySM4, nil
}

func unwrapAll(w Wrapping, tmk, block []byte, count int) ([]WorkingKey, error) {
	master, err := w.cipher(TMK, tmk)
	if err != nil {
		return nil, err
	}
	keys := make([]WorkingKey, 0, count)
	for i, place := range slices.Collect(slices.Chunk(block, len(block)/count)) {
		keys = append(keys, unwrap(w, master, blockOrder[i], place))
	}
	return keys, nil
}

// unwrap decrypts one key of a block and makes its check value.
func unwrap(w Wrapping, master cipher.Block, slot Slot, place []byte) WorkingKey {
	size := len(place) - checkBytes
	k := WorkingKey{Slot: slot, Wrapping: w, Place: size, Said: [checkBytes]byte(place[size:])}
	step := master.BlockSize()
	wrapped := withoutZeros(place[:size], step)
	k.Zeros = len(wrapped) > 0 && len(wrapped) < size
	k.plain = make([]byte, len(wrapped))
	for i := 0; i < len(wrapped); i += step {
		master.Decrypt(k.plain[i:], wrapped[i:])
	}
	k.Own = checkOf(w, k.plain)
	if slot == MAK && w == WrappedDES && len(k.plain) > 8 && k.Own != k.Said && checkOf(w, k.plain[:8]) == k.Said {
		clear(k.plain[8:])
		k.plain, k.Own = k.plain[:8], k.Said
	}
	k.Length = len(k.plain)
	return k
}

// withoutZeros cuts the zeros that fill a place after a shorter key, a cipher's block at a time.
func withoutZeros(wrapped []byte, step int) []byte {
	for zeros := make([]byte, step); bytes.HasSuffix(wrapped, zeros); {
		wrapped = wrapped[:len(wrapped)-step]
	}
	return wrapped
}

// checkOf is the check value of a key, zeros where it has no possible length.
func checkOf(w Wrapping, key []byte) (check [checkBytes]byte) {
	block, err := w.cipher("", key)
	if err != nil {
		return check
	}
	out := make([]byte, block.BlockSize())
	block.Encrypt(out, out)
	return [checkBytes]byte(out)
}

// CheckValue gives the check value of a plain key of 8, 16 or 24 bytes (SM4: 16): the first four bytes of a block of
// zeros under it. Another length is a *KeyError.
func CheckValue(w Wrapping, key []byte) ([]byte, error) {
	if _, err := w.cipher("", key); err != nil {
		return nil, err
	}
	check := checkOf(w, key)
	return check[:], nil
}

// WrapWorkingKeys makes the key block of a sign-on reply, as a host does: pik, mak and, if not nil, tdk under tmk by
// DES, each in a place of the longest one's length, with check values. Keys that make no known block are a *KeyError.
func WrapWorkingKeys(tmk, pik, mak, tdk []byte) ([]byte, error) {
	return wrapAll(WrappedDES, tmk, [][]byte{pik, mak, tdk})
}

// WrapWorkingKeysSM4 is WrapWorkingKeys by SM4; master key and keys have 16 bytes.
func WrapWorkingKeysSM4(tmk, pik, mak, tdk []byte) ([]byte, error) {
	return wrapAll(WrappedSM4, tmk, [][]byte{pik, mak, tdk})
}

func wrapAll(w Wrapping, tmk []byte, keys [][]byte) ([]byte, error) {
	master, err := w.cipher(TMK, tmk)
	if err != nil {
		return nil, err
	}
	if keys[2] == nil {
		keys = keys[:2]
	}
	size := 0
	for _, key := range keys {
		size = max(size, len(key))
	}
	var block []byte
	for i, key := range keys {
		if _, err := w.cipher(blockOrder[i], key); err != nil {
			return nil, err
		}
		place := make([]byte, size)
		for j := 0; j < len(key); j += master.BlockSize() {
			master.Encrypt(place[j:], key[j:])
		}
		check := checkOf(w, key)
		block = append(append(block, place...), check[:]...)
	}
	if l, ok := blockLayouts[len(block)]; !ok || l.keys != len(keys) {
		return nil, &KeyError{Rule: fmt.Sprintf("%d keys of %d bytes make no known block", len(keys), size)}
	}
	return block, nil
}
