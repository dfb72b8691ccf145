// Package pcsc talks to contact chip cards through the system's service for them: pcscd by its socket, or Windows' winscard.dll. No
// cgo. What stands for Windows was compiled and vetted, not run on a Windows machine.
//
// It knows ATRs and APDUs and nothing of what they mean: it is no EMV kernel. Source: the messages of pcsc-lite, protocol
// 4.4 (winscard_msg.h), Microsoft's winscard.h, and ISO/IEC 7816-3 and -4.
//
// Libraries were read in November 2026: gballet/go-libpcsclite (its client is of 2019, pcscd only) sends every APDU as T=1;
// sf1/go-card (v1.2.0 of 2021) agrees on no protocol version, and takes one Read for a whole message; neither call ends with
// a ctx. ebfe/scard needs cgo, goscard and telesma-app/pcsc load the C library, which posd's static binary does without.
package pcsc

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Values that both services have.
const (
	scopeSystem = 2
	exclusive   = 1
	anyProtocol = 3 // T=0 and T=1
	resetCard   = 1
	maxAPDU     = 261 // a short command with data and Le
	maxAnswer   = 65538
)

// Errors that callers branch on.
var (
	ErrNoService = errors.New(noService)
	ErrNoReader  = errors.New("no such chip reader")
	ErrNoCard    = errors.New("no chip card in the reader, or it was taken out")
	ErrMute      = errors.New("the card does not answer; look at its contacts, and which way it is put in")
	ErrBusy      = errors.New("another program uses the card")
)

// service is what a system offers.
type service interface {
	readers(ctx context.Context) ([]Reader, error)
	connect(ctx context.Context, reader string) (handle uintptr, protocol uint32, err error)
	disconnect(ctx context.Context, handle uintptr) error
	// transmit gives at least the two status bytes.
	transmit(ctx context.Context, handle uintptr, protocol uint32, apdu []byte) ([]byte, error)
	close() error
}

// Client is a connection to the service. One goroutine owns it.
type Client struct{ service service }

// Reader is a chip reader as the service sees it.
type Reader struct {
	Name    string
	Present bool // a card is in it
	ATR     []byte
}

// Dial connects to the system's service; a path is that of pcscd's socket.
func Dial(ctx context.Context, path string) (*Client, error) {
	s, err := dial(ctx, path)
	if err != nil {
		return nil, err
	}
	return &Client{s}, nil
}

// Close ends the connection; the service frees what belongs to it.
func (c *Client) Close() error { return c.service.close() }

// Readers lists the readers.
func (c *Client) Readers(ctx context.Context) ([]Reader, error) { return c.service.readers(ctx) }

// Card is a chip card that is held alone. One goroutine owns it and its client.
type Card struct {
	service  service
	handle   uintptr
	protocol uint32
}

// Connect powers the card in a reader and takes it for this program alone.
func (c *Client) Connect(ctx context.Context, reader string) (*Card, error) {
	handle, protocol, err := c.service.connect(ctx, reader)
	if err != nil {
		return nil, err
	}
	return &Card{c.service, handle, protocol}, nil
}

// Disconnect resets the card and gives it free.
func (k *Card) Disconnect(ctx context.Context) error { return k.service.disconnect(ctx, k.handle) }

// Transmit sends a command APDU and gives the answer with its two status bytes, which the caller wipes. It fetches what the
// card announces by 61xx, and repeats with the length that 6Cxx names (ISO/IEC 7816-4).
func (k *Card) Transmit(ctx context.Context, apdu []byte) ([]byte, error) {
	if len(apdu) < 4 || len(apdu) > maxAPDU {
		return nil, fmt.Errorf("command of %d bytes, want 4 to %d", len(apdu), maxAPDU)
	}
	const rounds = 64 // of 256 bytes; more than any card has to say
	var whole []byte
	next := apdu
	for range rounds {
		b, err := k.service.transmit(ctx, k.handle, k.protocol, next)
		if err != nil {
			clear(whole)
			return nil, err
		}
		sw1, sw2 := b[len(b)-2], b[len(b)-1]
		joined := slices.Concat(whole, b[:len(b)-2]) // never the old bytes, which are wiped
		clear(whole)
		clear(b)
		switch whole = joined; sw1 {
		case 0x61:
			next = []byte{apdu[0] & 0x03, 0xC0, 0, 0, sw2}
		case 0x6C:
			next = append(append([]byte(nil), next[:4]...), sw2)
		default:
			return append(whole, sw1, sw2), nil
		}
	}
	clear(whole)
	return nil, errors.New("the card goes on answering for ever")
}

// explain gives a result one of our names (pcsclite.h, winerror.h).
func explain(rv uint32) error {
	switch rv {
	case 0:
		return nil
	case 0x80100009, 0x80100017:
		return ErrNoReader
	case 0x8010000C, 0x80100069:
		return ErrNoCard
	case 0x80100066, 0x80100067, 0x8010000F:
		return ErrMute
	case 0x8010000B:
		return ErrBusy
	case 0x8010001D, 0x8010001E:
		return ErrNoService
	default:
		return fmt.Errorf("the chip service says %08X", rv)
	}
}
