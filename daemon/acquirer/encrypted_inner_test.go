package acquirer

import (
	"bytes"
	"testing"

	"posd/drivers/cardreader"
	"posd/drivers/port"
)

// TestCiphertextReachesTheDialectAsItIs: what an encrypting reader gave stands behind its placeholders in hex digits, and
// nothing stands behind those of a card in clear.
func TestCiphertextReachesTheDialectAsItIs(t *testing.T) {
	card := &cardreader.Card{Encrypted: cardreader.Encrypted{
		Track2: port.NewSecret([]byte{0xC1, 0x5E, 0x0A}), KSN: port.NewSecret([]byte("\xFF\xFF\x98\x76\x54\x32\x10\xE0\x00\x01")),
		Cipher: cardreader.TDES,
	}}
	s := (&input{card: card}).secrets()
	want := map[string]string{"encrypted.track2": "C15E0A", "encrypted.ksn": "FFFF9876543210E00001"}
	for name, v := range want {
		if string(s[name]) != v {
			t.Errorf("%s has %d bytes, want %s", name, len(s[name]), v)
		}
	}
	if len(s) != len(want) {
		t.Errorf("%d placeholders have a value, want %d", len(s), len(want))
	}
	kept := s["encrypted.track2"]
	s.wipe()
	if len(bytes.Trim(kept, "\x00")) > 0 {
		t.Error("ciphertext is not wiped")
	}
}
