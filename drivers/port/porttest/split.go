package porttest

import (
	"bufio"
	"bytes"
	"testing"
)

// FuzzSplit checks a driver's split function: it never advances beyond its input, and a stream gives the same frames
// however it arrives.
func FuzzSplit(f *testing.F, split bufio.SplitFunc, seeds ...string) {
	f.Helper()
	for i, s := range seeds {
		f.Add([]byte(s), i+1)
	}
	f.Fuzz(func(t *testing.T, stream []byte, piece int) {
		piece = min(max(piece, 1), 64)
		whole, cut := Frames(t, split, stream, len(stream)), Frames(t, split, stream, piece)
		if len(whole) != len(cut) {
			t.Fatalf("%d frames at once, %d in pieces of %d", len(whole), len(cut), piece)
		}
		for i := range whole {
			if !bytes.Equal(whole[i], cut[i]) {
				t.Errorf("frame %d: %x at once, %x in pieces", i, whole[i], cut[i])
			}
		}
	})
}

// Frames splits a stream that arrives in pieces of so many bytes.
func Frames(t *testing.T, split bufio.SplitFunc, stream []byte, piece int) [][]byte {
	t.Helper()
	var got [][]byte
	var buf []byte
	for len(stream) > 0 {
		n := min(piece, len(stream))
		buf, stream = append(buf, stream[:n]...), stream[n:]
		for len(buf) > 0 {
			advance, token, err := split(buf, false)
			if err != nil || advance < 0 || advance > len(buf) || (advance == 0 && token != nil) {
				t.Fatalf("split moves by %d of %d, %v", advance, len(buf), err)
			}
			if token != nil {
				got = append(got, bytes.Clone(token))
			}
			if advance == 0 {
				break
			}
			buf = buf[advance:]
		}
	}
	return got
}
