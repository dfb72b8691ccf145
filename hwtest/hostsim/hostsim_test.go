package hostsim_test

import (
	"bufio"
	"bytes"
	"context"
	"maps"
	"net"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"posd/hwtest/hostsim"
	"posd/iso8583"
)

const (
	terminalID = "10000001"
	merchantID = "898000000000001"
	testPAN    = "4111111111111111"
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
}

func unionpay(t *testing.T) *iso8583.Dialect {
	t.Helper()
	d, err := iso8583.Preset("unionpay")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func newHost(t *testing.T, ledger string, rules ...hostsim.Rule) *hostsim.Host {
	t.Helper()
	h, err := hostsim.New(hostsim.Options{
		Dialect: unionpay(t), TMK: testTMK, Ledger: ledger, Rules: rules,
		Terminals: []hostsim.Terminal{{ID: terminalID, Merchant: merchantID}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// connect joins a till to the host by a pipe.
func connect(t *testing.T, h *hostsim.Host) *till {
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
	return newTill(t, here)
}

func newTill(t *testing.T, conn net.Conn) *till {
	t.Helper()
	keys, err := iso8583.NewKeys(testTMK)
	if err != nil {
		t.Fatal(err)
	}
	d := unionpay(t)
	in := bufio.NewScanner(conn)
	in.Split(d.SplitFrame)
	return &till{t: t, dialect: d, keys: keys, conn: conn, in: in, vars: iso8583.VarMap{
		"terminal": terminalID, "merchant": merchantID, "batch": "000001", "currency": "156", "entry": "02",
		"track2": testPAN + "=3012101", "reason": "no_answer",
	}}
}

// ask sends a transaction, or with undo its reversal, and gives code and answer; "" when the connection ends.
func (c *till) ask(name string, undo bool, vars iso8583.VarMap) (string, *iso8583.Message) {
	c.t.Helper()
	all := iso8583.VarMap{}
	for _, from := range []iso8583.VarMap{c.vars, vars} {
		maps.Copy(all, from)
	}
	build := c.dialect.Build
	if undo {
		build = c.dialect.BuildReversal
	}
	m, err := build(name, all)
	if err != nil {
		c.t.Fatal(err)
	}
	c.send(m)
	if !c.in.Scan() {
		return "", nil
	}
	reply, _, err := c.dialect.Unpack(c.in.Bytes())
	if err != nil {
		c.t.Fatal(err)
	}
	if reply.Has(64) && c.keys.Has(iso8583.MAK) && c.dialect.CheckMAC(c.in.Bytes(), c.keys) != nil {
		c.t.Errorf("answer to %s has a wrong MAC", name)
	}
	if block := c.dialect.RoleBytes(reply, "keys"); name == "sign-on" && len(block) > 0 {
		if err := c.keys.LoadWorkingKeys(block); err != nil {
			c.t.Fatal(err)
		}
	}
	return reply.Text(39), reply
}

func (c *till) send(m *iso8583.Message) {
	c.t.Helper()
	packed, err := c.dialect.Pack(nil, m)
	if err != nil {
		c.t.Fatal(err)
	}
	if m.Has(64) && c.keys.Has(iso8583.MAK) {
		if err := c.dialect.Sign(packed, c.keys); err != nil {
			c.t.Fatal(err)
		}
	}
	frame, err := c.dialect.AppendFrame(nil, packed)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.conn.Write(frame); err != nil {
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

func amount(trace, cents string) iso8583.VarMap {
	return iso8583.VarMap{"trace": trace, "amount": cents}
}

const (
	ten  = "000000001000"
	half = "000000000500"
)

func TestHostIsStrict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, "")
		c := connect(t, h)
		c.want("A0", "sale", false, amount("000001", ten)) // not signed on
		c.want("97", "sign-on", false, iso8583.VarMap{"trace": "000002", "terminal": "99999999"})
		c.want("03", "sign-on", false, iso8583.VarMap{"trace": "000003", "merchant": "898000000000009"})
		c.want("00", "sign-on", false, iso8583.VarMap{"trace": "000004"})
		c.want("77", "sale", false, iso8583.VarMap{"trace": "000005", "amount": ten, "batch": "000002"})
		c.want("00", "sale", false, amount("000006", ten))
		c.want("94", "sale", false, amount("000006", half))
		c.want("00", "echo", false, iso8583.VarMap{"trace": "000007"})
		mak := c.keys
		c.keys, _ = iso8583.NewKeys(testTMK)
		c.want("A0", "sale", false, amount("000008", ten)) // not signed
		c.keys = mak
		if got := h.Net(nil); got != 1000 || len(h.Ledger()) != 1 {
			t.Errorf("net %d in %d entries, want 1000 in one", got, len(h.Ledger()))
		}
	})
}

func TestLedgerTellsWhyTheTerminalReversed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, "")
		c := connect(t, h)
		c.want("00", "sign-on", false, iso8583.VarMap{"trace": "000001"})
		c.want("00", "sale", false, amount("000002", ten))
		c.want("00", "sale", true, amount("000002", ten))
		if l := h.Ledger(); len(l) != 2 || l[0].Reason != "" || l[1].Reason != "98" {
			t.Errorf("ledger is %+v, want a sale without a reason and a reversal for 98", l)
		}
	})
}

func TestVoidsRefundsAndReversalsAreMatchedByTheLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, "")
		c := connect(t, h)
		c.want("00", "sign-on", false, iso8583.VarMap{"trace": "000001"})
		c.want("00", "sale", false, amount("000002", ten))
		about := func(trace, cents, original string) iso8583.VarMap {
			return iso8583.VarMap{
				"trace": trace, "amount": cents, "original.trace": original, "original.batch": "000001",
				"track2": "", "pan": testPAN, "expiry": "3012",
			}
		}
		c.want("25", "void", false, about("000003", ten, "000099"))
		c.want("64", "void", false, about("000004", half, "000002"))
		c.want("00", "void", false, about("000005", ten, "000002"))
		c.want("12", "void", false, about("000006", ten, "000002"))
		c.want("64", "void", true, about("000005", half, "000002"))
		c.want("00", "void", true, about("000005", ten, "000002"))
		c.want("25", "void", true, about("000005", ten, "000002"))
		c.want("00", "refund", false, about("000007", half, "000002"))
		c.want("00", "refund", false, about("000007", half, "000002")) // the same again
		c.want("64", "refund", false, about("000008", ten, "000002"))
		c.want("25", "sale", true, amount("000002", ten)) // refunded in part: no longer to be reversed
		c.want("25", "sale", true, amount("000099", ten))
		if got := h.Net(nil); got != 500 {
			t.Errorf("net %d, want 500", got)
		}
		c.want("00", "sale", false, amount("000009", ten))
		c.want("00", "sale", true, amount("000009", ten))
		if got := h.Net(func(e hostsim.Entry) bool { return e.Trace == "000009" }); got != 0 {
			t.Errorf("net of a reversed sale is %d", got)
		}
	})
}

func TestHostRestartedFromItsLedgerKnowsWhatItBooked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "host.jsonl")
	h := newHost(t, path)
	c := connect(t, h)
	c.want("00", "sign-on", false, iso8583.VarMap{"trace": "000001"})
	c.want("00", "sale", false, amount("000002", ten))
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}

	h = newHost(t, path)
	defer func() { _ = h.Close() }()
	c = connect(t, h)
	c.want("00", "sign-on", false, iso8583.VarMap{"trace": "000003"})
	c.want("94", "sale", false, amount("000002", ten))
	c.want("00", "sale", true, amount("000002", ten))
	entries, err := hostsim.ReadLedger(path)
	if err != nil || len(entries) != 2 || !entries[0].Reversed || entries[0].Card != "411111******1111" {
		t.Errorf("ledger is %+v, %v", entries, err)
	}
}

func TestRulesAreChangedAtRunTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, "", hostsim.Rule{Kind: "sale", Amount: 1000, Do: hostsim.Decline, Code: "51"})
		c := connect(t, h)
		c.want("00", "sign-on", false, iso8583.VarMap{"trace": "000001"})
		c.want("51", "sale", false, amount("000002", ten))
		c.want("01", "sale", true, amount("000002", ten)) // nothing to reverse
		if err := h.SetRules(hostsim.Rule{Kind: "sale", Do: hostsim.Delay, Delay: hostsim.Span(5 * time.Second)}); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		c.want("00", "sale", false, amount("000003", ten))
		if took := time.Since(begin); took != 5*time.Second {
			t.Errorf("answered after %v, want 5s", took)
		}
		if err := h.SetRules(hostsim.Rule{Do: "explode"}); err == nil {
			t.Error("a wrong rule was accepted")
		}
	})
}

func TestNoisyConnectionEndsAndTheHostGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, "")
		c := connect(t, h)
		if _, err := c.conn.Write([]byte{0, 5, 1, 2, 3, 4, 5}); err != nil {
			t.Fatal(err)
		}
		if c.in.Scan() {
			t.Error("noise was answered")
		}
		connect(t, h).want("00", "sign-on", false, iso8583.VarMap{"trace": "000001"})
	})
}

func TestServeTakesConnectionsUntilItsContextEnds(t *testing.T) {
	h := newHost(t, "")
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Serve(ctx, ln) }()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := newTill(t, conn)
	c.want("00", "sign-on", false, iso8583.VarMap{"trace": "000001"})
	cancel()
	if err := <-done; err != nil {
		t.Errorf("serve: %v", err)
	}
	if c.in.Scan() {
		t.Error("the connection outlived the host")
	}
}
