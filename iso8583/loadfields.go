package iso8583

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// formatRule is the notation of the standard: n6 is fixed, n..19 LL and ans..999 LLL have a length before them.
var formatRule = regexp.MustCompile(`^(n|z|a|an|ans|as|b)(\.\.)?([1-9][0-9]{0,4})( LL| LLL)?$`)

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
	l.d.byMTI = map[string]*table{}
	for _, mti := range slices.Sorted(maps.Keys(l.raw.Override)) {
		key := "override." + mti
		if !isMTI(mti) {
			l.fault(key, "is no message type such as \"0810\"")
			continue
		}
		whole, own := l.d.base, map[string]fieldFile{}
		for n, f := range l.raw.Override[mti] {
			own[n] = overlay(l.raw.Fields[n], f)
		}
		l.table(key, &whole, own)
		l.d.byMTI[mti] = &whole
	}
}

// overlay gives what an override leaves open the value of the field table.
func overlay(base, own fieldFile) fieldFile {
	return fieldFile{
		Name:    cmp.Or(own.Name, base.Name),
		ZH:      cmp.Or(own.ZH, base.ZH),
		Format:  cmp.Or(own.Format, base.Format),
		Numbers: cmp.Or(own.Numbers, base.Numbers),
		Lengths: cmp.Or(own.Lengths, base.Lengths),
		Count:   cmp.Or(own.Count, base.Count),
		Binary:  cmp.Or(own.Binary, base.Binary),
		Align:   cmp.Or(own.Align, base.Align),
		Pad:     cmp.Or(own.Pad, base.Pad),
		Class:   cmp.Or(own.Class, base.Class),
		Holds:   cmp.Or(own.Holds, base.Holds),
	}
}

func (l *loader) table(key string, t *table, raw map[string]fieldFile) {
	for _, number := range slices.Sorted(maps.Keys(raw)) {
		n, err := strconv.Atoi(number)
		if err != nil || !valid(n) || n == 65 || number != strconv.Itoa(n) {
			l.fault(key+"."+number, "fields are numbered 2 to 128; 1 and 65 belong to the bitmaps")
			continue
		}
		t[n] = l.field(key+"."+number, raw[number])
	}
}

func (l *loader) field(key string, raw fieldFile) *fieldSpec {
	m := formatRule.FindStringSubmatch(raw.Format)
	if m == nil || (m[2] == "") != (m[4] == "") {
		l.fault(key+".format", "%q is no format such as \"n6\", \"n..19 LL\", \"ans..999 LLL\", \"b8\"", raw.Format)
		return nil
	}
	codec := l.raw.Codec
	s := &fieldSpec{name: raw.Name, zh: raw.ZH, prefix: len(strings.TrimSpace(m[4]))}
	s.max, _ = strconv.Atoi(m[3]) // digits by the rule
	s.lengths = l.choice(key+".lengths", cmp.Or(raw.Lengths, codec.Lengths), "bcd", "ascii", "binary")
	s.countBytes = l.choice(key+".count", cmp.Or(raw.Count, codec.Count), "digits", "bytes") == "bytes"
	digitsWide := l.choice(key+".numbers", cmp.Or(raw.Numbers, codec.Numbers), "bcd", "ascii") == "ascii"
	hexWide := l.choice(key+".binary", cmp.Or(raw.Binary, codec.Binary), "raw", "hex") == "hex"
	switch m[1] {
	case "n", "z":
		s.kind, s.wide = numeric, digitsWide
		if m[1] == "z" {
			s.kind = track
		}
	case "b":
		s.kind, s.wide = binary, hexWide
	default:
		s.kind = text
	}
	s.countBytes = s.countBytes && s.packed()
	s.left = l.choice(key+".align", cmp.Or(raw.Align, s.side()), "left", "right") == "left"
	s.pad = l.padNibble(key+".pad", cmp.Or(raw.Pad, codec.Pad))
	s.holds = l.choice(key+".holds", raw.Holds, "", holdsPAN, holdsTrack, holdsPIN, holdsEMV)
	l.classify(key, s, raw.Class)
	l.size(key, s)
	return s
}

// side is where content stands by custom: fixed numbers at the right, all else at the left.
func (s *fieldSpec) side() string {
	if s.prefix == 0 && (s.kind == numeric || s.kind == track) {
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
func (l *loader) size(key string, s *fieldSpec) {
	limit := 99
	switch {
	case s.prefix == 2 && s.lengths == "binary":
		limit = 255
	case s.prefix != 2:
		limit = 999
	}
	if s.max > limit {
		l.fault(key+".format", "%d exceeds %d, the most that it can hold", s.max, limit)
	}
	if s.countBytes && s.prefix > 0 && s.max%2 == 1 {
		l.fault(key+".format", "a length that counts bytes wants an even limit of digits, not %d", s.max)
	}
}

func (l *loader) transactions() {
	l.d.transaction = map[string]*transaction{}
	for _, name := range slices.Sorted(maps.Keys(l.raw.Transaction)) {
		raw, key := l.raw.Transaction[name], "transaction."+name
		t := &transaction{request: l.message(key, raw.MTI, raw.Set)}
		if raw.Reversal != nil {
			kept := maps.Clone(t.request.fields)
			for _, n := range raw.Reversal.Drop {
				delete(kept, n)
			}
			own := l.message(key+".reversal", raw.Reversal.MTI, raw.Reversal.Set)
			maps.Copy(kept, own.fields)
			t.reversal = &messageTemplate{mti: own.mti, fields: kept}
			l.storable(key+".reversal", kept)
		}
		l.d.transaction[name] = t
	}
}

// storable refuses a reversal that needs a track: what it needs must rest on disk, and tracks never may.
func (l *loader) storable(key string, fields map[int]fieldTemplate) {
	for _, n := range slices.Sorted(maps.Keys(fields)) {
		for _, p := range fields[n] {
			if p.name == "track2" || p.name == "track3" {
				l.fault(key, "F%d wants {%s}, which may not be stored until a reversal is due: drop it", n, p.name)
			}
		}
	}
}

func (l *loader) message(key, mti string, set map[string]string) messageTemplate {
	t := messageTemplate{mti: mti, fields: map[int]fieldTemplate{}}
	if !isMTI(mti) {
		l.fault(key+".mti", "%q is no message type such as \"0200\"", mti)
	}
	for _, number := range slices.Sorted(maps.Keys(set)) {
		place := key + ".set." + number
		n, err := strconv.Atoi(number)
		if err != nil || l.d.spec(mti, n) == nil {
			l.fault(place, "the dialect has no such field in %s", mti)
			continue
		}
		f, err := parseTemplate(set[number])
		if err != nil {
			l.fault(place, "%v", err)
			continue
		}
		t.fields[n] = f
		l.literal(place, mti, n, f)
	}
	return t
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
	m := &Message{MTI: mti}
	m.setValue(n, f[0].text)
	if _, err := l.d.packField(nil, l.d.spec(mti, n), n, m); err != nil {
		l.fault(key, "%v", err)
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

func (l *loader) reasons() {
	l.d.reasons = l.raw.Reversal.Reasons
	reverses := false
	for _, t := range l.d.transaction {
		reverses = reverses || t.reversal != nil
	}
	if !reverses {
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
