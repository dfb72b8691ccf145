package hostsim_test

import (
	"bytes"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"

	"posd/hwtest/hostsim"
	"posd/iso8583"
)

// wrongs are what is done to a good message, and the code and field by which the host refuses it.
var wrongs = []struct {
	name, kind string
	undo       bool
	break_     func(m *iso8583.Message)
	code       string
	field      string
}{
	{"without its currency", "sale", false, unset(49), "30", "49"},
	{"without its condition", "sale", false, unset(25), "30", "25"},
	{"without batch and type", "sale", false, unset(60), "30", "60"},
	{"without a card", "sale", false, unset(35), "30", "2"},
	{"with a field that it does not have", "sale", false, set(24, "003"), "30", "24"},
	{"with another type", "sale", false, set(60, "99000001000500"), "30", "60"},
	{"with too long a type", "sale", false, set(60, "220000010005001"), "30", "60"},
	{"with too short a type", "sale", false, set(60, "220000"), "30", "60"},
	{"with the trace number 000000", "sale", false, set(11, "000000"), "30", "11"},
	{"in another currency", "sale", false, set(49, "840"), "30", "49"},
	{"with no reason that there is", "sale", true, set(39, "55"), "30", "39"},
	{"without a reason", "sale", true, unset(39), "30", "39"},
	{"with the magnetic stripe", "sale", true, set(35, testPAN+"D3012"), "30", "35"},
	{"with another code", "sale", false, set(3, "990000"), "40", ""},
	{"of another type", "sale", false, func(m *iso8583.Message) { m.MTI = "0600" }, "40", ""},
	{"of no amount", "sale", false, set(4, "000000000000"), "12", ""},
	{"without the original's batch", "void", false, set(61, "000001"), "30", "61"},
}

func unset(n int) func(*iso8583.Message) { return func(m *iso8583.Message) { m.Unset(n) } }

func set(n int, text string) func(*iso8583.Message) {
	return func(m *iso8583.Message) { m.Set(n, text) }
}

func TestAWrongFormIsRefusedAndTheFieldIsLogged(t *testing.T) {
	a := unionpay(t)
	for _, w := range wrongs {
		t.Run(w.kind+" "+w.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				h := hostFor(t, a, hostsim.Options{Currency: "156", Log: slog.New(slog.NewTextHandler(&log, nil))})
				c := join(t, h, a)
				c.signOn()
				m := c.build(w.kind, w.undo, iso8583.VarMap{
					"trace": "000077", "amount": ten, "original.trace": "000001", "original.batch": "000001",
					"original.rrn": "000101000001", "original.approval": "123456",
				})
				w.break_(m)
				if code, _ := c.exchange(m); code != w.code || h.Net(nil) != 0 {
					t.Errorf("answered %q, want %q; net %d", code, w.code, h.Net(nil))
				}
				if said := log.String(); w.field != "" && !strings.Contains(said, " field="+w.field+" ") || strings.Contains(said, testPAN[6:]) {
					t.Errorf("the log does not name field %s, or tells a card number:\n%s", w.field, said)
				}
			})
		})
	}
}

func TestNetworkOfAMessageIsThatOfItsTPDU(t *testing.T) {
	plain, err := iso8583.Preset("iso87-bcd")
	if err != nil {
		t.Fatal(err)
	}
	a := acquirer{"iso87-bcd", plain, hostsim.Terminal{ID: terminalID, Merchant: merchantID}}
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		h := hostFor(t, a, hostsim.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		other := a
		if other.dialect, err = plain.Addressed("6000070000", ""); err != nil {
			t.Fatal(err)
		}
		c := join(t, h, other)
		c.signOn()
		m := c.build("echo", false, iso8583.VarMap{"trace": "000076"})
		if code, _ := c.exchange(m); code != "00" || m.Text(24) != "007" {
			t.Errorf("network %s: answered %q", m.Text(24), code)
		}
		m = c.build("echo", false, iso8583.VarMap{"trace": "000077", "nii": "003"})
		if code, _ := c.exchange(m); code != "30" || !strings.Contains(log.String(), " field=24 ") {
			t.Errorf("the network of another TPDU: answered %q\n%s", code, log.String())
		}
	})
}

func TestAPartOfAFieldIsMissed(t *testing.T) {
	a := pier(t)
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		h := hostFor(t, a, hostsim.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		c := join(t, h, a)
		c.signOn()
		for _, w := range []struct{ path, value, says string }{
			{"127", "", "field=127.3 fault=\"is missing\""}, {"127.7", "621234567890123456", "field=127.7 fault=\"is not part of a sale\""},
		} {
			m := c.build("sale", false, amount("000077", ten))
			if w.value == "" {
				m.Unset(127)
			} else if err := a.dialect.SetPart(m, w.path, w.value); err != nil {
				t.Fatal(err)
			}
			if code, _ := c.exchange(m); code != "904" || !strings.Contains(log.String(), w.says) {
				t.Errorf("answered %q, want 904 and %s in\n%s", code, w.says, log.String())
			}
		}
	})
}

func TestBytesBehindTheLastFieldAreRefused(t *testing.T) {
	a := unionpay(t)
	synctest.Test(t, func(t *testing.T) {
		c := join(t, hostFor(t, a, hostsim.Options{}), a)
		c.signOn()
		frame := c.frame(c.build("sale", false, amount("000077", ten)))
		longer, err := a.dialect.AppendFrame(nil, append(frame[2:], 0))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.conn.Write(longer); err != nil {
			t.Fatal(err)
		}
		reply, err := c.unpack(c.next())
		if err != nil || reply.Text(39) != "30" {
			t.Errorf("answered %v, %v; want 30", reply, err)
		}
	})
}

func TestASignOffEndsTheKeys(t *testing.T) {
	for _, a := range acquirers(t) {
		if !knows(a, []string{"sign-on", "sign-off"}) {
			continue
		}
		t.Run(a.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := hostFor(t, a, hostsim.Options{})
				c := join(t, h, a)
				c.signOn()
				c.trace++
				c.ask("sign-off", false, iso8583.VarMap{"trace": c.number()})
				if p := c.pay("sale", 700, nil); p.approved || h.Net(nil) != 0 {
					t.Errorf("a sale after it is answered %q", p.code)
				}
				c.signOn()
				if p := c.pay("sale", 700, nil); !p.approved {
					t.Errorf("a sale after the next sign-on is answered %q", p.code)
				}
				var kinds strings.Builder
				for _, e := range h.Messages() {
					kinds.WriteString(e.Kind + " ")
				}
				if kinds.String() != "sign-on sign-off sign-on sale " {
					t.Errorf("messages are %s", kinds.String())
				}
			})
		})
	}
}

func TestWorkingKeysComeInEveryBlock(t *testing.T) {
	a := unionpay(t)
	for _, size := range []int{0, 24, 40, 60, 84} {
		synctest.Test(t, func(t *testing.T) {
			c := join(t, hostFor(t, a, hostsim.Options{KeyBlock: size}), a)
			c.trace++
			_, reply := c.ask("sign-on", false, iso8583.VarMap{"trace": c.number()})
			if got := len(a.dialect.RoleBytes(reply, "keys")); got != size && size != 0 || got == 0 {
				t.Errorf("a block of %d bytes, want %d", got, size)
			}
			if p := c.pay("sale", 700, nil); !p.approved || !c.keys.Has(iso8583.PIK) || c.keys.Has(iso8583.TDK) != (size > 40) {
				t.Errorf("block of %d: a sale is answered %q; keys %v", size, p.code, c.keys)
			}
		})
	}
}

func TestVoidsAndReversalsOfAnotherDayAreRefusedWhereTheHostDoesSo(t *testing.T) {
	a := unionpay(t)
	for sameDay, want := range map[bool]string{true: "25", false: "00"} {
		synctest.Test(t, func(t *testing.T) {
			h := hostFor(t, a, hostsim.Options{SameDay: sameDay})
			c := join(t, h, a)
			c.signOn()
			first, second := c.pay("sale", 700, nil), c.pay("sale", 800, nil)
			h.SetAhead(24 * 3600e9)
			if code := c.reverse(first); code != want {
				t.Errorf("same day %t: the reversal is answered %q, want %q", sameDay, code, want)
			}
			if p := c.pay("void", 800, &second); p.code != want {
				t.Errorf("same day %t: the void is answered %q, want %q", sameDay, p.code, want)
			}
		})
	}
}

func TestRequestsAreReadInAnyChunks(t *testing.T) {
	for _, a := range acquirers(t) {
		t.Run(a.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := hostFor(t, a, hostsim.Options{})
				c := join(t, h, a)
				c.signOn()
				var stream []byte
				for i := range 5 {
					stream = append(stream, c.frame(c.build("sale", false, amount("00010"+string(rune('0'+i)), ten)))...)
				}
				go writeInChunks(c, stream, rand.New(rand.NewPCG(3, 4)))
				for i := range 5 {
					reply, err := c.unpack(c.next())
					if err != nil || a.dialect.Role(reply, "trace") != "00010"+string(rune('0'+i)) {
						t.Errorf("answer %d is %v, %v", i, reply, err)
					}
				}
				if got := h.Net(nil); got != 5000 {
					t.Errorf("net %d, want 5000", got)
				}
			})
		})
	}
}

func writeInChunks(c *till, stream []byte, rng *rand.Rand) {
	for len(stream) > 0 {
		n := min(1+rng.IntN(60), len(stream))
		if _, err := c.conn.Write(stream[:n]); err != nil {
			c.t.Error(err)
			return
		}
		stream = stream[n:]
	}
}
