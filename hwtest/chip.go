package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"posd/drivers/emv"
	"posd/drivers/pcsc"
)

// chipCmd is the verb chip.
type chipCmd struct {
	APDU     []string      `arg:"" optional:"" help:"Commands for the card, in hex. Without: the readers and cards are listed."`
	Reader   string        `placeholder:"NAME" help:"Use this reader. Default: the first with a card in it."`
	Socket   string        `placeholder:"PATH" help:"Where pcscd listens. Default: the system's service; on Linux /run/pcscd/pcscd.comm."`
	Pay      int64         `xor:"what" placeholder:"AMOUNT" help:"Ask the card for field 55 of a payment of so many minor units, as values for iso build."`
	Currency string        `default:"156" placeholder:"NUMBER" help:"Currency of --pay, ISO 4217 number. Default: 156."`
	Country  string        `default:"156" placeholder:"NUMBER" help:"Country of --pay, ISO 3166 number. Default: 156."`
	TestData bool          `help:"The card is a test card: show what it answers. Otherwise length and status only."`
	Within   time.Duration `default:"10s" help:"How long all of it may take. Default: 10s."`
}

// Help says what it is not.
func (chipCmd) Help() string {
	return `Talks to chip cards through pcscd, or Windows' smart card service (compiled only, not run on Windows). It sends commands as they are; or with --pay asks a test card for the chip data of
a payment (field 55) for a test acquirer's host. That is no certified EMV kernel: nothing is authenticated, nobody is verified, and
the host's answer does not go back to the card. posd takes no payment by chip: in a shop that is a certified terminal's.

Examples:

  hwtest chip
  hwtest chip --test-data 00A404000E315041592E5359532E444446303100     # which payment applications there are
  hwtest iso build --dialect my.toml sale amount=000000001999 $(hwtest chip --pay 1999 --test-data) | hwtest iso send --to HOST:PORT --financial -`
}

// Run lists readers, or sends commands.
func (c *chipCmd) Run(ctx context.Context, g *globals) error {
	ctx, cancel := context.WithTimeout(ctx, c.Within)
	defer cancel()
	client, err := pcsc.Dial(ctx, c.Socket)
	if err != nil {
		return err
	}
	defer client.Close()
	readers, err := client.Readers(ctx)
	if err != nil {
		return err
	}
	if len(c.APDU) == 0 && c.Pay == 0 {
		return c.list(g, readers)
	}
	name, err := c.choose(readers)
	if err != nil {
		return err
	}
	card, err := client.Connect(ctx, name)
	if err != nil {
		return err
	}
	if c.Pay != 0 {
		return errors.Join(c.pay(ctx, g, card), card.Disconnect(ctx))
	}
	return errors.Join(c.send(ctx, g, card), card.Disconnect(ctx))
}

// pay asks a card for what a request to a host needs of it.
func (c *chipCmd) pay(ctx context.Context, g *globals, card emv.Card) error {
	terminal := emv.TestTerminal()
	terminal.Country = c.Country
	p := emv.Payment{Amount: c.Pay, Currency: c.Currency, At: time.Now(), Sequence: 1}
	if _, err := rand.Read(p.Unpredictable[:]); err != nil {
		return err
	}
	d, err := emv.Read(ctx, card, terminal, p)
	if err != nil {
		return err
	}
	defer d.Wipe()
	if !c.TestData {
		fmt.Fprintf(g.Out, "%s, application %X %s: track 2 of %d characters, chip data of %d bytes; --test-data shows them\n",
			d.Masked(), d.AID, d.Label, d.Track2.Len(), d.Field55.Len())
		return nil
	}
	fmt.Fprint(g.Out, "entry=05")
	if d.Sequence != "" {
		fmt.Fprintf(g.Out, " 23=%s", d.Sequence)
	}
	d.Track2.Reveal(func(b []byte) { fmt.Fprintf(g.Out, " track2=%s", b) })
	d.Field55.Reveal(func(b []byte) { fmt.Fprintf(g.Out, " 55=hex:%X\n", b) })
	return nil
}

func (c *chipCmd) list(g *globals, readers []pcsc.Reader) error {
	if len(readers) == 0 {
		return fmt.Errorf("%w: the system's service knows none; look at its cable, and whether the system sees it (lsusb)", pcsc.ErrNoReader)
	}
	for _, r := range readers {
		card := "no card"
		if r.Present {
			card = "card, ATR " + hex.EncodeToString(r.ATR)
		}
		fmt.Fprintf(g.Out, "%s: %s\n", r.Name, card)
	}
	return nil
}

// choose gives the reader that is meant.
func (c *chipCmd) choose(readers []pcsc.Reader) (string, error) {
	if c.Reader != "" {
		return c.Reader, nil
	}
	for _, r := range readers {
		if r.Present {
			return r.Name, nil
		}
	}
	return "", pcsc.ErrNoCard
}

func (c *chipCmd) send(ctx context.Context, g *globals, card *pcsc.Card) error {
	for i, text := range c.APDU {
		apdu, err := hex.DecodeString(text)
		if err != nil {
			return fmt.Errorf("command %d: want hex digits", i+1)
		}
		b, err := card.Transmit(ctx, apdu)
		if err != nil {
			return fmt.Errorf("command %d: %w", i+1, err)
		}
		data, status := b[:len(b)-2], b[len(b)-2:]
		if c.TestData {
			fmt.Fprintf(g.Out, "%X %X\n", data, status)
		} else {
			fmt.Fprintf(g.Out, "(%d bytes) %X\n", len(data), status)
		}
		clear(b)
	}
	return nil
}
