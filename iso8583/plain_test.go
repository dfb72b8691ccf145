package iso8583_test

import (
	"bytes"
	"cmp"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"posd/iso8583"
)

// plainDialect is a dialect as its file describes it, read and written by plain code that shares nothing with the
// package: what goes out and comes back the same may still be wrong twice, but hardly in both.
type plainDialect struct {
	*iso8583.Dialect
	file  plainFile
	types []string // one message type for every field table that there is
	table map[string][]*plainField
}

// plainFile is as much of a dialect file as says how bytes are written.
type plainFile struct {
	Base  string
	Frame struct {
		Max          int
		TPDU, Header string
	}
	Codec struct {
		plainKeys
		MTI, Bitmap string
		Bits        int    `toml:"bitmap_bits"`
		Third       string `toml:"third_bitmap"`
	}
	Fields   map[string]plainKeys
	Override map[string]map[string]plainKeys
	Sub      []plainSub
}

// plainKeys are the keys of a field or a part; those of [codec] are what others leave open.
type plainKeys struct{ Format, Numbers, Text, Lengths, Count, Binary, Charset, Align, Pad, Fill, Class, Holds string }

type plainSub struct {
	Field  string
	MTI    []string
	Layout string
	Parts  []plainKeys
	Fields map[string]plainKeys
	Bitmap string
	Bits   int `toml:"bitmap_bits"`
}

// plainField is one field, or a part of one.
type plainField struct {
	plainKeys
	key    string // "55", "127.25.3"
	n      int    // of a field; of a part its number
	kind   string // n, z, x+n, b, or text
	prefix int
	max    int
	open   bool // it takes what is left of the value around it
	inside *plainInside
}

// plainInside is the layout of what stands inside of a field.
type plainInside struct {
	layout string
	parts  []*plainField
	bitmap *plainField
	double bool
}

func plainPreset(t testing.TB, name string) *plainDialect {
	t.Helper()
	d, err := iso8583.Preset(name)
	if err != nil {
		t.Fatal(err)
	}
	return plainOf(t, d, "dialects/"+name+".toml")
}

// plainDialects are all presets, and the dialects of the tests that are most unlike them.
func plainDialects(t testing.TB) []*plainDialect {
	t.Helper()
	var list []*plainDialect
	for _, name := range iso8583.Presets() {
		list = append(list, plainPreset(t, name))
	}
	return append(list, plainOf(t, other(t), "testdata/other.toml"), plainOf(t, oddDialect(t), "testdata/odd.toml"))
}

func plainOf(t testing.TB, d *iso8583.Dialect, file string) *plainDialect {
	t.Helper()
	p := &plainDialect{Dialect: d, table: map[string][]*plainField{}}
	var text bytes.Buffer
	if err := toml.NewEncoder(&text).Encode(plainTree(t, file)); err != nil {
		t.Fatal(err)
	}
	if err := toml.Unmarshal(text.Bytes(), &p.file); err != nil {
		t.Fatal(err)
	}
	p.file.Frame.Max = cmp.Or(p.file.Frame.Max, 4096)
	p.types = []string{"0200"}
	for mti := range p.file.Override {
		p.types = append(p.types, mti)
	}
	for _, s := range p.file.Sub {
		p.types = append(p.types, s.MTI...)
	}
	slices.Sort(p.types)
	p.types = slices.Compact(p.types)
	for _, mti := range p.types {
		p.table[mti] = p.fieldsOf(mti)
	}
	return p
}

// plainTree reads a file over its base: a table over a table key by key, a block over one of the same field and
// messages, anything else instead of what was there.
func plainTree(t testing.TB, file string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	tree := map[string]any{}
	if err := toml.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	if base, ok := tree["base"].(string); ok {
		below := plainTree(t, "dialects/"+base+".toml")
		plainOver(below, tree)
		return below
	}
	return tree
}

func plainOver(below, above map[string]any) {
	for key, v := range above {
		table, isTable := v.(map[string]any)
		old, wasTable := below[key].(map[string]any)
		blocks, areBlocks := v.([]map[string]any)
		switch {
		case isTable && wasTable:
			plainOver(old, table)
		case areBlocks && key == "sub":
			below[key] = plainBlocks(below[key], blocks)
		default:
			below[key] = v
		}
	}
}

func plainBlocks(below any, above []map[string]any) []map[string]any {
	old, _ := below.([]map[string]any)
	old = slices.DeleteFunc(slices.Clone(old), func(o map[string]any) bool {
		return slices.ContainsFunc(above, func(a map[string]any) bool {
			return a["field"] == o["field"] && slices.EqualFunc(texts(a["mti"]), texts(o["mti"]), func(x, y any) bool { return x == y })
		})
	})
	return append(old, above...)
}

func texts(list any) []any {
	out, _ := list.([]any)
	return out
}

func (p *plainDialect) fieldsOf(mti string) []*plainField {
	var list []*plainField
	for key, keys := range p.file.Fields {
		if own, ok := p.file.Override[mti][key]; ok {
			keys = own.over(keys)
		}
		list = append(list, newPlain(key, keys.over(p.file.Codec.plainKeys)))
	}
	for key, own := range p.file.Override[mti] {
		if _, ok := p.file.Fields[key]; !ok {
			list = append(list, newPlain(key, own.over(p.file.Codec.plainKeys)))
		}
	}
	slices.SortFunc(list, func(a, b *plainField) int { return a.n - b.n })
	for _, f := range list {
		f.inside = p.insideOf(mti, f)
	}
	return list
}

// over gives what k leaves open the value of the keys below.
func (k plainKeys) over(below plainKeys) plainKeys {
	return plainKeys{
		cmp.Or(k.Format, below.Format), cmp.Or(k.Numbers, below.Numbers), cmp.Or(k.Text, below.Text), cmp.Or(k.Lengths, below.Lengths),
		cmp.Or(k.Count, below.Count), cmp.Or(k.Binary, below.Binary), cmp.Or(k.Charset, below.Charset), cmp.Or(k.Align, below.Align),
		cmp.Or(k.Pad, below.Pad), cmp.Or(k.Fill, below.Fill), cmp.Or(k.Class, below.Class), cmp.Or(k.Holds, below.Holds),
	}
}

var plainFormat = regexp.MustCompile(`^(n|z|x\+n|b|[ans]+)(\.\.)?([0-9]+)(?: (L+))?$`)

// newPlain reads a format. What neither the field nor [codec] says is as the standard preset has it.
func newPlain(key string, keys plainKeys) *plainField {
	keys = keys.over(plainKeys{Numbers: "bcd", Text: "ascii", Lengths: "bcd", Count: "digits", Binary: "raw", Charset: "gbk", Pad: "0", Fill: " "})
	m := plainFormat.FindStringSubmatch(keys.Format)
	f := &plainField{plainKeys: keys, key: key, kind: m[1], prefix: len(m[4]), open: m[2] != "" && m[4] == ""}
	f.n, _ = strconv.Atoi(key[strings.LastIndexByte(key, '.')+1:])
	f.max, _ = strconv.Atoi(m[3])
	if !slices.Contains([]string{"n", "z", "x+n", "b"}, f.kind) {
		f.kind = "text"
	}
	if f.Text == "ebcdic" {
		f.Charset = "ebcdic"
	}
	if f.Align == "" {
		f.Align = "left"
		if f.prefix == 0 && f.kind != "b" && f.kind != "text" {
			f.Align = "right"
		}
	}
	return f
}

// inText is how parts of a value are written that is not bytes: all of them as characters.
func (f *plainField) inText() plainKeys {
	k := plainKeys{Numbers: "ascii", Text: "ascii", Lengths: "ascii", Binary: "hex", Charset: "ascii"}
	if f.kind == "text" && f.Charset == "ebcdic" {
		k.Numbers, k.Text, k.Lengths = "ebcdic", "ebcdic", "ebcdic"
	} else if f.kind == "text" {
		k.Charset = f.Charset
	}
	return k
}

// insideOf finds the block for a field, or a part, in messages of a type: one for just these, or one for all.
func (p *plainDialect) insideOf(mti string, f *plainField) *plainInside {
	var found *plainSub
	for i, s := range p.file.Sub {
		if s.Field == f.key && (slices.Contains(s.MTI, mti) || len(s.MTI) == 0 && found == nil) {
			found = &p.file.Sub[i]
		}
	}
	if found == nil && f.Holds == "emv" {
		found = &plainSub{Layout: "ber-tlv"}
	}
	if found == nil {
		return nil
	}
	in := &plainInside{layout: found.Layout, double: found.Bits == 128}
	for i, keys := range found.Parts {
		in.parts = append(in.parts, p.part(mti, f, strconv.Itoa(i+1), keys))
	}
	for key, keys := range found.Fields {
		in.parts = append(in.parts, p.part(mti, f, key, keys))
	}
	slices.SortFunc(in.parts, func(a, b *plainField) int { return a.n - b.n })
	if in.layout == "bitmap" {
		in.bitmap = p.part(mti, f, "0", plainKeys{Format: "b8", Binary: map[string]string{"hex": "hex"}[found.Bitmap]})
		if found.Bitmap != "hex" {
			in.bitmap.Binary = "raw"
		}
	}
	return in
}

func (p *plainDialect) part(mti string, holder *plainField, key string, keys plainKeys) *plainField {
	if holder.kind != "b" {
		keys = keys.over(holder.inText())
	}
	f := newPlain(holder.key+"."+key, keys.over(p.file.Codec.plainKeys))
	f.inside = p.insideOf(mti, f)
	return f
}
