package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"syscall"
	"time"

	"posd/drivers/port"
)

// Where the two sides listen. Both are names only.
const (
	hostAddress   = "127.0.0.1:1001"
	wechatAddress = "127.0.0.1:1002"
	alipayAddress = "127.0.0.1:1003"
	apiAddress    = "127.0.0.1:8320"
)

// chance is a fault and how likely it is, in thousandths.
type chance struct {
	name     string
	permille int
}

// pick draws at most one of a list of faults, for one message, and counts it. In the calm there is none.
func (s *shop) pick(list []chance, what, which string) (string, *rand.Rand) {
	rng := s.draw(what, which)
	n := rng.IntN(1000)
	if s.isCalm() {
		return "", rng
	}
	for _, c := range list {
		if n < c.permille {
			s.meets(c.name, which)
			return c.name, rng
		}
		n -= c.permille
	}
	return "", rng
}

// meets counts a fault of a message, if there is a posd that it is a fault for. One that ends posd is counted when it does.
func (s *shop) meets(fault, which string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life != nil && !s.life.dead && fault != powerFails && fault != replacedMeanwhile {
		s.tally.add("fault", fault)
	}
	s.noteHeld("fault", fault+" "+which)
}

// onTheWay are the faults of the network, for a message to a host and for its answer.
var onTheWay = map[bool][]chance{
	true: {
		{"net: request lost", 6},
		{"net: reset within a request", 6},
		{"net: request late", 5},
		{"net: request cut off", 3},
		{"net: request in pieces", 40},
	},
	false: {
		{"net: answer lost", 6},
		{"net: reset within an answer", 6},
		{"net: answer late", 6},
		{"net: answer cut off", 3},
		{"net: answer in pieces", 40},
	},
}

// outage is a time in which a side cannot be reached.
type outage struct {
	target   string
	from, to time.Duration // since the day began
	silent   bool          // a dial hangs; else it is refused
}

func (s *shop) drawOutages() {
	for _, target := range []string{hostAddress, wechatAddress, alipayAddress} {
		rng := s.draw("outages", target)
		for range rng.IntN(4) {
			from := time.Duration(rng.Int64N(int64(s.span())))
			s.outages = append(s.outages, outage{target, from, from + time.Duration(rng.Int64N(int64(6*time.Minute))), rng.IntN(2) == 0})
		}
	}
	rng := s.draw("outages", reversals)
	for range 1 + rng.IntN(2) {
		from := time.Duration(rng.Int64N(int64(s.span() / 2)))
		s.outages = append(s.outages, outage{reversals, from, from + seconds(300, 1200, rng), rng.IntN(4) == 0})
	}
}

// span is about how long a day is.
func (s *shop) span() time.Duration { return time.Duration(s.attempts) * 20 * time.Second }

// out tells whether a side is out of reach now.
func (s *shop) out(target string) (o outage, out bool) {
	since := time.Since(s.began)
	for _, o := range s.outages {
		if o.target == target && since >= o.from && since < o.to && !s.isCalm() {
			return o, true
		}
	}
	return outage{}, false
}

// dial is posd's door to the acquirer and to the gateway.
func (l *life) dial(ctx context.Context, _, target string) (net.Conn, error) {
	s := l.shop
	which := fmt.Sprint(target, "/", time.Since(s.began)) // by its moment: of what happens in one moment no order is told
	fault, rng := s.pick([]chance{{"net: dial refused", 5}, {"net: dial hangs", 3}}, "dial", which)
	ping := 2*time.Millisecond + time.Duration(rng.Int64N(int64(30*time.Millisecond)))
	s.note("dials", which)
	o, out := s.out(target)
	if out {
		s.tally.add("fault", "net: out of reach")
	}
	if fault == "net: dial hangs" || out && o.silent {
		nap(ctx, 4*time.Second+ping)
		return nil, syscall.ETIMEDOUT
	}
	if !nap(ctx, ping) {
		return nil, ctx.Err()
	}
	if fault == "net: dial refused" || out || l.isDead() {
		return nil, syscall.ECONNREFUSED
	}
	mine, theirs := pair(which, ping)
	mine.shape, theirs.shape = s.shaper(mine, which, target, true), s.shaper(theirs, which, target, false)
	if target == hostAddress {
		l.watched(mine)
		l.answers(mine, theirs)
	} else {
		l.codes(mine)
	}
	if !l.keep(mine) {
		return nil, syscall.ECONNREFUSED
	}
	if target == hostAddress {
		go s.host.ServeConn(s.open, theirs)
		return mine, nil
	}
	return mine, s.gatewayEar.call(theirs)
}

// shaper draws how each message of a connection travels.
func (s *shop) shaper(p *plug, which, target string, asks bool) func([]byte) []piece {
	dead := false
	return func(b []byte) []piece {
		if _, out := s.out(target); out || dead {
			return nil
		}
		if len(b) < 8 { // a byte of an answer that comes byte by byte
			return []piece{{p.ping, b, nil}}
		}
		fault, rng := s.pick(onTheWay[asks], "way", fmt.Sprint(which, asks, time.Since(s.began), counted(valueOf(b, "out_trade_no", orderLength))))
		ping := p.ping + time.Duration(rng.Int64N(int64(10*time.Millisecond)))
		left := rng.IntN(len(b) + 1) // nothing, a part, or all of it leaves (F2, F3)
		switch fault {
		case "net: request lost", "net: answer lost":
			dead = true
			return nil
		case "net: reset within a request", "net: reset within an answer":
			return []piece{{ping, b[:left], nil}, {ping, nil, syscall.ECONNRESET}}
		case "net: request cut off", "net: answer cut off":
			return []piece{{ping, b[:left], nil}, {ping, nil, io.EOF}}
		case "net: request late", "net: answer late":
			ping += 20*time.Second + time.Duration(rng.Int64N(int64(75*time.Second)))
		case "net: request in pieces", "net: answer in pieces":
			cut := rng.IntN(len(b)) + 1
			return []piece{{ping, b[:cut], nil}, {ping + time.Duration(rng.Int64N(int64(300*time.Millisecond))), b[cut:], nil}}
		}
		return []piece{{ping, b, nil}}
	}
}

// openPort is posd's door to its devices.
func (l *life) openPort(ctx context.Context, a port.Address) (port.Conn, error) {
	here, name, err := l.shop.locate(a)
	if err != nil {
		return nil, err
	}
	c, err := l.shop.bench.Open(ctx, here)
	if err != nil {
		return nil, err
	}
	return &slowLine{c, l.shop, name}, nil
}

// slowLine is a device's line, which takes its time over each Write, never the same: so what is due a whole second after
// one is not due at the instant of something else.
type slowLine struct {
	port.Conn
	s    *shop
	name string // of the device
}

// Write waits a moment first.
func (l *slowLine) Write(ctx context.Context, b []byte) error {
	l.s.used(l.name)
	rng := l.s.draw("line "+l.name, fmt.Sprint(time.Since(l.s.began)))
	if !nap(ctx, 50*time.Microsecond+time.Duration(rng.Int64N(int64(500*time.Microsecond)))) {
		return ctx.Err()
	}
	return l.Conn.Write(ctx, b)
}

// listen is posd's door to its tills.
func (l *life) listen(context.Context, string, string) (net.Listener, error) {
	e := listenAt(apiAddress)
	l.shop.mu.Lock()
	defer l.shop.mu.Unlock()
	l.front = e
	return e, nil
}

// reach is a till that connects with posd.
func (s *shop) reach(who string) (*plug, error) {
	s.mu.Lock()
	l := s.life
	s.mu.Unlock()
	if l == nil {
		return nil, syscall.ECONNREFUSED
	}
	ping := 20*time.Microsecond + time.Duration(s.draw("reach "+who, fmt.Sprint(time.Since(s.began))).Int64N(int64(200*time.Microsecond)))
	mine, theirs := pair(who, ping)
	l.shop.mu.Lock()
	front := l.front
	l.shop.mu.Unlock()
	if front == nil || !l.keep(theirs) {
		return nil, syscall.ECONNREFUSED
	}
	return mine, front.call(theirs)
}
