package main

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"posd/config"
	"posd/daemon/journal"
)

// names fails the test unless an error tells all of what a technician needs: the place and the remedy.
func names(t *testing.T, err error, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q: %v", want, err)
		}
	}
}

func TestAMissingSecretFileIsNamed(t *testing.T) {
	s := newStore(t, plan{})
	if err := os.Remove(s.path("tmk.key")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(s.path("seal.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	err := s.fails()
	var problems config.Problems
	if !errors.As(err, &problems) || len(problems) != 2 {
		t.Fatalf("got %v, want both problems", err)
	}
	names(t, err, "posd.toml:", "acquirer.tmk_file", s.path("tmk.key")+" is missing", "journal.seal_key_file", "chmod 600")
}

func TestAPortInUseIsNamed(t *testing.T) {
	s := newStore(t, plan{})
	taken := listen(t)
	defer taken.Close()
	s.change("127.0.0.1:8320", taken.Addr().String())
	err := run(t.Context(), s.cfg, realWorld(slog.New(slog.DiscardHandler)))
	if err == nil {
		t.Fatal("posd runs")
	}
	names(t, err, "api.listen", taken.Addr().String(), "in use", "another port")
}

func TestASecondPosdOnTheSameJournalIsRefused(t *testing.T) {
	s := openStore(t, plan{})
	err := s.fails()
	var locked *journal.LockedError
	if !errors.As(err, &locked) {
		t.Fatalf("got %v, want a LockedError", err)
	}
	names(t, err, s.path("data/journal.db"), "in use by posd (pid ", "stop that one first")
	s.till.open("S-1", 1999) // the first one works on
	s.want(s.till.payCard("S-1", "a", testCard(1)), "approved")
}

func TestAnAcquirerNumberThatTheDialectHasNoRoomForIsNamed(t *testing.T) {
	s := newStore(t, plan{dialect: copyOf(t, "acquirer/testdata/harbour.toml"), terminal: "HARB000017", merchant: "HARBOUR MERCHANT 1"})
	s.cfg.Acquirer.Terminal += "890"
	names(t, s.fails(), "acquirer.terminal")
}

// A damaged journal must not take the API down with it: who else would say what to do?
func TestADamagedJournalStopsMoneyAndNotTheAPI(t *testing.T) {
	for name, damage := range map[string]func(*store){
		"an event was changed": func(s *store) {
			db, err := sql.Open("sqlite", s.path("data/journal.db"))
			if err != nil {
				s.t.Fatal(err)
			}
			defer db.Close()
			for _, q := range []string{"DROP TRIGGER event_no_update", "UPDATE event SET body = '{}' WHERE seq = 3"} {
				if _, err := db.ExecContext(s.t.Context(), q); err != nil {
					s.t.Fatal(err)
				}
			}
		},
		"a page is lost": func(s *store) {
			f, err := os.OpenFile(s.path("data/journal.db"), os.O_WRONLY, 0)
			if err != nil {
				s.t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteAt(make([]byte, 8192), 4096); err != nil {
				s.t.Fatal(err)
			}
		},
		"it is no journal": func(s *store) { s.write("data/journal.db", strings.Repeat("not a journal\n", 1000)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := openStore(t, plan{})
			s.till.open("S-1", 1999)
			s.want(s.till.payCard("S-1", "a", testCard(1)), "approved")
			s.stop()
			damage(s)
			s.launch()
			status, problems := s.till.health()
			if status != "blocked" || len(problems) == 0 || problems[0].Detail == "" || problems[0].Remedy == "" {
				t.Fatalf("health is %q %+v, want blocked with detail and remedy", status, problems)
			}
			refusal := s.till.pay("S-1", "b", saleBy("card"))
			if refusal.HTTP != http.StatusServiceUnavailable || refusal.Remedy == "" {
				t.Errorf("an attempt is answered with %+v, want 503 and a remedy", refusal)
			}
			refusal = s.till.send(http.MethodPut, "/v1/sales/S-2", map[string]any{"amount": 1, "currency": "CNY"})
			if refusal.HTTP != http.StatusServiceUnavailable || refusal.Remedy == "" {
				t.Errorf("a sale is answered with %+v, want 503 and a remedy", refusal)
			}
			s.holds(1999, 0)
		})
	}
}

// events follows GET /v1/events and gives the lines that come.
func (c *caller) events() <-chan string {
	c.s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.s.cfg.API.Listen+"/v1/events", nil)
	if err != nil {
		c.s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := c.http.Do(req)
	if err != nil {
		c.s.t.Fatal(err)
	}
	lines, done := make(chan string, 100), make(chan struct{})
	go func() {
		defer close(done)
		for in := bufio.NewScanner(resp.Body); in.Scan(); {
			lines <- in.Text()
		}
	}()
	c.s.t.Cleanup(func() {
		cancel()
		<-done
		_ = resp.Body.Close()
	})
	return lines
}

// untilGoods reads events until goods were scanned, and fails the test if one shows what is to be hidden. It counts the
// scans that were refused.
func (s *store) untilGoods(lines <-chan string, hidden ...string) (refused int) {
	s.t.Helper()
	for limit := time.After(longest); ; {
		select {
		case line := <-lines:
			for _, h := range hidden {
				if strings.Contains(line, h) {
					s.t.Error("an event shows what may be a code")
				}
			}
			if strings.Contains(line, "event: refused") {
				refused++
			}
			if strings.Contains(line, goods) {
				return refused
			}
		case <-limit:
			s.t.Fatalf("no event for the goods\n%s", s.log())
		}
	}
}

// goods is what stands on a packet of biscuits.
const goods = "6901234567892"

func TestAScanOfGoodsIsAnEventAndABrokenOneReachesNobody(t *testing.T) {
	s := openStore(t, plan{})
	lines := s.till.events()
	s.till.open("S-1", 1999)
	s.till.begin("S-1", "a", saleBy("wallet"))
	code := s.code("alipay")
	for _, scan := range []string{
		code[:9] + "\x01" + code[10:],   // a control byte in the middle of a code
		strings.Repeat("9", 5<<10),      // far longer than any code
		code[:17],                       // a digit is missing: it may be a wallet code, so it is shown to nobody
		"\x1b\x00\xff" + "\x7f" + "900", // noise on the line
		goods,
	} {
		if err := s.scanner.Emit("", scan); err != nil {
			t.Fatal(err)
		}
	}
	refused := s.untilGoods(lines, code[:9], "99999")
	if refused == 0 {
		t.Error("no event tells the cashier to scan once more")
	}
	if n := len(s.gateway.Ledger()); n != 0 {
		t.Errorf("the gateway has heard of %d payments", n)
	}
	s.till.scan("S-1", "a", code)
	s.want(s.till.pay("S-1", "a", saleBy("wallet")), "approved")
	s.holds(0, 1999)
}

// A shop without wallets scans goods all the same. What looks like a wallet code stays hidden there, too.
func TestAShopWithoutWalletsSeesItsScans(t *testing.T) {
	s := newStore(t, plan{})
	s.change("[wallet.alipay]\nenabled = true", "[wallet.alipay]\nenabled = false")
	s.change("[wallet.wechat]\nenabled = true", "[wallet.wechat]\nenabled = false")
	s.start()
	lines := s.till.events()
	code := s.code("alipay")
	for _, scan := range []string{code, goods} {
		if err := s.scanner.Emit("", scan); err != nil {
			t.Fatal(err)
		}
	}
	s.untilGoods(lines, code)
	s.till.open("S-1", 1999)
	s.refused(s.till.pay("S-1", "a", saleBy("wallet")), http.StatusUnprocessableEntity, "rail_unavailable")
}
