package walletsim_test

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"strings"
	"testing"
	"time"

	"posd/hwtest/walletsim"
)

func TestOneTimePasswordsAreThoseOfTheRFCs(t *testing.T) {
	var v struct {
		HOTP   []string
		Secret string `json:"hotp_secret_ascii"`
		TOTP   []struct {
			Digits, Step         int
			SHA1, SHA256, SHA512 string
			Time                 int64
		}
	}
	vectors(t, "otp.json", &v)
	secret := func(n int) []byte { return []byte(strings.Repeat(v.Secret, 4)[:n]) }
	for n, want := range v.HOTP {
		if got := walletsim.HOTP(sha1.New, secret(20), uint64(n), 6); got != want {
			t.Errorf("counter %d: %s, want %s", n, got, want)
		}
	}
	for _, c := range v.TOTP {
		at := time.Unix(c.Time, 0)
		got := []string{
			walletsim.TOTP(sha1.New, secret(20), at, c.Digits), walletsim.TOTP(sha256.New, secret(32), at, c.Digits),
			walletsim.TOTP(sha512.New, secret(64), at, c.Digits),
		}
		if want := []string{c.SHA1, c.SHA256, c.SHA512}; strings.Join(got, " ") != strings.Join(want, " ") || c.Step != 30 {
			t.Errorf("at %d: %v, want %v", c.Time, got, want)
		}
	}
	if len(v.HOTP) != 10 || len(v.TOTP) != 6 {
		t.Errorf("%d and %d cases, want 10 and 6", len(v.HOTP), len(v.TOTP))
	}
}
