package iso8583_test

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"
	"testing"

	"posd/iso8583"
)

// plantedPer is of how many messages of -iso.messages one is mutated in every way that there is.
const plantedPer = 25_000

// TestEveryPlantedMutationGivesAnErrorOrAnotherMessage plants each fault at each place of good frames: the public ones
// and generated ones. What can still be read goes out as it came in, and what cannot is refused without content.
func TestEveryPlantedMutationGivesAnErrorOrAnotherMessage(t *testing.T) {
	for i, d := range plainDialects(t) {
		t.Run(d.Name(), func(t *testing.T) {
			t.Parallel()
			j := judge{t: t, d: d, told: map[string]bool{}, planted: map[string]int{}}
			if d.Name() == "unionpay" {
				for _, v := range messageVectors(t) {
					j.all(unhex(t, v.Hex)[2*min(1, v.LengthPrefix):])
				}
			}
			g := newDrawer(uint64(i)).tellApart()
			for range 1 + *messagesPerPreset/plantedPer {
				j.all(g.packed(t, d, 6))
			}
			t.Logf("%d mutations: %d refused, %d other messages, %d of these with bytes behind them; %v", j.refused+j.read, j.refused, j.read, j.trailing, j.planted)
		})
	}
}

// packed draws a message as bytes.
func (g *drawer) packed(t testing.TB, d *plainDialect, oneIn int) []byte {
	t.Helper()
	p := trip{d: d, drawer: g}
	if err := p.prepare(g.message(d, oneIn)); err != nil {
		t.Fatal(err)
	}
	packed, err := d.Pack(nil, &p.sent)
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

// judge reads mutated messages of a dialect and fails the test for one that is neither refused nor another message.
type judge struct {
	t       *testing.T
	d       *plainDialect
	m       iso8583.Message
	v       iso8583.View
	again   []byte
	told    map[string]bool // errors that were looked at in every form
	planted map[string]int

	refused, read, trailing int
}

// all plants every mutation that there is in a good message.
func (j *judge) all(good []byte) {
	j.t.Helper()
	if err := j.d.View(&j.v, good); err != nil || j.v.Trailing() != 0 {
		j.t.Fatalf("not a good message: %v", err)
	}
	var places []iso8583.Place
	for n := j.v.Next(0); n > 0; n = j.v.Next(n) {
		places = append(places, j.v.Place(n))
	}
	for how, bad := range mutations(good, places) {
		j.planted[how]++
		j.one(how, bad)
	}
	j.bitmaps(good, len(j.v.TPDU())+len(j.v.Header()))
	j.frames(good)
}

func (j *judge) one(how string, bad []byte) {
	j.t.Helper()
	seen := j.d.View(&j.v, bad)
	trailing, err := j.d.UnpackInto(&j.m, bad)
	j.tell(how, seen)
	j.tell(how, err)
	if err != nil {
		j.refused++
		if j.m.Next(0) != 0 || j.m.MTI != "" {
			j.t.Fatalf("%s: %v, and a message %v", how, err, &j.m)
		}
		if seen != nil && j.v.Next(0) != 0 {
			j.t.Fatalf("%s: %v, and a view of fields", how, seen)
		}
		return
	}
	j.read++
	if trailing > 0 {
		j.trailing++
	}
	if seen != nil || j.v.Trailing() != trailing || j.v.MTI() != j.m.MTI {
		j.t.Fatalf("%s: %v with %d bytes behind it is seen as %s with %d, %v", how, &j.m, trailing, j.v.MTI(), j.v.Trailing(), seen)
	}
	if j.again, err = j.d.Pack(j.again[:0], &j.m); err != nil || !bytes.Equal(j.again, bad[:len(bad)-trailing]) {
		j.t.Fatalf("%s: %v\n got %X\nwant %X", how, err, j.again, bad)
	}
}

// bitmaps turns each bit of the bitmaps that stand in front; at is where the MTI does.
func (j *judge) bitmaps(good []byte, at int) {
	j.t.Helper()
	codec := j.d.file.Codec
	if at += 2; codec.MTI != "" && codec.MTI != "bcd" {
		at += 2
	}
	perByte := 8
	if codec.Bitmap == "hex" {
		perByte = 4
	}
	bad := slices.Clone(good)
	for bit := range 128 {
		i := at + bit/perByte
		if i >= len(good) {
			return
		}
		bad[i] ^= 0x80 >> (bit % 8)
		if codec.Bitmap == "hex" {
			chars := appendIn(nil, "0123456789ABCDEF", codec.MTI == "ebcdic")
			digit := bytes.IndexByte(chars, good[i])
			if digit < 0 {
				return // there is but one bitmap
			}
			bad[i] = chars[digit^8>>(bit%4)]
		}
		j.planted["bitmap bit"]++
		j.one("bitmap bit", bad)
		bad[i] = good[i]
	}
}

// frames lets a stream of two frames be hit in each bit and cut at each place: what comes out is frames or an error.
func (j *judge) frames(good []byte) {
	j.t.Helper()
	stream, err := j.d.AppendFrame(nil, good)
	if err == nil {
		stream, err = j.d.AppendFrame(stream, good)
	}
	if err != nil {
		j.t.Fatal(err)
	}
	bad := slices.Clone(stream)
	for bit := range 8 * len(stream) {
		bad[bit/8] ^= 1 << (bit % 8)
		j.split(bad)
		bad[bit/8] ^= 1 << (bit % 8)
	}
	for n := range stream {
		j.split(stream[:n])
	}
	j.planted["stream"] += 9 * len(stream)
}

func (j *judge) split(stream []byte) {
	j.t.Helper()
	for rest := stream; len(rest) > 0; {
		n, payload, err := j.d.SplitFrame(rest, true)
		j.tell("stream", err)
		if err != nil {
			return
		}
		if n <= len(payload) || n > len(rest) {
			j.t.Fatalf("a frame of %d bytes takes %d of %d", len(payload), n, len(rest))
		}
		rest = rest[n:]
	}
}

// mutations gives every mutation of a good message, with the name of its kind. The bytes are good until the next one.
func mutations(good []byte, places []iso8583.Place) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		bad := make([]byte, 0, 2*len(good))
		plant := func(how string, parts ...[]byte) {
			bad = bad[:0]
			for _, p := range parts {
				bad = append(bad, p...)
			}
			yield(how, bad)
		}
		for i, c := range good {
			before, after := good[:i], good[i+1:]
			for bit := range 8 {
				plant("bit flipped", before, []byte{c ^ 1<<bit}, after)
			}
			for _, other := range []byte{0, ' ', '0', '9', 'F', 0x1A, 0x99, 0xF0, 0xFF} {
				plant("byte replaced", before, []byte{other}, after)
				plant("byte inserted", before, []byte{other}, good[i:])
			}
			plant("byte dropped", before, after)
			plant("byte doubled", before, []byte{c}, good[i:])
			plant("cut", before)
			for _, far := range []int{1, 2, 8, 21} {
				if k := i + far; k < len(good) {
					plant("bytes swapped", before, good[k:k+1], good[i+1:k], []byte{c}, good[k+1:])
				}
			}
			for _, size := range []int{2, 3, 8, 16, len(good)} {
				k := min(i+size, len(good))
				plant("range doubled", good[:k], good[i:])
				plant("range dropped", before, good[k:])
			}
		}
		for _, p := range places {
			for i := p.Start; i < p.Value; i++ {
				for c := range 256 {
					plant("length changed", good[:i], []byte{byte(c)}, good[i+1:])
				}
			}
			plant("field dropped", good[:p.Start], good[p.End:])
			plant("field doubled", good[:p.End], good[p.Start:])
		}
		for i := range places[min(1, len(places)):] {
			a, b := places[i], places[i+1]
			plant("fields swapped", good[:a.Start], good[b.Start:b.End], good[a.Start:a.End], good[b.End:])
		}
		plant("glued", good, good)
	}
}

// run of seven is what no error may have, be it of digits or of hex in either case. Offsets and lengths are shorter.
var (
	hexRun     = regexp.MustCompile(`(?i)[0-9a-f]{7}`)
	byteRun    = regexp.MustCompile(`(?i)([0-9a-f]{2}[ :,-]){3}[0-9a-f]{2}`)
	decimalRun = regexp.MustCompile(`([0-9]{1,3},? ){4}[0-9]`)
)

func hasContent(text string) bool {
	return hexRun.MatchString(text) || byteRun.MatchString(text) || decimalRun.MatchString(text)
}

// tell fails the test for an error that holds content, in whatever form it is printed, and for one that is no FieldError.
func (j *judge) tell(how string, err error) {
	j.t.Helper()
	if err == nil {
		return
	}
	var f *iso8583.FieldError
	if !errors.As(err, &f) || f.Rule == "" || f.Path == "" {
		if how == "stream" && !errors.As(err, &f) {
			return
		}
		j.t.Fatalf("%s: %v is no FieldError", how, err)
	}
	kind := f.Path + f.Rule
	if j.told[kind] {
		return
	}
	j.told[kind] = true
	text := strings.Join([]string{err.Error(), fmt.Sprintf("%v %+v %#v %q", err, err, err, err), f.Hint}, "\n")
	if hasContent(text) {
		j.t.Fatalf("%s: the error shows content: %s", how, text)
	}
}
