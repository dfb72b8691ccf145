package iso8583_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"testing"

	"posd/iso8583"
)

// messages is how many are generated in each dialect.
const messages = 1000

// everyDialect is all presets, and the two of the tests that are most unlike them.
func everyDialect(t testing.TB) []*iso8583.Dialect {
	t.Helper()
	list := []*iso8583.Dialect{other(t), oddDialect(t)}
	for _, name := range iso8583.Presets() {
		d, err := iso8583.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, d)
	}
	return list
}

func TestGeneratedMessagesOfEveryDialectComeBackAsTheyWere(t *testing.T) {
	for _, d := range everyDialect(t) {
		t.Run(d.Name(), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(8583, 3))
			types := d.Types()
			var trip roundTrip
			for i := range messages {
				d.Generate(&trip.sent, r, types[i%len(types)], 1+r.IntN(8))
				if rule := trip.run(d); rule != "" {
					t.Fatalf("message %d: %s\n%s %X", i, rule, &trip.sent, trip.packed)
				}
			}
		})
	}
}

// roundTrip packs, views, decodes and packs again, in memory that it uses again.
type roundTrip struct {
	sent, got     iso8583.Message
	view          iso8583.View
	packed, again []byte
	value         []byte
}

// run says what is broken.
func (p *roundTrip) run(d *iso8583.Dialect) string {
	var err error
	if p.packed, err = d.Pack(p.packed[:0], &p.sent); err != nil {
		var f *iso8583.FieldError
		if errors.As(err, &f) && f.Path == "frame" {
			return "" // longer than the dialect's limit
		}
		return err.Error()
	}
	if trailing, err := d.UnpackInto(&p.got, p.packed); err != nil || trailing != 0 {
		return fmt.Sprintf("decode: %v, %d trailing", err, trailing)
	}
	if err := d.View(&p.view, p.packed); err != nil || p.view.Trailing() != 0 || p.view.MTI() != p.sent.MTI {
		return fmt.Sprintf("view: %v, %s, %d trailing", err, p.view.MTI(), p.view.Trailing())
	}
	for n, v := 0, 0; ; {
		n, v = p.sent.Next(n), p.view.Next(v)
		if g := p.got.Next(max(0, n-1)); n != v || n > 0 && g != n {
			return fmt.Sprintf("F%d came as F%d, seen as F%d", n, g, v)
		}
		if n == 0 {
			break
		}
		if p.value, err = p.view.Append(p.value[:0], n); err != nil || !bytes.Equal(p.value, p.got.Bytes(n)) {
			return fmt.Sprintf("F%d: seen as %X, decoded as %X, %v", n, p.value, p.got.Bytes(n), err)
		}
		if !same(p.sent.Bytes(n), p.value, d.Fill(p.sent.MTI, n)) {
			return fmt.Sprintf("F%d: got %X, want %X", n, p.value, p.sent.Bytes(n))
		}
	}
	if p.again, err = d.Pack(p.again[:0], &p.got); err != nil || !bytes.Equal(p.again, p.packed) {
		return fmt.Sprintf("packed again: %v\n%X", err, p.again)
	}
	return ""
}

// same tells whether a value came back, fixed text with its fill.
func same(sent, got []byte, fill byte) bool {
	if bytes.Equal(sent, got) {
		return true
	}
	cut := string(fill)
	return fill != 0 && bytes.Equal(bytes.Trim(sent, cut), bytes.Trim(got, cut))
}

// content is what no error text may have: a run of as many digits as a card number's shown part has.
var content = regexp.MustCompile(`[0-9]{7,}`)

func TestMutatedMessagesGiveAnErrorOrAnotherMessageAndNeverContent(t *testing.T) {
	for _, d := range everyDialect(t) {
		t.Run(d.Name(), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(8583, 4))
			types := d.Types()
			var m, got iso8583.Message
			for i := range messages {
				d.Generate(&m, r, types[i%len(types)], 2+r.IntN(8))
				good, err := d.Pack(nil, &m)
				if err != nil {
					continue // longer than the dialect's limit
				}
				bad := mutate(r, good)
				trailing, err := d.UnpackInto(&got, bad)
				if err != nil {
					var f *iso8583.FieldError
					if !errors.As(err, &f) || f.Rule == "" || content.MatchString(err.Error()) || got.Next(0) != 0 || cap(got.Bytes(2)) != 0 {
						t.Fatalf("message %d: %v", i, err)
					}
					continue
				}
				again, err := d.Pack(nil, &got)
				if err != nil || !bytes.Equal(again, bad[:len(bad)-trailing]) {
					t.Fatalf("message %d: %v\n got %X\nwant %X", i, err, again, bad)
				}
			}
		})
	}
}

// mutate plants one fault: a bit, a byte too many or too few, a cut, a piece twice.
func mutate(r *rand.Rand, good []byte) []byte {
	bad := bytes.Clone(good)
	at := r.IntN(len(bad))
	switch r.IntN(6) {
	case 0:
		bad[at] ^= 1 << r.IntN(8)
	case 1:
		bad[at] = byte(r.IntN(256))
	case 2:
		bad = append(bad[:at], bad[at+1:]...)
	case 3:
		bad = append(bad[:at], append([]byte{byte(r.IntN(256))}, bad[at:]...)...)
	case 4:
		bad = bad[:at]
	default:
		bad = append(bad, good[at:]...)
	}
	return bad
}

func TestNothingIsAllocatedByWarmMemory(t *testing.T) {
	for _, d := range everyDialect(t) {
		r := rand.New(rand.NewPCG(8583, 5))
		for _, mti := range d.Types() {
			var m, got iso8583.Message
			var v iso8583.View
			d.Generate(&m, r, mti, 4)
			m.TPDU, m.Header = other8(d.Reply(&m))
			packed, err := d.Pack(nil, &m)
			if err != nil {
				t.Fatal(err)
			}
			buf, value := make([]byte, 0, 2*len(packed)+64), make([]byte, 0, 2*len(packed)+64)
			frame, err := d.AppendFrame(nil, packed)
			if err != nil {
				t.Fatal(err)
			}
			for what, do := range map[string]func() error{
				"pack":   func() error { _, err := d.Pack(buf, &m); return err },
				"view":   func() error { return d.View(&v, packed) },
				"decode": func() error { _, err := d.UnpackInto(&got, packed); return err },
				"frame":  func() error { _, err := d.AppendFrame(buf, packed); return err },
				"split":  func() error { _, _, err := d.SplitFrame(frame, false); return err },
				"value":  func() error { _, err := v.Append(value, v.Next(0)); return err },
			} {
				if n := testing.AllocsPerRun(50, func() { err = errors.Join(err, do()) }); n > 0 || err != nil {
					t.Errorf("%s %s, %s: %v allocations, %v", d.Name(), mti, what, n, err)
				}
			}
		}
	}
}

// other8 gives a TPDU and a header that are not the dialect's own, as long as these.
func other8(tpdu, header string) (string, string) {
	return string(bytes.Repeat([]byte("7"), len(tpdu))), string(bytes.Repeat([]byte("9"), len(header)))
}
