package iso8583_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"posd/iso8583"
)

// secretRun finds seven digits of what a drawer that tells apart has drawn as secret: of a card number, a track, a PIN
// block in hex. What is shown of a card number is six at its beginning and four at its end.
var secretRun = regexp.MustCompile(`(?i)[5-9a-f]{7}`)

// contentOf draws messages of a dialect whose secrets are known by their looks.
func contentOf(t *testing.T, d *plainDialect, seed uint64, look func(m *iso8583.Message, packed []byte)) {
	t.Helper()
	p := trip{d: d, drawer: newDrawer(seed).tellApart()}
	for range 100 + *messagesPerPreset/1000 {
		if err := p.prepare(p.message(d, 1+p.IntN(4))); err != nil {
			t.Fatal(err)
		}
		packed, err := d.Pack(nil, &p.sent)
		if err != nil {
			continue // longer than the dialect's limit
		}
		m, _, err := d.Unpack(packed)
		if err != nil {
			t.Fatal(err)
		}
		look(m, packed)
	}
}

func hides(t *testing.T, what, text string) {
	t.Helper()
	if at := secretRun.FindStringIndex(text); at != nil {
		t.Fatalf("%s shows a secret: %q", what, text[max(0, at[0]-60):min(len(text), at[1]+20)])
	}
}

func TestNoSecretIsShownUnlessAskedFor(t *testing.T) {
	for i, d := range plainDialects(t) {
		t.Run(d.Name(), func(t *testing.T) {
			t.Parallel()
			revealed, parts := 0, 0
			contentOf(t, d, uint64(i), func(m *iso8583.Message, packed []byte) {
				hides(t, "Describe", fmt.Sprint(d.Describe(m, false)))
				if secretRun.MatchString(fmt.Sprint(d.Describe(m, true))) {
					revealed++
				}
				text, err := d.JSON(m, 0, false)
				if err != nil {
					t.Fatal(err)
				}
				hides(t, "JSON", string(text))
				hides(t, "Masked", fmt.Sprint(d.Masked(m)))
				for _, n := range m.Fields() {
					list, _ := d.Parts(m, n) // random bytes may be no parts
					for _, part := range list {
						hides(t, "Part", strings.Join([]string{part.Path, part.Name, part.Shown(false), printed(part)}, "\n"))
						parts++
					}
				}
				var v iso8583.View
				if err := d.View(&v, packed); err != nil {
					t.Fatal(err)
				}
				all := printed(m, *m, &v, v, struct{ Got *iso8583.Message }{m})
				hides(t, "fmt", all)
				for _, n := range m.Fields() {
					if b := m.Bytes(n); len(b) > 6 && strings.Contains(all, strings.Trim(fmt.Sprint(b), "[]")) {
						t.Fatalf("fmt shows the bytes of F%d", n)
					}
				}
			})
			if revealed == 0 {
				t.Error("no message had a secret")
			}
			t.Logf("%d messages with secrets, %d parts", revealed, parts)
		})
	}
}

// printed is what every verb makes of each value.
func printed(values ...any) string {
	var b strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		for _, x := range values {
			fmt.Fprintf(&b, verb+"\n", x)
		}
	}
	return b.String()
}

func TestTheJournalKeepsOnlyWhatIsPublicOrMasked(t *testing.T) {
	for i, d := range plainDialects(t) {
		contentOf(t, d, uint64(i), func(m *iso8583.Message, _ []byte) {
			kept := d.Masked(m)
			for _, f := range d.table[typeOf(d, m.MTI)] {
				switch {
				case !m.Has(f.n):
				case f.Class == "public":
					if kept[fmt.Sprint(f.n)] != m.Text(f.n) {
						t.Fatalf("%s: F%d is public, and kept as %q", d.Name(), f.n, kept[fmt.Sprint(f.n)])
					}
				case f.Class == "masked":
					hides(t, "Masked", kept[fmt.Sprint(f.n)])
				default:
					if want := fmt.Sprintf("(%d bytes)", len(m.Bytes(f.n))); kept[fmt.Sprint(f.n)] != want {
						t.Fatalf("%s: F%d is kept as %q, want %q", d.Name(), f.n, kept[fmt.Sprint(f.n)], want)
					}
				}
			}
		})
	}
}

// typeOf is the message type whose table holds for mti.
func typeOf(d *plainDialect, mti string) string {
	if slices.Contains(d.types, mti) {
		return mti
	}
	return "0200"
}

// TestTheDoctorTellsNothingOfTheContent examines broken messages, which may have a secret at any place.
func TestTheDoctorTellsNothingOfTheContent(t *testing.T) {
	list := plainDialects(t)
	for i, d := range list {
		t.Run(d.Name(), func(t *testing.T) {
			t.Parallel()
			g := newDrawer(uint64(i)).tellApart()
			good := g.packed(t, d, 8)
			n, every := 0, 1+45*len(good)/(60+*messagesPerPreset/1000) // there are about 45 mutations of a byte
			for how, bad := range mutations(good, nil) {
				if n++; n%every > 0 {
					continue
				}
				verdicts := iso8583.Examine(bad, d.Dialect, list[(i+1)%len(list)].Dialect)
				if n%(40*every) == 0 {
					verdicts = append(verdicts, iso8583.ExamineOddHex(fmt.Sprintf("%X", bad)[1:], d.Dialect)...)
				}
				for _, v := range verdicts {
					text := fmt.Sprintf("%s %v %+v %+v %q %v", v.Dialect, v.Fits, v.Faults, v.Or, v.Doubts, v.Err)
					if hasContent(text) {
						t.Fatalf("%s: %s", how, text)
					}
				}
			}
		})
	}
}

// TestErrorsOfWrongInputHideIt gives secrets to everything that takes values, where they do not belong.
func TestErrorsOfWrongInputHideIt(t *testing.T) {
	const pan, track = "6555555555555555", "6555555555555555D5555"
	quoted, _ := json.Marshal(map[string]any{"mti": "0200", "fields": map[string]any{pan: track}})
	number, _ := json.Marshal(map[string]any{"mti": "0200", "fields": map[string]any{"2": 6555555555555555}})
	nested, _ := json.Marshal(map[string]any{"mti": "0200", "fields": map[string]any{pan: []string{track}}})
	for _, text := range []string{string(quoted), string(number), string(nested), `{"mti":"0200",` + pan, pan, `{"` + pan + `":`, `{"mti":` + pan + `}`} {
		_, err := iso8583.ParseJSON([]byte(text))
		refusedWithout(t, "ParseJSON "+text[:8], err)
	}
	_, err := iso8583.DecodeHex(pan + "x")
	refusedWithout(t, "DecodeHex", err)
	for _, d := range plainDialects(t) {
		for _, f := range d.table["0200"] {
			for _, v := range []string{pan, track, track + track, track + "\x00", "hex:" + pan, "hex:" + pan + pan, pan + "é€"} {
				m := &iso8583.Message{MTI: "0200"}
				setText(t, m, f.n, strings.ReplaceAll(v, "D", "d"))
				_, err := d.Pack(nil, m)
				hidesIn(t, d.Name()+" Pack", err)
				for _, key := range []string{"1", "5A", "57", "9F26", pan, track, "25.2"} {
					err := d.SetPart(m, fmt.Sprintf("%d.%s", f.n, key), v)
					if key != pan && key != track { // a path is the caller's own
						hidesIn(t, d.Name()+" SetPart", err)
					}
				}
				_, err = d.Parts(m, f.n)
				hidesIn(t, d.Name()+" Parts", err)
			}
		}
		for _, name := range d.Transactions() {
			for hole := range everyVar() {
				vars := everyVar()
				vars[hole] = track + track
				_, err := d.Build(name, vars)
				hidesIn(t, d.Name()+" Build "+name, err)
				_, err = d.BuildReversal(name, vars)
				hidesIn(t, d.Name()+" BuildReversal "+name, err)
			}
		}
		raw, _ := hex.DecodeString(pan)
		_, _, note, err := d.UnpackPasted(raw)
		refusedWithout(t, "UnpackPasted "+note, err)
		_, err = d.Addressed(track, pan)
		refusedWithout(t, "Addressed", err)
	}
}

func refusedWithout(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s is not refused", what)
	}
	hidesIn(t, what, err)
}

func hidesIn(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		if text := fmt.Sprintf("%v %+v %#v %q", err, err, err, err); secretRun.MatchString(text) {
			t.Errorf("%s: the error shows a secret: %+v", what, err)
		}
	}
}
