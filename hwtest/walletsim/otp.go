package walletsim

import (
	"crypto/hmac"
	"encoding/binary"
	"fmt"
	"hash"
	"time"
)

// OTPMaxDigits is the longest one-time password: the truncation leaves 31 bits.
const OTPMaxDigits = 9

// HOTP is the one-time password of a counter (RFC 4226, section 5.3), with 6 to OTPMaxDigits digits. Public sketches of offline
// payment codes are made of it; the simulator's codes are not, and "hwtest wallet analyse" shows why.
func HOTP(h func() hash.Hash, secret []byte, counter uint64, digits int) string {
	mac := hmac.New(h, secret)
	_, _ = mac.Write(binary.BigEndian.AppendUint64(nil, counter))
	sum := mac.Sum(nil)
	from := sum[len(sum)-1] & 15
	n, mod := binary.BigEndian.Uint32(sum[from:])&0x7fff_ffff, uint32(1)
	for range digits {
		mod *= 10
	}
	return fmt.Sprintf("%0*d", digits, n%mod)
}

// TOTP is HOTP with the number of the half minute for its counter (RFC 6238, section 4).
func TOTP(h func() hash.Hash, secret []byte, at time.Time, digits int) string {
	return HOTP(h, secret, uint64(stepOf(at)), digits)
}
