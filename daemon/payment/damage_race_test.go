//go:build !proof && race

package payment

// damageEvery is larger with the race detector, which makes each journal ten times as long to examine.
const damageEvery = 4999
