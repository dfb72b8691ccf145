package acquirer

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"posd/daemon/payment"
	"posd/drivers/cardreader"
)

// means is what a customer pays with: a card, or a scanned code.
type means interface {
	payment.Input
	// secrets gives its data by the names of the dialect's placeholders, for the caller to wipe.
	secrets() secrets
	// String is what may be shown of it.
	String() string
}

// input is the customer's card on its way through one attempt.
type input struct{ card *cardreader.Card }

// Hash says that a second swipe is no sign of a repeat: people pay twice with one card.
func (in *input) Hash([]byte) (sum [32]byte, ok bool) { return sum, false }

// Wipe overwrites the card's data.
func (in *input) Wipe() { in.card.Wipe() }

// String is the masked card number.
func (in *input) String() string { return in.card.Masked() }

// secrets gives the card's data by the names of the dialect's placeholders.
func (in *input) secrets() secrets {
	s := secrets{}
	c, e := in.card, &in.card.Encrypted
	for name, v := range map[string]revealer{"pan": c.PAN, "expiry": c.Expiry, "track2": c.Track2, "track3": c.Track3} {
		v.Reveal(func(b []byte) {
			if len(b) > 0 {
				s[name] = append([]byte(nil), b...)
			}
		})
	}
	for name, v := range map[string]revealer{
		"encrypted.track1": e.Track1, "encrypted.track2": e.Track2, "encrypted.track3": e.Track3, "encrypted.ksn": e.KSN,
	} {
		v.Reveal(func(b []byte) {
			if len(b) > 0 {
				s[name] = upper(hex.AppendEncode(nil, b))
			}
		})
	}
	return s
}

// upper makes hex digits capitals, in place: no copy of them stays behind.
func upper(digits []byte) []byte {
	for i, c := range digits {
		if c >= 'a' {
			digits[i] = c - 'a' + 'A'
		}
	}
	return digits
}

// revealer is a secret that shows its bytes to a function only.
type revealer interface{ Reveal(use func([]byte)) }

// secrets are card data by the names of placeholders. They never go into a log, an error or an attempt's data.
type secrets map[string][]byte

// sealable are the placeholders that may be kept, sealed, for a later message. Tracks never are.
var sealable = []string{"pan", "expiry"}

// seal gives those of the wanted secrets that may be kept, for the core to seal; nil for none.
func (s secrets) seal(wanted map[string]bool) ([]byte, error) {
	keep := map[string][]byte{}
	for _, name := range sealable {
		if wanted[name] && len(s[name]) > 0 {
			keep[name] = s[name]
		}
	}
	if len(keep) == 0 {
		return nil, nil
	}
	return json.Marshal(keep)
}

// unseal reads what seal wrote. The zero secrets come of nothing.
func unseal(sealed []byte) (secrets, error) {
	s := secrets{}
	if len(sealed) == 0 {
		return s, nil
	}
	// The decoder's error may quote what it read, so it is not passed on.
	if json.Unmarshal(sealed, &s) != nil {
		return nil, errUnsealed
	}
	return s, nil
}

var errUnsealed = errors.New("sealed card data cannot be read")

// wipe overwrites every value.
func (s secrets) wipe() {
	for _, v := range s {
		clear(v)
	}
}

// Format keeps every fmt verb from the content.
func (s secrets) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("(secret)")) }

// MarshalJSON keeps it from the content too.
func (s secrets) MarshalJSON() ([]byte, error) { return []byte(`"(secret)"`), nil }
