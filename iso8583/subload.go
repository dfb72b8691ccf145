package iso8583

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// subFile is a [[sub]] block as TOML has it: the inside of a field, or of a part of one. Which keys it has is the
// layout's word.
type subFile struct {
	Field  string   `toml:"field"`
	MTI    []string `toml:"mti"`
	Layout string   `toml:"layout"`

	Tags    map[string]fieldFile `toml:"tags"` // ber-tlv, tag-length
	Tag     string               `toml:"tag"`  // tag-length
	Length  string               `toml:"length"`
	Numbers string               `toml:"numbers"`
	Lengths string               `toml:"lengths"`

	Parts []fieldFile `toml:"parts"` // positions

	BitmapBits int                  `toml:"bitmap_bits"` // bitmap
	Bitmap     string               `toml:"bitmap"`
	Fields     map[string]fieldFile `toml:"fields"`
}

// subBlock is a block and where the file has it.
type subBlock struct {
	subFile
	key string // "sub[0]"
}

// openFormat is a format of what is left: no length before it.
var openFormat = regexp.MustCompile(`^(n|z|a|an|ans|as|ns|s|b)\.\.([1-9][0-9]{0,4})$`)

// subs compiles the [[sub]] blocks: a tree for every MTI that has blocks or fields of its own, and one for the others.
// They are compiled anew for each, since what a part is written in follows the field that holds it.
func (l *loader) subs() {
	blocks := l.subBlocks()
	mtis := map[string]bool{"": true}
	for _, b := range blocks {
		for _, mti := range b.MTI {
			mtis[mti] = true
		}
	}
	for _, own := range l.d.byMTI {
		mtis[own.mti] = true
	}
	l.d.subs = map[string]map[int]*sub{}
	for _, mti := range slices.Sorted(maps.Keys(mtis)) {
		l.d.subs[mti] = l.subTree(mti, blocks)
	}
	l.once()
}

// once drops faults that were found in more than one tree.
func (l *loader) once() {
	seen := map[DialectError]bool{}
	l.faults = slices.DeleteFunc(l.faults, func(f *DialectError) bool {
		twice := seen[*f]
		seen[*f] = true
		return twice
	})
}

// subBlocks checks what can be checked of each block alone. Outer ones come before those inside of them.
func (l *loader) subBlocks() []subBlock {
	var blocks []subBlock
	seen := map[string]bool{}
	for i, raw := range l.raw.Sub {
		b := subBlock{subFile: raw, key: fmt.Sprintf("sub[%d]", i)}
		first, _, _ := strings.Cut(raw.Field, ".")
		depth := strings.Count(raw.Field, ".")
		if n := number(first); l.d.spec("", n) == nil || depth >= deepestPart {
			l.fault(b.key+".field", "%q is no field of the dialect, nor a part such as \"127.25\"", raw.Field)
			continue
		}
		for _, mti := range orAll(raw.MTI) {
			if mti != "" && !isMTI(mti) {
				l.fault(b.key+".mti", "%q is no message type such as \"0810\"", mti)
			}
			if name := mti + " " + raw.Field; seen[name] {
				l.fault(b.key+".field", "%s has an inside already, in the same messages", raw.Field)
			} else {
				seen[name] = true
			}
		}
		if l.layoutKeys(b) {
			blocks = append(blocks, b)
		}
	}
	slices.SortStableFunc(blocks, func(a, b subBlock) int {
		return cmp.Compare(strings.Count(a.Field, "."), strings.Count(b.Field, "."))
	})
	return blocks
}

// overlaySubs gives the blocks of a file and those of its base that it does not replace. Its own come first, so that they
// have the numbers of their places in the file.
func overlaySubs(base, own []subFile) []subFile {
	out := slices.Clone(own)
	for _, b := range base {
		same := func(o subFile) bool { return o.Field == b.Field && slices.Equal(o.MTI, b.MTI) }
		if !slices.ContainsFunc(own, same) {
			out = append(out, b)
		}
	}
	return out
}

// orAll is the list, or the word for all messages.
func orAll(mtis []string) []string {
	if len(mtis) == 0 {
		return []string{""}
	}
	return mtis
}

// layoutKeys refuses keys that are not of the block's layout, and tells whether it has one.
func (l *loader) layoutKeys(b subBlock) bool {
	layouts := map[string]string{"ber-tlv": "tags", "tag-length": "tags tag length numbers lengths", "positions": "parts", "bitmap": "bitmap_bits bitmap fields"}
	own, ok := layouts[b.Layout]
	if !ok {
		l.fault(b.key+".layout", "%q is none of: ber-tlv, tag-length, positions, bitmap", b.Layout)
		return false
	}
	given := map[string]bool{
		"tags": b.Tags != nil, "tag": b.Tag != "", "length": b.Length != "", "numbers": b.Numbers != "", "lengths": b.Lengths != "",
		"parts": b.Parts != nil, "bitmap_bits": b.BitmapBits != 0, "bitmap": b.Bitmap != "", "fields": b.Fields != nil,
	}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		if given[key] && !slices.Contains(strings.Fields(own), key) {
			l.fault(b.key+"."+key, "does not belong to layout %s, which has: %s", b.Layout, own)
		}
	}
	return true
}

// subTree compiles the blocks that hold for an MTI and puts those of parts into those of their fields.
func (l *loader) subTree(mti string, blocks []subBlock) map[int]*sub {
	all, tree := map[string]*sub{}, l.chips(mti)
	for _, b := range blocks {
		general := len(b.MTI) == 0
		if !general && !slices.Contains(b.MTI, mti) || general && l.hasOwn(mti, b.Field, blocks) {
			continue
		}
		up, key := "", b.Field
		if i := strings.LastIndexByte(b.Field, '.'); i >= 0 {
			up, key = b.Field[:i], b.Field[i+1:]
		}
		if up == "" {
			n := number(key)
			s := l.layout(b, l.d.spec(mti, n))
			all[b.Field], tree[n] = s, s
			continue
		}
		outer := all[up]
		if outer == nil || outer.spec(key) == nil {
			l.fault(b.key+".field", "no block says that %s has a part %s", up, key)
			continue
		}
		s := l.layout(b, outer.spec(key).fieldSpec)
		all[b.Field], outer.inner[key] = s, s
	}
	return tree
}

// chips gives every field that holds chip data its layout, unless a block gives another.
func (l *loader) chips(mti string) map[int]*sub {
	tree := map[int]*sub{}
	for n := range MaxField + 1 {
		if s := l.d.spec(mti, n); s != nil && s.holds == holdsEMV {
			tree[n] = &sub{layout: berTLV{}, inner: map[string]*sub{}}
		}
	}
	return tree
}

// hasOwn tells whether a block is for just this MTI.
func (l *loader) hasOwn(mti, field string, blocks []subBlock) bool {
	return slices.ContainsFunc(blocks, func(b subBlock) bool { return b.Field == field && slices.Contains(b.MTI, mti) })
}

// layout compiles one block for the field or part that it is the inside of.
func (l *loader) layout(b subBlock, holder *fieldSpec) *sub {
	s := &sub{inner: map[string]*sub{}}
	c := subLoader{loader: l, block: b, holder: holder}
	switch b.Layout {
	case "ber-tlv":
		s.layout = c.berTLV()
	case "tag-length":
		s.layout = c.tagLength()
	case "positions":
		s.layout, s.ordered = c.positions(), true
	default:
		s.layout, s.ordered = c.bitmapped(), true
	}
	return s
}

// subLoader compiles one block.
type subLoader struct {
	*loader
	block  subBlock
	holder *fieldSpec
}

// usual fills in what follows from the holder: in digits, everything is characters; in text, everything is characters
// as the text has them; in bytes it is as the dialect says.
func (c subLoader) usual(f fieldFile) fieldFile {
	if c.holder.kind == binary {
		return f
	}
	characters, set := "ascii", "ascii"
	if c.holder.kind == text && c.holder.charset == charsetEBCDIC {
		characters = "ebcdic"
	} else if c.holder.kind == text && c.holder.charset == charsetGBK {
		set = "gbk"
	}
	f.Numbers, f.Text, f.Lengths = cmp.Or(f.Numbers, characters), cmp.Or(f.Text, characters), cmp.Or(f.Lengths, characters)
	f.Binary, f.Charset = cmp.Or(f.Binary, "hex"), cmp.Or(f.Charset, set)
	return f
}

// part compiles one part; key is where the block has it.
func (c subLoader) part(key string, raw fieldFile) *partSpec {
	key = c.block.key + "." + key
	s := &partSpec{}
	if m := openFormat.FindStringSubmatch(raw.Format); m != nil {
		s.open, raw.Format = true, m[1]+m[2]
	}
	if s.fieldSpec = c.field(key, c.usual(raw)); s.fieldSpec == nil {
		s.fieldSpec = &fieldSpec{} // a fault is noted
		return s
	}
	c.agrees(key, s.fieldSpec)
	return s
}

// agrees refuses a part that is more secret than the field around it, which the journal keeps as a whole.
func (c subLoader) agrees(key string, s *fieldSpec) {
	if c.holder.class == Public && s.class != Public {
		c.fault(key+".class", "is not public, but %s is, which holds it", c.block.Field)
	}
}

// rest is what is known of content that no part names: what its holder says.
func (c subLoader) rest() *partSpec {
	s := *c.holder
	s.prefix, s.name, s.zh, s.holds = 0, "rest", "其余", ""
	s.wide, s.ebcdic = s.kind != binary, s.ebcdic && s.kind == text
	s.compile()
	return &partSpec{fieldSpec: &s, open: true}
}

func (c subLoader) berTLV() berTLV {
	out := berTLV{tags: map[string]*partSpec{}}
	key := c.block.key
	if c.holder.class == Public {
		c.fault(key+".field", "field %s is public, but data objects are secret unless a table says otherwise", c.block.Field)
	}
	for _, tag := range slices.Sorted(maps.Keys(c.block.Tags)) {
		raw, place := c.block.Tags[tag], key+".tags."+tag
		if !isTag(tag) {
			c.fault(place, "is no BER-TLV tag in upper-case hex of up to %d bytes", longestTag)
			continue
		}
		forms := map[string]tlvForm{"": asBytes, "b": asBytes, "n": asDigits, "ans": asText, "z": asTrack}
		form, ok := forms[raw.Format]
		if !ok {
			c.fault(place+".format", "%q is none of: b, n, ans, z", raw.Format)
		}
		if raw.Class == "" && raw.Name == "" && emvTags[tag].name == "" {
			c.fault(place, "wants a name, or a class")
		}
		s := emvTags[tag].spec()
		s.tlv, s.name, s.zh = cmp.Or(form, s.tlv), cmp.Or(raw.Name, s.name), cmp.Or(raw.ZH, s.zh)
		if raw.Class != "" || raw.Holds != "" {
			s.holds = c.choice(place+".holds", raw.Holds, "", holdsPAN, holdsTrack, holdsPIN)
			c.classify(place, s.fieldSpec, raw.Class)
		}
		out.tags[tag] = s
	}
	return out
}

func (c subLoader) tagLength() tagLength {
	key := c.block.key
	usual := c.usual(fieldFile{Numbers: c.block.Numbers, Lengths: c.block.Lengths})
	out := tagLength{tags: map[string]*partSpec{}, plain: c.rest()}
	out.plain.name, out.plain.zh, out.plain.class, out.plain.private = "", "", Secret, false
	usual.Format = c.block.Tag
	if out.tag = c.field(key+".tag", usual); out.tag == nil || out.tag.prefix > 0 || out.tag.max > 4 {
		c.fault(key+".tag", "wants a fixed format of up to 4 digits, characters or bytes, such as \"n2\"")
	}
	out.length = c.lengthOf(key+".length", usual)
	for _, tag := range slices.Sorted(maps.Keys(c.block.Tags)) {
		raw := c.block.Tags[tag]
		if raw.Format == "" {
			raw.Format = "ans..9999"
			if c.holder.kind == binary {
				raw.Format = "b..9999"
			}
		}
		out.tags[tag] = c.part("tags."+tag, raw)
		if out.tag != nil && !out.fits(tag) {
			c.fault(key+".tags."+tag, "is no tag of format %s", c.block.Tag)
		}
	}
	return out
}

// fits tells whether a tag can be written.
func (l tagLength) fits(tag string) bool {
	probe := tagLength{tag: l.tag, length: &fieldSpec{form: formRaw, kind: binary, prefix: 2, before: 2, lengths: lengthASCII}, plain: unknownTag}
	_, err := probe.encode(tag, nil, isBytes)
	return err == nil && isKey(tag)
}

// lengthOf makes the bytes behind a length of format n1 to n4, or b1 and b2.
func (c subLoader) lengthOf(key string, usual fieldFile) *fieldSpec {
	s := &fieldSpec{kind: binary, max: 9999, lengths: lengthForms[usual.Lengths]}
	if usual.Lengths == "" {
		s.lengths = lengthForms[c.raw.Codec.Lengths]
	}
	kind, size, _ := strings.Cut(strings.NewReplacer("n", "n ", "b", "b ").Replace(c.block.Length), " ")
	n, err := strconv.Atoi(size)
	switch {
	case err != nil || n < 1 || n > 4 || kind != "n" && kind != "b" || kind == "b" && n > 2:
		c.fault(key, "%q is no length such as \"n3\" or \"b1\"", c.block.Length)
	case kind == "b":
		s.lengths, s.prefix = lengthBinary, uint8(2*n)
	default:
		s.prefix = uint8(n)
	}
	s.max = min(s.max, s.lengths.limit(int(s.prefix)))
	s.compile()
	return s
}

func (c subLoader) positions() positions {
	out := positions{rest: c.rest()}
	if len(c.block.Parts) == 0 || len(c.block.Parts) > mostParts {
		c.fault(c.block.key+".parts", "wants 1 to %d parts", mostParts)
	}
	for i, raw := range c.block.Parts {
		key := fmt.Sprintf("parts.%d", i+1)
		s := c.part(key, raw)
		if s.open && i+1 < len(c.block.Parts) {
			c.fault(c.block.key+"."+key+".format", "takes all that is left, so it must be the last part")
		}
		out.parts = append(out.parts, s)
	}
	return out
}

func (c subLoader) bitmapped() bitmapped {
	key, most := c.block.key, cmp.Or(c.block.BitmapBits, 64)
	out := bitmapped{double: most == 128, parts: map[int]*partSpec{}}
	if most != 64 && most != 128 {
		c.fault(key+".bitmap_bits", "%d is none of 64, 128", most)
		most = 128
	}
	usual := c.usual(fieldFile{Format: "b8"})
	usual.Binary = map[string]string{"hex": "hex", "binary": "raw"}[c.choice(key+".bitmap", c.block.Bitmap, "binary", "hex")]
	out.bitmap = c.field(key+".bitmap", usual)
	if len(c.block.Fields) == 0 {
		c.fault(key+".fields", "is missing")
	}
	for _, name := range slices.Sorted(maps.Keys(c.block.Fields)) {
		n := number(name)
		if n < 1 || n > most || out.double && n == 1 {
			c.fault(key+".fields."+name, "parts are numbered up to %d; of 128, 1 belongs to the bitmaps", most)
			continue
		}
		s := c.part("fields."+name, c.block.Fields[name])
		if s.open {
			c.fault(key+".fields."+name+".format", "a part behind a bitmap has a fixed size, or a length before it")
		}
		out.parts[n] = s
	}
	return out
}
