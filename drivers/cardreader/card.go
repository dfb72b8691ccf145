package cardreader

import (
	"bytes"

	"posd/drivers/port"
)

// Card is what a reader read of one card: its tracks in clear, or Encrypted. Whoever gets one wipes it when done: nobody
// else does.
type Card struct {
	PAN         port.Secret // the card number's digits
	Expiry      port.Secret // YYMM; empty where the track leaves it out
	ServiceCode port.Secret // three digits; empty where the track leaves it out
	Track1      port.Secret // without sentinels and LRC: "B6228...^NAME^YYMM..."; empty if not read
	Track2      port.Secret // without sentinels and LRC: "6228...=YYMM..."; empty if not read
	Track3      port.Secret // without sentinels and LRC; empty if not read
	Encrypted   Encrypted   // of an encrypting reader, which gives nothing of the above
	Device      string      // name of the reader
	masked      string
}

// Encrypted is what an encrypting reader gives: bytes that only the acquirer can open. posd passes them on and never
// decrypts. The zero value says that the reader does not encrypt.
type Encrypted struct {
	Track1  port.Secret // ciphertext; empty if not read
	Track2  port.Secret // ciphertext; empty if not read
	Track3  port.Secret // ciphertext; empty if not read
	KSN     port.Secret // number of the key and its use (DUKPT, ANSI X9.24), 10 bytes
	Session port.Secret // of the reader, 8 bytes; empty if it has none
	Cipher  Cipher
}

// Cipher is how a reader encrypts.
type Cipher byte

// The ciphers.
const (
	InClear Cipher = iota
	TDES           // in blocks of 8 bytes
	AES            // in blocks of 16 bytes
)

// String is the cipher's name in lower case; "clear" for none.
func (c Cipher) String() string {
	switch c {
	case TDES:
		return "tdes"
	case AES:
		return "aes"
	default:
		return "clear"
	}
}

func (e *Encrypted) secrets() []port.Secret {
	return []port.Secret{e.Track1, e.Track2, e.Track3, e.KSN, e.Session}
}

// Masked is the card number as first 6 + last 4, the rest as stars. It stays after Wipe.
func (c *Card) Masked() string { return c.masked }

// Wipe overwrites all that is secret. It may be called more than once.
func (c *Card) Wipe() {
	clear := []port.Secret{c.PAN, c.Expiry, c.ServiceCode, c.Track1, c.Track2, c.Track3}
	for _, s := range append(clear, c.Encrypted.secrets()...) {
		s.Wipe()
	}
}

// String is the masked number, so that a card may stand in a log by mistake.
func (c *Card) String() string { return c.masked }

// mask keeps six digits in front and four at the end. A number too short for that shows nothing.
func mask(pan []byte) string {
	m := bytes.Clone(pan)
	for i := range m {
		if len(m) < 11 || (i >= 6 && i < len(m)-4) {
			m[i] = '*'
		}
	}
	return string(m)
}
