package hostsim

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"posd/iso8583"
)

// act is what a connection has to do after a message: write frames, wait, close.
type act struct {
	frames [][]byte      // packed, without length prefix; an empty one is a keep-alive frame
	wait   time.Duration // before the frames are written
	aside  bool          // others go on meanwhile
	half   bool          // write half of the last frame
	glue   bool          // all frames in one write
	slow   bool          // byte by byte
	close  bool          // end the connection then
	reset  bool          // end it by a reset, not by a close
	again  *pending      // after the wait, handle this message as if it came only now
}

// Request is a message as far as a fault may depend on it.
type Request struct {
	Kind     string // one of Kinds
	Terminal string
	Batch    string // "" where the message tells none
	Trace    string
	Amount   int64
}

// faultOf finds what is to go wrong with a message: a rule's, else what Options.Fault says. The caller holds mu.
func (h *Host) faultOf(q *request) Rule {
	r := h.rules.pick(q)
	if r.Do != "" || h.fault == nil {
		return r
	}
	r, _ = h.fault(Request{Kind: q.kind(), Terminal: q.terminal, Batch: q.batch, Trace: q.trace, Amount: q.amount})
	return r
}

// distort puts a wrong value into a field, before it is signed, or a wish into the header.
func (h *Host) distort(reply *iso8583.Message, r Rule) {
	switch {
	case r.Do == WrongAmount:
		h.put(reply, "amount", twelve(r.Value))
	case r.Do == WrongTrace:
		n, _ := strconv.Atoi(h.dialect.Role(reply, "trace"))
		h.put(reply, "trace", fmt.Sprintf("%06d", n%999_999+1))
	case r.Do == KeyChange:
		h.ask(reply, h.asks.signOn)
	case r.Do == Ask:
		h.ask(reply, r.Code)
	}
}

// deliver says when and how the answer goes out; late answers go before this one.
func (h *Host) deliver(out []byte, t *terminal, r Rule) act {
	a := act{frames: [][]byte{out}}
	switch {
	case r.Do == CommitSilent:
		return act{}
	case r.Do == CommitClose:
		return act{close: true}
	case r.Do == Late:
		if r.Delay == 0 && t != nil {
			t.held = append(t.held, out)
			return act{}
		}
		a.wait, a.aside = time.Duration(r.Delay), true
	case r.Do == Delay:
		a.wait = time.Duration(r.Delay)
	case r.Do == HalfFrame:
		a.half, a.close = true, true
	case r.Do == Cut:
		a.half = true
	case r.Do == Reset:
		a.half, a.close, a.reset = true, true, true
	case r.Do == Duplicate:
		a.frames = append(a.frames, out)
	case r.Do == Glued:
		a.frames, a.glue = append(a.frames, out), true
	case r.Do == Slow:
		a.slow = true
	case r.Do == Poll:
		a.frames = [][]byte{nil, out}
	}
	if t != nil {
		a.frames = append(t.held, a.frames...)
		t.held = nil
	}
	return a
}

// headerDigit is how the header of an answer asks the terminal for something.
type headerDigit struct {
	position int    // of the digit in the header's hex; -1 where there is none
	signOn   string // the digit that asks to sign on; "" for none
}

// ask sets that digit in an answer.
func (h *Host) ask(reply *iso8583.Message, digit string) {
	if p := h.asks.position; p >= 0 && p < len(reply.Header) && len(digit) == 1 {
		reply.Header = reply.Header[:p] + digit + reply.Header[p+1:]
	}
}

// digitOf finds that digit, in headers of so many digits, by asking the dialect what each one means.
func digitOf(d *iso8583.Dialect, size int) headerDigit {
	found := headerDigit{position: -1}
	zeros := strings.Repeat("0", size)
	for p := range size {
		for _, digit := range digits[1:] {
			request, signOn := d.HeaderRequest(&iso8583.Message{Header: zeros[:p] + string(digit) + zeros[p+1:]})
			if request != "" {
				found.position = p
			}
			if signOn && found.signOn == "" {
				found.signOn = string(digit)
			}
		}
	}
	return found
}
