package devicesim

import (
	"bytes"
	"crypto/des"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Chip is a contact chip card with one payment application, as strict as a card is: commands out of order are refused, each
// payment counts. It and its issuer share a key, so that the issuer's end (Check) knows whether a cryptogram is about what a
// request says. It has no memory but its counter.
type Chip struct {
	card Card
	key  [16]byte

	// What it does otherwise. Set before it is used.
	NoDirectory bool   // it has no 1PAY.SYS.DDF01
	Format1     bool   // it answers with values side by side, not with data objects
	Declines    bool   // it declines every payment by itself
	InTwoSteps  bool   // it announces its answers by 61xx, as cards of protocol T=0 do
	PDOL        []byte // what it wants to know at the start; nil for nothing

	mu      sync.Mutex // guards everything below
	at      string     // "", "directory", "selected", "started", "done"
	atc     uint16
	waiting []byte // an answer that was announced
}

// NewChip gives the chip of a test card.
func NewChip(c Card) *Chip {
	chip := &Chip{card: c}
	copy(chip.key[:], "posd test chip 1")
	return chip
}

// aids are the applications that cards of a range have, by the first digit of their numbers.
var aids = map[byte]string{'6': "A000000333010101", '4': "A0000000031010", '5': "A0000000041010"}

func (c *Chip) aid() []byte { return unhex(aids[c.card.PAN[0]]) }

// cdol1 is what a cryptogram is about: amount, other amount, country, TVR, currency, date, type, unpredictable number.
const cdol1 = "9F02069F03069F1A0295055F2A029A039C019F3704"

// cdol1Size is how many bytes that is.
const cdol1Size = 6 + 6 + 2 + 5 + 2 + 3 + 1 + 4

// aip says nothing of offline authentication: cards for tests are for online hosts.
var aip = []byte{0x18, 0x00}

// Transmit takes a command and gives the answer with its status.
func (c *Chip) Transmit(apdu []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(apdu) < 4 {
		return unhex("6700")
	}
	if apdu[1] == 0xC0 && c.waiting != nil {
		answer := c.waiting
		c.waiting = nil
		return answer
	}
	answer := c.answer(apdu[:4], apdu[4:])
	if c.InTwoSteps && len(answer) > 2 {
		c.waiting = answer
		return []byte{0x61, byte(len(answer) - 2)}
	}
	return answer
}

func (c *Chip) answer(head, rest []byte) []byte {
	var data []byte
	if len(rest) > 0 && len(rest) >= 1+int(rest[0]) {
		data = rest[1 : 1+int(rest[0])]
	}
	switch {
	case bytes.Equal(head, unhex("00A40400")):
		return c.choose(data)
	case head[0] == 0x00 && head[1] == 0xB2 && head[3]&0x07 == 0x04:
		return c.record(head[3]>>3, head[2])
	case bytes.Equal(head, unhex("80A80000")):
		return c.start(data)
	case bytes.Equal(head, unhex("80AE8000")):
		return c.cryptogram(data)
	}
	return unhex("6D00")
}

// choose selects the directory or the application.
func (c *Chip) choose(name []byte) []byte {
	switch {
	case string(name) == "1PAY.SYS.DDF01" && !c.NoDirectory:
		c.at = "directory"
		return ok(tlv("6F", tlv("84", name), tlv("A5", tlv("88", []byte{1}))))
	case len(name) >= 5 && bytes.HasPrefix(c.aid(), name):
		c.at = "selected"
		inside := [][]byte{tlv("50", []byte("TEST CHIP"))}
		if c.PDOL != nil {
			inside = append(inside, tlv("9F38", c.PDOL))
		}
		return ok(tlv("6F", tlv("84", c.aid()), tlv("A5", inside...)))
	}
	return unhex("6A82")
}

// record gives one of the directory or of the application.
func (c *Chip) record(sfi, n byte) []byte {
	switch {
	case c.at == "directory" && sfi == 1 && n == 1: // an application that no terminal has stands first
		return ok(tlv("70", tlv("61", tlv("4F", unhex("F000000001")), tlv("87", []byte{1})), tlv("61", tlv("4F", c.aid()), tlv("50", []byte("TEST CHIP")), tlv("87", []byte{2}))))
	case c.at == "started" && sfi == 1 && n == 1:
		return ok(tlv("70", tlv("57", bcd(c.card.PAN+"D"+c.card.Expiry+c.card.Service+"0000000")), tlv("5F20", []byte("TEST/CARD"))))
	case c.at == "started" && sfi == 2 && n == 1:
		return ok(tlv("70", tlv("5A", bcd(c.card.PAN)), tlv("5F24", bcd(c.card.Expiry+"31")), tlv("5F34", []byte{1}), tlv("9F08", []byte{0, 0x20})))
	case c.at == "started" && sfi == 2 && n == 2:
		return ok(tlv("70", tlv("8C", unhex(cdol1)), tlv("8D", unhex("8A029F37049F02069F0306")), tlv("8E", unhex("00000000000000001F00"))))
	}
	return unhex("6A83")
}

// start begins a payment. It wants the length that it has asked for.
func (c *Chip) start(data []byte) []byte {
	want := 0
	for i := 0; i < len(c.PDOL); i += 3 { // tags of two bytes
		want += int(c.PDOL[i+2])
	}
	switch {
	case c.at != "selected":
		return unhex("6985")
	case len(data) != 2+want || data[0] != 0x83 || int(data[1]) != want:
		return unhex("6700")
	}
	c.at = "started"
	c.atc++
	afl := unhex("08010100" + "10010201")
	if c.Format1 {
		return ok(tlv("80", aip, afl))
	}
	return ok(tlv("77", tlv("82", aip), tlv("94", afl)))
}

// cryptogram is an ARQC about the data, AIP and the counter; one for each start.
func (c *Chip) cryptogram(data []byte) []byte {
	switch {
	case c.at != "started":
		return unhex("6985")
	case len(data) != cdol1Size:
		return unhex("6700")
	}
	c.at = "done"
	cid, atc := byte(0x80), []byte{byte(c.atc >> 8), byte(c.atc)}
	if c.Declines {
		cid = 0x00
	}
	ac, iad := c.mac(data, atc), unhex("07010103A0000001")
	if c.Format1 {
		return ok(tlv("80", []byte{cid}, atc, ac, iad))
	}
	return ok(tlv("77", tlv("9F27", []byte{cid}), tlv("9F36", atc), tlv("9F26", ac), tlv("9F10", iad)))
}

// mac is ISO/IEC 9797-1's algorithm 3 with padding method 2.
func (c *Chip) mac(data, atc []byte) []byte {
	text := slices.Concat(data, aip, atc, []byte{0x80})
	text = append(text, make([]byte, (8-len(text)%8)%8)...)
	one, err1 := des.NewCipher(c.key[:8])
	two, err2 := des.NewCipher(c.key[8:])
	if err1 != nil || err2 != nil {
		return nil // keys of 8 bytes do not fail
	}
	block := make([]byte, 8)
	for ; len(text) > 0; text = text[8:] {
		subtle.XORBytes(block, block, text[:8])
		one.Encrypt(block, block)
	}
	two.Decrypt(block, block)
	one.Encrypt(block, block)
	return block
}

// Check tells what an issuer's host would say of a request's field 55: nil if this card has made its cryptogram about these very
// data.
func (c *Chip) Check(field55 []byte) error {
	have, err := objectsOf(field55)
	if err != nil {
		return err
	}
	var data []byte
	for _, tag := range []string{"9F02", "9F03", "9F1A", "95", "5F2A", "9A", "9C", "9F37"} {
		if have[tag] == nil {
			return fmt.Errorf("field 55 lacks %s", tag)
		}
		data = append(data, have[tag]...)
	}
	switch {
	case !bytes.Equal(have["82"], aip):
		return fmt.Errorf("AIP %X, want %X", have["82"], aip)
	case !bytes.Equal(have["84"], c.aid()):
		return fmt.Errorf("application %X, want %X", have["84"], c.aid())
	case !bytes.Equal(have["9F26"], c.mac(data, have["9F36"])):
		return errors.New("the cryptogram is about other data")
	}
	return nil
}

// objectsOf reads a row of data objects: tags of one or two bytes, lengths below 128.
func objectsOf(b []byte) (map[string][]byte, error) {
	all := map[string][]byte{}
	for len(b) > 0 {
		n := 1
		if b[0]&0x1F == 0x1F {
			n = 2
		}
		if len(b) < n+1 || int(b[n]) > len(b)-n-1 || b[n] > 127 {
			return nil, fmt.Errorf("field 55 breaks off %d bytes before its end", len(b))
		}
		tag, end := fmt.Sprintf("%X", b[:n]), n+1+int(b[n])
		if all[tag] != nil {
			return nil, fmt.Errorf("field 55 has %s twice", tag)
		}
		all[tag], b = b[n+1:end], b[end:]
	}
	return all, nil
}

func ok(data []byte) []byte { return append(data, 0x90, 0x00) }

// tlv writes a data object.
func tlv(tag string, parts ...[]byte) []byte {
	value := slices.Concat(parts...)
	return slices.Concat(unhex(tag), []byte{byte(len(value))}, value)
}

func bcd(digits string) []byte {
	if len(digits)%2 == 1 {
		digits += "F"
	}
	return unhex(digits)
}

// unhex is for literals, and for cards of tests.
func unhex(text string) []byte {
	b, _ := hex.DecodeString(text)
	return b
}
