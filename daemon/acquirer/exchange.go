package acquirer

import (
	"context"
	"errors"
	"time"

	"posd/daemon/payment"
	"posd/iso8583"
	"posd/iso8583/link"
)

// exchanged is what came of sending one message.
type exchanged struct {
	reply    *iso8583.Message // nil: none that can be read
	mac      error            // of the reply: nil, iso8583.ErrNoMAC, or anything else for a wrong one
	err      error            // why there is no reply
	unread   error            // why the frame that came instead cannot be read; nil: none came
	notSent  bool             // not one byte of the message left
	reached  bool             // the host said something
	messages []payment.Message
}

// exchange sends m and waits for its answer. The caller has the turn, and wipes m and the reply.
func (a *Acquirer) exchange(ctx context.Context, m *iso8583.Message, limit time.Duration) (x exchanged) {
	d := a.o.Dialect
	x.messages = []payment.Message{a.message("out", m)}
	packed, err := a.pack(m)
	if err != nil {
		return exchanged{err: err, notSent: true}
	}
	defer clear(packed)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer a.spoke()
	start := a.o.Now()
	_ = a.takeUnread() // it was of the exchange before
	answer, err := a.o.Link.Exchange(ctx, packed, d.MatchKey(m))
	if err != nil {
		x.err, x.unread, x.notSent = err, a.takeUnread(), errors.Is(err, link.ErrNotSent)
		return x
	}
	defer clear(answer)
	x.reached = true
	if x.reply, _, x.err = d.Unpack(answer); x.err != nil {
		x.reply = nil
		return x
	}
	a.heed(x.reply)
	if x.mac = d.CheckMAC(answer, a.o.Keys); wrong(x.mac) {
		a.setSignedOn(false) // the keys do not fit any more: the next exchange fetches others
	}
	x.messages = append(x.messages, a.kept("in", x.reply, m, x.mac))
	a.o.Log.Info("host answered", "mti", x.reply.MTI, "trace", d.Role(m, "trace"), "code", d.Role(x.reply, "code"),
		"elapsed_ms", a.o.Now().Sub(start).Milliseconds())
	return x
}

// heed notes what the header of an answer asks for: to sign on before the next request, or something that a person does,
// which is said once.
func (a *Acquirer) heed(reply *iso8583.Message) {
	request, signOn := a.o.Dialect.HeaderRequest(reply)
	if request == "" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if signOn {
		a.signedOn = false
		return
	}
	if a.asked == nil {
		a.asked = map[string]bool{}
	}
	if !a.asked[request] {
		a.asked[request] = true
		a.o.Log.Warn("host asks for something that posd does not do", "request", request)
	}
}

// kept is an answer to req as the journal may keep it: whole where its MAC is right, or where it has none and is about
// req; of a late one, without req, only the MAC speaks.
func (a *Acquirer) kept(direction string, reply, req *iso8583.Message, mac error) payment.Message {
	if mac == nil || req != nil && !wrong(mac) && len(a.strange(req, reply)) == 0 {
		return a.message(direction, reply)
	}
	return a.doubtful(direction, reply)
}

// wrong tells whether an answer's MAC is there and does not fit.
func wrong(mac error) bool { return mac != nil && !errors.Is(mac, iso8583.ErrNoMAC) }

// pack gives the signed bytes of m.
func (a *Acquirer) pack(m *iso8583.Message) ([]byte, error) {
	packed, err := a.o.Dialect.Pack(nil, m)
	if err != nil {
		return nil, err
	}
	if !m.Has(a.o.Dialect.MACRule().Field) {
		return packed, nil
	}
	if err := a.o.Dialect.Sign(packed, a.o.Keys); err != nil {
		clear(packed)
		return nil, err
	}
	return packed, nil
}

// wipe overwrites the reply.
func (x *exchanged) wipe() {
	if x.reply != nil {
		x.reply.Wipe()
	}
}
