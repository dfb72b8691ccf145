//go:build !proof && !race

package payment

// damageEvery says which bytes are flipped and which lengths cut: every so manieth. make damage takes all.
const damageEvery = 499
