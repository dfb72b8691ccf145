package main

import (
	"bytes"
	"errors"
	"fmt"
)

// isoEncodeCmd is the verb iso encode.
type isoEncodeCmd struct {
	dialectFlag
	NoLength bool   `help:"Leave the length prefix out."`
	File     string `arg:"" help:"The message as decode --json --reveal prints it, or a file with it; - for standard input."`
}

// Help teaches by example.
func (isoEncodeCmd) Help() string {
	return `Numbers are written with all their digits, bytes as "hex:..". Where tpdu or header is left out, the
dialect's own is taken. A field may be given by its parts: "60.2", "55.9F26", "127.25.3".

Examples:

  {"tpdu":"6000030000","header":"602200000000","mti":"0820","fields":{"11":"000001","41":"10000001"}}
  {"mti":"0820","fields":{"11":"000001","41":"10000001","60.1":"00","60.2":"000001","60.3":"301"}}`
}

// Run encodes one message.
func (c *isoEncodeCmd) Run(g *globals) error {
	d, err := c.load()
	if err != nil {
		return err
	}
	text, err := c.message(g)
	if err != nil {
		return err
	}
	m, err := parseMessage(d, text)
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

// message gives the JSON, or says what was given instead.
func (c *isoEncodeCmd) message(g *globals) ([]byte, error) {
	text, err := textInput(g, []string{c.File})
	if err != nil {
		return nil, err
	}
	text = bytes.TrimSpace(plainText(text))
	switch _, bad := plainDigits(string(text)); {
	case len(text) == 0:
		return nil, errors.New("there is nothing to encode; hint: hwtest iso encode --help shows a message")
	case text[0] == '{':
		return text, nil
	case bad == nil:
		return nil, errors.New("this is hex already; hint: hwtest iso decode shows it")
	default:
		return nil, errors.New("this is neither JSON nor the name of a file; hint: hwtest iso encode --help shows a message")
	}
}
