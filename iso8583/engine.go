package iso8583

import (
	"crypto/cipher"
	"crypto/subtle"
	endian "encoding/binary"
)

// longestBlock is the block of AES and SM4 in bytes.
const longestBlock = 16

// engine makes the MACs of one rule under one key. The key's tables are made once, and every buffer is its own, so
// that a MAC allocates nothing. It is not safe for concurrent use.
type engine struct {
	rule  MACRule
	mode  mode
	block cipher.Block
	right cipher.Block // the second key of X9.19
	size  int          // bytes of a block

	k1, k2 [longestBlock]byte // CMAC's subkeys
	state  [longestBlock]byte
	last   [longestBlock]byte
	chars  [2 * longestBlock]byte
}

// newEngine fails where the rule or the length of the key cannot be. The key is not kept.
func newEngine(rule MACRule, key []byte) (*engine, error) {
	if err := rule.Check(); err != nil {
		return nil, err
	}
	a, err := rule.algorithm()
	if err != nil {
		return nil, err
	}
	if key, err = rule.cut(a, key); err != nil {
		return nil, err
	}
	e := &engine{rule: rule, mode: a.mode}
	if a.mode == retail {
		if e.right, err = a.cipher(key[len(key)/2:]); err != nil {
			return nil, err
		}
		key = key[:len(key)/2]
	}
	if e.block, err = a.cipher(key); err != nil {
		return nil, err
	}
	e.size = e.block.BlockSize()
	if a.mode == subkeys {
		e.deriveSubkeys()
	}
	return e, nil
}

// deriveSubkeys is NIST SP 800-38B, 6.1. The constant is 1B for blocks of 8 bytes and 87 for 16: libraries that were
// written for AES have 87 for both, which is why CMAC is written here.
func (e *engine) deriveSubkeys() {
	constant := byte(0x87)
	if e.size == 8 {
		constant = 0x1B
	}
	k1, k2 := e.k1[:e.size], e.k2[:e.size]
	e.block.Encrypt(k1, k1)
	double(k1, k1, constant)
	double(k2, k1, constant)
}

// double shifts src left by one bit, and folds in the constant for the bit that falls out.
func double(dst, src []byte, constant byte) {
	out := src[0] >> 7
	for i := range src[:len(src)-1] {
		dst[i] = src[i]<<1 | src[i+1]>>7
	}
	end := len(src) - 1
	dst[end] = src[end]<<1 ^ constant*out
}

// sum gives the whole result, 8 bytes for DES and 16 for AES and SM4. It is valid until the next call.
func (e *engine) sum(data []byte) []byte {
	clear(e.state[:])
	state := e.state[:e.size]
	if e.mode == folding {
		e.fold(data)
		return state
	}
	for ; len(data) > e.size; data = data[e.size:] {
		e.mix(data[:e.size])
	}
	e.finish(data)
	if e.mode == retail {
		e.right.Decrypt(state, state)
		e.block.Encrypt(state, state)
	}
	return state
}

// mix takes one block into the chain.
func (e *engine) mix(block []byte) {
	state := e.state[:e.size]
	subtle.XORBytes(state, state, block)
	e.block.Encrypt(state, state)
}

// finish takes what is left, at most one block and maybe nothing, with its padding.
func (e *engine) finish(data []byte) {
	last := e.last[:e.size]
	clear(last)
	n := copy(last, data)
	switch {
	case e.mode == subkeys && n == e.size:
		subtle.XORBytes(last, last, e.k1[:e.size])
	case e.mode == subkeys:
		last[n] = 0x80
		subtle.XORBytes(last, last, e.k2[:e.size])
	case e.rule.Padding == Pad80 && n == e.size:
		e.mix(last)
		clear(last)
		last[0] = 0x80
	case e.rule.Padding == Pad80:
		last[n] = 0x80
	}
	e.mix(last)
}

// fold is UnionPay's way: all blocks by XOR, the fold as hex text, its first half encrypted, the second half folded
// in, and encrypted again.
func (e *engine) fold(data []byte) {
	state := e.state[:e.size]
	e.xorAll(data)
	if e.rule.Padding == Pad80 {
		state[len(data)%e.size] ^= 0x80
	}
	chars := appendUpperHex(e.chars[:0], state)
	e.block.Encrypt(state, chars[:e.size])
	subtle.XORBytes(state, state, chars[e.size:])
	e.block.Encrypt(state, state)
}

// xorAll folds data into the state, 16 bytes at a time.
func (e *engine) xorAll(data []byte) {
	var low, high uint64
	rest := data
	for ; len(rest) >= 16; rest = rest[16:] {
		low ^= endian.LittleEndian.Uint64(rest)
		high ^= endian.LittleEndian.Uint64(rest[8:])
	}
	if e.size == 8 {
		low ^= high
	}
	endian.LittleEndian.PutUint64(e.state[:], low)
	endian.LittleEndian.PutUint64(e.state[8:], high)
	for i, c := range rest {
		e.state[i%e.size] ^= c
	}
}
