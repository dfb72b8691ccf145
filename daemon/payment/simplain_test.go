//go:build !race

package payment

// usualDays is how many shop days a test run plays.
const usualDays = 500
