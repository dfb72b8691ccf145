//go:build race

package payment

// usualDays is fewer with the race detector, which makes days ten times as long. `make sim` plays them without it.
const usualDays = 40
