package iso8583_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// drawer draws messages by chance, the same ones for the same seed. What no screen may show is drawn from the second
// half of the digits and what everybody may see from the first, so that one that stands in the wrong place is known by
// its looks: see shows.
type drawer struct {
	*rand.Rand
	open, secret pools
	wide         map[string]textPool // text with characters beyond ASCII, by charset
	apart        bool                // secrets have an alphabet of their own
	short        int                 // most values with a length before them are no longer
	fields       []drawn             // of the last message
}

// pools are what values are cut from.
type pools struct{ digits, nibbles, track, text, bytes string }

// textPool is text whose characters are not all one byte long.
type textPool struct {
	text string
	at   []int // offset of each character
	size []int // bytes that the ones before it take on the wire
}

const poolSize = 1 << 14

// longestDrawn limits values whose length could be far more than a message is long.
const longestDrawn = 4000

func newDrawer(seed uint64) *drawer {
	g := &drawer{Rand: rand.New(rand.NewPCG(8583, seed)), short: 30}
	var all strings.Builder
	for c := byte(' '); c <= '~'; c++ {
		all.WriteByte(c)
	}
	everyByte := make([]byte, 256)
	for i := range everyByte {
		everyByte[i] = byte(i)
	}
	g.open = pools{g.pool("0123456789"), g.pool("0123456789ABCDEF"), g.pool("0123456789ABCDE"), g.pool(all.String()), g.pool(string(everyByte))}
	g.secret = g.open
	latin := make([]string, 0, 94)
	for r := rune(0xA1); r <= 0xFF; r++ {
		if r != 0xAD { // the soft hyphen looks like nothing
			latin = append(latin, string(r))
		}
	}
	g.wide = map[string]textPool{"gbk": g.mixed(slices.Sorted(maps.Keys(gbkOf)), 2), "ebcdic": g.mixed(latin, 1)}
	return g
}

// tellApart gives secrets an alphabet of their own.
func (g *drawer) tellApart() *drawer {
	low, high := []byte{}, []byte{}
	for hi := range byte(16) {
		for lo := range byte(16) {
			if hi < 5 && lo < 5 {
				low = append(low, hi<<4|lo)
			} else if hi >= 5 && lo >= 5 {
				high = append(high, hi<<4|lo)
			}
		}
	}
	g.apart, g.wide = true, nil
	g.open = pools{g.pool("01234"), g.pool("01234"), g.pool("01234"), g.pool("01234 GHJKLMNOPQRST.-"), g.pool(string(low))}
	g.secret = pools{g.pool("56789"), g.pool("56789ABCDEF"), g.pool("5566778899D"), g.pool("55667788999^"), g.pool(string(high))}
	return g
}

func (g *drawer) pool(alphabet string) string {
	b := make([]byte, poolSize)
	for i := range b {
		b[i] = alphabet[g.IntN(len(alphabet))]
	}
	return string(b)
}

// mixed makes text of runs of ASCII and runs of other characters, which take so many bytes each.
func (g *drawer) mixed(others []string, bytes int) textPool {
	var p textPool
	var b strings.Builder
	size, wide := 0, false
	for range poolSize {
		p.at, p.size = append(p.at, b.Len()), append(p.size, size)
		if g.IntN(4) == 0 {
			wide = !wide
		}
		if wide {
			b.WriteString(others[g.IntN(len(others))])
			size += bytes
		} else {
			b.WriteByte(' ' + byte(g.IntN('~'-' '+1)))
			size++
		}
	}
	p.text = b.String()
	return p
}

func (g *drawer) cut(pool string, n int) string {
	at := g.IntN(len(pool) - n)
	return pool[at : at+n]
}

// cutMixed gives text of at most n bytes on the wire, or of n characters.
func (g *drawer) cutMixed(p textPool, n int, characters bool) (text string, size int) {
	i := g.IntN(len(p.at) - n - 1)
	j := i + n
	for !characters && p.size[j]-p.size[i] > n {
		j--
	}
	return p.text[p.at[i]:p.at[j]], p.size[j] - p.size[i]
}

// hidden tells whether a field's value may be shown to nobody.
func (f *plainField) hidden() bool { return f.Holds != "" || f.Class == "" || f.Class == "secret" }

// drawn is a field with the value that it is given, and the one that comes back: fixed text is filled up.
type drawn struct {
	field     *plainField
	set, want plainValue
	parts     []plainPart // of a value that is drawn part by part; want is then what lies on the wire
}

// value draws a value of at most room digits, characters or bytes.
func (g *drawer) value(f *plainField, room int) (set, want plainValue) {
	n, p := g.units(f, room), &g.open
	if f.hidden() {
		p = &g.secret
	}
	switch f.kind {
	case "n":
		set.text = g.cut(p.digits, n)
	case "z":
		set.text = g.cut(p.track, n)
	case "x+n":
		set.text = "CD"[g.IntN(2):][:1] + g.cut(p.digits, n)
	case "b":
		set = plainValue{g.cut(p.bytes, n), true}
	default:
		return g.text(f, p, n)
	}
	return set, set
}

func (g *drawer) units(f *plainField, room int) int {
	most := min(f.max, room, longestDrawn)
	if f.prefix == 0 && !f.open {
		return f.max
	}
	n := g.IntN(min(most, g.short) + 1)
	switch g.IntN(128) {
	case 0:
		n = g.IntN(most + 1)
	case 1:
		n = most
	}
	if f.Count == "bytes" && f.Numbers == "bcd" && (f.kind == "n" || f.kind == "z") {
		n &^= 1 // else nobody knows whether the last half byte counts
	}
	return n
}

func (g *drawer) text(f *plainField, p *pools, n int) (set, want plainValue) {
	fixed := f.prefix == 0 && !f.open
	wide, ok := g.wide[f.Charset]
	size := n
	switch how := g.IntN(16); {
	case how == 0 && f.Count != "characters" && n > 0 && p.text == g.open.text:
		set = plainValue{"\x01" + g.cut(p.bytes, n-1), true} // a control character: no text
		return set, set
	case how < 6 && ok && p.text == g.open.text:
		set.text, size = g.cutMixed(wide, n, f.Count == "characters" && !fixed)
	default:
		if fixed && how < 10 {
			size = g.IntN(n + 1)
		}
		set.text = g.cut(p.text, size)
	}
	want = set
	if fill := strings.Repeat(f.Fill, max(0, n-size)); fixed && f.Align == "left" {
		want.text += fill
	} else if fixed {
		want.text = fill + want.text
	}
	return set, want
}

// message draws a message: about one field in so many. The list is good until the next one.
func (g *drawer) message(d *plainDialect, oneIn int) (mti string, fields []drawn) {
	mti = d.types[g.IntN(len(d.types))]
	fields = g.fields[:0]
	for _, f := range d.table[mti] {
		if g.IntN(oneIn) > 0 {
			continue
		}
		v := drawn{field: f}
		if f.inside != nil && (g.apart || g.IntN(4) == 0) {
			v.want, v.parts = g.inside(f, min(f.max, longestDrawn))
		}
		if v.parts == nil && f.inside != nil && g.apart {
			continue // bytes that say by chance that they are public
		}
		if v.parts == nil {
			v.set, v.want = g.value(f, f.max)
		}
		fields = append(fields, v)
	}
	g.fields = fields
	return mti, fields
}

// plainPart is a part by its path, with the value that it has as text.
type plainPart struct{ path, text string }

// inside draws what a field is made of, of at most so many bytes; no parts when it came out empty.
func (g *drawer) inside(f *plainField, room int) (plainValue, []plainPart) {
	var raw []byte
	var parts []plainPart
	switch f.inside.layout {
	case "positions":
		raw, parts = g.positions(f, room)
	case "bitmap":
		raw, parts = g.bitmapped(f.inside, room)
	default:
		raw, parts = g.objects(f.key, room)
	}
	return plainValue{string(raw), f.kind != "n"}, parts
}

func (g *drawer) positions(f *plainField, room int) (raw []byte, parts []plainPart) {
	fixed := f.prefix == 0 && !f.open
	for _, p := range f.inside.parts {
		one, its := g.part(p, room-len(raw))
		if len(one) == 0 || len(one)+len(raw) > room || !fixed && g.IntN(8) == 0 {
			break
		}
		raw, parts = append(raw, one...), append(parts, its...)
	}
	if rest := room - len(raw); fixed && rest > 0 && parts != nil {
		left := g.cut(g.open.digits, rest)
		raw, parts = appendIn(raw, left, f.kind == "text" && f.Text == "ebcdic"), append(parts, plainPart{f.key + ".rest", left})
	}
	return raw, parts
}

func (g *drawer) bitmapped(in *plainInside, room int) (raw []byte, parts []plainPart) {
	bits, size := make([]byte, 8, 16), 32 // both bitmaps in hex
	for _, p := range in.parts {
		one, its := g.part(p, room-size)
		if g.IntN(4) > 0 || len(one) == 0 || size+len(one) > room {
			continue
		}
		if p.n > 64 {
			bits = bits[:16]
			bits[0] |= 0x80
		}
		bits[(p.n-1)/8] |= 0x80 >> ((p.n - 1) % 8)
		raw, parts, size = append(raw, one...), append(parts, its...), size+len(one)
	}
	var head []byte
	for ; len(bits) > 0; bits = bits[8:] {
		head = in.bitmap.append(head, plainValue{string(bits[:8]), true})
	}
	return append(head, raw...), parts
}

// part draws one part as it lies in the value around it, length first.
func (g *drawer) part(p *plainField, room int) (raw []byte, parts []plainPart) {
	if room <= 0 {
		return nil, nil
	}
	if p.inside != nil {
		v, its := g.inside(p, min(p.max, room))
		if its == nil {
			return nil, nil
		}
		return p.append(nil, v), its
	}
	_, v := g.value(p, room)
	return p.append(nil, v), []plainPart{{p.key, v.written()}}
}

// objectKinds are data objects of every kind: d digits, t a track, a text, else bytes.
var objectKinds = []struct {
	tag    string
	kind   byte
	size   int
	secret bool
}{
	{"9F02", 'd', 6, false},
	{"9A", 'd', 3, false},
	{"9F36", 'b', 2, false},
	{"DF31", 'b', 200, false},
	{"5A", 't', 10, true},
	{"57", 't', 18, true},
	{"50", 'a', 16, false},
	{"9F26", 'b', 8, false},
	{"5F20", 'b', 26, true},
	{"DF818301", 'b', 300, true},
}

// objects draws BER-TLV data.
func (g *drawer) objects(key string, room int) (raw []byte, parts []plainPart) {
	for _, i := range g.Perm(len(objectKinds)) {
		o := objectKinds[i]
		p := &g.open
		if o.secret {
			p = &g.secret
		}
		n := g.IntN(o.size + 1)
		v := plainValue{g.cut(p.bytes, n), true}
		content := []byte(v.text)
		switch o.kind {
		case 'd':
			v = plainValue{g.cut(p.digits, 2*n), false}
			content = plainDigits(nil, v.text, "bcd")
		case 't':
			v = plainValue{g.cut(p.track, n), false}
			content = plainDigits(nil, v.text+"F"[:n%2], "bcd")
		case 'a':
			v = plainValue{g.cut(p.text, n), false}
			content = []byte(v.text)
		}
		if len(content) == 0 {
			v.bytes = true
		}
		one := append(plainDigits(nil, o.tag, "bcd"), tlvSize(len(content))...)
		if len(raw)+len(one)+len(content) > room {
			continue
		}
		raw, parts = append(append(raw, one...), content...), append(parts, plainPart{key + "." + o.tag, v.written()})
	}
	return raw, parts
}

func tlvSize(n int) []byte {
	switch {
	case n < 0x80:
		return []byte{byte(n)}
	case n < 0x100:
		return []byte{0x81, byte(n)}
	default:
		return []byte{0x82, byte(n >> 8), byte(n)}
	}
}
