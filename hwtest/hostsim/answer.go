package hostsim

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"posd/iso8583"
)

// act is what a connection has to do after a message: write frames, wait, close.
type act struct {
	frames [][]byte      // packed, without length prefix
	wait   time.Duration // before the frames are written
	aside  bool          // others go on meanwhile
	half   bool          // write half of the last frame
	close  bool          // end the connection then
	again  *pending      // after the wait, handle this message as if it came only now
}

// pending is a message that is still on its way.
type pending struct {
	m      *iso8583.Message
	packed []byte
}

// handle is the whole host: one message in, what to do out.
func (h *Host) handle(packed []byte) act {
	m, _, err := h.dialect.Unpack(packed)
	if err != nil {
		h.log.Warn("message cannot be read", "err", err)
		return act{close: true}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	q, s := h.understand(m)
	r := h.rules.pick(q)
	if r.Do == Held {
		return act{wait: time.Duration(r.Delay), aside: true, again: &pending{m: m, packed: slices.Clone(packed)}}
	}
	return h.answer(m, packed, s, q, r)
}

// resume handles a message that was held.
func (h *Host) resume(p *pending) act {
	h.mu.Lock()
	defer h.mu.Unlock()
	q, s := h.understand(p.m)
	return h.answer(p.m, p.packed, s, q, Rule{})
}

func (h *Host) understand(m *iso8583.Message) (*request, *shape) {
	s := recognise(h.shapes, m, h.dialect.MACRule().Field)
	return read(h.dialect, s, m), s
}

// answer decides and lays out the answer. It wipes the request.
func (h *Host) answer(m *iso8583.Message, packed []byte, s *shape, q *request, r Rule) act {
	defer m.Wipe()
	if r.Do == Silent || r.Do == Close {
		h.log.Info("message dropped by rule", "kind", q.kind(), "trace", q.trace)
		return act{close: r.Do == Close}
	}
	t := h.terminals[q.terminal]
	reply := h.blank(m, q)
	defer reply.Wipe()
	if err := h.fill(reply, t, packed, s, q, r); err != nil {
		h.log.Error("host cannot go on", "err", err)
		return act{close: true}
	}
	h.log.Info("message answered", "kind", q.kind(), "trace", q.trace, "amount", q.amount, "code", reply.Text(h.roles.code))
	out, err := h.seal(reply, t, r)
	if err != nil {
		h.log.Error("answer cannot be packed", "err", err)
		return act{close: true}
	}
	return h.deliver(out, t, r)
}

// blank is an answer that repeats what may be repeated of the request.
func (h *Host) blank(m *iso8583.Message, q *request) *iso8583.Message {
	reply := &iso8583.Message{MTI: answerMTI(m.MTI)}
	reply.TPDU, reply.Header = h.dialect.Reply(m)
	for _, n := range m.Fields() {
		if n == h.dialect.MACRule().Field || n == h.roles.code || h.dialect.Class(n, m.MTI) != iso8583.Public {
			continue
		}
		reply.Set(n, m.Text(n))
	}
	// Hosts tell the card number in full; the terminal must cope with that.
	if pan := cardNumber(m); pan != "" && q.money() && h.dialect.Class(2, reply.MTI) == iso8583.Masked {
		reply.Set(2, pan)
	}
	now := h.now()
	put(reply, h.roles.time, now.Format("150405"))
	put(reply, h.roles.date, now.Format("0102"))
	return reply
}

func put(m *iso8583.Message, field int, text string) {
	if field != 0 {
		m.Set(field, text)
	}
}

// answerMTI adds ten, as every version of ISO 8583 does: 0200 is answered by 0210.
func answerMTI(mti string) string {
	n, err := strconv.Atoi(mti)
	if err != nil {
		return mti
	}
	return fmt.Sprintf("%04d", n+10)
}

// fill makes the checks that come before money, in the order in which a host makes them, and then the business.
func (h *Host) fill(reply *iso8583.Message, t *terminal, packed []byte, s *shape, q *request, r Rule) error {
	if code := h.refusal(t, packed, q, r); code != "" {
		put(reply, h.roles.code, code)
		return nil
	}
	switch {
	case q.name == "sign-on":
		return h.signOn(reply, t, s, r)
	case q.name == "echo":
		put(reply, h.roles.code, codeApproved)
		return nil
	case q.money():
		e, err := h.book(q, r)
		if err != nil {
			return err
		}
		h.tell(reply, e)
		return nil
	default:
		put(reply, h.roles.code, codeUnsupported)
		return nil
	}
}

// refusal gives the code of a message that never reaches the business; "" for none.
func (h *Host) refusal(t *terminal, packed []byte, q *request, r Rule) string {
	switch {
	case t == nil:
		return codeTerminal
	case q.merchant != t.Merchant:
		return codeMerchant
	case r.Do == KeyLoss:
		t.keys = nil
		return orElse(r.Code, codeSignOn)
	case !q.money():
		return ""
	case t.keys == nil:
		return codeSignOn
	case h.dialect.MACRule().Field != 0 && h.dialect.CheckMAC(packed, t.keys) != nil:
		return codeSignOn
	case !q.reversal && q.batch != "" && q.batch != t.Batch:
		return codeBatch
	default:
		return ""
	}
}

// tell writes a ledger entry into the answer.
func (h *Host) tell(reply *iso8583.Message, e Entry) {
	put(reply, h.roles.code, e.Code)
	if !e.Approved || e.Kind == KindReversal {
		return
	}
	put(reply, h.roles.amount, fmt.Sprintf("%012d", e.Captured))
	put(reply, h.roles.rrn, e.RRN)
	put(reply, h.roles.approval, e.Auth)
}

// signOn gives the terminal new working keys and its batch number.
func (h *Host) signOn(reply *iso8583.Message, t *terminal, s *shape, r Rule) error {
	if r.Do == Decline {
		put(reply, h.roles.code, r.Code)
		return nil
	}
	rule := h.dialect.MACRule()
	pik, mak := make([]byte, 16), make([]byte, makBytes(rule))
	if err := errors.Join(readKey(h.rand, pik), readKey(h.rand, mak)); err != nil {
		return err
	}
	keys, err := iso8583.NewKeys(h.tmk)
	if err != nil {
		return err
	}
	block, err := iso8583.WrapWorkingKeys(h.tmk, pik, mak, nil)
	if err != nil {
		return err
	}
	if err := keys.LoadWorkingKeys(block); err != nil {
		return err
	}
	t.keys = keys
	put(reply, h.roles.code, codeApproved)
	if h.roles.keys != 0 {
		reply.SetBytes(h.roles.keys, block)
	}
	s.set(reply, "batch", t.Batch)
	return nil
}

func readKey(r io.Reader, key []byte) error {
	if _, err := io.ReadFull(r, key); err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	return nil
}

// makBytes is the length of a MAC key: as the dialect says, else as its algorithm needs.
func makBytes(rule iso8583.MACRule) int {
	switch {
	case rule.KeyBytes != 0:
		return rule.KeyBytes
	case rule.Algorithm == "x9.19" || rule.Algorithm == "cmac":
		return 16
	default:
		return 8
	}
}

// seal packs and signs the answer, with the rule's fault in it. Without keys there is no MAC.
func (h *Host) seal(reply *iso8583.Message, t *terminal, r Rule) ([]byte, error) {
	h.distort(reply, r)
	field := h.dialect.MACRule().Field
	mac := field != 0 && t != nil && t.keys != nil && r.Do != NoMAC && reply.MTI[1] != '8'
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

// distort puts a wrong value into a signed field.
func (h *Host) distort(reply *iso8583.Message, r Rule) {
	if r.Do == WrongAmount {
		put(reply, h.roles.amount, fmt.Sprintf("%012d", r.Value))
	}
	if r.Do == WrongTrace {
		n, _ := strconv.Atoi(reply.Text(h.roles.trace))
		put(reply, h.roles.trace, fmt.Sprintf("%06d", n%999_999+1))
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
	case r.Do == Late && r.Delay == 0 && t != nil:
		t.held = append(t.held, out)
		return act{}
	case r.Do == Late, r.Do == Delay:
		a.wait, a.aside = time.Duration(r.Delay), r.Do == Late
	case r.Do == HalfFrame:
		a.half, a.close = true, true
	case r.Do == Duplicate:
		a.frames = append(a.frames, out)
	}
	if t != nil {
		a.frames = append(t.held, a.frames...)
		t.held = nil
	}
	return a
}
