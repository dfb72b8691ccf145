package main

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"posd/iso8583"
)

// Secrets are drawn from the digits 5 to 9 and everything else from the others, so that seven of them in a row are known
// to be of a card number, a track or a PIN block wherever they stand: as digits, in BCD, or as the hex of either.
var (
	shownSecret = regexp.MustCompile(`[5-9]{7}|KKKK`)
	holder      = "KKKK/LL" // on the card's first track
)

type secretDrawer struct{ *rand.Rand }

func (r secretDrawer) digits(n int) string { return r.of("56789", n) }

func (r secretDrawer) of(set string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = set[r.IntN(len(set))]
	}
	return string(b)
}

// message is a sale with everything in it that may not be shown, as far as the dialect has it.
func (r secretDrawer) message(t *testing.T, d *iso8583.Dialect) []byte {
	t.Helper()
	mti := "0200"
	if strings.HasPrefix(d.Name(), "iso93") {
		mti = "1200"
	}
	m := &iso8583.Message{MTI: mti}
	pan := r.digits(12 + r.IntN(8))
	track := pan + "D" + r.digits(4+r.IntN(12))
	chip := "9F26080102030401020304" + fmt.Sprintf("5A0A%sFFFF", r.digits(16)) + fmt.Sprintf("5712%sD%sF", r.digits(16), r.digits(18)) +
		fmt.Sprintf("5F2007%X", holder) + "9A03010203"
	for n, v := range map[int]string{
		2: pan, 3: "000000", 4: "000000012344", 11: r.of("01234", 6), 14: "3012", 34: pan, 35: track[:min(len(track), 37)], 36: r.digits(104), 37: "ABCDEF012344",
		39: "00", 41: "10000001", 42: "100000000000001", 45: "B" + pan + "^" + holder + "^" + r.digits(20), 60: "22000001", 102: pan,
		52: "hex:" + r.digits(16), 55: "hex:" + chip,
	} {
		setIf(d, m, n, v)
	}
	for path, v := range map[string]string{
		"62.5F01": r.digits(18), "127.10": r.digits(3), "127.7": r.digits(20), "127.24": pan, "127.29": "hex:" + r.digits(80), "127.17": holder,
	} {
		if d.Class(number(path), mti) != iso8583.Public {
			_ = d.SetPart(m, path, v) // not every dialect has it
		}
	}
	packed, err := d.Pack(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

func number(path string) (n int) {
	_, _ = fmt.Sscanf(path, "%d", &n)
	return n
}

// setIf gives the message a field if the dialect has it, and if the value fits.
func setIf(d *iso8583.Dialect, m *iso8583.Message, n int, v string) {
	one := &iso8583.Message{MTI: m.MTI}
	for _, x := range []*iso8583.Message{one, m} {
		if digits, ok := strings.CutPrefix(v, "hex:"); ok {
			b, _ := hex.DecodeString(digits)
			x.SetBytes(n, b)
		} else {
			x.Set(n, v)
		}
		if _, err := d.Pack(nil, x); err != nil {
			x.Unset(n)
			return
		}
	}
}

// keeps fails the test for an output with seven digits of a secret in a row: plain, in hex, or in the hex of characters.
func keeps(t *testing.T, out string, args ...string) {
	t.Helper()
	for _, text := range []string{out, unspaced(out), charactersIn(out)} {
		if at := shownSecret.FindStringIndex(text); at != nil {
			t.Fatalf("hwtest %v shows a secret: ...%s", args[:min(3, len(args))], text[max(0, at[0]-40):at[1]])
		}
	}
}

// unspaced joins bytes that stand apart; bitmaps are no digits.
func unspaced(out string) string {
	lines := slices.DeleteFunc(strings.Split(out, "\n"), func(line string) bool { return strings.Contains(line, "bitmap") })
	return regexp.MustCompile(`([0-9A-F]{2}) `).ReplaceAllString(strings.Join(lines, "\n"), "$1")
}

// charactersIn reads the hex of an output as ASCII, and as EBCDIC digits.
func charactersIn(out string) string {
	var all strings.Builder
	for _, run := range regexp.MustCompile(`([0-9A-F]{2})+`).FindAllString(unspaced(out), -1) {
		b, err := hex.DecodeString(run)
		if err != nil {
			continue
		}
		for i, c := range b {
			if c >= 0xF0 {
				b[i] = c - 0xF0 + '0'
			}
		}
		all.Write(b)
		all.WriteByte('\n')
	}
	return all.String()
}

func TestNoSecretIsInWhatTheBenchPrints(t *testing.T) {
	r := secretDrawer{rand.New(rand.NewPCG(8583, 3))}
	for _, name := range iso8583.Presets() {
		d, err := iso8583.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			packed := r.message(t, d)
			a := fmt.Sprintf("%X", packed)
			b := fmt.Sprintf("%X", r.message(t, d))
			stray := a + r.digits(40)
			for _, args := range [][]string{
				{"decode", a},
				{"decode", "--json", a},
				{"decode", "--json", "--parts", a},
				{"decode", "--ruler", a},
				{"decode", "--ruler", stray},
				{"decode", stray},
				{"diff", a, b},
				{"diff", "--json", a, b},
				{"diff", a, stray},
				{"doctor", a},
				{"doctor", "--json", stray},
			} {
				out, complaint, _ := bench(t, "", slices.Concat([]string{"iso", args[0], "--dialect", name}, args[1:])...)
				keeps(t, out+complaint, args...)
			}
			if out, _, _ := bench(t, "", "iso", "decode", "--dialect", name, "--reveal", a); !shownSecret.MatchString(out) {
				t.Fatalf("%s: revealed, it shows no secret:\n%s", name, out)
			}
			for range 5 {
				bad := fmt.Sprintf("%X", r.damaged(packed))
				if _, complaint, code := bench(t, "", "iso", "decode", "--dialect", name, bad); code != success {
					keeps(t, complaint, "decode", "a broken message")
				}
			}
		}
	}
}

// damaged plants a fault in a message.
func (r secretDrawer) damaged(good []byte) []byte {
	at := r.IntN(len(good))
	switch r.IntN(5) {
	case 0:
		return slices.Delete(slices.Clone(good), at, at+1)
	case 1:
		return slices.Insert(slices.Clone(good), at, byte(r.IntN(256)))
	case 2:
		return good[:at]
	case 3:
		return slices.Concat(good[:at], good[at/2:])
	default:
		bad := slices.Clone(good)
		bad[at] = byte(r.IntN(256))
		return bad
	}
}
