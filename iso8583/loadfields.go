package iso8583

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// formatRule is the notation of the standard: n6 is fixed, n..19 LL and ans..999 LLL have a length before them; x+n8 is
// eight digits after a sign.
var formatRule = regexp.MustCompile(`^(n|z|x\+n|a|an|ans|as|ns|s|b)(\.\.)?([1-9][0-9]{0,5})( L{1,6})?$`)

// classes are the words for what may be kept. "private" is secret in journal and log, but no card data, so that the
// bench shows it.
var classes = map[string]struct {
	class   Class
	private bool
}{"": {}, "secret": {}, "private": {Secret, true}, "masked": {Masked, false}, "public": {Public, false}}

func (l *loader) fields() {
	if len(l.raw.Fields) == 0 {
		l.fault("fields", "the dialect has no fields")
	}
	l.table("fields", &l.d.base, l.raw.Fields)
	for _, mti := range slices.Sorted(maps.Keys(l.raw.Override)) {
		key := "override." + mti
		which, ok := mtiKeyOf(mti)
		if !ok {
			l.fault(key, "is no message type such as \"0810\"")
			continue
		}
		whole, own := l.d.base, map[string]fieldFile{}
		for n, f := range l.raw.Override[mti] {
			own[n] = overlay(l.raw.Fields[n], f)
		}
		l.table(key, &whole, own)
		l.d.byMTI = append(l.d.byMTI, ownTable{mti, which, &whole})
	}
}

func (l *loader) table(key string, t *table, raw map[string]fieldFile) {
	for _, number := range slices.Sorted(maps.Keys(raw)) {
		n, err := strconv.Atoi(number)
		switch {
		case err != nil || !valid(n) || n == 65 || number != strconv.Itoa(n):
			l.fault(key+"."+number, "fields are numbered 2 to 128, or 192; 1 and 65 belong to the bitmaps")
		case n > 64*l.d.maps:
			l.fault(key+"."+number, "%d bitmaps have no bit for it: see codec.bitmap_bits", l.d.maps)
		default:
			t[n] = l.field(key+"."+number, raw[number])
		}
	}
}

// field compiles one field, or a part of one; key is where the file has it. nil comes with a fault.
func (l *loader) field(key string, raw fieldFile) *fieldSpec {
	m := formatRule.FindStringSubmatch(raw.Format)
	if m == nil || (m[2] == "") != (m[4] == "") || m[1] == "x+n" && m[2] != "" {
		l.fault(key+".format", "%q is no format such as \"n6\", \"n..19 LL\", \"ans..999 LLL\", \"b8\", \"x+n8\"", raw.Format)
		return nil
	}
	codec := l.raw.Codec
	s := &fieldSpec{name: raw.Name, zh: raw.ZH, prefix: uint8(len(strings.TrimSpace(m[4])))}
	s.max, _ = strconv.Atoi(m[3]) // digits by the rule
	s.lengths = lengthForms[l.choice(key+".lengths", cmp.Or(raw.Lengths, codec.Lengths), "bcd", "ascii", "binary", "ebcdic")]
	s.count = lengthCounts[l.choice(key+".count", cmp.Or(raw.Count, codec.Count), "digits", "bytes", "characters")]
	digits := l.choice(key+".numbers", cmp.Or(raw.Numbers, codec.Numbers), "bcd", "ascii", "ebcdic")
	chars := l.choice(key+".text", cmp.Or(raw.Text, codec.Text), "ascii", "ebcdic")
	hexed := l.choice(key+".binary", cmp.Or(raw.Binary, codec.Binary), "raw", "hex") == "hex"
	s.charset = l.charset(key+".charset", chars, cmp.Or(raw.Charset, codec.Charset))
	switch m[1] {
	case "n", "z", "x+n":
		s.kind, s.wide, s.ebcdic = kinds[m[1]], digits != "bcd", digits == "ebcdic"
	case "b":
		s.kind, s.wide, s.ebcdic = binary, hexed, chars == "ebcdic"
	default:
		s.kind = text
	}
	s.left = l.choice(key+".align", cmp.Or(raw.Align, s.side()), "left", "right") == "left"
	s.pad = l.padNibble(key+".pad", cmp.Or(raw.Pad, codec.Pad))
	s.fill = l.fillByte(key+".fill", cmp.Or(raw.Fill, codec.Fill), s.charset)
	s.holds = l.choice(key+".holds", raw.Holds, "", holdsPAN, holdsTrack, holdsPIN, holdsEMV)
	s.compile()
	l.classify(key, s, raw.Class)
	l.size(key, s)
	return s
}

var kinds = map[string]fieldKind{"n": numeric, "z": track, "x+n": signed}

var lengthCounts = map[string]lengthCount{"digits": countUnits, "bytes": countBytes, "characters": countCharacters}

// charset reads what text beyond ASCII is; EBCDIC is a whole character set of its own.
func (l *loader) charset(key, text, word string) charset {
	switch {
	case text == "ebcdic" && word == "gbk":
		l.fault(key, "gbk goes with text = \"ascii\"")
		return charsetEBCDIC
	case text == "ebcdic":
		return charsetEBCDIC
	case l.choice(key, word, "gbk", "ascii") == "ascii":
		return charsetASCII
	default:
		gbk()
		return charsetGBK
	}
}

// fillByte is the character that completes fixed text, as it is on the wire.
func (l *loader) fillByte(key, value string, c charset) byte {
	if len(value) != 1 || !isPlain([]byte(value)) {
		l.fault(key, "%q is no single ASCII character", value)
		return ' '
	}
	raw, _ := c.appendRaw(nil, []byte(value)) // every charset has ASCII
	return raw[0]
}

// side is where content stands by custom: fixed numbers at the right, all else at the left.
func (s *fieldSpec) side() string {
	if s.prefix == 0 && s.kind != text && s.kind != binary {
		return "right"
	}
	return "left"
}

func (l *loader) padNibble(key, value string) byte {
	if len(value) == 1 && strings.Contains(upperDigits, value) {
		return byte(strings.IndexByte(upperDigits, value[0]))
	}
	l.fault(key, "%q is no hex digit", value)
	return 0
}

func (l *loader) classify(key string, s *fieldSpec, word string) {
	c, ok := classes[word]
	if !ok {
		l.fault(key+".class", "%q is none of: public, masked, private, secret", word)
	}
	s.class, s.private = c.class, c.private
	if s.holds != "" && (s.class == Public || s.holds != holdsPAN && s.class == Masked) {
		l.fault(key+".class", "a field that holds %s cannot be %s", s.holds, word)
	}
}

// size holds the longest value against what its length can say.
//
// Where a length counts bytes the limit of digits is even: an odd one that the file inherits is meant for a length that
// counts digits, and is rounded up.
func (l *loader) size(key string, s *fieldSpec) {
	odd := s.form == formPacked && s.count == countBytes && s.prefix > 0 && s.max%2 == 1
	inherited := l.from.inherits(key + ".format")
	if odd && inherited {
		s.max++
	}
	limit := 9999
	if s.prefix > 0 {
		limit = s.lengths.limit(int(s.prefix))
	}
	switch {
	case s.form == formPacked && s.count == countBytes:
		limit *= 2
	case s.form == formHex && s.count == countCharacters:
		limit /= 2
	}
	if s.max > limit {
		l.fault(key+".format", "%d exceeds %d, the most that it can hold", s.max, limit)
	}
	if odd && !inherited {
		l.fault(key+".format", "a length that counts bytes wants an even limit of digits, not %d", s.max)
	}
}

func (l *loader) transactions() {
	l.d.transaction = map[string]*transaction{}
	for _, name := range slices.Sorted(maps.Keys(l.raw.Transaction)) {
		raw, key := l.raw.Transaction[name], "transaction."+name
		t := &transaction{request: l.message(key, raw.MTI, raw.Set)}
		t.request.needs = t.request.placeholders(l.d.settlement.item)
		if raw.Reversal != nil {
			undo := l.message(key+".reversal", raw.Reversal.MTI, raw.Reversal.Set)
			undo.keep(t.request, raw.Reversal.Drop)
			l.storable(key+".reversal", undo)
			undo.needs = undo.placeholders(l.d.settlement.item)
			t.reversal = &undo
		}
		l.d.transaction[name] = t
	}
}

// keep takes over what a reversal neither drops nor sets anew.
func (t *messageTemplate) keep(request messageTemplate, drop []int) {
	for n, f := range request.fields {
		if _, own := t.fields[n]; !own && !slices.Contains(drop, n) {
			t.fields[n] = f
		}
	}
	for path, f := range request.parts {
		field, _, _ := strings.Cut(path, ".")
		_, own := t.parts[path]
		if _, whole := t.fields[number(field)]; !own && !whole && !slices.Contains(drop, number(field)) {
			t.parts[path] = f
		}
	}
}

// storable refuses a reversal that needs a track or a wallet code: what it needs must rest on disk, and these never may.
func (l *loader) storable(key string, t messageTemplate) {
	seen := map[string]bool{}
	for _, f := range t.all() {
		f.names(seen)
	}
	for _, name := range neverStored {
		if seen[name] {
			l.fault(key, "wants {%s}, which may not be stored until a reversal is due: drop its field", name)
		}
	}
}

func (l *loader) message(key, mti string, set map[string]string) messageTemplate {
	t := messageTemplate{mti: mti, fields: map[int]fieldTemplate{}, parts: map[string]fieldTemplate{}}
	if !isMTI(mti) {
		l.fault(key+".mti", "%q is no message type such as \"0200\"", mti)
	}
	none := l.raw.MAC.Algorithm == noAlgorithm
	for _, number := range slices.Sorted(maps.Keys(set)) {
		place := key + ".set." + number
		f, err := parseTemplate(set[number])
		if err != nil {
			l.fault(place, "%v", err)
			continue
		}
		if none && f[0].name == macPlaceholder && l.from.inherits(place) {
			continue
		}
		if strings.Contains(number, ".") {
			l.path(place, mti, number)
			t.parts[number] = f
			continue
		}
		n, err := strconv.Atoi(number)
		if err != nil || l.d.spec(mti, n) == nil {
			l.fault(place, "the dialect has no such field in %s", mti)
			continue
		}
		t.fields[n] = f
		l.literal(place, mti, n, f)
	}
	return t
}

// path checks that the dialect knows the inside of the field that a path begins with.
func (l *loader) path(key, mti, path string) {
	field, _, _ := strings.Cut(path, ".")
	if n := number(field); l.d.spec(mti, n) == nil || l.d.inside(mti, n) == nil {
		l.fault(key, "the dialect says nothing of the inside of field %s", field)
	}
}

// literal checks what can be checked of a template before its placeholders are known.
func (l *loader) literal(key, mti string, n int, f fieldTemplate) {
	for _, p := range f {
		if p.name == macPlaceholder && (len(f) != 1 || n != l.d.mac.Field) {
			l.fault(key, "{mac} stands alone, in the MAC's field")
		}
		if n > l.d.mac.Field && l.d.mac.Field == 64 {
			l.fault(key, "stands behind the MAC in 64, which must be the last field")
		}
	}
	if len(f) != 1 || f[0].name != "" {
		return
	}
	value, kind := parseValue(f[0].text)
	if _, err := l.d.spec(mti, n).encode(nil, value, kind, noPad); err != nil {
		l.fault(key, "%v", err.of(n))
	}
}

func (l *loader) answers() {
	l.d.answers, l.d.undo = map[string]Answer{}, map[string]ReversalAction{}
	for _, code := range slices.Sorted(maps.Keys(l.raw.Answers)) {
		raw, key := l.raw.Answers[code], "answers."+code
		action, ok := actionNames[raw.Action]
		if !ok {
			l.fault(key+".action", "%q is none of: %s", raw.Action, strings.Join(slices.Sorted(maps.Keys(actionNames)), ", "))
		}
		l.d.answers[code] = Answer{Code: code, Action: action, TextZH: raw.ZH, TextEN: raw.EN}
	}
	raw := l.raw.Reversal
	l.reversalCodes("final", raw.Final)
	l.reversalCodes("in_doubt", raw.InDoubt)
	l.reversalCodes("refused", raw.Refused)
	l.reversalCodes("sign_on", raw.SignOn)
	l.reversalCodes("retry", raw.Retry)
	l.reasons()
}

func (l *loader) reversalCodes(word string, list []string) {
	for _, code := range list {
		if _, twice := l.d.undo[code]; twice {
			l.fault("reversal."+word, "code %q stands in two lists", code)
		}
		l.d.undo[code] = reversalNames[word]
	}
}

// reverses tells whether the dialect has a reversal.
func (l *loader) reverses() bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(l.d.transaction)), func(t *transaction) bool { return t.reversal != nil })
}

func (l *loader) reasons() {
	l.d.reasons = l.raw.Reversal.Reasons
	if !l.reverses() {
		return
	}
	if len(l.raw.Reversal.Final) == 0 {
		l.fault("reversal.final", "is missing: without a code that confirms it no reversal would ever end")
	}
	for _, name := range []string{"no_answer", "bad_mac", standardReason} {
		if l.d.reasons[name] == "" {
			l.fault("reversal.reasons."+name, "is missing")
		}
	}
}
