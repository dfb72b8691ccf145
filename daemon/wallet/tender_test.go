package wallet_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/payment"
	"posd/daemon/wallet"
	"posd/drivers/port"
	"posd/drivers/scanner"
	"posd/hwtest/walletsim"
)

// each runs a test for both wallets, each in a bubble of its own.
func each(t *testing.T, test func(s *shop)) {
	for _, name := range everyKind {
		t.Run(name, func(t *testing.T) {
			keys()
			synctest.Test(t, func(t *testing.T) {
				s := newShop(t, name)
				defer s.close()
				test(s)
			})
		})
	}
}

func TestASaleIsPaid(t *testing.T) {
	each(t, func(s *shop) {
		a, in := s.sale(1999)
		ans := s.authorize(a, in)
		if ans.Outcome != payment.Approved || ans.Amount != 1999 || ans.Host.Reference == "" || ans.Host.Wallet != s.name {
			s.t.Errorf("answer %+v", ans)
		}
		if ask := s.ask(a); ask.Outcome != payment.Approved {
			s.t.Errorf("query %+v", ask)
		}
		if s.net(a) != 1999 {
			s.t.Errorf("net %d", s.net(a))
		}
	})
}

func TestAnOfflineCodeIsPaid(t *testing.T) {
	each(t, func(s *shop) {
		code, err := s.phone.Offline()
		if err != nil {
			s.t.Fatal(err)
		}
		a, in := s.saleWith(1999, code+"\r\n")
		if ans := s.authorize(a, in); ans.Outcome != payment.Approved {
			s.t.Errorf("answer %+v", ans)
		}
	})
}

func TestAUsedOrDeadCodeIsDeclined(t *testing.T) {
	each(t, func(s *shop) {
		code, err := s.phone.Online()
		if err != nil {
			s.t.Fatal(err)
		}
		s.g.SetClock(61 * time.Second)
		a, in := s.saleWith(500, code)
		ans := s.authorize(a, in)
		if ans.Outcome != payment.Declined || !strings.Contains(ans.Code, "AUTH_CODE_INVALID") || ans.Text == "" {
			s.t.Errorf("answer %+v", ans)
		}
	})
}

func TestTheCustomerTypesThePassword(t *testing.T) {
	each(t, func(s *shop) {
		s.rules(walletsim.Rule{Call: walletsim.CallPay, Fault: walletsim.UserPaying, Waits: 2})
		a, in := s.sale(1999)
		ans := s.authorize(a, in)
		for range 2 {
			if ans.Outcome != payment.Pending || ans.After <= 0 {
				s.t.Fatalf("answer %+v, want pending", ans)
			}
			time.Sleep(ans.After)
			ans = s.ask(a)
		}
		time.Sleep(ans.After)
		if ans = s.ask(a); ans.Outcome != payment.Approved || s.net(a) != 1999 {
			s.t.Errorf("answer %+v, net %d", ans, s.net(a))
		}
	})
}

func TestRefundAndVoidAreRepeatedWithoutHarm(t *testing.T) {
	each(t, func(s *shop) {
		first, in := s.sale(2000)
		s.authorize(first, in)
		for kind, amount := range map[payment.Kind]payment.Cents{payment.KindRefund: 500, payment.KindVoid: 1500} {
			r := payment.Request{Kind: kind, Amount: amount, Currency: "CNY", Original: &first}
			if in, err := s.w.Collect(s.t.Context(), r); in != nil || err != nil {
				s.t.Fatalf("collect %v, %v", in, err)
			}
			back := s.sent(r, nil)
			s.rules(walletsim.Rule{Call: walletsim.CallRefund, Times: 1, Fault: walletsim.Silence, Commit: true})
			if ans := s.authorize(back, nil); ans.Outcome != payment.Unknown {
				s.t.Errorf("%s, answer lost: %+v", kind, ans)
			}
			for range 2 {
				if ans := s.authorize(back, nil); ans.Outcome != payment.Approved || ans.Amount != amount {
					s.t.Errorf("%s repeated: %+v", kind, ans)
				}
			}
		}
		if s.net(first) != 0 {
			s.t.Errorf("net %d", s.net(first))
		}
		tooMuch := s.sent(payment.Request{Kind: payment.KindRefund, Amount: 1, Currency: "CNY", Original: &first}, nil)
		if ans := s.authorize(tooMuch, nil); ans.Outcome != payment.Declined || ans.Code == "" {
			s.t.Errorf("more than was paid: %+v", ans)
		}
		if u := s.reverse(&tooMuch); u.Outcome != payment.Refused {
			s.t.Errorf("a refund is reversed: %+v", u)
		}
	})
}

func TestACodeThatWaitedIsNotSent(t *testing.T) {
	each(t, func(s *shop) {
		a, in := s.sale(1999)
		time.Sleep(31 * time.Second)
		if ans := s.authorize(a, in); ans.Outcome != payment.NotSent || ans.Code != "code_too_old" {
			s.t.Errorf("answer %+v", ans)
		}
	})
}

func TestAPaymentIsNeverSentWithoutItsCode(t *testing.T) {
	each(t, func(s *shop) {
		a, _ := s.sale(1999)
		if ans := s.authorize(a, nil); ans.Outcome != payment.Unknown {
			s.t.Errorf("answer %+v", ans)
		}
		if len(s.g.Ledger()) != 0 {
			s.t.Error("something was booked")
		}
	})
}

func TestRefusedBeforeACodeIsReadWhenTheLinkIsDown(t *testing.T) {
	each(t, func(s *shop) {
		if err := s.w.Ready(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
		a, in := s.sale(100)
		s.link.SetDown(true)
		if ans := s.authorize(a, in); ans.Outcome != payment.NotSent {
			s.t.Errorf("answer %+v", ans)
		}
		time.Sleep(31 * time.Second)
		wantProblem(s.t, s.w.Ready(s.t.Context()), "wallet_offline", http.StatusServiceUnavailable)
		s.link.SetDown(false)
		if err := s.w.Ready(s.t.Context()); err != nil {
			s.t.Errorf("link is back: %v", err)
		}
	})
}

func TestCodesOfNoWalletAreRefusedWithoutRepeatingThem(t *testing.T) {
	each(t, func(s *shop) {
		for code, want := range map[string]string{
			"6901234567892": "unknown_code", "not a code": "unknown_code", "6212345678901234567": "unsupported_wallet",
		} {
			r := payment.Request{Kind: payment.KindSale, Amount: 1, Currency: "CNY", Code: payment.NewSecret([]byte(code))}
			in, err := s.w.Collect(s.t.Context(), r)
			if in != nil {
				s.t.Errorf("%s is taken", code)
			}
			wantProblem(s.t, err, want, http.StatusUnprocessableEntity)
		}
		r := payment.Request{Kind: payment.KindSale, Amount: 1, Currency: "EUR", Code: payment.NewSecret([]byte("120061098828009406"))}
		_, err := s.w.Collect(s.t.Context(), r)
		wantProblem(s.t, err, "wallet_currency", http.StatusUnprocessableEntity)
	})
}

func TestACodeIsScanned(t *testing.T) {
	keys()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, "alipay")
		defer s.close()
		hub := &scanner.Hub{}
		p, err := wallet.New(wallet.Options{Providers: []wallet.Provider{dead{}}, Scanner: hub})
		if err != nil {
			t.Fatal(err)
		}
		hub.Sensitive = router(t).Sensitive
		r := payment.Request{Kind: payment.KindSale, Amount: 1, Currency: "CNY"}
		got := make(chan error, 1)
		go func() {
			_, err := p.Collect(t.Context(), r)
			got <- err
		}()
		synctest.Wait()
		hub.Deliver(scanner.Code{Data: port.NewSecret([]byte("6901234567892"))})
		synctest.Wait()
		if hub.Waiting() != 1 {
			t.Fatal("goods ended the wait for a code")
		}
		hub.Deliver(scanner.Code{Data: port.NewSecret([]byte("281675652589992104"))})
		wantProblem(t, <-got, "wallet_offline", http.StatusServiceUnavailable)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := p.Collect(ctx, r); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		_, err = s.w.Collect(t.Context(), r)
		wantProblem(t, err, "no_scanner", http.StatusConflict)
	})
}

// dead is a provider whose gateway never answers.
type dead struct{}

func (dead) Terms() wallet.Terms                           { return wallet.Terms{Name: "alipay", Currency: "CNY"} }
func (dead) Request(wallet.Call) payment.Message           { return payment.Message{} }
func (dead) Do(context.Context, wallet.Call) wallet.Result { return wallet.Result{} }

func TestTheSameCodeHashesTheSame(t *testing.T) {
	each(t, func(s *shop) {
		code, err := s.phone.Online()
		if err != nil {
			s.t.Fatal(err)
		}
		_, plain := s.saleWith(1, code)
		_, suffixed := s.saleWith(1, code+"\r\n")
		a, ok := plain.Hash([]byte("key"))
		b, _ := suffixed.Hash([]byte("key"))
		c, _ := plain.Hash([]byte("other key"))
		if !ok || a != b || a == c || bytes.Equal(a[:], make([]byte, 32)) {
			s.t.Error("the hash is not that of the code under the key")
		}
		plain.Wipe()
		if d, _ := plain.Hash([]byte("key")); d == a {
			s.t.Error("the code is still there after Wipe")
		}
	})
}

func TestThePolicyIsThatOfWallets(t *testing.T) {
	each(t, func(s *shop) {
		p := s.w.Policy()
		if !p.Asks || len(p.Repeats) != 2 || p.Terminal != "" || p.Call != 10*time.Second || p.AskCall != 5*time.Second {
			s.t.Errorf("policy %+v", p)
		}
		r := payment.Request{Kind: payment.KindSale, Amount: 1, Currency: "CNY", Code: payment.NewSecret([]byte("120061098828009406"))}
		in, err := s.w.Collect(s.t.Context(), r)
		if err != nil {
			s.t.Fatal(err)
		}
		plan, err := s.w.Plan(r, in, payment.Numbers{Order: "X"})
		if err != nil || plan.Deadline != 45*time.Second || plan.FirstAsk != 5*time.Second || plan.Instrument != "wechat" {
			s.t.Errorf("plan %+v, %v", plan, err)
		}
		if !json.Valid(plan.Messages[0].Fields) || !bytes.Contains(plan.Messages[0].Fields, []byte("(18 digits)")) {
			s.t.Errorf("request %s", plan.Messages[0].Fields)
		}
	})
}

func TestProvidersWithTheSameNameAreRefused(t *testing.T) {
	if _, err := wallet.New(wallet.Options{Providers: []wallet.Provider{dead{}, dead{}}}); err == nil {
		t.Error("two providers of one name are taken")
	}
	if _, err := wallet.New(wallet.Options{}); err == nil {
		t.Error("a wallet without a provider is taken")
	}
}
