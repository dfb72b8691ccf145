package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"posd/iso8583"
)

// isoMACCmd is the verb iso mac.
type isoMACCmd struct {
	Key      string   `required:"" placeholder:"HEX" help:"The plain MAC key, or @FILE with it. Test keys only: a command line is no place for others."`
	Alg      string   `placeholder:"NAME" help:"unionpay-ecb, x9.9, x9.19, cmac (AES), cmac-tdes, sm4-cbc, cmac-sm4 or unionpay-sm4. Default: the dialect's, else unionpay-ecb."`
	Padding  string   `default:"auto" enum:"auto,zero,80" help:"zero (ISO 9797-1 method 1), 80 (method 2), or auto: the dialect's, else 80 for x9.19 and zero for the others. The CMACs pad by themselves."`
	Output   string   `default:"auto" enum:"auto,text,binary" help:"What stands in the MAC field: text (8 hex characters) or binary (8 bytes). Default: the dialect's; without one the whole result is printed."`
	Range    string   `default:"auto" enum:"auto,mti,header,tpdu" help:"With --dialect: the first byte that the MAC covers. Default: the dialect's."`
	KeyBytes int      `placeholder:"N" help:"Use only so many bytes of the key: 8, 16, 24 or 32. Default: the dialect's, else all."`
	Field    int      `placeholder:"N" help:"With --dialect: the field of the MAC, where the dialect names none."`
	Dialect  string   `placeholder:"NAME" help:"The data is a whole message in this dialect (a preset or a file): say whether its MAC is right."`
	Sign     bool     `help:"With --dialect: print the message with its right MAC instead, length prefix and all."`
	JSON     bool     `name:"json" help:"Print JSON."`
	Data     []string `arg:"" optional:"" help:"The data, or with --dialect the whole message, in hex, as a dump or in a log; a file. Left out or -: from standard input."`
}

// Help teaches by example.
func (isoMACCmd) Help() string {
	return `Without --dialect the data is what the MAC covers: from the MTI to the byte before the MAC, with the MAC's bit set in
the bitmap and without TPDU and header. The whole result is printed.

With --dialect the data is a message as it stands in a trace, length prefix or not. Its MAC is held against the one that
the key makes. When they differ, every other algorithm, padding, output form, range and key length is tried: an acquirer
who says X9.9 may mean any of several, and what fits is printed as a dialect file has it.

Examples:

  hwtest iso mac --key 0123456789ABCDEF 0200 3020048000C08015 ...
  hwtest iso mac --alg x9.19 --padding 80 --output binary --key @mak.txt - < data.txt
  hwtest iso mac --dialect unionpay --key 0723C80DB5F4CD3D 0085 6000030000 ...
  hwtest iso mac --dialect my-acquirer.toml --key @mak.txt @trace.txt --json
  hwtest iso encode sale.json | hwtest iso mac --dialect unionpay --key 0123456789ABCDEF --sign -`
}

// Run computes one MAC, or checks that of a message.
func (c *isoMACCmd) Run(g *globals) error {
	key, err := secretHex(g, "--key", c.Key)
	if err != nil {
		return err
	}
	defer clear(key)
	data, err := hexInput(g, c.Data)
	if err != nil {
		return err
	}
	if c.Dialect == "" {
		return c.compute(g.Out, key, data)
	}
	d, err := dialectFlag{Dialect: c.Dialect}.load()
	if err != nil {
		return err
	}
	if d, err = d.WithMAC(c.rule(d.MACRule())); err != nil {
		return err
	}
	if c.Sign {
		return c.sign(g.Out, d, key, data)
	}
	return c.check(g.Out, d, key, data)
}

// rule is the dialect's, with what the command line says otherwise.
func (c *isoMACCmd) rule(r iso8583.MACRule) iso8583.MACRule {
	said := func(flag string) string { return strings.TrimPrefix(flag, "auto") }
	if c.Alg != "" && c.Alg != r.Algorithm {
		r.Algorithm, r.Padding, r.KeyBytes = c.Alg, "", 0
	}
	if r.Padding == "" && r.Algorithm == iso8583.X919 {
		r.Padding = iso8583.Pad80 // as the published vector has it
	}
	r.Algorithm = cmp.Or(r.Algorithm, iso8583.UnionPayECB)
	r.Padding = cmp.Or(said(c.Padding), r.Padding, iso8583.PadZero)
	r.Output = cmp.Or(said(c.Output), r.Output)
	r.Range = cmp.Or(said(c.Range), r.Range)
	r.KeyBytes = cmp.Or(c.KeyBytes, r.KeyBytes)
	r.Field = cmp.Or(c.Field, r.Field)
	return r
}

// compute prints the MAC of bare data.
func (c *isoMACCmd) compute(w io.Writer, key, data []byte) error {
	if c.Sign || c.Field != 0 || c.Range != "auto" {
		return errors.New("--sign, --field and --range are for whole messages: add --dialect")
	}
	rule := c.rule(iso8583.MACRule{})
	result, err := rule.Compute(key, data)
	if err != nil {
		return err
	}
	value := result
	if rule.Output == iso8583.OutputText {
		value = fmt.Appendf(nil, "%X", result[:4])
	} else if rule.Output != "" {
		value = result[:8]
	}
	if c.JSON {
		return printJSON(w, struct {
			Rule   macRuleJSON `json:"rule"`
			Bytes  int         `json:"bytes_covered"`
			Result string      `json:"result"`
			Field  string      `json:"field_value,omitempty"`
		}{ruleJSON(rule), len(data), fmt.Sprintf("%X", result), fmt.Sprintf("%X", value)})
	}
	fmt.Fprintf(w, "%X\n", value)
	return nil
}

// sign prints the message with its right MAC.
func (c *isoMACCmd) sign(w io.Writer, d *iso8583.Dialect, key, data []byte) error {
	packed := payload(d, data)
	if err := d.Sign(packed, plainKey(key)); err != nil {
		return macless(err, d, data)
	}
	frame, err := d.AppendFrame(nil, packed)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%X\n", frame)
	return nil
}

// macVerdict is what iso mac says of a message.
type macVerdict struct {
	Right    bool          `json:"right"`
	Rule     macRuleJSON   `json:"rule"`
	Covered  int           `json:"bytes_covered"`
	InFrame  string        `json:"in_message"`
	Computed string        `json:"computed"`
	Fits     []macRuleJSON `json:"fits,omitempty"` // other rules that this key makes it by
	inFrame  []byte
	computed []byte
}

// macRuleJSON is a rule with the names of dialect files.
type macRuleJSON struct {
	Algorithm string `json:"algorithm"`
	Padding   string `json:"padding"`
	Output    string `json:"output,omitempty"`
	Range     string `json:"range,omitempty"`
	Field     int    `json:"field,omitempty"`
	KeyBytes  int    `json:"key_bytes"`
}

func ruleJSON(r iso8583.MACRule) macRuleJSON {
	return macRuleJSON{r.Algorithm, r.Padding, r.Output, r.Range, r.Field, r.KeyBytes}
}

var errWrongMAC = errors.New("the MAC is wrong")

// check holds the MAC of a message against the key's.
func (c *isoMACCmd) check(w io.Writer, d *iso8583.Dialect, key, data []byte) error {
	v, err := verdictOn(d, key, payload(d, data))
	if err != nil {
		return macless(err, d, data)
	}
	if c.JSON {
		err = printJSON(w, v)
	} else {
		v.print(w)
	}
	if err == nil && !v.Right {
		err = errWrongMAC
	}
	return err
}

func verdictOn(d *iso8583.Dialect, key, packed []byte) (*macVerdict, error) {
	rule := d.MACRule()
	covered, mac, err := d.MACParts(packed, rule.Range)
	if err != nil {
		return nil, err
	}
	v := &macVerdict{Rule: ruleJSON(rule), Covered: len(covered), inFrame: append([]byte{}, mac...)}
	switch err := d.CheckMAC(packed, plainKey(key)); {
	case err == nil:
		v.Right = true
	case !errors.Is(err, iso8583.ErrBadMAC):
		return nil, err
	}
	signed := append([]byte{}, packed...)
	if err := d.Sign(signed, plainKey(key)); err != nil {
		return nil, err
	}
	v.computed = signed[len(signed)-len(mac):]
	v.InFrame, v.Computed = fmt.Sprintf("%X", v.inFrame), fmt.Sprintf("%X", v.computed)
	if v.Right {
		return v, nil
	}
	fits, err := d.FittingMACs(packed, key)
	for _, r := range fits {
		v.Fits = append(v.Fits, ruleJSON(r))
	}
	return v, err
}

// print writes the verdict for people.
func (v *macVerdict) print(w io.Writer) {
	r := v.Rule
	keyBytes := "as it is"
	if r.KeyBytes > 0 {
		keyBytes = fmt.Sprintf("%d bytes of it", r.KeyBytes)
	}
	fmt.Fprintf(w, "rule        %s, padding %s, output %s, key %s\n", r.Algorithm, r.Padding, r.Output, keyBytes)
	fmt.Fprintf(w, "covers      %d bytes, from the %s to the byte before field %d\n", v.Covered, strings.ToUpper(cmp.Or(r.Range, "mti")), r.Field)
	fmt.Fprintf(w, "in message  %s\n", shownMAC(v.inFrame))
	fmt.Fprintf(w, "computed    %s\n\n", shownMAC(v.computed))
	if v.Right {
		fmt.Fprintln(w, "✓ the MAC is right  MAC 正确")
		return
	}
	fmt.Fprintln(w, "✗ the MAC is wrong  MAC 不符")
	if len(bytes.Trim(v.inFrame, "\x00")) == 0 {
		fmt.Fprintln(w, "\nIts place holds zeros: nobody has filled it. --sign does.")
		return
	}
	if len(v.Fits) == 0 {
		fmt.Fprintln(w, "\nNo rule makes it under this key: it is another key, or the message was changed on its way.")
		return
	}
	fmt.Fprintln(w, "\nThis key makes it by another rule; the dialect file then has:")
	for _, f := range v.Fits {
		fmt.Fprintf(w, "\n  [mac]\n  algorithm = %q\n  padding   = %q\n  output    = %q\n  range     = %q\n  field     = %d\n  key_bytes = %d\n",
			f.Algorithm, f.Padding, f.Output, f.Range, f.Field, f.KeyBytes)
	}
}

// shownMAC gives the bytes of a MAC, and its characters where it is text.
func shownMAC(mac []byte) string {
	for _, c := range mac {
		if c < '0' || c > 'F' || c > '9' && c < 'A' {
			return fmt.Sprintf("%X", mac)
		}
	}
	return fmt.Sprintf("%X  %q", mac, mac)
}

// plainKey is a Cipher with a plain MAC key.
type plainKey []byte

// MAC makes a MAC.
func (k plainKey) MAC(rule iso8583.MACRule, data []byte) ([8]byte, error) {
	result, err := rule.Compute(k, data)
	if err != nil {
		return [8]byte{}, err
	}
	return [8]byte(result), nil
}

// macless adds what to do where a message has no MAC, or is none.
func macless(err error, d *iso8583.Dialect, raw []byte) error {
	var field *iso8583.FieldError
	switch {
	case errors.Is(err, iso8583.ErrNoMAC):
		return fmt.Errorf("%w: field %d is not in its bitmap; add it with iso encode", err, d.MACRule().Field)
	case errors.As(err, &field):
		return diagnosed(d, raw, err)
	default:
		return err
	}
}

// payload takes the length prefix from a pasted message, a wrong one too where the rest is a message without it.
func payload(d *iso8583.Dialect, raw []byte) []byte {
	if n, p, err := d.SplitFrame(raw, true); err == nil && n == len(raw) && len(p) > 0 {
		return p
	}
	var v iso8583.View
	for _, prefix := range []int{0, 2, 4} {
		if p := raw[min(prefix, len(raw)):]; d.View(&v, p) == nil {
			return p
		}
	}
	return raw
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
