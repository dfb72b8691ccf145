package iso8583

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// Limits and standards of a dialect that does not say.
const (
	maxDialectFile = 1 << 20
	standardFrame  = 4096
	standardFlight = 120 * time.Second
	longestHeader  = 64 // bytes
)

// Load reads a dialect from TOML. It reports every fault at once, as joined *DialectError with file, line and key.
func Load(file string, text []byte) (*Dialect, error) {
	l := &loader{file: file, lines: locate(string(text))}
	if len(text) > maxDialectFile {
		l.fault("", "%d bytes are no dialect, the limit is %d", len(text), maxDialectFile)
		return nil, l.err()
	}
	meta, err := toml.Decode(string(text), &l.raw)
	if err != nil {
		return nil, l.syntax(err)
	}
	for _, key := range meta.Undecoded() {
		l.fault(strings.Join(key, "."), "unknown key")
	}
	l.basics()
	l.frame()
	l.codec()
	l.fields()
	l.subs()
	l.mac()
	l.meaning()
	l.transactions()
	l.answers()
	if err := l.err(); err != nil {
		return nil, err
	}
	return &l.d, nil
}

// loader gathers faults while it turns a file into a dialect.
type loader struct {
	file   string
	lines  map[string]int
	raw    dialectFile
	d      Dialect
	faults []*DialectError
}

func (l *loader) fault(key, rule string, args ...any) {
	l.faults = append(l.faults, &DialectError{File: l.file, Line: lineOf(l.lines, key), Key: key, Rule: fmt.Sprintf(rule, args...)})
}

// err joins the faults in the order of their lines.
func (l *loader) err() error {
	slices.SortStableFunc(l.faults, func(a, b *DialectError) int { return cmp.Compare(a.Line, b.Line) })
	list := make([]error, len(l.faults))
	for i, f := range l.faults {
		list[i] = f
	}
	return errors.Join(list...)
}

// wrongType is how the decoder writes of a value of the wrong type: the key is only in the text.
var wrongType = regexp.MustCompile(`^toml: (?:line \d+ )?\(last key "([^"]*)"\): (.*)$`)

// syntax turns the TOML decoder's error into one with file, line and key.
func (l *loader) syntax(err error) error {
	var p toml.ParseError
	if errors.As(err, &p) {
		return &DialectError{File: l.file, Line: p.Position.Line, Key: p.LastKey, Rule: p.Message}
	}
	if m := wrongType.FindStringSubmatch(err.Error()); m != nil {
		l.fault(m[1], "%s", m[2])
		return l.err()
	}
	return &DialectError{File: l.file, Rule: err.Error()}
}

// choice gives value, or the first option where it is empty, and faults anything that is no option.
func (l *loader) choice(key, value string, options ...string) string {
	if value == "" {
		return options[0]
	}
	if !slices.Contains(options, value) {
		l.fault(key, "%q is none of: %s", value, strings.Join(options, ", "))
		return options[0]
	}
	return value
}

func (l *loader) number(key string, value, low, high int) int {
	if value < low || value > high {
		l.fault(key, "%d is not within %d to %d", value, low, high)
		return low
	}
	return value
}

func (l *loader) basics() {
	if l.raw.Name == "" {
		l.fault("name", "is missing")
	}
	l.d.name, l.d.title, l.d.inFlight = l.raw.Name, l.raw.Title, standardFlight
	if s := l.raw.InFlightMax; s != "" {
		span, err := time.ParseDuration(s)
		if err != nil || span <= 0 {
			l.fault("in_flight_max", "%q is no duration such as \"120s\"", s)
		}
		l.d.inFlight = span
	}
}

func (l *loader) frame() {
	raw := l.raw.Frame
	kind := lengthKind(l.choice("frame.length", raw.Length, string(lengthBin2), string(lengthBCD2), string(lengthASCII4)))
	if raw.Max == 0 {
		raw.Max = standardFrame
	}
	l.d.frame = frameSpec{
		length:      kind,
		max:         l.number("frame.max", raw.Max, 20, kind.limit()),
		tpduBytes:   raw.TPDUBytes,
		headerBytes: l.number("frame.header_bytes", raw.HeaderBytes, 0, longestHeader),
		ownHeader:   l.choice("frame.reply_header", raw.ReplyHeader, "echo", "own") == "own",
	}
	if raw.TPDUBytes != 0 && raw.TPDUBytes != 5 {
		l.fault("frame.tpdu_bytes", "a TPDU has 5 bytes, or 0 where there is none")
		return
	}
	l.d.frame.tpdu = l.hexOf("frame.tpdu", raw.TPDU, raw.TPDUBytes)
	l.d.frame.header = l.hexOf("frame.header", raw.Header, l.d.frame.headerBytes)
}

// hexOf gives so many bytes as upper-case hex; zeros where the file says nothing.
func (l *loader) hexOf(key, value string, size int) string {
	if value == "" {
		return strings.Repeat("00", size)
	}
	b, err := decodeHex(value)
	if err != nil || len(b) != size {
		l.fault(key, "wants %d hex digits", 2*size)
	}
	return upperHex(b)
}

func (l *loader) codec() {
	raw := &l.raw.Codec
	l.d.mti = codings[l.choice("codec.mti", raw.MTI, "bcd", "ascii", "ebcdic")]
	l.d.bitmapText = l.choice("codec.bitmap", raw.Bitmap, "binary", "hex") == "hex"
	l.d.thirdLater = l.choice("codec.third_bitmap", raw.ThirdBitmap, "front", "field") == "field"
	l.d.maps = cmp.Or(raw.BitmapBits, 128) / 64
	if !slices.Contains([]int{0, 64, 128, 192}, raw.BitmapBits) {
		l.fault("codec.bitmap_bits", "%d is none of 64, 128, 192", raw.BitmapBits)
	}
	raw.Numbers = l.choice("codec.numbers", raw.Numbers, "bcd", "ascii", "ebcdic")
	raw.Text = l.choice("codec.text", raw.Text, "ascii", "ebcdic")
	raw.Lengths = l.choice("codec.lengths", raw.Lengths, "bcd", "ascii", "binary", "ebcdic")
	raw.Count = l.choice("codec.count", raw.Count, "digits", "bytes", "characters")
	raw.Binary = l.choice("codec.binary", raw.Binary, "raw", "hex")
	raw.Pad, raw.Fill = cmp.Or(raw.Pad, "0"), cmp.Or(raw.Fill, " ")
	l.charset("codec.charset", raw.Text, raw.Charset)
}

func (l *loader) mac() {
	raw := l.raw.MAC
	l.d.declineMAC = raw.DeclineNeeds
	if raw.Algorithm == "" {
		if raw.Field != 0 {
			l.fault("mac.algorithm", "is missing")
		}
		return
	}
	l.d.mac = MACRule{
		Algorithm: l.choice("mac.algorithm", raw.Algorithm, UnionPayECB, X99, X919, CMAC),
		Padding:   l.choice("mac.padding", raw.Padding, PadZero, Pad80),
		Output:    l.choice("mac.output", raw.Output, OutputText, OutputBinary),
		Field:     raw.Field,
		KeyBytes:  raw.KeyBytes,
	}
	if !slices.Contains([]int{0, 8, 16, 24, 32}, raw.KeyBytes) {
		l.fault("mac.key_bytes", "%d is none of 8, 16, 24, 32 (0: as the sign-on brings it)", raw.KeyBytes)
	}
	if raw.Field != 64 && raw.Field != 128 {
		l.fault("mac.field", "a MAC stands in 64 or 128")
		return
	}
	if s := l.d.base[raw.Field]; s == nil || s.prefix != 0 || s.max != macBytes || s.kind != binary && s.kind != text {
		l.fault(fmt.Sprintf("fields.%d", raw.Field), "the MAC wants format b8 or an8 here")
	}
}

// meaning reads what answers are held against, and which field means what.
func (l *loader) meaning() {
	l.d.match = l.known("match.fields", l.raw.Match.Fields, 41, 11)
	l.d.equal = l.known("reply.equal", l.raw.Reply.Equal, 3, 11, 41)
	l.d.equalPaid = l.known("reply.equal_approved", l.raw.Reply.EqualApproved, 4, 42)
	standard := map[string]string{
		"code": "39", "amount": "4", "currency": "49", "trace": "11", "terminal": "41", "merchant": "42",
		"rrn": "37", "approval": "38", "time": "12", "date": "13", "batch": "", "keys": "",
	}
	l.d.roles = map[string]role{}
	for name := range l.raw.Reply.Roles {
		if _, ok := standard[name]; !ok {
			l.fault("reply.roles."+name, "unknown role; there are: %s", strings.Join(slices.Sorted(maps.Keys(standard)), " "))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(standard)) {
		place := standard[name]
		if s, said := l.raw.Reply.Roles[name]; said {
			place = s
		}
		if place != "" {
			l.d.roles[name] = l.role("reply.roles."+name, place)
		}
	}
}

// known gives the listed fields, or the standard ones as far as the dialect has them.
func (l *loader) known(key string, list []int, standard ...int) []int {
	if list == nil {
		return slices.DeleteFunc(standard, func(n int) bool { return l.d.spec("", n) == nil })
	}
	for _, n := range list {
		if l.d.spec("", n) == nil {
			l.fault(key, "the dialect has no field %d", n)
		}
	}
	return list
}

// role reads "60" or "60:3-8", the characters counted from 1 as message specifications do.
func (l *loader) role(key, place string) role {
	number, part, sub := strings.Cut(place, ":")
	n, err := strconv.Atoi(number)
	if err != nil || !valid(n) {
		l.fault(key, "%q is no field such as \"60\" or \"60:3-8\"", place)
		return role{}
	}
	r := role{field: n}
	if sub {
		from, to, ok := strings.Cut(part, "-")
		a, errA := strconv.Atoi(from)
		b, errB := strconv.Atoi(to)
		if !ok || errA != nil || errB != nil || a < 1 || b < a {
			l.fault(key, "%q is no field such as \"60\" or \"60:3-8\"", place)
		}
		r.from, r.to = a-1, b
	}
	return r
}
