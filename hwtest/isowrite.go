package main

import (
	"fmt"

	"posd/iso8583"
)

// isoEncodeCmd is the verb iso encode.
type isoEncodeCmd struct {
	dialectFlag
	NoLength bool   `help:"Leave the length prefix out."`
	File     string `arg:"" help:"The message as decode --json --reveal prints it; - for standard input."`
}

// Help teaches by example.
func (isoEncodeCmd) Help() string {
	return `Numbers are written with all their digits, bytes as "hex:..". Where tpdu or header is left out, the
dialect's own is taken.

Example:

  {"tpdu":"6000030000","header":"602200000000","mti":"0820","fields":{"11":"000001","41":"10000001"}}`
}

// Run encodes one message.
func (c *isoEncodeCmd) Run(g *globals) error {
	d, err := c.load()
	if err != nil {
		return err
	}
	text, err := fileInput(g, c.File)
	if err != nil {
		return err
	}
	m, err := iso8583.ParseJSON(text)
	if err != nil {
		return err
	}
	defer m.Wipe()
	out, err := d.Pack(nil, m)
	if err != nil {
		return err
	}
	if !c.NoLength {
		if out, err = d.AppendFrame(nil, out); err != nil {
			return err
		}
	}
	fmt.Fprintf(g.Out, "%X\n", out)
	return nil
}

// isoMACCmd is the verb iso mac.
type isoMACCmd struct {
	Alg     string   `default:"unionpay-ecb" enum:"unionpay-ecb,x9.9,x9.19,cmac" help:"unionpay-ecb, x9.9, x9.19 or cmac (AES). Default: unionpay-ecb."`
	Key     string   `required:"" placeholder:"HEX" help:"The plain MAC key. Test keys only: a command line is no place for others."`
	Padding string   `default:"auto" enum:"auto,zero,80" help:"zero (ISO 9797-1 method 1), 80 (method 2), or auto: 80 for x9.19, zero for the others. cmac pads by itself."`
	Field   bool     `help:"Print what stands in the MAC field as well, as text and as bytes."`
	Data    []string `arg:"" optional:"" help:"The data in hex: from the MTI to the byte before the MAC. Left out or -: from standard input."`
}

// Help teaches by example.
func (isoMACCmd) Help() string {
	return `The data is what the MAC covers, with the MAC's bit set in the bitmap and without TPDU and header.

Example:

  hwtest iso mac --alg unionpay-ecb --key 0123456789ABCDEF 0200 3020048000C08015 ...`
}

// Run computes one MAC.
func (c *isoMACCmd) Run(g *globals) error {
	key, err := iso8583.DecodeHex(c.Key)
	if err != nil {
		return fmt.Errorf("--key: %w", err)
	}
	defer clear(key)
	data, err := hexInput(g, c.Data)
	if err != nil {
		return err
	}
	rule := iso8583.MACRule{Algorithm: c.Alg, Padding: c.Padding}
	if c.Padding == "auto" {
		rule.Padding = iso8583.PadZero
		if c.Alg == iso8583.X919 {
			rule.Padding = iso8583.Pad80 // as the published vector has it
		}
	}
	result, err := rule.Compute(key, data)
	if err != nil {
		return err
	}
	fmt.Fprintf(g.Out, "%X\n", result)
	if c.Field {
		text := fmt.Sprintf("%X", result[:4])
		fmt.Fprintf(g.Out, "as text   %s (bytes %X)\nas binary %X\n", text, text, result[:8])
	}
	return nil
}
