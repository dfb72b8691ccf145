package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"posd/iso8583"
)

// isoBuildCmd is the verb iso build.
type isoBuildCmd struct {
	dialectFlag
	Reversal bool     `help:"The transaction's reversal instead of its request."`
	List     bool     `xor:"form" help:"Print the placeholders and what would be taken for each."`
	Hex      bool     `xor:"form" help:"Print hex with the length prefix instead of JSON; the MAC is zeros: iso mac --sign fills it."`
	Name     string   `arg:"" help:"The transaction of the dialect, such as sign-on, echo or sale."`
	Values   []string `arg:"" optional:"" name:"key=value" help:"A placeholder's value; or that of a field or part, which replaces what the transaction has: 24=007."`
}

// Help teaches by example.
func (isoBuildCmd) Help() string {
	return `A transaction of the dialect becomes a message, as posd would send it. Placeholders that are not given have samples: a
test card, trace number 000001, terminal 10000001, the time of this machine. The JSON is that of iso decode --reveal, so
that iso encode, iso diff and iso send read it.

Examples:

  hwtest iso build --list sale
  hwtest iso build sale amount=000000001999 trace=000123 | hwtest iso encode -
  hwtest iso build --dialect my-acquirer.toml echo | hwtest iso send --dialect my-acquirer.toml --to 127.0.0.1:5000 -
  hwtest iso build --reversal sale trace=000123 reason=bad_mac --hex | hwtest iso mac --dialect unionpay --key @mak.txt --sign -`
}

// Run builds one message.
func (c *isoBuildCmd) Run(g *globals) error {
	d, err := c.load()
	if err != nil {
		return err
	}
	needs, err := c.needs(d)
	if err != nil {
		return err
	}
	vars, fields, err := c.given(needs)
	if err != nil {
		return err
	}
	if known := d.Reasons(); slices.Contains(needs, "reason") && !slices.Contains(known, vars["reason"]) {
		return fmt.Errorf("dialect %s has no reason %q; it has: %s", d.Name(), vars["reason"], strings.Join(known, ", "))
	}
	if c.List {
		return listPlaceholders(g, needs, vars)
	}
	m, err := c.build(d, needs, vars)
	if err != nil {
		return err
	}
	defer m.Wipe()
	return c.print(g, d, m, fields)
}

// needs lists the placeholders.
func (c *isoBuildCmd) needs(d *iso8583.Dialect) ([]string, error) {
	if !d.HasTransaction(c.Name) {
		return nil, fmt.Errorf("dialect %s has no transaction %q; it has: %s", d.Name(), c.Name, strings.Join(d.Transactions(), ", "))
	}
	if !c.Reversal {
		return d.Needs(c.Name), nil
	}
	needs := d.ReversalNeeds(c.Name)
	if needs == nil {
		return nil, fmt.Errorf("nothing reverses %s in dialect %s", c.Name, d.Name())
	}
	return needs, nil
}

// given reads the command line over the samples: placeholders, and fields apart.
func (c *isoBuildCmd) given(needs []string) (vars iso8583.VarMap, fields map[string]string, err error) {
	said, fields := map[string]string{}, map[string]string{}
	for _, pair := range c.Values {
		key, value, ok := strings.Cut(pair, "=")
		switch {
		case !ok:
			return nil, nil, errors.New("values are written key=value, such as trace=000123")
		case key != "" && strings.Contains("0123456789", key[:1]):
			fields[key] = value
		case slices.Contains(needs, key):
			said[key] = value
		default:
			return nil, nil, fmt.Errorf("%s has no placeholder {%s}; it has: %s", c.Name, key, strings.Join(needs, " "))
		}
	}
	return sampleValues(c.Name, time.Now(), said), fields, nil
}

// build fills the template. What an upload says of its payments is one payment, unless all of them are given.
func (c *isoBuildCmd) build(d *iso8583.Dialect, needs []string, vars iso8583.VarMap) (*iso8583.Message, error) {
	values := iso8583.Vars(vars)
	ofItem := func(need string) bool { return strings.HasPrefix(need, "item") }
	if slices.ContainsFunc(needs, ofItem) && vars["items"] == "" {
		var err error
		if values, err = d.WithItems(vars, []iso8583.Vars{vars}); err != nil {
			return nil, err
		}
	}
	if c.Reversal {
		return d.BuildReversal(c.Name, values)
	}
	return d.Build(c.Name, values)
}

// print gives the message as it would be on the wire, with the fields that were given over it.
func (c *isoBuildCmd) print(g *globals, d *iso8583.Dialect, m *iso8583.Message, fields map[string]string) error {
	text, err := d.JSON(m, 0, true)
	if err == nil {
		text, err = withFields(text, fields)
	}
	if err != nil {
		return err
	}
	full, err := parseFull(d, text)
	if err != nil {
		return err
	}
	defer full.Wipe()
	if !c.Hex {
		text, err = d.JSON(full, 0, true)
		fmt.Fprintf(g.Out, "%s\n", text)
		return err
	}
	packed, err := d.Pack(nil, full)
	if err == nil {
		packed, err = d.AppendFrame(nil, packed)
	}
	if err == nil {
		fmt.Fprintf(g.Out, "%X\n", packed)
	}
	return err
}

// withFields sets fields and parts in a message's JSON.
func withFields(text []byte, fields map[string]string) ([]byte, error) {
	if len(fields) == 0 {
		return text, nil
	}
	var message map[string]any
	if err := json.Unmarshal(text, &message); err != nil {
		return nil, err
	}
	all, _ := message["fields"].(map[string]any)
	for key, value := range fields {
		all[key] = value
	}
	return json.Marshal(message)
}

// listPlaceholders prints a transaction's placeholders with their values.
func listPlaceholders(g *globals, needs []string, vars iso8583.VarMap) error {
	w := tabwriter.NewWriter(g.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "placeholder\tvalue")
	for _, name := range needs {
		value := vars[name]
		switch {
		case name == "items" || name == "items.count":
			value = "(one payment)"
		case value == "" && name == "nii":
			value = "(that of the TPDU)"
		case value == "":
			value = "(empty)"
		}
		fmt.Fprintf(w, "%s\t%s\n", name, value)
	}
	return w.Flush()
}

// sampleValues gives a value for each placeholder: what was said, or a sample. Terminal and merchant are those that the
// simulated host knows unless told otherwise; track 2 is that of the card, and the card that of track 2.
func sampleValues(name string, now time.Time, said map[string]string) iso8583.VarMap {
	v := iso8583.VarMap{
		"amount": "000000000100", "trace": "000001", "batch": "000001", "terminal": "10000001", "merchant": "898000000000001",
		"currency": "156", "entry": "02", "pan": "4111111111111111", "expiry": "3012", "reason": "no_answer",
		"time": now.Format("150405"), "date": now.Format("0102"), "year": now.Format("06"),
		"code": "284412345678901234", "order": "TEST" + now.Format("060102150405"),
		"debit.amount": "000000000100", "debit.count": "001", "credit.amount": "000000000000", "credit.count": "000", "batch.count": "0001",
	}
	maps.Copy(v, said)
	if number, _, ok := strings.Cut(strings.ReplaceAll(v["track2"], "=", "D"), "D"); ok && said["pan"] == "" {
		v["pan"] = number
	}
	if _, ok := said["track2"]; !ok {
		v["track2"] = v["pan"] + "D" + v["expiry"] + "1010000000"
	}
	past := iso8583.VarMap{
		"trace": "000001", "batch": v["batch"], "date": v["date"], "time": v["time"], "year": v["year"], "rrn": "000000000001",
		"approval": "000001", "kind": kindBefore(name), "amount": v["amount"], "pan": v["pan"], "expiry": v["expiry"],
	}
	for key, value := range past {
		for _, full := range []string{"original." + key, "item." + key, key + ".original"} {
			if _, ok := said[full]; !ok {
				v[full] = value
			}
		}
	}
	return v
}

// kindBefore is the transaction that another one is about.
func kindBefore(name string) string {
	switch name {
	case "completion", "pre-auth-void":
		return "pre-auth"
	case "completion-void":
		return "completion"
	default:
		return "sale"
	}
}
