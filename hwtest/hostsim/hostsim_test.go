package hostsim_test

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"posd/hwtest/hostsim"
	"posd/iso8583"
)

func unionpay(t *testing.T) acquirer {
	t.Helper()
	d, err := iso8583.Preset("unionpay")
	if err != nil {
		t.Fatal(err)
	}
	return acquirer{"unionpay", d, hostsim.Terminal{ID: terminalID, Merchant: merchantID}}
}

func newHost(t *testing.T, ledger string, rules ...hostsim.Rule) *hostsim.Host {
	t.Helper()
	return hostFor(t, unionpay(t), hostsim.Options{Ledger: ledger, Rules: rules})
}

func connect(t *testing.T, h *hostsim.Host) *till {
	t.Helper()
	return join(t, h, unionpay(t))
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
	c := tillAt(t, conn, unionpay(t))
	c.want("00", "sign-on", false, iso8583.VarMap{"trace": "000001"})
	cancel()
	if err := <-done; err != nil {
		t.Errorf("serve: %v", err)
	}
	if c.in.Scan() {
		t.Error("the connection outlived the host")
	}
}
