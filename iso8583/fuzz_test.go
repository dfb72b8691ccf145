package iso8583_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"testing"

	"posd/iso8583"
)

// FuzzUnpack: what unpacks packs to the same bytes, what does not gives a FieldError; in either dialect.
func FuzzUnpack(f *testing.F) {
	for _, v := range messageVectors(f) {
		f.Add(unhex(f, v.Hex))
		f.Add(unhex(f, v.Hex)[2:])
	}
	dialects := []*iso8583.Dialect{unionpay(f), other(f)}
	m := &iso8583.Message{MTI: "0200"}
	m.Set(23, "123")
	m.Set(42, "x")
	m.SetBytes(55, []byte{0x5A, 2, 0x41, 0x11})
	m.Set(128, "")
	packed, err := dialects[1].Pack(nil, m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, d := range dialects {
			m, trailing, err := d.Unpack(b)
			if err != nil {
				var field *iso8583.FieldError
				if !errors.As(err, &field) {
					t.Fatalf("%s: %v is no FieldError", d.Name(), err)
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

// FuzzFrame: however a stream is cut into chunks, the frames are the same, and they are what was framed.
func FuzzFrame(f *testing.F) {
	f.Add([]byte("payload"), []byte("another"), byte(1))
	f.Add([]byte{}, bytes.Repeat([]byte{7}, 300), byte(3))
	dialects := []*iso8583.Dialect{unionpay(f), other(f)}
	f.Fuzz(func(t *testing.T, one, two []byte, chunk byte) {
		for _, d := range dialects {
			stream, err := d.AppendFrame(nil, one)
			if err == nil {
				stream, err = d.AppendFrame(stream, two)
			}
			if err != nil {
				continue // longer than the dialect's limit
			}
			s := bufio.NewScanner(&chunks{stream, int(chunk%17) + 1})
			s.Buffer(nil, 1<<16)
			s.Split(d.SplitFrame)
			var got [][]byte
			for s.Scan() {
				got = append(got, bytes.Clone(s.Bytes()))
			}
			if s.Err() != nil || len(got) != 2 || !bytes.Equal(got[0], one) || !bytes.Equal(got[1], two) {
				t.Fatalf("%s: got %X, %v", d.Name(), got, s.Err())
			}
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
	dialects := []*iso8583.Dialect{unionpay(f), other(f)}
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
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := iso8583.Load("f.toml", text)
		if err != nil {
			var fault *iso8583.DialectError
			if !errors.As(err, &fault) {
				t.Fatalf("%v is no DialectError", err)
			}
			return
		}
		for _, name := range d.Transactions() {
			m, err := d.Build(name, vars())
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
