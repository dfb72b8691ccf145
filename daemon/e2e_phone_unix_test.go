//go:build unix

package main

import (
	"context"
	"encoding/pem"
	"net/http/httptest"
	"testing"

	"posd/drivers/port"
	"posd/hwtest/devicesim"
	"posd/hwtest/phone"
	"posd/hwtest/walletsim"
)

// cableScanner connects the scanner by a PTY, as a real one is by USB or RS-232.
func (s *store) cableScanner() {
	s.t.Helper()
	link := s.path("scanner-port")
	cable, err := devicesim.PlugIn(s.scanner, link)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		s.stop()
		_ = cable.Close()
	})
	s.change("kind = \"scanner\"\nport = \"serial://scanner\"", "kind = \"scanner\"\nport = \""+link+"\"")
	s.open = func(ctx context.Context, a port.Address) (port.Conn, error) {
		if a.Path == link {
			return port.Open(ctx, a)
		}
		return s.bench.Open(ctx, a)
	}
}

// customer gives a phone of their own to a customer with 1,000.00, who types the password above 500.00.
func (s *store) customer(name string) *phone.Phone {
	s.t.Helper()
	err := s.gateway.NewAccount(walletsim.AccountOptions{
		Name: name, Password: "pw", PhoneOptions: walletsim.PhoneOptions{Balance: 1000_00, AskAbove: 500_00},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	door := httptest.NewTLSServer(s.gateway.Phones())
	s.t.Cleanup(door.Close)
	p, err := phone.Open(phone.Options{File: s.path(name + ".json")})
	if err != nil {
		s.t.Fatal(err)
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: door.Certificate().Raw})
	if err := p.LogIn(s.t.Context(), phone.Gateway{URL: door.URL, CA: string(ca)}, phone.Login{Account: name, Password: "pw"}); err != nil {
		s.t.Fatal(err)
	}
	return p
}

// payByPhone is a sale of which the till sends no code: the customer shows the phone and posd's own scanner reads it.
func (s *store) payByPhone(sale, rail string, show func() (phone.Code, error)) said {
	s.t.Helper()
	body := saleBy(rail)
	if a := s.till.begin(sale, "a", body); a.Inner != "created" {
		s.t.Fatalf("attempt is %+v, want it to wait for a code", a)
	}
	code, err := show()
	if err != nil {
		s.t.Fatal(err)
	}
	s.till.scan(sale, "a", code.Digits)
	return s.till.pay(sale, "a", body)
}

func (s *store) balance(p *phone.Phone) int64 {
	s.t.Helper()
	a, err := p.Stands(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return a.Balance
}

func TestTheScannerAlonePaysFromAPhone(t *testing.T) {
	s := newStore(t, plan{})
	s.cableScanner()
	s.start()
	ann := s.customer("ann")
	for i, c := range []struct {
		rail string
		show func() (phone.Code, error)
	}{
		{"wallet", func() (phone.Code, error) { return ann.Online(t.Context()) }},
		{"any", func() (phone.Code, error) { return ann.Online(t.Context()) }},
		{"wallet", ann.Offline},
		{"any", ann.Offline},
	} {
		sale := "S-" + string(rune('1'+i))
		s.till.open(sale, 1999+int64(i))
		if a := s.want(s.payByPhone(sale, c.rail, c.show), "approved"); a.Rail != "wallet" || a.Instrument != "alipay" {
			t.Errorf("%s: paid by %s %s", sale, a.Rail, a.Instrument)
		}
	}
	s.slips(4)
	s.holds(0, 4*1999+6)
	if got := s.balance(ann); got != 1000_00-4*1999-6 {
		t.Errorf("the phone says %d", got)
	}
}

func TestTheCustomerTypesThePasswordOnThePhoneAndIsPaid(t *testing.T) {
	s := newStore(t, plan{patience: "2m"})
	s.cableScanner()
	s.start()
	ann := s.customer("ann")
	s.till.open("S-1", 600_00)
	s.till.begin("S-1", "a", saleBy("wallet"))
	code, err := ann.Online(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.till.scan("S-1", "a", code.Digits)
	s.eventually("the phone asks for the password", func() bool {
		a, err := ann.Stands(t.Context())
		return err == nil && len(a.Waiting) == 1 && a.Waiting[0] == 600_00
	})
	if n, err := ann.Confirm(t.Context(), "pw"); n != 1 || err != nil {
		t.Fatalf("confirm: %d, %v", n, err)
	}
	s.want(s.till.pay("S-1", "a", saleBy("wallet")), "approved")
	s.holds(0, 600_00)
}

// A copied seed pays at any till: only the wallet can end that.
func TestAStolenSeedPaysAtTheTillUntilTheWalletRevokesIt(t *testing.T) {
	s := newStore(t, plan{})
	s.cableScanner()
	s.start()
	ann := s.customer("ann")
	if err := ann.Clone(s.path("thief.json")); err != nil {
		t.Fatal(err)
	}
	thief, err := phone.Open(phone.Options{File: s.path("thief.json")})
	if err != nil {
		t.Fatal(err)
	}
	s.till.open("S-1", 1999)
	s.want(s.payByPhone("S-1", "wallet", thief.Offline), "approved")
	s.gateway.Revoke("ann")
	s.till.open("S-2", 2999)
	s.want(s.payByPhone("S-2", "wallet", thief.Offline), "declined")
	s.holds(0, 1999)
}
