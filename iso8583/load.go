package iso8583

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits and standards of a dialect that does not say.
const (
	maxDialectFile = 1 << 20
	standardFrame  = 4096
	standardFlight = 120 * time.Second
	longestHeader  = 64 // bytes
	longestTrailer = 8
	mostItems      = 99 // of a batch upload message: their number has two digits
)

// Load reads a dialect from TOML. It reports every fault at once, as joined *DialectError with file, line and key.
func Load(file string, text []byte) (*Dialect, error) {
	l, err := load(file, text)
	if err != nil {
		return nil, err
	}
	return &l.d, nil
}

func load(file string, text []byte) (*loader, error) {
	l := &loader{file: file, lines: locate(string(text))}
	if len(text) > maxDialectFile {
		l.fault("", "%d bytes are no dialect, the limit is %d", len(text), maxDialectFile)
		return nil, l.err()
	}
	if err := l.read(text); err != nil {
		return nil, err
	}
	l.basics()
	l.frame()
	l.codec()
	l.fields()
	l.subs()
	l.mac()
	l.meaning()
	l.settlement()
	l.transactions()
	l.must()
	l.answers()
	l.codes()
	return l, l.err()
}

// loader gathers faults while it turns a file into a dialect.
type loader struct {
	file   string
	lines  map[string]int
	from   origins
	raw    dialectFile
	d      Dialect
	faults []*DialectError
}

func (l *loader) fault(key, rule string, args ...any) {
	line, note := l.place(key)
	l.faults = append(l.faults, &DialectError{File: l.file, Line: line, Key: key, Rule: fmt.Sprintf(rule, args...) + note})
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
	kind := lengthKind(l.choice("frame.length", raw.Length, string(lengthBin2), string(lengthBCD2), string(lengthASCII4), string(lengthHex4)))
	if raw.Max == 0 {
		raw.Max = standardFrame
	}
	f := frameSpec{
		length:      kind,
		inclusive:   raw.IncludesItself,
		trailer:     l.trailer(raw.Trailer),
		counted:     raw.TrailerCounted,
		keepAlive:   l.choice("frame.keep_alive", raw.KeepAlive, keepAliveIgnore, keepAliveEcho, keepAliveRefuse),
		tpduReply:   l.choice("frame.tpdu_reply", raw.TPDUReply, tpduSwap, tpduFixed, tpduEcho),
		tpduBytes:   raw.TPDUBytes,
		headerBytes: l.number("frame.header_bytes", raw.HeaderBytes, 0, longestHeader),
		ownHeader:   l.choice("frame.reply_header", raw.ReplyHeader, "echo", "own") == "own",
	}
	f.max = l.number("frame.max", raw.Max, 20, kind.limit()-f.said(1)+1)
	if raw.TPDUBytes != 0 && raw.TPDUBytes != 5 {
		l.fault("frame.tpdu_bytes", "a TPDU has 5 bytes, or 0 where there is none")
		f.tpduBytes = 0
	}
	f.tpdu = l.hexOf("frame.tpdu", raw.TPDU, f.tpduBytes)
	f.header = l.hexOf("frame.header", raw.Header, f.headerBytes)
	f.standard, _ = decodeHex(f.tpdu + f.header) // what hexOf gives is hex
	f.request = l.request(2 * f.headerBytes)
	l.d.frame = f
}

// trailer reads the bytes behind a payload.
func (l *loader) trailer(value string) []byte {
	b, err := decodeHex(value)
	if err != nil || len(b) > longestTrailer {
		l.fault("frame.trailer", "%q is no hex of at most %d bytes", value, longestTrailer)
		return nil
	}
	return b
}

// request reads what a digit of an answer's header asks for.
func (l *loader) request(digits int) headerRequest {
	raw := l.raw.Frame.Request
	if raw.Digit == 0 && len(raw.SignOn)+len(raw.Words) == 0 {
		return headerRequest{}
	}
	r := headerRequest{digit: l.number("frame.request.digit", raw.Digit, 1, digits), words: raw.Words}
	for _, digit := range raw.SignOn {
		l.hexDigit("frame.request.sign_on", digit)
		r.signOn += digit
	}
	for _, digit := range slices.Sorted(maps.Keys(raw.Words)) {
		l.hexDigit("frame.request.words."+digit, digit)
	}
	return r
}

func (l *loader) hexDigit(key, value string) {
	if len(value) != 1 || indexNotHex([]byte(value)) >= 0 || value == "0" {
		l.fault(key, "%q is no hex digit from 1 to F", value)
	}
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

// noAlgorithm says that there is no MAC, though a base has one: its {mac} fields are left out.
const noAlgorithm = "none"

func (l *loader) mac() {
	raw := l.raw.MAC
	if raw.Algorithm == "" && raw.Field != 0 {
		l.fault("mac.algorithm", "is missing; hint: %q where the acquirer has no MAC", noAlgorithm)
	}
	if raw.Algorithm == "" || raw.Algorithm == noAlgorithm {
		return
	}
	l.d.declineMAC = raw.DeclineNeeds
	l.d.mac = MACRule{
		Algorithm: raw.Algorithm, Padding: cmp.Or(raw.Padding, PadZero), Output: cmp.Or(raw.Output, OutputText),
		Range: cmp.Or(raw.Range, RangeMTI), Field: raw.Field, KeyBytes: raw.KeyBytes,
	}
	if err := l.d.mac.Check(); err != nil {
		setting, rule, _ := strings.Cut(err.Error(), ": ")
		l.fault("mac."+setting, "%s", rule)
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
		"rrn": "37", "approval": "38", "time": "12", "date": "13", "balance": "54", "batch": "", "keys": "",
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

// settlement reads how a batch is closed.
func (l *loader) settlement() {
	raw := l.raw.Settlement
	s := &l.d.settlement
	s.items = l.number("settlement.items", raw.Items, 0, mostItems)
	s.netVoids = l.choice("settlement.voids", raw.Voids, "credit", "net") == "net"
	s.kinds, s.balanced, s.unbalanced = raw.Kinds, raw.Balanced, raw.Unbalanced
	if raw.Result != "" {
		s.result = l.role("settlement.result", raw.Result)
	}
	if _, closes := l.raw.Transaction["settlement"]; closes && len(raw.Balanced) == 0 {
		l.fault("settlement.balanced", "is missing: without a word that says that the totals agree every close of a batch ends refused")
	}
	for _, word := range raw.Unbalanced {
		if slices.Contains(raw.Balanced, word) {
			l.fault("settlement.unbalanced", "%q stands in both lists", word)
		}
	}
	if raw.Item == "" {
		return
	}
	var err error
	if s.item, err = parseTemplate(raw.Item); err != nil {
		l.fault("settlement.item", "%v", err)
	}
	for _, p := range s.item {
		if p.name != "" && !strings.HasPrefix(p.name, itemPrefix) {
			l.fault("settlement.item", "{%s} is nothing that an item has", p.name)
		}
	}
	if s.items == 0 {
		l.fault("settlement.items", "is missing: how many items an upload message has")
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

// role reads "60", "60:3-8" with the characters counted from 1 as message specifications do, or the path of a part,
// "127.33".
func (l *loader) role(key, place string) role {
	number, part, sub := strings.Cut(place, ":")
	field, _, inner := strings.Cut(number, ".")
	n, err := strconv.Atoi(field)
	if err != nil || !valid(n) || inner && sub {
		l.fault(key, "%q is no field such as \"60\", \"60:3-8\" or \"127.33\"", place)
		return role{}
	}
	r := role{field: n}
	if inner {
		r.path = number
		l.path(key, "", number)
	}
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
