package iso8583_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"posd/iso8583"
)

// FuzzUnpack: what unpacks packs to the same bytes, what does not gives a FieldError without content; in every dialect.
func FuzzUnpack(f *testing.F) {
	for _, v := range messageVectors(f) {
		f.Add(unhex(f, v.Hex))
		f.Add(unhex(f, v.Hex)[2:])
	}
	dialects := everyDialect(f)
	for _, packed := range seeds(f, dialects) {
		f.Add(packed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, d := range dialects {
			m, trailing, err := d.Unpack(b)
			if err != nil {
				var field *iso8583.FieldError
				if !errors.As(err, &field) || content.MatchString(err.Error()) {
					t.Fatalf("%s: %v", d.Name(), err)
				}
				continue
			}
			again, err := d.Pack(nil, m)
			if err != nil || !bytes.Equal(again, b[:len(b)-trailing]) {
				t.Fatalf("%s: %v\n got %X\nwant %X", d.Name(), err, again, b[:len(b)-trailing])
			}
			d.Describe(m, false)
			d.Masked(m)
			text, err := d.JSON(m, trailing, true)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := iso8583.ParseJSON(text); err != nil && !bytes.Contains(text, []byte("****")) {
				t.Fatalf("%s: %v in %s", d.Name(), err, text)
			}
		}
	})
}

// seeds are generated messages, one of each type of each dialect.
func seeds(t testing.TB, dialects []*iso8583.Dialect) (list [][]byte) {
	r := rand.New(rand.NewPCG(8583, 7))
	for _, d := range dialects {
		for _, mti := range d.Types() {
			var m iso8583.Message
			d.Generate(&m, r, mti, 3)
			packed, err := d.Pack(nil, &m)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, packed)
		}
	}
	return list
}

// FuzzView: fields lie one behind the other within the bytes; what unpacks can be seen, with the same values; what can
// be seen and does not unpack has a value that Append refuses.
func FuzzView(f *testing.F) {
	dialects := everyDialect(f)
	for _, packed := range seeds(f, dialects) {
		f.Add(packed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var v iso8583.View
		var m iso8583.Message
		for _, d := range dialects {
			trailing, err := d.UnpackInto(&m, b)
			if seen := d.View(&v, b); seen != nil {
				if err == nil || err.Error() != seen.Error() && !strings.Contains(err.Error(), "above 9") && !strings.Contains(err.Error(), "not ") {
					t.Fatalf("%s: view says %v, unpack %v", d.Name(), seen, err)
				}
				continue
			}
			if err == nil && (v.Trailing() != trailing || v.MTI() != m.MTI) {
				t.Fatalf("%s: seen with %d trailing, unpacked with %d", d.Name(), v.Trailing(), trailing)
			}
			compare(t, d, &v, &m, err)
		}
	})
}

func compare(t *testing.T, d *iso8583.Dialect, v *iso8583.View, m *iso8583.Message, unpacked error) {
	t.Helper()
	end, refused := 0, false
	for n := v.Next(0); n > 0; n = v.Next(n) {
		p := v.Place(n)
		if p.Field != n || p.Start < end || p.Value < p.Start || p.End < p.Value || len(v.Raw(n)) != p.End-p.Value {
			t.Fatalf("%s: F%d at %+v, the one before ends at %d", d.Name(), n, p, end)
		}
		end = p.End
		value, err := v.Append(nil, n)
		refused = refused || err != nil
		if unpacked == nil && (err != nil || !bytes.Equal(value, m.Bytes(n))) {
			t.Fatalf("%s: F%d: seen as %X, %v", d.Name(), n, value, err)
		}
	}
	if unpacked != nil && !refused {
		t.Fatalf("%s: every value can be seen, but %v", d.Name(), unpacked)
	}
}

// FuzzFrame: however a stream is cut into chunks, the frames are the same, and they are what was framed.
func FuzzFrame(f *testing.F) {
	f.Add([]byte("payload"), []byte("another"), byte(1), byte(0))
	f.Add([]byte{}, bytes.Repeat([]byte{7}, 300), byte(3), byte(20))
	dialects := append(everyFrame(f), unionpay(f), other(f))
	f.Fuzz(func(t *testing.T, one, two []byte, chunk, which byte) {
		d := dialects[int(which)%len(dialects)]
		stream, err := d.AppendFrame(nil, one)
		if err == nil {
			stream, err = d.AppendFrame(stream, two)
		}
		if err != nil {
			return // longer than the dialect's limit
		}
		s := bufio.NewScanner(&chunks{stream, int(chunk%17) + 1})
		s.Buffer(nil, 1<<14)
		s.Split(d.SplitFrame)
		var got [][]byte
		for s.Scan() {
			got = append(got, bytes.Clone(s.Bytes()))
		}
		if s.Err() != nil || len(got) != 2 || !bytes.Equal(got[0], one) || !bytes.Equal(got[1], two) {
			t.Fatalf("%s: got %X, %v", d.Name(), got, s.Err())
		}
	})
}

// chunks reads a stream in pieces of at most n bytes.
type chunks struct {
	rest []byte
	n    int
}

func (c *chunks) Read(p []byte) (int, error) {
	n := copy(p, c.rest[:min(c.n, len(c.rest))])
	c.rest = c.rest[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// FuzzSplit: noise gives frames within the limit or an error, and never makes the scanner stand still.
func FuzzSplit(f *testing.F) {
	f.Add([]byte{0, 3, 1, 2, 3, 0, 0})
	f.Add([]byte("0003abc00"))
	f.Add([]byte{0, 6, 1, 2, 3, 3, 0, 3, 3})
	dialects := append(everyFrame(f), unionpay(f), other(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, d := range dialects {
			for rest := b; ; {
				n, frame, err := d.SplitFrame(rest, true)
				if err != nil || n == 0 {
					break
				}
				if n <= len(frame) || n > len(rest) || len(frame) > 4096 {
					t.Fatalf("%s: %d bytes for a frame of %d, %d there", d.Name(), n, len(frame), len(rest))
				}
				rest = rest[n:]
			}
		}
	})
}

// FuzzLoad: no text makes the loader panic, and what loads packs nothing it cannot read.
func FuzzLoad(f *testing.F) {
	f.Add([]byte("name = \"x\"\n[fields]\n2 = { format = \"n6\" }"))
	f.Add([]byte("[transaction.sale]\nmti = \"0200\"\n[transaction.sale.set]\n2 = \"{pan|}\""))
	f.Add([]byte("base = \"unionpay\"\n[codec]\nbitmap = \"hex\"\nnumbers = \"ascii\"\n[fields]\n60 = { format = \"n..99 LL\" }"))
	for _, file := range []string{"testdata/odd.toml", "testdata/other.toml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := iso8583.Load("f.toml", text)
		if err != nil {
			var fault *iso8583.DialectError
			if !errors.As(err, &fault) {
				t.Fatalf("%v is no DialectError", err)
			}
			return
		}
		loaded(t, d)
		for _, name := range d.Transactions() {
			m, err := d.Build(name, everyVar())
			if err != nil {
				continue
			}
			packed, err := d.Pack(nil, m)
			if err != nil {
				t.Fatal(err)
			}
			if _, trailing, err := d.Unpack(packed); err != nil || trailing != 0 {
				t.Fatalf("%v, %d trailing", err, trailing)
			}
		}
	})
}

// loaded shows that messages of a dialect make the round trip, whatever is in its file.
func loaded(t *testing.T, d *iso8583.Dialect) {
	r := rand.New(rand.NewPCG(8583, 8))
	var trip roundTrip
	for _, mti := range d.Types() {
		d.Generate(&trip.sent, r, mti, 2)
		if rule := trip.run(d); rule != "" {
			t.Fatalf("%s: %s", mti, rule)
		}
	}
}
