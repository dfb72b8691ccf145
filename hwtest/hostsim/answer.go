package hostsim

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"posd/iso8583"
)

// pending is a message that is still on its way.
type pending struct {
	m      *iso8583.Message
	packed []byte
}

// handle is the whole host: one message in, what to do out.
func (h *Host) handle(packed []byte) act {
	m, trailing, err := h.dialect.Unpack(packed)
	if err != nil {
		h.log.Warn("message cannot be read", "err", err)
		return act{close: true}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seen != nil {
		h.seen(m)
	}
	q := h.understand(m)
	if trailing > 0 {
		q.blame("end", "has bytes after the last field")
	}
	r := h.faultOf(q)
	if r.Do == Held {
		return act{wait: time.Duration(r.Delay), aside: true, again: &pending{m: m, packed: slices.Clone(packed)}}
	}
	return h.answer(m, packed, q, r)
}

// resume handles a message that was held.
func (h *Host) resume(p *pending) act {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.answer(p.m, p.packed, h.understand(p.m), Rule{})
}

// answer decides and lays out the answer. It wipes the request.
func (h *Host) answer(m *iso8583.Message, packed []byte, q *request, r Rule) act {
	defer m.Wipe()
	if r.Do == Silent || r.Do == Close {
		h.log.Info("message dropped by rule", "kind", q.kind(), "trace", q.trace)
		return act{close: r.Do == Close}
	}
	t := h.terminals[q.terminal]
	reply := h.blank(m, q)
	defer reply.Wipe()
	if err := h.fill(reply, packed, q, r); err != nil {
		h.log.Error("host cannot go on", "err", err)
		return act{close: true}
	}
	told := h.log.With("kind", q.kind(), "trace", q.trace, "amount", q.amount, "code", h.dialect.Role(reply, "code"))
	if r.Do == "" {
		told.Info("message answered")
	} else {
		told.Info("message met a rule", "does", r.Do) // with most rules no answer goes out, or not this one, or not now
	}
	out, err := h.seal(reply, t, q, r)
	if err != nil {
		h.log.Error("answer cannot be packed", "err", err)
		return act{close: true}
	}
	if r.Do == KeyChange && t != nil {
		t.forget()
	}
	return h.deliver(out, t, r)
}

// blank is an answer that repeats what may be repeated of the request.
func (h *Host) blank(m *iso8583.Message, q *request) *iso8583.Message {
	reply := &iso8583.Message{MTI: answerMTI(m.MTI)}
	reply.TPDU, reply.Header = h.dialect.Reply(m)
	for _, n := range m.Fields() {
		if n == h.dialect.MACRule().Field || number(n) == h.roles.path["code"] || h.dialect.Class(n, m.MTI) != iso8583.Public {
			continue
		}
		reply.Set(n, m.Text(n))
	}
	// Hosts tell the card number in full; the terminal must cope with that.
	_, money := q.trade()
	if pan := cardNumber(m); pan != "" && money && h.dialect.Class(2, reply.MTI) == iso8583.Masked {
		reply.Set(2, pan)
	}
	for field, form := range h.roles.clock {
		reply.Set(field, q.at.Format(form))
	}
	return reply
}

// answerMTI adds ten, as every version of ISO 8583 does: 0200 is answered by 0210, and so is its repeat 0201.
func answerMTI(mti string) string {
	n, err := strconv.Atoi(plainMTI(mti))
	if err != nil {
		return mti
	}
	return fmt.Sprintf("%04d", n+10)
}

// fill makes the checks that come before the business, and then the business.
func (h *Host) fill(reply *iso8583.Message, packed []byte, q *request, r Rule) error {
	t := h.terminals[q.terminal]
	if code := h.refusal(t, packed, q, r); code != "" {
		h.put(reply, "code", code)
		return nil
	}
	_, money := q.trade()
	if r.Do == Decline && !money {
		h.put(reply, "code", r.Code)
		return nil
	}
	var e Entry
	var err error
	switch {
	case money:
		e, err = h.bookPayment(q, r)
	case q.closes():
		e, err = h.bookClose(q, r)
	default:
		e, err = h.bookLine(reply, q, t)
	}
	if err == nil {
		h.tell(reply, e)
	}
	if err == nil && e.Kind == KindSettlement && e.Approved {
		h.tellResult(reply, e.Close.Balanced)
	}
	return err
}

// tell writes a ledger entry into the answer.
func (h *Host) tell(reply *iso8583.Message, e Entry) {
	h.put(reply, "code", e.Code)
	t, money := trades[e.Kind]
	if !e.Approved || !money {
		return
	}
	if t.moves != 0 || t.holds || e.Amount > 0 {
		h.put(reply, "amount", twelve(orElse64(e.worth(), e.Amount)))
	}
	h.put(reply, "rrn", e.RRN)
	h.put(reply, "approval", e.Auth)
	if e.Kind == KindBalance {
		h.put(reply, "balance", h.balanceText(e))
	}
}

func orElse64(n, other int64) int64 {
	if n == 0 {
		return other
	}
	return n
}

// balanceText is one balance as field 54 has it: account type, what is told (02: what is available), currency, sign,
// amount (ISO 8583:1987, 4.4.19).
func (h *Host) balanceText(e Entry) string {
	left, sign := h.ledger.balance(e.Card, h.balance), "C"
	if left < 0 {
		left, sign = -left, "D"
	}
	return "1002" + orElse(orElse(e.Currency, h.currency), "156") + sign + twelve(left)
}

// seal packs and signs the answer, with the rule's fault in it. Without keys there is no MAC.
func (h *Host) seal(reply *iso8583.Message, t *terminal, q *request, r Rule) ([]byte, error) {
	h.distort(reply, r)
	field := h.dialect.MACRule().Field
	signed := q.shape == nil && reply.MTI[1] != '8' || q.shape != nil && q.shape.signed
	mac := field != 0 && t != nil && t.keys.Has(iso8583.MAK) && r.Do != NoMAC && signed
	if mac {
		reply.SetBytes(field, make([]byte, 8))
	}
	packed, err := h.dialect.Pack(nil, reply)
	if err != nil {
		return nil, err
	}
	if mac {
		if err := h.dialect.Sign(packed, t.keys); err != nil {
			return nil, err
		}
	}
	if r.Do == BadMAC {
		packed[len(packed)-1] ^= 1
	}
	if r.Do == Garbage {
		packed = packed[:len(packed)/2]
	}
	return packed, nil
}
