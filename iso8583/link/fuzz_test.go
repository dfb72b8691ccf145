package link_test

import (
	"context"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"posd/iso8583"
)

// FuzzHost lets a host say anything, in any pieces. It never makes the link panic, it answers nobody whose match key it
// does not have, and the frames are those that the whole stream has.
func FuzzHost(f *testing.F) {
	d, err := iso8583.Preset("unionpay")
	if err != nil {
		f.Fatal(err)
	}
	h := &host{t: f, d: d}
	request := h.message("0200", "000001")
	key := h.key(request)
	answer, other := h.message("0210", "000001"), h.message("0410", "000001")
	for _, stream := range [][]byte{
		h.stream(answer), h.stream(nil, other, answer, answer), h.stream(answer)[:20], append(h.stream(other), 0xFF, 0xFF, 0),
		{21, 3, 1, 0, 2, 2, 40},
		nil,
	} {
		f.Add(stream, uint64(1))
	}
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		l := newLine(split(rand.New(rand.NewPCG(seed, seed)), stream)...)
		l.after = io.EOF
		var late [][]byte
		k := l.over(d, func(p []byte) { late = append(late, append([]byte(nil), p...)) })
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		reply, err := k.Exchange(ctx, request, key)
		if ctx.Err() != nil {
			t.Fatal("the exchange did not end with the connection")
		}
		<-l.closed
		if err := k.Close(); err != nil {
			t.Fatal(err)
		}
		if err == nil {
			m, _, unreadable := d.Unpack(reply)
			if unreadable != nil || d.MatchKey(m) != key {
				t.Fatalf("answered by % X", reply)
			}
		}
		answered := err == nil
		for rest := stream; ; {
			n, frame, err := d.SplitFrame(rest, false)
			if err != nil || n == 0 {
				break
			}
			rest = rest[n:]
			switch {
			case len(frame) == 0:
			case answered && string(frame) == string(reply):
				answered = false
			case len(late) == 0 || string(late[0]) != string(frame):
				t.Fatalf("frame % X is lost, or not in its turn", frame)
			default:
				late = late[1:]
			}
		}
		if answered || len(late) > 0 {
			t.Fatalf("frames that the stream does not have: reply %v, late %d", answered, len(late))
		}
	})
}
