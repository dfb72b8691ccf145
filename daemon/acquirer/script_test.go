package acquirer_test

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/iso8583"
)

// script is a host that does what a test says: it approves everything, signs what was signed, and lets the test see and
// bend each exchange. It keeps no ledger; hostsim does.
type script struct {
	t    *testing.T
	s    setup
	keys *iso8583.Keys // of the terminal; nil before its sign-on

	mu    sync.Mutex
	seen  []map[int]string // guarded by mu; every request's fields, 0 is its MTI
	reply answerer         // guarded by mu
	sets  int              // guarded by mu; how many sets of keys were handed out
}

// answerer bends the answer to a request; packed answers it in another way, and nothing at all when it is empty.
type answerer func(req, reply *iso8583.Message) (packed func([]byte) []byte)

// silent is for answers that never come.
func silent([]byte) []byte { return nil }

// forged is for answers that somebody has changed on the way.
func forged(b []byte) []byte {
	b[len(b)-1] ^= 1
	return b
}

// startScript makes a bench whose host is a script.
func startScript(t *testing.T, s setup) (*bench, *script) {
	t.Helper()
	h := &script{t: t, s: s}
	b := join(t, s)
	b.serving = h.serve
	return b, h
}

// scripted runs a test against a script in a bubble, under every dialect.
func scripted(t *testing.T, test func(t *testing.T, b *bench, h *script)) {
	each(t, func(t *testing.T, s setup) {
		synctest.Test(t, func(t *testing.T) {
			b, h := startScript(t, s)
			test(t, b, h)
		})
	})
}

// answers replaces what the host says.
func (h *script) answers(a answerer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reply = a
}

// requests gives the messages of a type that came, oldest first.
func (h *script) requests(mti string) (list []map[int]string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.seen {
		if m[0] == mti {
			list = append(list, m)
		}
	}
	return list
}

// last gives the newest message of a type.
func (h *script) last(t *testing.T, mti string) map[int]string {
	t.Helper()
	list := h.requests(mti)
	if len(list) == 0 {
		t.Fatalf("no %s came", mti)
	}
	return list[len(list)-1]
}

func (h *script) serve(_ context.Context, nc net.Conn) {
	defer func() { _ = nc.Close() }()
	in := bufio.NewScanner(nc)
	in.Split(h.s.dialect.SplitFrame)
	for in.Scan() {
		out := h.handle(bytes.Clone(in.Bytes()))
		if len(out) == 0 {
			continue
		}
		frame, err := h.s.dialect.AppendFrame(nil, out)
		if err != nil {
			h.t.Errorf("frame an answer: %v", err)
		}
		if _, err := nc.Write(frame); err != nil {
			return
		}
	}
}

// handle answers one message.
func (h *script) handle(packed []byte) []byte {
	d := h.s.dialect
	req, _, err := d.Unpack(packed)
	if err != nil {
		h.t.Errorf("the host cannot read a message: %v", err)
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.note(req)
	mac := d.MACRule().Field
	if req.Has(mac) && d.CheckMAC(packed, h.keys) != nil {
		h.t.Errorf("the MAC of a %s is wrong", req.MTI)
	}
	reply := h.approval(req)
	bend := func(b []byte) []byte { return b }
	if h.reply != nil {
		if f := h.reply(req, reply); f != nil {
			bend = f
		}
	}
	if req.Has(mac) {
		reply.SetBytes(mac, make([]byte, 8))
	}
	out, err := d.Pack(nil, reply)
	if err == nil && req.Has(mac) {
		err = d.Sign(out, h.keys)
	}
	if err != nil {
		h.t.Errorf("answer a %s: %v", req.MTI, err)
	}
	return bend(out)
}

func (h *script) note(m *iso8583.Message) {
	fields := map[int]string{0: m.MTI}
	for _, n := range m.Fields() {
		fields[n] = m.Text(n)
	}
	h.seen = append(h.seen, fields)
}

// approval repeats what hosts repeat of a request, and says yes.
func (h *script) approval(req *iso8583.Message) *iso8583.Message {
	d := h.s.dialect
	n, _ := strconv.Atoi(req.MTI)
	reply := &iso8583.Message{MTI: "0" + strconv.Itoa(n+10)}
	reply.TPDU, reply.Header = d.Reply(req)
	for _, f := range req.Fields() {
		if f != d.MACRule().Field && d.Class(f, req.MTI) == iso8583.Public {
			reply.Set(f, req.Text(f))
		}
	}
	now := time.Now()
	for role, value := range map[string]string{"code": "00", "time": now.Format("150405"), "date": now.Format("0102")} {
		reply.Set(d.RoleField(role), value)
	}
	if req.MTI[1] != '8' {
		reply.Set(d.RoleField("rrn"), "REF"+d.Role(req, "trace")+"000")
		reply.Set(d.RoleField("approval"), "A"+d.Role(req, "trace")[1:])
	}
	switch req.MTI {
	case "0800":
		h.deliverKeys(reply)
	case "0500":
		h.s.balance(req, reply)
	}
	return reply
}

// deliverKeys gives the terminal its working keys.
func (h *script) deliverKeys(reply *iso8583.Message) {
	size := 8
	if h.s.dialect.MACRule().Algorithm == iso8583.X919 {
		size = 16
	}
	block, err := iso8583.WrapWorkingKeys(testTMK, bytes.Repeat([]byte{0x1C}, 16), bytes.Repeat([]byte{0x2A}, size), nil)
	if err == nil {
		h.keys, err = iso8583.NewKeys(testTMK)
	}
	if err == nil {
		err = h.keys.LoadWorkingKeys(block)
	}
	if err != nil {
		h.t.Errorf("make working keys: %v", err)
	}
	reply.SetBytes(h.s.dialect.RoleField("keys"), block)
	h.sets++
}
