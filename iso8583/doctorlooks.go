package iso8583

import (
	"bytes"
	"slices"
	"strings"
	"time"
)

// look is what a value says for or against the reading that finds it where it is.
type look int

const (
	looksAnyhow look = iota // nothing
	looksRight              // such a value is hardly there by chance
	looksOdd                // hosts write it, but seldom
	looksWrong              // a doubt that is told
)

func lookOf(right bool) look {
	if right {
		return looksRight
	}
	return looksWrong
}

// oddUnless is lookOf for what hosts write in another way now and then.
func oddUnless(right bool) look {
	if right {
		return looksRight
	}
	return looksOdd
}

// looks judges one value of a message. It is no validation: only the sum of doubts counts.
func (d *Dialect) looks(mti string, s step, v []byte, kind valueKind) look {
	switch {
	case s.s.kind == text && kind != isText:
		if s.s.class == Public {
			return looksWrong
		}
		return looksAnyhow // what acquirers put into fields of their own is often no text
	case len(v) == 0:
		return looksAnyhow
	case s.s.kind == text && !allPrint(v):
		return looksWrong
	case s.s.holds == holdsPAN && s.s.kind == numeric:
		return looksLikePAN(v)
	case s.s.holds == holdsTrack:
		return looksLikeTrack(v)
	case s.s.holds == holdsEMV && kind == isBytes:
		return lookOf(isTLV(v))
	case s.n == d.roles["code"].field:
		return d.looksLikeCode(v)
	case d.writes(mti, s.n, v):
		return looksRight
	case usualLooks[s.n] != nil:
		return usualLooks[s.n](v)
	default:
		return d.looksInside(mti, s, v, kind)
	}
}

func looksLikePAN(v []byte) look {
	switch {
	case len(v) < 12:
		return looksWrong
	case luhn(v):
		return looksRight
	default:
		return looksAnyhow
	}
}

// looksLikeTrack wants a separator behind a card number; encrypted tracks look like anything.
func looksLikeTrack(v []byte) look {
	if i := bytes.IndexAny(v, "D=^"); i >= 12 && i <= 20 {
		return looksRight
	}
	return looksAnyhow
}

// looksLikeCode holds the field of the answer code, which tells a reversal's reason, too, against the dialect's tables.
func (d *Dialect) looksLikeCode(v []byte) look {
	if _, known := d.answers[string(v)]; known {
		return looksRight
	}
	for _, code := range d.reasons {
		if code == string(v) {
			return looksRight
		}
	}
	return looksOdd
}

// writes tells whether a transaction of the dialect writes such a value into the field, in messages of that type or in
// what they answer.
func (d *Dialect) writes(mti string, n int, v []byte) bool {
	for _, t := range d.transaction {
		for _, m := range []*messageTemplate{&t.request, t.reversal} {
			if m != nil && (m.mti == mti || answers(m.mti, mti)) && m.fields[n].says(v) {
				return true
			}
		}
	}
	return false
}

// says tells whether the template's literals stand in the value as they should. Placeholders alone say nothing.
func (f fieldTemplate) says(v []byte) bool {
	open, literal := false, 0
	for i, p := range f {
		at := bytes.Index(v, []byte(p.text))
		switch {
		case p.name != "":
			open = true
			continue
		case i == len(f)-1 && open:
			at = len(v) - len(p.text)
		}
		if at < 0 || at > 0 && !open || !bytes.HasPrefix(v[at:], []byte(p.text)) {
			return false
		}
		v, open, literal = v[at+len(p.text):], false, literal+len(p.text)
	}
	return literal >= 2 && (open || len(v) == 0)
}

// looksInside opens a field that has parts at fixed places.
func (d *Dialect) looksInside(mti string, s step, v []byte, kind valueKind) look {
	in := d.inside(mti, s.n)
	if in == nil {
		return looksAnyhow
	}
	raw := s.s.rawOf(v, kind)
	list, err := in.split(raw, scratch(raw))
	switch in.layout.(type) {
	case positions:
		if err != nil || len(list) > 0 && list[len(list)-1].key == restKey {
			return looksOdd
		}
	case bitmapped:
		return oddUnless(err == nil)
	}
	return looksAnyhow
}

// usualLooks judges fields that mean the same in every version of the standard, by number.
var usualLooks = map[int]func(v []byte) look{
	3: looksLikeProcessing, 4: looksLikeAmount, 5: looksLikeAmount, 6: looksLikeAmount,
	7: looksLikeTime(7), 12: looksLikeTime(12), 13: looksLikeTime(13), 14: looksLikeTime(14), 15: looksLikeTime(15),
	16: looksLikeTime(16), 17: looksLikeTime(17), 73: looksLikeTime(73),
	22: looksLikeEntry, 23: looksLikeSequence, 25: looksLikeCondition, 37: looksAlphanumeric, 38: looksAlphanumeric,
	41: looksAlphanumeric, 42: looksAlphanumeric, 49: looksLikeCurrency, 50: looksLikeCurrency, 51: looksLikeCurrency,
	70: looksLikeNetwork, 90: looksLikeOriginal,
}

func looksLikeProcessing(v []byte) look {
	if bytes.HasSuffix(v, []byte("00")) {
		return looksRight
	}
	return looksAnyhow
}

// looksLikeAmount: few pay more than 999999.99 by card.
func looksLikeAmount(v []byte) look {
	switch {
	case bytes.HasPrefix(v, []byte("0000")):
		return looksRight
	case bytes.HasPrefix(v, []byte("00")):
		return looksAnyhow
	default:
		return looksOdd
	}
}

// looksLikeEntry judges how a card was read: two digits for that, one for the PIN.
func looksLikeEntry(v []byte) look {
	if len(v) != 3 {
		return looksAnyhow
	}
	return oddUnless(v[0] == '0' || v[0] == '9' || v[0] == '1' && v[1] == '0' || v[0] == '8' && v[1] <= '1')
}

func looksLikeSequence(v []byte) look { return oddUnless(bytes.HasPrefix(v, []byte("00"))) }

func looksLikeCondition(v []byte) look {
	if len(v) == 2 && v[0] == '0' {
		return looksRight
	}
	return looksAnyhow
}

// looksAlphanumeric judges numbers that are text: terminals, merchants, references.
func looksAlphanumeric(v []byte) look {
	v = trimmed(v)
	for _, c := range v {
		if c < '0' || c > '9' && c < 'A' || c > 'Z' && c < 'a' || c > 'z' {
			return looksOdd
		}
	}
	return oddUnless(len(v) > 0)
}

// looksLikeNetwork judges what a message to the network wants: 001 to sign on, 301 for an echo.
func looksLikeNetwork(v []byte) look { return oddUnless(v[0] <= '3') }

// looksLikeOriginal judges the data of the original message, which begin with its type.
func looksLikeOriginal(v []byte) look {
	if len(v) != 42 {
		return looksAnyhow
	}
	return oddUnless(isMTI(string(v[:4])) || len(bytes.Trim(v, "0")) == 0)
}

// currencies are the numbers of ISO 4217.
const currencies = "008 012 032 036 044 048 050 051 052 060 064 068 072 084 090 096 104 108 116 124 132 136 144 152 156 170 " +
	"174 188 191 192 203 208 214 222 230 232 238 242 262 270 292 320 324 328 332 340 344 348 352 356 360 364 368 376 388 392 " +
	"398 400 404 408 410 414 417 418 422 426 430 434 446 454 458 462 480 484 496 498 504 512 516 524 532 533 548 554 558 566 " +
	"578 586 590 598 600 604 608 634 643 646 654 682 690 694 702 704 706 710 728 748 752 756 760 764 776 780 784 788 800 807 " +
	"818 826 834 840 858 860 882 886 901 925 926 927 928 929 930 931 932 933 934 936 938 940 941 943 944 946 947 948 949 950 " +
	"951 952 953 960 961 967 968 969 970 971 972 973 975 976 977 978 979 980 981 984 985 986 990 997 999"

func looksLikeCurrency(v []byte) look {
	letters := len(v) == 3
	for _, c := range v {
		letters = letters && c >= 'A' && c <= 'Z'
	}
	return oddUnless(letters || len(v) == 3 && slices.Contains(strings.Fields(currencies), string(v)))
}

// layouts of dates and times by field, for each length that versions of the standard give them.
var layouts = map[int][]string{
	7: {"0102150405"}, 12: {"150405", "060102150405", "20060102150405"}, 13: {"0102", "0601"}, 14: {"0601"},
	15: {"0102", "060102"}, 16: {"0102"}, 17: {"0102"}, 73: {"060102"},
}

// looksLikeTime judges numbers that are a date or a time. All zeros mean none.
func looksLikeTime(n int) func(v []byte) look {
	return func(v []byte) look {
		if len(bytes.Trim(v, "0")) == 0 {
			return looksAnyhow
		}
		for _, layout := range layouts[n] {
			if len(layout) != len(v) {
				continue
			}
			// A leap day has no year in most of these fields; 2024 has one.
			text := string(v)
			if layout[:2] == "01" {
				layout, text = "2006"+layout, "2024"+text
			}
			_, err := time.Parse(layout, text)
			return lookOf(err == nil)
		}
		return looksAnyhow
	}
}

// luhn tells whether the last digit is the check digit of ISO/IEC 7812-1, annex B.
func luhn(digits []byte) bool {
	sum := 0
	for i := range digits {
		n := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			n *= 2
		}
		sum += n/10 + n%10
	}
	return sum%10 == 0
}

func isTLV(b []byte) bool {
	for pos := 0; pos < len(b); {
		o, rule := nextTLV(b, pos)
		if rule != "" {
			return false
		}
		pos = o.end
	}
	return len(b) > 0
}

func allPrint(v []byte) bool {
	for _, c := range v {
		if c < ' ' || c == 0x7F {
			return false
		}
	}
	return true
}
