package main

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"posd/daemon/payment"
	"posd/hwtest/hostsim"
	"posd/hwtest/walletsim"
)

// flight is a request on the card terminal's line that posd waits for.
type flight struct {
	conn  *plug
	until time.Time // when it is over at the latest
	trace string
}

// card reads what a checker wants of a frame on the line; ok is false for what is no message, and for what is about the
// line only.
func (s *shop) card(frame []byte) (mti, batch, trace string, ok bool) {
	n, payload, err := s.dialect.SplitFrame(frame, false)
	if err != nil || n == 0 || len(payload) == 0 {
		return "", "", "", false
	}
	m, _, err := s.dialect.Unpack(payload)
	if err != nil {
		return "", "", "", false
	}
	defer m.Wipe()
	return m.MTI, s.dialect.Role(m, "batch"), s.dialect.Role(m, "trace"), !strings.HasPrefix(m.MTI, "08")
}

// linePatience is how long posd waits for an answer on the card line at the least, and reversing for that of a reversal: its
// time begins before it dials.
const (
	linePatience      = 54 * time.Second
	reversingPatience = 24 * time.Second
)

// watched looks at each message that posd writes to the card host: what allows it is on disk, nothing else is in flight,
// and no commit has failed.
func (l *life) watched(p *plug) {
	travel := p.shape
	p.shape = func(b []byte) []piece {
		pieces := travel(b)
		mti, batch, trace, ok := l.shop.card(b)
		if !ok {
			return pieces
		}
		l.shop.mu.Lock()
		defer l.shop.mu.Unlock()
		if !l.dead { // what a dead posd writes goes nowhere
			l.takeOff(p, mti, batch, trace)
		}
		return pieces
	}
}

// takeOff checks a message that is about to be written. The caller holds mu.
func (l *life) takeOff(p *plug, mti, batch, trace string) {
	s, now := l.shop, time.Now()
	limit := linePatience
	if strings.HasPrefix(mti, "04") {
		limit = reversingPatience
	}
	for key, f := range l.flying {
		if f.over(now) {
			delete(l.flying, key)
			continue
		}
		s.breachHeld("I6: %s %s is sent while %s is in flight", mti, trace, f.trace)
	}
	l.flying[p.name+trace] = &flight{p, l.answered(p, trace, now.Add(limit)), mti + " " + trace}
	if l.failed {
		s.breachHeld("I11: %s %s is sent after a commit has failed", mti, trace)
	}
	s.allowed(mti, batch, trace)
}

// over tells that posd waits no more: the answer has come, the connection has ended, or the time is over.
func (f *flight) over(now time.Time) bool {
	f.conn.in.mu.Lock()
	defer f.conn.in.mu.Unlock()
	return !now.Before(f.until) || f.conn.in.broken != nil
}

// allowed checks I1 for a message on the card line. The caller holds mu.
func (s *shop) allowed(mti, batch, trace string) {
	t := s.mirror.traces[batch+"/"+trace]
	switch {
	case strings.HasPrefix(mti, "05") || strings.HasPrefix(mti, "03"):
		if !s.mirror.settling[batch+"/"+trace] {
			s.breachHeld("I1: settlement message %s of batch %s is sent, and is not on disk", trace, batch)
		}
	case t == nil:
		s.breachHeld("I1: %s %s/%s is sent, and no attempt of that number is on disk", mti, batch, trace)
	case strings.HasPrefix(mti, "04") && t.state != payment.Reversing:
		s.breachHeld("I1: the reversal of %s is sent while the journal has it as %s", t.Key, t.state)
	case strings.HasPrefix(mti, "02") && t.state != payment.Sent && t.state != payment.Reversing: // a request may be overtaken by its reversal
		s.breachHeld("I1: %s is sent while the journal has it as %s", t.Key, t.state)
	}
}

// answers looks at what the card host writes: a flight ends when its answer has arrived, or the connection has ended.
func (l *life) answers(mine, theirs *plug) {
	travel := theirs.shape
	var come []byte // of a frame that is not whole yet
	theirs.shape = func(b []byte) []piece {
		pieces := travel(b)
		come = append(come, b...)
		trace := ""
		for n, _, err := l.shop.dialect.SplitFrame(come, false); n > 0 && err == nil; n, _, err = l.shop.dialect.SplitFrame(come, false) {
			if _, _, of, ok := l.shop.card(come); ok {
				trace = of
			}
			come = come[n:]
		}
		l.shop.mu.Lock()
		defer l.shop.mu.Unlock()
		l.land(mine, trace, pieces)
		return pieces
	}
}

// arrival is an answer on its way to posd.
type arrival struct {
	conn  *plug
	trace string
	at    time.Time
}

// answered is when a request that is sent now is over: a repeat has its first copy's number, so an answer to that which is
// still on its way ends it too. The caller holds mu.
func (l *life) answered(p *plug, trace string, limit time.Time) time.Time {
	now := time.Now()
	l.arriving = slices.DeleteFunc(l.arriving, func(a arrival) bool { return a.at.Before(now) })
	for _, a := range l.arriving {
		if a.conn == p && a.trace == trace {
			limit = minTime(limit, a.at)
		}
	}
	return limit
}

// land ends the flights of a connection for which an answer, or the connection's end, is on its way. The caller holds mu.
func (l *life) land(mine *plug, trace string, pieces []piece) {
	now := time.Now()
	for _, p := range pieces {
		l.arriving = append(l.arriving, arrival{mine, trace, now.Add(p.after)})
		for _, f := range l.flying {
			if f.conn == mine && (p.end != nil || trace != "" && strings.HasSuffix(f.trace, " "+trace)) {
				f.until = minTime(f.until, now.Add(p.after))
			}
		}
	}
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// arrived checks a message when it reaches the card host: late or not, what it is about is on disk.
func (s *shop) arrived(q hostsim.Request) {
	if q.Kind == hostsim.KindSignOn || q.Kind == hostsim.KindEcho || q.Kind == hostsim.KindSignOff || q.Batch == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name := q.Batch + "/" + q.Trace
	t := s.mirror.traces[name]
	switch {
	case s.mirror.settling[name]:
	case t == nil:
		s.breachHeld("I1: a %s %s has reached the host, and is not on disk", q.Kind, name)
	case strings.HasSuffix(q.Kind, hostsim.KindReversal) && !t.entered("attempt.reversing"):
		s.breachHeld("I1: a reversal of %s has reached the host, and is not on disk", t.Key)
	}
}

// gatewayProbe is the order of which posd asks a gateway that it suspects: nobody has it, and no money moves.
const gatewayProbe = "POSDPROBE"

// asked checks a call when it reaches the gateway.
func (s *shop) asked(q walletsim.Request) {
	if q.Call == walletsim.CallQuery && q.Order == gatewayProbe {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.mirror.orders[q.Order]
	refund := s.mirror.orders[q.Refund]
	undo := t != nil && q.Refund == q.Order+"R" && t.entered("attempt.reversing")
	switch {
	case t == nil:
		s.breachHeld("I1: order %s has reached the gateway (%s), and is not on disk", q.Order, q.Call)
	case q.Call == walletsim.CallCancel && !t.entered("attempt.reversing"):
		s.breachHeld("I1: a cancel of %s has reached the gateway, and is not on disk", t.Key)
	case q.Call == walletsim.CallRefund && refund == nil && !undo:
		s.breachHeld("I1: refund %s has reached the gateway, and is not on disk", q.Refund)
	}
}

// codes looks at each payment by code that posd writes to the gateway: a code is for one order (P2).
func (l *life) codes(p *plug) {
	travel := p.shape
	p.shape = func(b []byte) []piece {
		if l.hasFailed() && bytes.Contains(b, []byte("out_trade_no")) && !looksOnly(b) {
			l.shop.breach("I11: a gateway is asked after a commit has failed: %.60q", b)
		}
		if code := valueOf(b, "auth_code", 18); code != "" && !l.isDead() {
			l.codeIsFor(code, valueOf(b, "out_trade_no", orderLength))
		}
		return travel(b)
	}
}

// looksOnly tells that a request to the gateway asks for an order, or whether it is there: that moves no money, whatever
// could not be written meanwhile.
func looksOnly(b []byte) bool {
	for _, call := range []string{"/pay/orderquery", "/pay/refundquery", "alipay.trade.query", "alipay.trade.fastpay.refund.query", gatewayProbe} {
		if bytes.Contains(b, []byte(call)) {
			return true
		}
	}
	return false
}

// valueOf gives the value of so many characters that stands after a name, in XML and in a form that holds JSON alike: it
// is the end of the first run of digits and capitals that is long enough.
func valueOf(b []byte, name string, size int) string {
	at := bytes.Index(b, []byte(name))
	run := 0
	for i := max(at, 0); at >= 0 && i < len(b); i++ {
		if c := b[i]; c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' {
			run++
			continue
		}
		if run >= size {
			return string(b[i-size : i])
		}
		run = 0
	}
	return ""
}

// codeUse is what a code was sent for, by which life of posd.
type codeUse struct {
	order string
	life  int
	at    time.Time
}

// codeAge is how long posd remembers a code (rule 8), from when it has it and not from when it is on the wire, to which it
// may have to wait for a connection; the gateway does for ever.
const codeAge = 80 * time.Second

// codeIsFor notes which order a code is used for. A posd that was started since knows nothing of it: the gateway does.
func (l *life) codeIsFor(code, order string) {
	s := l.shop
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mirror.orders[order] == nil {
		s.breachHeld("I1: a payment by code is sent under the order %q, which is not on disk", order)
	}
	if was := s.usedCodes[code]; was.order != "" && was.order != order && was.life == l.n && time.Since(was.at) <= codeAge {
		s.breachHeld("P2: one code pays for the orders %s and %s", was.order, order)
	}
	s.usedCodes[code] = codeUse{order, l.n, time.Now()}
}

func (l *life) hasFailed() bool {
	l.shop.mu.Lock()
	defer l.shop.mu.Unlock()
	return l.failed && !l.dead
}
