package iso8583

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"fmt"

	"github.com/emmansun/gmsm/sm4"
)

// newCipher makes the tables of a block cipher under a key, once; all keys of this package pass through one of them.
//
// SM4 (GB/T 32907-2016) comes from github.com/emmansun/gmsm: MIT, a release nearly every month, assembly and pure Go,
// and its package sm4 pulls in nothing but its own internals. They add 0.9 MB to posd, most of it modes that posd never
// calls. Weighed against it was github.com/tjfoc/gmsm: no commit since January 2022, the question whether anyone still
// keeps it unanswered since 2023, gRPC and protobuf among its requirements. If it dies, what is used of it is one
// cipher.Block with a published vector.
type newCipher func(key []byte) (cipher.Block, error)

// newDES takes a key of single, double or triple length. Go's DES does not run in constant time; the keys are a
// terminal's own and the wire is the shop's.
func newDES(key []byte) (cipher.Block, error) {
	switch len(key) {
	case 8:
		return des.NewCipher(key)
	case 16:
		long := append(append(make([]byte, 0, 24), key...), key[:8]...)
		defer clear(long)
		return des.NewTripleDESCipher(long)
	default:
		return des.NewTripleDESCipher(key)
	}
}

var (
	newAES newCipher = aes.NewCipher
	newSM4 newCipher = sm4.NewCipher
)

// desFor is newDES with the slot in its error, and no key.
func desFor(slot Slot, key []byte) (cipher.Block, error) {
	switch len(key) {
	case 8, 16, 24:
		return newDES(key)
	default:
		return nil, &KeyError{Slot: slot, Rule: fmt.Sprintf("a key of %d bytes, 8, 16 or 24 wanted", len(key))}
	}
}
