package link_test

import (
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/iso8583"
	"posd/iso8583/link"
)

// keepAlive is the unionpay dialect with its own idea of empty frames.
func keepAlive(t *testing.T, what string) *iso8583.Dialect {
	t.Helper()
	text, err := os.ReadFile("../dialects/unionpay.toml")
	if err != nil {
		t.Fatal(err)
	}
	own := strings.Replace(string(text), "[frame]\n", "[frame]\nkeep_alive = \""+what+"\"\n", 1)
	d, err := iso8583.Load("own.toml", []byte(own))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// mustPoll reads one empty frame.
func mustPoll(t *testing.T, c net.Conn) {
	t.Helper()
	b := make([]byte, 2)
	if _, err := io.ReadFull(c, b); err != nil || b[0] != 0 || b[1] != 0 {
		t.Fatalf("got % X, %v, want an empty frame", b, err)
	}
}

func TestQuietConnectionIsPolled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, func(o *link.Options) { o.Poll = 30 * time.Second })
		start := time.Now()
		if err := h.link.Up(t.Context()); err != nil {
			t.Fatal(err)
		}
		c := <-h.ends
		mustPoll(t, c)
		if got := time.Since(start); got != 30*time.Second {
			t.Errorf("polled after %s, want 30s", got)
		}
		time.Sleep(20 * time.Second)
		sale := h.exchange(time.Minute, h.message("0200", "000001"))
		h.take(c)
		h.give(c, h.message("0210", "000001"))
		mustArrive(t, <-sale, h.message("0210", "000001"))
		busy := time.Now()
		mustPoll(t, c)
		if got := time.Since(busy); got != 30*time.Second {
			t.Errorf("polled %s after the last message, want 30s", got)
		}
	})
}

func TestHostThatTakesNoPollLosesTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, func(o *link.Options) { o.Poll = 30 * time.Second })
		if err := h.link.Up(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(41 * time.Second) // and nobody reads
		if s := h.link.Status(); s.Up || !strings.Contains(s.LastError, "takes no empty frame") {
			t.Errorf("got %+v", s)
		}
	})
}

func TestHostsPollIsEchoedIgnoredOrRefusedAsTheDialectSays(t *testing.T) {
	for what, check := range map[string]func(t *testing.T, h *host, c net.Conn){
		"echo": func(t *testing.T, h *host, c net.Conn) {
			for range 100 { // more than wait for their echo: whoever floods gets fewer
				h.give(c, nil)
			}
			mustPoll(t, c)
			for n := 1; n < 100; n++ {
				_ = c.SetReadDeadline(time.Now().Add(time.Second))
				if _, err := io.ReadFull(c, make([]byte, 2)); err != nil {
					if n < 16 {
						t.Errorf("%d echoes, want 16 or more", n)
					}
					return
				}
			}
		},
		"ignore": func(t *testing.T, h *host, c net.Conn) {
			h.give(c, nil)
			_ = c.SetReadDeadline(time.Now().Add(time.Minute))
			if n, err := c.Read(make([]byte, 1)); err == nil {
				t.Errorf("got %d bytes, want nothing", n)
			}
		},
		"refuse": func(t *testing.T, h *host, c net.Conn) {
			h.give(c, nil)
			mustBeClosed(t, c)
		},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := keepAlive(t, what)
				h := newHost(t, func(o *link.Options) { o.Dialect = d })
				h.d = d
				if err := h.link.Up(t.Context()); err != nil {
					t.Fatal(err)
				}
				c := <-h.ends
				check(t, h, c)
				_ = c.SetReadDeadline(time.Time{})
				if what == "refuse" {
					return
				}
				got := h.exchange(time.Minute, h.message("0200", "000001"))
				h.take(c)
				h.give(c, h.message("0210", "000001"))
				mustArrive(t, <-got, h.message("0210", "000001"))
			})
		})
	}
}
