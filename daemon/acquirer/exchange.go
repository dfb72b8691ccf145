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
	answer, err := a.o.Link.Exchange(ctx, packed, d.MatchKey(m))
	if err != nil {
		x.err, x.notSent = err, errors.Is(err, link.ErrNotSent)
		return x
	}
	defer clear(answer)
	x.reached = true
	if x.reply, _, x.err = d.Unpack(answer); x.err != nil {
		x.reply = nil
		return x
	}
	x.mac = d.CheckMAC(answer, a.o.Keys)
	x.messages = append(x.messages, a.message("in", x.reply))
	a.o.Log.Info("host answered", "mti", x.reply.MTI, "trace", d.Role(m, "trace"), "code", d.Role(x.reply, "code"),
		"elapsed_ms", a.o.Now().Sub(start).Milliseconds())
	return x
}

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
