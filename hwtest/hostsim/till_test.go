package hostsim_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"testing"
	"time"

	"posd/hwtest/hostsim"
	"posd/iso8583"
)

const (
	terminalID = "10000001"
	merchantID = "898000000000001"
	testPAN    = "4111111111111111"
	testCode   = "621234567890123456"
)

var testTMK = bytes.Repeat([]byte{0x3E, 0x51}, 8)

// till is a terminal of a few lines, which can also be wrong on purpose.
type till struct {
	t       *testing.T
	dialect *iso8583.Dialect
	keys    *iso8583.Keys
	conn    net.Conn
	in      *bufio.Scanner
	vars    iso8583.VarMap
	trace   int
}

// hostFor makes a host for an acquirer's terminal.
func hostFor(t *testing.T, a acquirer, o hostsim.Options) *hostsim.Host {
	t.Helper()
	o.Dialect, o.TMK, o.Terminals = a.dialect, testTMK, []hostsim.Terminal{a.terminal}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	h, err := hostsim.New(o)
	if err != nil {
		t.Fatalf("%s: %v", a.name, err)
	}
	return h
}

// join joins a till to the host by a pipe.
func join(t *testing.T, h *hostsim.Host, a acquirer) *till {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	here, there := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.ServeConn(ctx, there)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return tillAt(t, here, a)
}

func tillAt(t *testing.T, conn net.Conn, a acquirer) *till {
	t.Helper()
	keys, err := iso8583.NewKeys(testTMK)
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(conn)
	in.Split(a.dialect.SplitFrame)
	return &till{t: t, dialect: a.dialect, keys: keys, conn: conn, in: in, vars: iso8583.VarMap{
		"terminal": a.terminal.ID, "merchant": a.terminal.Merchant, "batch": "000001", "currency": "156", "entry": "02",
		"track2": testPAN + "=3012101", "pan": testPAN, "expiry": "3012", "code": testCode, "order": "A1",
		"reason": "no_answer", "time": time.Now().Format("150405"), "date": time.Now().Format("0102"),
	}}
}

// build makes a transaction, or with undo its reversal.
func (c *till) build(name string, undo bool, vars iso8583.VarMap) *iso8583.Message {
	c.t.Helper()
	all := maps.Clone(c.vars)
	maps.Copy(all, vars)
	build := c.dialect.Build
	if undo {
		build = c.dialect.BuildReversal
	}
	m, err := build(name, all)
	if err != nil {
		c.t.Fatalf("build %s (reversal %t): %v", name, undo, err)
	}
	return m
}

// ask sends a transaction, or with undo its reversal, and gives code and answer; "" when the connection ends.
func (c *till) ask(name string, undo bool, vars iso8583.VarMap) (string, *iso8583.Message) {
	c.t.Helper()
	code, reply := c.exchange(c.build(name, undo, vars))
	if block := c.dialect.RoleBytes(orNone(reply), "keys"); name == hostsim.KindSignOn && len(block) > 0 {
		if err := c.keys.LoadWorkingKeys(block); err != nil {
			c.t.Fatal(err)
		}
	}
	if batch := c.dialect.Role(orNone(reply), "batch"); name == hostsim.KindSignOn && batch != "" {
		c.vars["batch"] = batch
	}
	return code, reply
}

func orNone(m *iso8583.Message) *iso8583.Message {
	if m == nil {
		return &iso8583.Message{}
	}
	return m
}

// exchange sends a message and reads one answer.
func (c *till) exchange(m *iso8583.Message) (string, *iso8583.Message) {
	c.t.Helper()
	c.send(m)
	packed := c.next()
	if packed == nil {
		return "", nil
	}
	reply, err := c.unpack(packed)
	if err != nil {
		c.t.Error(err)
	}
	return c.dialect.Role(orNone(reply), "code"), reply
}

// next reads one frame that is no keep-alive; nil when the connection ends.
func (c *till) next() []byte {
	for c.in.Scan() {
		if len(c.in.Bytes()) > 0 {
			return slices.Clone(c.in.Bytes())
		}
	}
	return nil
}

// unpack reads an answer and checks its MAC.
func (c *till) unpack(packed []byte) (*iso8583.Message, error) {
	reply, trailing, err := c.dialect.Unpack(packed)
	if err != nil || trailing > 0 {
		return nil, fmt.Errorf("answer with %d more bytes: %w", trailing, err)
	}
	if err := c.dialect.CheckMAC(packed, c.keys); c.keys.Has(iso8583.MAK) && err != nil && !errors.Is(err, iso8583.ErrNoMAC) {
		return reply, fmt.Errorf("answer: %w", err)
	}
	return reply, nil
}

// frame packs and signs a message and puts its length before it.
func (c *till) frame(m *iso8583.Message) []byte {
	c.t.Helper()
	packed, err := c.dialect.Pack(nil, m)
	if err != nil {
		c.t.Fatal(err)
	}
	if mac := c.dialect.MACRule().Field; mac != 0 && m.Has(mac) && c.keys.Has(iso8583.MAK) {
		if err := c.dialect.Sign(packed, c.keys); err != nil {
			c.t.Fatal(err)
		}
	}
	frame, err := c.dialect.AppendFrame(nil, packed)
	if err != nil {
		c.t.Fatal(err)
	}
	return frame
}

func (c *till) send(m *iso8583.Message) {
	c.t.Helper()
	if _, err := c.conn.Write(c.frame(m)); err != nil {
		c.t.Fatal(err)
	}
}

// want asks and compares the code.
func (c *till) want(code, name string, undo bool, vars iso8583.VarMap) *iso8583.Message {
	c.t.Helper()
	got, reply := c.ask(name, undo, vars)
	if got != code {
		c.t.Errorf("%s (reversal %t) %v: answered %q, want %q", name, undo, vars, got, code)
	}
	return reply
}

// signOn signs on under a number of its own.
func (c *till) signOn() {
	c.t.Helper()
	c.trace++
	code, _ := c.ask(hostsim.KindSignOn, false, iso8583.VarMap{"trace": c.number()})
	if c.dialect.Action(code).Action != iso8583.ActionApprove {
		c.t.Fatalf("sign-on is answered %q", code)
	}
}

func (c *till) number() string { return fmt.Sprintf("%06d", c.trace) }

func amount(trace, cents string) iso8583.VarMap {
	return iso8583.VarMap{"trace": trace, "amount": cents}
}
