package iso8583_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"posd/iso8583"
)

// messagesPerPreset is how many messages make the round trip in each dialect; `make roundtrip` sends a million.
var messagesPerPreset = flag.Int("iso.messages", 20_000, "generated messages per preset")

// TestGeneratedMessagesAreWrittenAsTheirFileSaysAndComeBack draws messages of every message type, with any of its
// fields, and holds the codec against plain code that writes them from the dialect's file.
func TestGeneratedMessagesAreWrittenAsTheirFileSaysAndComeBack(t *testing.T) {
	for i, d := range plainDialects(t) {
		t.Run(d.Name(), func(t *testing.T) {
			t.Parallel()
			run := trip{d: d, drawer: newDrawer(uint64(i))}
			for n := 0; run.count.messages < *messagesPerPreset; n++ {
				if err := run.one(n); err != nil {
					t.Fatalf("message %d: %v\n%v %X", n, err, &run.sent, run.want)
				}
			}
			if err := run.readStream(); err != nil {
				t.Fatal(err)
			}
			t.Log(&run.count)
		})
	}
}

// trip is the way of messages from their values to bytes and back, in memory that it uses again.
type trip struct {
	*drawer
	d                   *plainDialect
	plain               plainMessage
	sent, got           iso8583.Message
	view                iso8583.View
	want, packed, again []byte
	value               []byte
	stream              []byte
	framed              []int // length of each payload in stream
	count               tripCount
}

// tripCount says what the messages of a round trip were.
type tripCount struct{ messages, fields, parts, bytes, tooLong, frames, chunks int }

func (c *tripCount) String() string {
	return fmt.Sprintf("%d messages of %d fields and %d bytes; %d parts set and read; %d refused as too long; %d frames in %d chunks",
		c.messages, c.fields, c.bytes, c.parts, c.tooLong, c.frames, c.chunks)
}

func (p *trip) one(n int) error {
	mti, fields := p.message(p.d, 1+p.IntN(16))
	if err := p.prepare(mti, fields); err != nil {
		return err
	}
	var err error
	p.want = p.d.append(p.want[:0], &p.plain)
	p.packed, err = p.d.Pack(p.packed[:0], &p.sent)
	if long := len(p.want) > p.d.file.Frame.Max; long {
		var f *iso8583.FieldError
		if p.count.tooLong++; !errors.As(err, &f) || f.Path != "frame" || len(p.packed) > 0 {
			return fmt.Errorf("%d bytes are packed, %w", len(p.want), err)
		}
		return nil
	}
	if err != nil || !bytes.Equal(p.packed, p.want) {
		return fmt.Errorf("pack: %w\n got %X", err, p.packed)
	}
	p.count.messages++
	p.count.fields += len(fields)
	p.count.bytes += len(p.packed)
	if err := p.read(fields); err != nil {
		return err
	}
	if p.again, err = p.d.Pack(p.again[:0], &p.got); err != nil || !bytes.Equal(p.again, p.want) {
		return fmt.Errorf("packed again: %w\n got %X", err, p.again)
	}
	if n%16 == 0 {
		if err := p.otherWays(); err != nil {
			return err
		}
	}
	return p.frame()
}

// prepare gives both codecs the drawn message. Values that were drawn part by part are set so, too.
func (p *trip) prepare(mti string, fields []drawn) error {
	p.sent.Reset()
	m := &p.plain
	m.mti, m.fields, m.values = mti, m.fields[:0], m.values[:0]
	p.sent.MTI = mti
	p.sent.TPDU, m.tpdu = p.head(p.d.file.Frame.TPDU)
	p.sent.Header, m.header = p.head(p.d.file.Frame.Header)
	for _, f := range fields {
		m.fields, m.values = append(m.fields, f.field), append(m.values, f.want)
		switch {
		case f.parts != nil && f.field.kind != "text" && p.IntN(2) == 0, f.parts == nil:
			v := f.set
			if f.parts != nil {
				v = f.want
			}
			if v.bytes {
				p.sent.SetBytes(f.field.n, []byte(v.text))
			} else {
				p.sent.Set(f.field.n, v.text)
			}
			continue
		case f.field.inside.layout == "bitmap":
			p.Shuffle(len(f.parts), func(i, j int) { f.parts[i], f.parts[j] = f.parts[j], f.parts[i] })
		}
		for _, part := range f.parts {
			if err := p.d.SetPart(&p.sent, part.path, part.text); err != nil {
				return fmt.Errorf("set %s: %w", part.path, err)
			}
		}
	}
	return nil
}

// head gives a TPDU or a header, the dialect's own or another one of its length.
func (p *trip) head(standard string) (set string, raw []byte) {
	set = standard
	if p.IntN(2) == 0 {
		set = p.cut(p.open.nibbles, len(standard))
	}
	raw, _ = hex.DecodeString(set) // both are hex digits
	if set == standard && p.IntN(2) == 0 {
		set = ""
	}
	return set, raw
}

// read holds the view and the decoded message against what was drawn.
func (p *trip) read(fields []drawn) error {
	trailing, err := p.d.UnpackInto(&p.got, p.packed)
	if err != nil || trailing != 0 {
		return fmt.Errorf("unpack: %w, %d trailing", err, trailing)
	}
	if err := p.d.View(&p.view, p.packed); err != nil || p.view.Trailing() != 0 || p.view.MTI() != p.plain.mti || p.got.MTI != p.plain.mti {
		return fmt.Errorf("view: %w, %d trailing, %s", err, p.view.Trailing(), p.view.MTI())
	}
	if !bytes.Equal(p.view.TPDU(), p.plain.tpdu) || !bytes.Equal(p.view.Header(), p.plain.header) {
		return errors.New("another TPDU or header")
	}
	seen, end := 0, 0
	for _, f := range fields {
		n := f.field.n
		if next := p.got.Next(seen); next != n || p.view.Next(seen) != n {
			return fmt.Errorf("F%d is followed by F%d", seen, next)
		}
		if err := p.readField(f); err != nil {
			return err
		}
		at := p.view.Place(n)
		if end > 0 && !(p.d.file.Codec.Third == "field" && seen < 65 && n > 65) && at.Start != end || at.Value < at.Start || at.End < at.Value {
			return fmt.Errorf("F%d at %+v, the field before it ends at %d", n, at, end)
		}
		seen, end = n, at.End
	}
	if p.got.Next(seen) != 0 || p.view.Next(seen) != 0 || end > 0 && end != len(p.packed) {
		return fmt.Errorf("more follows F%d", seen)
	}
	return nil
}

func (p *trip) readField(f drawn) (err error) {
	n := f.field.n
	if p.value, err = p.view.Append(p.value[:0], n); err != nil || !bytes.Equal(p.value, p.got.Bytes(n)) {
		return fmt.Errorf("F%d is seen as %X and decoded as %X, %w", n, p.value, p.got.Bytes(n), err)
	}
	if f.parts == nil || f.field.kind != "text" {
		if string(p.value) != f.want.text {
			return fmt.Errorf("F%d is %q, want %q", n, p.value, f.want.text)
		}
	}
	if f.parts == nil {
		return nil
	}
	list, err := p.d.Parts(&p.got, n)
	if err != nil {
		return err
	}
	for _, want := range f.parts {
		i := slices.IndexFunc(list, func(l iso8583.Part) bool { return l.Path == want.path })
		if i < 0 || list[i].Text() != want.text {
			return fmt.Errorf("%s is not %q, but %v", want.path, want.text, list)
		}
		p.count.parts++
	}
	return nil
}

// otherWays reads a message into new memory, and through JSON.
func (p *trip) otherWays() error {
	m, trailing, err := p.d.Unpack(p.packed)
	if err != nil || trailing != 0 {
		return err
	}
	text, err := p.d.JSON(m, 0, true)
	if err != nil || strings.Contains(string(text), "****") { // which JSON takes for masked
		return err
	}
	if m, err = iso8583.ParseJSON(text); err != nil {
		return err
	}
	if p.again, err = p.d.Pack(p.again[:0], m); err != nil || !bytes.Equal(p.again, p.want) {
		return fmt.Errorf("through JSON: %w\n got %X", err, p.again)
	}
	return nil
}

// frame puts a message into the stream, with an empty frame now and then, and reads the stream when there are many.
func (p *trip) frame() (err error) {
	payload := p.packed
	if p.IntN(32) == 0 {
		payload = nil
	}
	if p.stream, err = p.d.AppendFrame(p.stream, payload); err != nil {
		return err
	}
	p.framed = append(p.framed, len(payload))
	if len(p.framed) < 50 {
		return nil
	}
	return p.readStream()
}

// readStream cuts the stream into chunks by chance, and holds the frames against their lengths and the whole stream.
func (p *trip) readStream() error {
	source := &shreds{p: p, rest: p.stream}
	s := bufio.NewScanner(source)
	s.Buffer(nil, 1<<17)
	s.Split(p.d.SplitFrame)
	got := make([]byte, 0, len(p.stream))
	for _, n := range p.framed {
		if !s.Scan() || len(s.Bytes()) != n {
			return fmt.Errorf("a frame of %d bytes comes as one of %d: %w", n, len(s.Bytes()), s.Err())
		}
		var err error
		if got, err = p.d.AppendFrame(got, s.Bytes()); err != nil {
			return err
		}
		p.count.frames++
	}
	if s.Scan() || s.Err() != nil || !bytes.Equal(got, p.stream) {
		return fmt.Errorf("another stream, %w", s.Err())
	}
	p.stream, p.framed = p.stream[:0], p.framed[:0]
	return nil
}

// shreds reads a stream in pieces of any length.
type shreds struct {
	p    *trip
	rest []byte
}

func (s *shreds) Read(b []byte) (int, error) {
	if len(s.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, s.rest[:1+s.p.IntN(min(len(s.rest), 1<<s.p.IntN(12)))])
	s.rest = s.rest[n:]
	s.p.count.chunks++
	return n, nil
}
