package link

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Pins are keys of which one must be in a host's certificate chain, in addition to all that TLS checks: SHA-256 of a
// certificate's SubjectPublicKeyInfo, as in RFC 7469 section 2.4. No pins allow no host.
type Pins [][sha256.Size]byte

const pinPrefix = "sha256/"

// ParsePins reads pins that are written "sha256/" and 44 characters of base64. Its error names the first that is not,
// counted from 1.
func ParsePins(texts []string) (Pins, error) {
	var pins Pins
	for i, text := range texts {
		sum, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(text, pinPrefix))
		if err != nil || len(sum) != sha256.Size || !strings.HasPrefix(text, pinPrefix) {
			return nil, fmt.Errorf("pin %d is not %q and 44 characters of base64", i+1, pinPrefix)
		}
		pins = append(pins, [sha256.Size]byte(sum))
	}
	return pins, nil
}

// PinOf gives the pin of a certificate's key, as ParsePins reads it.
func PinOf(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return pinPrefix + base64.StdEncoding.EncodeToString(sum[:])
}

// Verify is for tls.Config.VerifyConnection. It looks at the verified chains only: what else a host sends proves
// nothing. Its error is a *TLSError.
func (p Pins) Verify(state tls.ConnectionState) error {
	for _, chain := range state.VerifiedChains {
		for _, c := range chain {
			if slices.Contains(p, sha256.Sum256(c.RawSubjectPublicKeyInfo)) {
				return nil
			}
		}
	}
	shown := "no verified certificate"
	if len(state.VerifiedChains) > 0 {
		shown = PinOf(state.VerifiedChains[0][0])
	}
	return &TLSError{
		What:   "no key of the host's certificates is pinned; its own is " + shown,
		Remedy: "compare it with what the acquirer has published, and add it to pins only if it is there",
		Err:    errPin,
	}
}

var errPin = errors.New("key is not pinned")
