package receipt

import (
	"strconv"
	"strings"

	"posd/daemon/payment"
)

// decimals are the currencies whose minor unit is not a hundredth (ISO 4217).
var decimals = map[string]int{
	"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "BHD": 3, "JOD": 3, "KWD": 3, "OMR": 3, "TND": 3,
}

// Money writes an amount in minor units as people read it: "￥1,234.50" in Chinese, "CNY 1,234.50" in English.
func Money(amount payment.Cents, currency, language string) string {
	places, known := decimals[currency]
	if !known {
		places = 2
	}
	sign, n := "", int64(amount)
	if n < 0 {
		sign, n = "-", -n
	}
	digits := strconv.FormatInt(n, 10)
	if missing := places + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	whole, part := digits[:len(digits)-places], digits[len(digits)-places:]
	text := sign + thousands(whole)
	if part != "" {
		text += "." + part
	}
	if language == Chinese && currency == "CNY" {
		return "￥" + text
	}
	return strings.TrimSpace(currency + " " + text)
}

func thousands(digits string) string {
	const group = 3
	for i := len(digits) - group; i > 0; i -= group {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
