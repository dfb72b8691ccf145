package hostsim_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"posd/hwtest/hostsim"
	"posd/iso8583"
)

// wire is what has come over a connection, write by write.
type wire struct {
	mu    sync.Mutex
	reads [][]byte
	ended bool
}

// watch reads everything that comes, until the connection ends.
func watch(c *till) *wire {
	w := &wire{}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := c.conn.Read(buf)
			w.mu.Lock()
			if n > 0 {
				w.reads = append(w.reads, bytes.Clone(buf[:n]))
			}
			w.ended = err != nil
			w.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return w
}

// seen waits for d and gives what has come by then.
func (w *wire) seen(d time.Duration) (reads [][]byte, ended bool) {
	time.Sleep(d)
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.reads), w.ended
}

// faulty signs on, then puts the rule in force and sends a sale.
func faulty(t *testing.T, a acquirer, r hostsim.Rule) (*hostsim.Host, *till, *wire) {
	t.Helper()
	h := hostFor(t, a, hostsim.Options{})
	c := join(t, h, a)
	c.signOn()
	if err := h.SetRules(r); err != nil {
		t.Fatal(err)
	}
	w := watch(c)
	c.send(c.build("sale", false, amount("000077", ten)))
	return h, c, w
}

// frames cuts what has come into payloads; rest is what is no whole frame.
func frames(t *testing.T, d *iso8583.Dialect, stream []byte) (list [][]byte, rest []byte) {
	t.Helper()
	for {
		n, payload, err := d.SplitFrame(stream, false)
		if err != nil || n == 0 {
			return list, stream
		}
		list, stream = append(list, payload), stream[n:]
	}
}

func TestFaultsAsSeenOnTheWire(t *testing.T) {
	for _, a := range []acquirer{unionpay(t), pier(t)} {
		for _, f := range []struct {
			rule    hostsim.Rule
			net     int64 // what is booked
			answers int   // whole frames with a message
			polls   int
			rest    bool // and a piece of one
			ended   bool
		}{
			{hostsim.Rule{Do: hostsim.Silent}, 0, 0, 0, false, false},
			{hostsim.Rule{Do: hostsim.CommitSilent}, 1000, 0, 0, false, false},
			{hostsim.Rule{Do: hostsim.Close}, 0, 0, 0, false, true},
			{hostsim.Rule{Do: hostsim.CommitClose}, 1000, 0, 0, false, true},
			{hostsim.Rule{Do: hostsim.HalfFrame}, 1000, 0, 0, true, true},
			{hostsim.Rule{Do: hostsim.Cut}, 1000, 0, 0, true, false},
			{hostsim.Rule{Do: hostsim.Duplicate}, 1000, 2, 0, false, false},
			{hostsim.Rule{Do: hostsim.Glued}, 1000, 2, 0, false, false},
			{hostsim.Rule{Do: hostsim.Slow}, 1000, 1, 0, false, false},
			{hostsim.Rule{Do: hostsim.Poll}, 1000, 1, 1, false, false},
			{hostsim.Rule{Do: hostsim.Garbage}, 1000, 1, 0, false, false},
			{hostsim.Rule{Do: hostsim.Forget}, 0, 1, 0, false, false},
		} {
			t.Run(a.name+"/"+string(f.rule.Do), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h, _, w := faulty(t, a, f.rule)
					reads, ended := w.seen(time.Minute)
					all, rest := frames(t, a.dialect, bytes.Join(reads, nil))
					polls := len(slices.DeleteFunc(slices.Clone(all), func(p []byte) bool { return len(p) > 0 }))
					if h.Net(nil) != f.net || len(all)-polls != f.answers || polls != f.polls || len(rest) > 0 != f.rest || ended != f.ended {
						t.Errorf("net %d, %d frames of which %d polls, %d bytes left, ended %t", h.Net(nil), len(all), polls, len(rest), ended)
					}
					if f.rule.Do == hostsim.Glued && len(reads) != 1 || f.rule.Do == hostsim.Slow && len(reads) < 20 || f.rule.Do == hostsim.Duplicate && len(reads) != 2 {
						t.Errorf("it came in %d writes", len(reads))
					}
					for _, p := range all {
						if _, _, err := a.dialect.Unpack(p); len(p) > 0 && (err != nil) != (f.rule.Do == hostsim.Garbage) {
							t.Errorf("frame: %v", err)
						}
					}
				})
			})
		}
	}
}

func TestFaultsInTheAnswer(t *testing.T) {
	a := unionpay(t)
	for _, f := range []struct {
		rule hostsim.Rule
		ok   func(reply *iso8583.Message, mac error, asks string) bool
		next string // code of the sale after it
	}{
		{hostsim.Rule{Do: hostsim.BadMAC}, func(_ *iso8583.Message, mac error, _ string) bool { return errors.Is(mac, iso8583.ErrBadMAC) }, "00"},
		{hostsim.Rule{Do: hostsim.NoMAC}, func(_ *iso8583.Message, mac error, _ string) bool { return errors.Is(mac, iso8583.ErrNoMAC) }, "00"},
		{hostsim.Rule{Do: hostsim.WrongTrace}, func(m *iso8583.Message, mac error, _ string) bool { return mac == nil && m.Text(11) == "000078" }, "00"},
		{hostsim.Rule{Do: hostsim.WrongAmount, Value: 9}, func(m *iso8583.Message, mac error, _ string) bool {
			return mac == nil && m.Text(4) == "000000000009"
		}, "00"},
		{hostsim.Rule{Do: hostsim.Ask, Code: "2"}, func(m *iso8583.Message, mac error, asks string) bool {
			return mac == nil && m.Text(39) == "00" && asks == "upload status"
		}, "00"},
		{hostsim.Rule{Do: hostsim.KeyChange}, func(m *iso8583.Message, mac error, asks string) bool {
			return mac == nil && m.Text(39) == "00" && asks == "sign on again"
		}, "A0"},
		{hostsim.Rule{Do: hostsim.KeyLoss, Code: "99"}, func(m *iso8583.Message, _ error, _ string) bool { return m.Text(39) == "99" }, "A0"},
		{hostsim.Rule{Do: hostsim.BatchMismatch}, func(m *iso8583.Message, mac error, _ string) bool { return mac == nil && m.Text(39) == "77" }, "77"},
		{hostsim.Rule{Do: hostsim.Decline, Code: "51"}, func(m *iso8583.Message, mac error, _ string) bool { return mac == nil && m.Text(39) == "51" }, "00"},
		{hostsim.Rule{Do: hostsim.Partial, Value: 400}, func(m *iso8583.Message, mac error, _ string) bool {
			return mac == nil && m.Text(39) == "10" && m.Text(4) == "000000000400"
		}, "00"},
	} {
		t.Run(string(f.rule.Do), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f.rule.Times = 1
				_, c, w := faulty(t, a, f.rule)
				reads, _ := w.seen(time.Second)
				list, _ := frames(t, a.dialect, bytes.Join(reads, nil))
				reply, _, err := a.dialect.Unpack(list[0])
				if err != nil {
					t.Fatal(err)
				}
				asks, _ := a.dialect.HeaderRequest(reply)
				if mac := a.dialect.CheckMAC(list[0], c.keys); !f.ok(reply, mac, asks) {
					t.Errorf("code %s, trace %s, amount %s, MAC %v, header asks %q", reply.Text(39), reply.Text(11), reply.Text(4), mac, asks)
				}
				c.send(c.build("sale", false, amount("000079", ten)))
				reads, _ = w.seen(time.Second)
				list, _ = frames(t, a.dialect, bytes.Join(reads, nil))
				if reply, _, err = a.dialect.Unpack(list[1]); err != nil || reply.Text(39) != f.next {
					t.Errorf("the next sale is answered %s, %v, want %s", reply.Text(39), err, f.next)
				}
			})
		})
	}
}

func TestLateAnswersAreOvertaken(t *testing.T) {
	a := unionpay(t)
	for do, delay := range map[hostsim.Action]time.Duration{hostsim.Late: 30 * time.Second, hostsim.Held: 30 * time.Second} {
		t.Run(string(do), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, c, w := faulty(t, a, hostsim.Rule{Kind: "sale", Do: do, Delay: hostsim.Span(delay)})
				c.send(c.build("echo", false, iso8583.VarMap{"trace": "000078"}))
				reads, _ := w.seen(time.Second)
				if booked := h.Net(nil) == 1000; len(reads) != 1 || booked != (do == hostsim.Late) {
					t.Errorf("after a second: %d answers, net %d", len(reads), h.Net(nil))
				}
				reads, _ = w.seen(delay)
				list, _ := frames(t, a.dialect, bytes.Join(reads, nil))
				if last, _, err := a.dialect.Unpack(list[len(list)-1]); len(list) != 2 || err != nil || last.Text(11) != "000077" || h.Net(nil) != 1000 {
					t.Errorf("%d answers, the last %v, %v; net %d", len(list), last, err, h.Net(nil))
				}
			})
		})
	}
}

func TestAKeptAnswerComesJustBeforeTheNext(t *testing.T) {
	a := unionpay(t)
	synctest.Test(t, func(t *testing.T) {
		_, c, w := faulty(t, a, hostsim.Rule{Kind: "sale", Do: hostsim.Late})
		if reads, _ := w.seen(time.Minute); len(reads) != 0 {
			t.Errorf("%d answers", len(reads))
		}
		c.send(c.build("sale", true, amount("000077", ten)))
		reads, _ := w.seen(time.Second)
		list, _ := frames(t, a.dialect, bytes.Join(reads, nil))
		var types []string
		for _, p := range list {
			m, _, err := a.dialect.Unpack(p)
			if err != nil {
				t.Fatal(err)
			}
			types = append(types, m.MTI)
		}
		if !slices.Equal(types, []string{"0210", "0410"}) {
			t.Errorf("answers are %v, want the sale's before the reversal's", types)
		}
	})
}

func TestKeepAliveFramesGoBothWays(t *testing.T) {
	a := pier(t)
	synctest.Test(t, func(t *testing.T) {
		h := hostFor(t, a, hostsim.Options{KeepAlive: 30 * time.Second})
		c := join(t, h, a)
		w := watch(c)
		empty, err := a.dialect.AppendFrame(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if reads, _ := w.seen(95 * time.Second); !bytes.Equal(bytes.Join(reads, nil), bytes.Repeat(empty, 3)) {
			t.Errorf("in 95 s came % x, want 3 empty frames", reads)
		}
		if _, err := c.conn.Write(empty); err != nil {
			t.Fatal(err)
		}
		if reads, _ := w.seen(time.Second); len(bytes.Join(reads, nil)) != 4*len(empty) {
			t.Error("an empty frame is not echoed")
		}
	})
}

func TestResetReachesTheTerminalAsOne(t *testing.T) {
	a := unionpay(t)
	h := hostFor(t, a, hostsim.Options{Rules: []hostsim.Rule{{Kind: "sale", Do: hostsim.Reset}}})
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
	c := tillAt(t, conn, a)
	c.signOn()
	c.send(c.build("sale", false, amount("000077", ten)))
	if half, err := io.ReadAll(conn); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%d bytes, then %v; want a reset", len(half), err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestASettlementIsUnbalancedOnDemandAndTheBatchClosesAfterTheUpload(t *testing.T) {
	a := unionpay(t)
	synctest.Test(t, func(t *testing.T) {
		h, b := newDay(t, a, 5, hostsim.Options{Rules: []hostsim.Rule{{Kind: "settlement", Times: 1, Do: hostsim.Unbalanced}}})
		b.play(40)
		list := b.counted()
		if yes, no := b.settle(b.totals(list)); yes || !no {
			t.Fatalf("balanced %t, unbalanced %t", yes, no)
		}
		b.upload(list, len(list), b.totals(list))
		if batch := h.Batches()[0]; !batch.Healed() || h.Terminals()[0].Batch != "000002" || len(b.bad) > 0 {
			t.Errorf("%v; %+v", b.bad, batch)
		}
		if p := b.c.pay("sale", 100, nil); p.code != "77" {
			t.Errorf("a sale in the old batch is answered %q, want 77", p.code)
		}
		b.c.signOn()
		if p := b.c.pay("sale", 100, nil); !p.approved || h.Ledger()[len(h.Ledger())-1].Batch != "000002" {
			t.Errorf("a sale in the next batch is answered %q", p.code)
		}
	})
}
