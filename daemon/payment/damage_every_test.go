//go:build proof

package payment

// damageEvery says which bytes are flipped and which lengths cut: all.
const damageEvery = 1
