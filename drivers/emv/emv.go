// Package emv asks a contact chip card for the data of one online payment: field 55 of a request to the host.
//
// It is no certified kernel, and no part of one. It selects an application, reads its records and takes the first
// cryptogram, always for an online decision. It does not authenticate the card's data (TVR says so), verifies no cardholder,
// manages no risk, and ends before the host's answer goes back to the card: no issuer authentication, no scripts, no second
// cryptogram. That is enough for a test acquirer's host, and for nothing else. Source: EMV 4.3 books 1 and 3.
//
// The core is pure: a Session is a value that gives the next command and takes the answer to it. Read plays one with a card.
package emv

import (
	"context"
	"errors"
	"fmt"
	"time"

	"posd/drivers/port"
)

// Errors of a card. None tells what was read.
var (
	ErrNoApplication = errors.New("the card has no application that the terminal takes")
	ErrCard          = errors.New("the card's data do not make sense")
	ErrRefused       = errors.New("the card refuses")
	ErrDeclined      = errors.New("the card declines the payment by itself")
)

// Terminal is what does not change between payments. The zero value is no terminal; see TestTerminal.
type Terminal struct {
	AIDs         [][]byte // applications that are taken; a card's longer name that begins so is one of them. The first is preferred
	Country      string   // 9F1A: ISO 3166 number, three digits
	Capabilities [3]byte  // 9F33
	Extended     [5]byte  // 9F40
	Type         byte     // 9F35
	Serial       string   // 9F1E: eight characters
}

// TestTerminal is an attended online terminal that reads chips and verifies nobody, with the applications of UnionPay, Visa and
// Mastercard.
func TestTerminal() Terminal {
	return Terminal{
		AIDs: [][]byte{
			{0xA0, 0x00, 0x00, 0x03, 0x33}, {0xA0, 0x00, 0x00, 0x00, 0x03}, {0xA0, 0x00, 0x00, 0x00, 0x04},
		},
		Country: "156", Capabilities: [3]byte{0x60, 0x08, 0x00}, Extended: [5]byte{0x60, 0x00, 0x00, 0x10, 0x01}, Type: 0x22,
		Serial: "TEST0001",
	}
}

// Payment is what the card is asked about.
type Payment struct {
	Amount        int64     // minor units
	Currency      string    // ISO 4217 number, three digits
	At            time.Time // the terminal's date and time
	Sequence      uint32    // 9F41: of the terminal's payments, up to 99999999
	Unpredictable [4]byte   // 9F37: from a source of random bytes
}

// Data is what a card gave. Whoever gets it wipes it.
type Data struct {
	PAN      port.Secret // digits
	Track2   port.Secret // track 2 equivalent, digits with D
	Expiry   port.Secret // YYMM
	Field55  port.Secret // TLV
	Sequence string      // 5F34 with three digits: field 23; "" where the card has none
	AID      []byte      // 84
	Label    string      // 50, printable characters only
	masked   string
}

// Wipe overwrites all that is secret. It may be called more than once.
func (d *Data) Wipe() {
	for _, s := range []port.Secret{d.PAN, d.Track2, d.Expiry, d.Field55} {
		s.Wipe()
	}
}

// Masked is the card number as first 6 + last 4. It stays after Wipe.
func (d *Data) Masked() string { return d.masked }

// String is the masked number, so that it may stand in a log by mistake.
func (d *Data) String() string { return d.masked }

// Format keeps every fmt verb from the content.
func (d *Data) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(d.masked)) }

// Card exchanges a command and its answer with the two status bytes; *pcsc.Card is one. The caller wipes the answer.
type Card interface {
	Transmit(ctx context.Context, apdu []byte) ([]byte, error)
}

// mostCommands limits one payment: a card is never trusted with time.
const mostCommands = 100

// Read asks a card. The payment is to be sent to the host within what the acquirer allows, or forgotten: the card has counted it.
func Read(ctx context.Context, c Card, t Terminal, p Payment) (*Data, error) {
	s, err := Begin(t, p)
	if err != nil {
		return nil, err
	}
	defer func() { s.Wipe() }()
	for range mostCommands {
		if s.Done() {
			return s.Data()
		}
		command := s.Command()
		answer, err := c.Transmit(ctx, command)
		clear(command)
		if err != nil {
			return nil, err
		}
		s, err = s.Take(answer)
		clear(answer)
		if err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: it wants more than %d commands", ErrCard, mostCommands)
}
