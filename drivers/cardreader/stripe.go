package cardreader

import (
	"bytes"
	"fmt"

	"posd/drivers/port"
)

// Lengths of a card number (ISO/IEC 7812-1; the shortest in use).
const (
	minPAN = 12
	maxPAN = 19
)

// driversLicence begins the issuer number of North American driving licences (AAMVA), which have a stripe too.
const driversLicence = "6360"

// stripe is what stands on the tracks. Its slices belong to the swipe.
type stripe struct{ pan, expiry, service []byte }

// readStripe takes number, expiry and service code from track 2, else from track 1; where both are there they must agree.
func readStripe(tracks [3][]byte) (stripe, error) {
	one, two := tracks[0], tracks[1]
	if one == nil && two == nil {
		return stripe{}, fmt.Errorf("%w: neither track 1 nor track 2", ErrUnreadable)
	}
	if one != nil && one[0] != 'B' {
		return stripe{}, fmt.Errorf("%w: track 1 is not of format B", ErrNotPayment)
	}
	if two == nil {
		return readOne(one)
	}
	s, err := readTwo(two)
	if err != nil || one == nil {
		return s, err
	}
	if first, err := readOne(one); err == nil && !bytes.Equal(first.pan, s.pan) {
		return stripe{}, fmt.Errorf("%w: tracks of two numbers", ErrUnreadable)
	}
	return s, nil
}

// readTwo reads "PAN=YYMMSSS...", where "=" stands for a date or a service code that is left out.
func readTwo(track []byte) (stripe, error) {
	pan, rest, found := bytes.Cut(track, []byte("="))
	return readFields(pan, rest, found, '=')
}

// readOne reads "BPAN^NAME^YYMMSSS...", where "^" stands for a date or a service code that is left out.
func readOne(track []byte) (stripe, error) {
	pan, rest, found := bytes.Cut(track[1:], []byte("^"))
	_, rest, named := bytes.Cut(rest, []byte("^"))
	return readFields(pan, rest, found && named, '^')
}

func readFields(pan, rest []byte, found bool, absent byte) (stripe, error) {
	switch {
	case !found || len(pan) < minPAN || len(pan) > maxPAN || !digits(pan):
		return stripe{}, fmt.Errorf("%w: no card number where it should be", ErrNotPayment)
	case bytes.HasPrefix(pan, []byte(driversLicence)):
		return stripe{}, fmt.Errorf("%w: a driving licence", ErrNotPayment)
	}
	s := stripe{pan: pan}
	var ok bool
	if s.expiry, rest, ok = field(rest, 4, absent); !ok {
		return stripe{}, fmt.Errorf("%w: expiry date", ErrUnreadable)
	}
	if s.service, _, ok = field(rest, 3, absent); !ok {
		return stripe{}, fmt.Errorf("%w: service code", ErrUnreadable)
	}
	if len(s.expiry) > 0 && !isMonth(s.expiry[2], s.expiry[3]) {
		return stripe{}, fmt.Errorf("%w: expiry date", ErrUnreadable)
	}
	return s, nil
}

// isMonth tells whether two digits are 01 to 12.
func isMonth(tens, ones byte) bool {
	n := 10*(tens-'0') + ones - '0'
	return n >= 1 && n <= 12
}

// field takes n digits, or nothing where absent stands for them.
func field(b []byte, n int, absent byte) (value, rest []byte, ok bool) {
	if len(b) > 0 && b[0] == absent {
		return nil, b[1:], true
	}
	if len(b) < n || !digits(b[:n]) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// card copies what was read into secrets of their own.
func (s stripe) card(tracks [3][]byte) *Card {
	secret := func(b []byte) port.Secret { return port.NewSecret(bytes.Clone(b)) }
	return &Card{
		PAN: secret(s.pan), Expiry: secret(s.expiry), ServiceCode: secret(s.service),
		Track1: secret(tracks[0]), Track2: secret(tracks[1]), Track3: secret(tracks[2]),
		masked: mask(s.pan),
	}
}

// maskedNumber gives the number of a track that the reader masked, as first 6 + last 4 whatever the reader shows more:
// "4111********1111=3012..." of track 2, or track 1 from its B on.
func maskedNumber(tracks [3][]byte) (string, error) {
	for i, ends := range []byte{'=', '^'} {
		track := tracks[1-i]
		if i == 1 && len(track) > 0 && track[0] == 'B' {
			track = track[1:]
		}
		pan, _, found := bytes.Cut(track, []byte{ends})
		if !found {
			continue
		}
		if len(pan) < minPAN || len(pan) > maxPAN || !maskedDigits(pan) {
			return "", fmt.Errorf("%w: no card number where it should be", ErrNotPayment)
		}
		return mask(pan), nil
	}
	return "", fmt.Errorf("%w: neither track 1 nor track 2", ErrUnreadable)
}

func maskedDigits(b []byte) bool {
	for _, c := range b {
		if c != '*' && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// bare takes the sentinels off a track, and an LRC behind them; nil for an empty track.
func bare(track []byte) []byte {
	if len(track) > 0 && bytes.IndexByte([]byte(sentinels), track[0]) >= 0 {
		track = track[1:]
	}
	if end := bytes.IndexByte(track, '?'); end >= 0 {
		track = track[:end]
	}
	if len(track) == 0 || len(track) == 1 && track[0] == 'E' {
		return nil
	}
	return track
}
