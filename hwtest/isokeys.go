package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"posd/iso8583"
)

// isoKeysCmd is the verb iso keys.
type isoKeysCmd struct {
	TMK     string   `name:"tmk" placeholder:"HEX" help:"The terminal's master key, 8, 16 or 24 bytes, or @FILE with it."`
	Dialect string   `placeholder:"NAME" help:"The block is in a whole sign-on reply in this dialect (a preset or a file)."`
	Reveal  bool     `help:"Show the plain keys. Test keys only."`
	Wrap    bool     `help:"The other direction: make a block of plain keys, PIK MAK [TDK], as a test host sends it."`
	SM4     bool     `name:"sm4" help:"With --wrap: by SM4. When a block is opened its check values tell."`
	Check   string   `placeholder:"HEX" help:"Print the check value of this plain key (or @FILE) and do nothing else."`
	JSON    bool     `name:"json" help:"Print JSON."`
	Data    []string `arg:"" optional:"" help:"The block in hex or as a dump, with --dialect the message, with --wrap the keys; a file. Left out or -: from standard input."`
}

// Help teaches by example.
func (isoKeysCmd) Help() string {
	return `A sign-on reply brings the working keys in one block (UnionPay: field 62) of 24, 40, 60 or 84 bytes: PIN key, MAC key
and in the longer two a track key, each under the master key and with its check value. A single-length MAC key stands in
a double place with zeros after it. For each key this says how long it is and whether its check value fits; when one does
not, usual reasons are tried. Keys themselves are shown with --reveal only.

Examples:

  hwtest iso keys --tmk 258FB0AB70D025CDB99DF2C4D302D646 46F161A743497B32EAC760DF5EA57DF5900ECCE3977731A7EA402DDF0000000000000000CFF1592A
  hwtest iso keys --tmk @tmk.txt --dialect unionpay @signon.txt
  hwtest iso keys --tmk @tmk.txt --reveal --json - < block.txt
  hwtest iso keys --wrap --tmk 0123456789ABCDEFFEDCBA9876543210 11111111111111112222222222222222 3333333333333333
  hwtest iso keys --check 0123456789ABCDEFFEDCBA9876543210`
}

// Run opens a block, makes one, or prints a check value.
func (c *isoKeysCmd) Run(g *globals) error {
	if c.Check != "" {
		return c.checkValues(g)
	}
	if c.TMK == "" {
		return errors.New("--tmk is missing: without the master key a block tells nothing")
	}
	tmk, err := secretHex(g, "--tmk", c.TMK)
	if err != nil {
		return err
	}
	defer clear(tmk)
	if c.Wrap {
		return c.wrap(g, tmk)
	}
	if c.SM4 {
		return errors.New("--sm4 goes with --wrap: when a block is opened its check values tell")
	}
	block, err := c.block(g)
	if err != nil {
		return err
	}
	r, err := c.report(tmk, block)
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(g.Out, r)
	} else {
		r.print(g.Out)
	}
	return errors.Join(err, r.err())
}

// checkValues prints a key's check values by each cipher that takes a key of its length.
func (c *isoKeysCmd) checkValues(g *globals) error {
	key, err := secretHex(g, "--check", c.Check)
	if err != nil {
		return err
	}
	defer clear(key)
	values := checkValues(key)
	switch {
	case len(values) == 0:
		return fmt.Errorf("--check: a key of %d bytes, 8, 16 or 24 wanted", len(key))
	case c.JSON:
		return printJSON(g.Out, values)
	}
	for _, cipher := range []iso8583.Wrapping{iso8583.WrappedDES, iso8583.WrappedSM4} {
		if v := values[cipher]; v != "" {
			fmt.Fprintf(g.Out, "%s  %s  (%d bytes)\n", cipher, v, len(key))
		}
	}
	return nil
}

func checkValues(key []byte) map[iso8583.Wrapping]string {
	values := map[iso8583.Wrapping]string{}
	for _, cipher := range []iso8583.Wrapping{iso8583.WrappedDES, iso8583.WrappedSM4} {
		if v, err := iso8583.CheckValue(cipher, key); err == nil {
			values[cipher] = fmt.Sprintf("%X", v)
		}
	}
	return values
}

// wrap prints the block of plain keys.
func (c *isoKeysCmd) wrap(g *globals, tmk []byte) error {
	text, err := textOrFile(g, c.Data)
	if err != nil {
		return err
	}
	words := strings.Fields(text)
	if len(words) < 2 || len(words) > 3 {
		return fmt.Errorf("--wrap wants two or three plain keys, PIK MAK [TDK], not %d", len(words))
	}
	keys := make([][]byte, 3)
	for i, word := range words {
		if keys[i], err = secretHex(g, []string{"PIK", "MAK", "TDK"}[i], word); err != nil {
			return err
		}
		defer clear(keys[i])
	}
	wrap := iso8583.WrapWorkingKeys
	if c.SM4 {
		wrap = iso8583.WrapWorkingKeysSM4
	}
	block, err := wrap(tmk, keys[0], keys[1], keys[2])
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(g.Out, map[string]any{"block_bytes": len(block), "block": fmt.Sprintf("%X", block)})
	}
	fmt.Fprintf(g.Out, "%X\n", block)
	return nil
}

// block gives the key block, out of a whole message where there is a dialect.
func (c *isoKeysCmd) block(g *globals) ([]byte, error) {
	raw, err := hexInput(g, c.Data)
	if err != nil || c.Dialect == "" {
		return raw, err
	}
	d, err := dialectFlag{Dialect: c.Dialect}.load()
	if err != nil {
		return nil, err
	}
	m, _, err := unpack(g, d, raw)
	if err != nil {
		return nil, err
	}
	defer m.Wipe()
	block := slices.Clone(d.RoleBytes(m, "keys"))
	if len(block) == 0 {
		return nil, fmt.Errorf("this %s of dialect %s carries no keys (reply.roles, keys)", m.MTI, d.Name())
	}
	return block, nil
}

// keysReport is what iso keys says of a block.
type keysReport struct {
	Bytes  int           `json:"block_bytes"`
	Master masterReport  `json:"master_key"`
	Keys   []placeReport `json:"keys"`
	Hint   string        `json:"hint,omitempty"`
}

type masterReport struct {
	Bytes  int                         `json:"bytes"`
	Checks map[iso8583.Wrapping]string `json:"check_values"`
}

type placeReport struct {
	Slot     iso8583.Slot     `json:"slot"`
	Wrapping iso8583.Wrapping `json:"wrapping"`
	Place    int              `json:"place_bytes"`
	Length   int              `json:"key_bytes"`
	Said     string           `json:"check_value"`
	Own      string           `json:"check_value_of_key,omitempty"`
	Fits     bool             `json:"fits"`
	Usable   bool             `json:"usable"` // it fits, or is a track key that need not be there
	Note     string           `json:"note,omitempty"`
	Key      string           `json:"key,omitempty"`
}

func (c *isoKeysCmd) report(tmk, block []byte) (*keysReport, error) {
	keys, err := iso8583.OpenWorkingKeys(tmk, block)
	if err != nil {
		return nil, err
	}
	r := &keysReport{Bytes: len(block), Master: masterReport{len(tmk), checkValues(tmk)}, Hint: keysHint(keys, tmk, block)}
	for _, k := range keys {
		p := placeReport{
			Slot: k.Slot, Wrapping: k.Wrapping, Place: k.Place, Length: k.Length, Said: fmt.Sprintf("%X", k.Said), Fits: k.Fits(),
			Usable: k.Err() == nil, Note: placeNote(k),
		}
		if k.Length > 0 {
			p.Own = fmt.Sprintf("%X", k.Own)
		}
		if c.Reveal {
			p.Key = fmt.Sprintf("%X", k.Reveal())
		}
		r.Keys = append(r.Keys, p)
	}
	return r, nil
}

// placeNote says what is special about a key.
func placeNote(k iso8583.WorkingKey) string {
	switch {
	case k.Length == 0:
		return "zeros only, no key 全零,无密钥"
	case k.Length < k.Place && k.Length == 8 && k.Zeros:
		return "single length, zeros in the rest of its place 单倍长,其余补零"
	case k.Length < k.Place && k.Zeros:
		return "shorter than its place, zeros in the rest 短于其位,其余补零"
	case k.Length < k.Place:
		return "single length: the check value is that of the left half alone 单倍长,校验值只对左半"
	case k.Fits() && k.Length == 16 && slices.Equal(k.Reveal()[:8], k.Reveal()[8:]):
		return "both halves are the same: as strong as single length 左右相同,强度同单倍长"
	default:
		return ""
	}
}

// keysHint says what a technician should look at when keys do not fit.
func keysHint(keys []iso8583.WorkingKey, tmk, block []byte) string {
	usable := func(k iso8583.WorkingKey) bool { return k.Err() == nil }
	switch {
	case !slices.ContainsFunc(keys, func(k iso8583.WorkingKey) bool { return !usable(k) }):
		return ""
	case slices.ContainsFunc(keys, iso8583.WorkingKey.Fits):
		return "The master key is right, for another key fits: this one was damaged, or made under another master key."
	}
	for _, other := range otherMasters(tmk) {
		if keys, err := iso8583.OpenWorkingKeys(other.key, block); err == nil && slices.ContainsFunc(keys, iso8583.WorkingKey.Fits) {
			return "The block fits " + other.says + "."
		}
	}
	return "It is another master key than the host's: compare the check value above with the acquirer's paper, and ask whether the terminal was registered anew."
}

type otherMaster struct {
	says string
	key  []byte
}

// otherMasters are readings of a master key that hosts and people have used by mistake.
func otherMasters(tmk []byte) []otherMaster {
	if len(tmk) < 16 {
		return nil
	}
	left, right := tmk[:8], tmk[8:16]
	list := []otherMaster{
		{"the left half of the master key alone: the host uses single DES", left},
		{"the right half of the master key alone", right},
		{"the master key with its halves exchanged: they were entered in the wrong order", slices.Concat(right, left)},
	}
	if len(tmk) == 24 {
		list = append(list, otherMaster{"the first 16 bytes of the master key: the host uses double length", tmk[:16]})
	}
	return list
}

// err tells how many keys cannot be used.
func (r *keysReport) err() error {
	bad := 0
	for _, k := range r.Keys {
		if !k.Usable {
			bad++
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d keys cannot be used", bad, len(r.Keys))
	}
	return nil
}

var slotWords = map[iso8583.Slot]string{iso8583.PIK: "PIN key 密码密钥", iso8583.MAK: "MAC key 校验密钥", iso8583.TDK: "track key 磁道密钥"}

// print writes the report for people.
func (r *keysReport) print(w io.Writer) {
	fmt.Fprintf(w, "block       %d bytes, %d keys, wrapped by %s\n", r.Bytes, len(r.Keys), r.Keys[0].Wrapping)
	check := r.Master.Checks[iso8583.WrappedDES]
	if r.Keys[0].Wrapping == iso8583.WrappedSM4 {
		check = r.Master.Checks[iso8583.WrappedSM4]
	}
	fmt.Fprintf(w, "master key  %d bytes, check value %s\n\n", r.Master.Bytes, check)
	fmt.Fprintf(w, "%s  place  key  check value\n", padded("slot", 22))
	for _, k := range r.Keys {
		fmt.Fprintf(w, "%s  %5d  %3d  %s\n", padded(string(k.Slot)+" "+slotWords[k.Slot], 22), k.Place, k.Length, k.verdict())
		for _, line := range []string{k.Note, k.Key} {
			if line != "" {
				fmt.Fprintf(w, "%36s%s\n", "", line)
			}
		}
	}
	if r.Hint != "" {
		fmt.Fprintf(w, "\nhint: %s\n", r.Hint)
	}
}

func (k *placeReport) verdict() string {
	switch {
	case k.Fits:
		return k.Said + "  ✓ fits 相符"
	case k.Usable:
		return "–  not there 无"
	case k.Length == 0:
		return k.Said + "  ✗ no key 无密钥"
	default:
		return fmt.Sprintf("%s  ✗ does not fit 不符 (the key has %s)", k.Said, k.Own)
	}
}
