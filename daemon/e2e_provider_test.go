package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"posd/config"
	"posd/daemon/payment"
	"posd/daemon/wallet"
	"posd/daemon/wallet/template"
)

// What a package of posd does in its own init; here it is the only thing that posd is told of the provider.
func init() { wallet.Register(template.Brand) }

// templateKey signs in both directions.
const templateKey = "a-key-that-both-ends-share"

// templateGateway is the far end of daemon/wallet/template: it takes, closes and gives back, and hangs up where it is told.
type templateGateway struct {
	mu     sync.Mutex
	orders map[string]*templateOrder
	deaf   map[string]bool // calls that are done and not answered
	seen   []string        // what was called
}

type templateOrder struct {
	amount int64
	closed bool
	given  map[string]int64 // back, by the refund's number
}

func (o *templateOrder) holds() int64 {
	if o.closed {
		return 0
	}
	left := o.amount
	for _, n := range o.given {
		left -= n
	}
	return left
}

// ServeHTTP believes what is signed, and nothing else.
func (g *templateGateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if r.Method == http.MethodHead || err != nil {
		return
	}
	var f map[string]string
	if r.Header.Get("Signature") != template.Sign([]byte(templateKey), body) || json.Unmarshal(body, &f) != nil {
		http.Error(w, "who are you?", http.StatusForbidden)
		return
	}
	call := path.Base(r.URL.Path)
	g.mu.Lock()
	answer, deaf := g.answer(call, f), g.deaf[call]
	g.mu.Unlock()
	if deaf {
		panic(http.ErrAbortHandler)
	}
	text, _ := json.Marshal(answer)
	w.Header().Set("Signature", template.Sign([]byte(templateKey), text))
	_, _ = w.Write(text)
}

// answer does what is asked; mu is held.
func (g *templateGateway) answer(call string, f map[string]string) map[string]string {
	g.seen = append(g.seen, call)
	out := map[string]string{"merchant": f["merchant"], "order": f["order"]}
	amount, _ := strconv.ParseInt(f["amount"], 10, 64)
	o := g.orders[f["order"]]
	switch {
	case call == "pay" && amount == 666:
		out["state"], out["why"] = "refused", "balance"
		return out
	case call == "pay" && o == nil && strings.HasPrefix(f["code"], "88"):
		o = &templateOrder{amount: amount, given: map[string]int64{}}
		g.orders[f["order"]] = o
	case o == nil:
		out["state"] = "absent"
		return out
	case call == "cancel":
		o.closed = true
	case call == "refund" && o.given[f["refund"]] == 0 && amount <= o.holds():
		o.given[f["refund"]] = amount
	}
	out["amount"], out["trade"], out["paid_at"] = strconv.FormatInt(o.amount, 10), "T"+f["order"], time.Now().Format(time.RFC3339)
	switch out["state"] = "paid"; {
	case call == "refund":
		out["state"], out["refund"], out["amount"] = "refunded", f["refund"], f["amount"]
	case o.closed:
		out["state"] = "closed"
	}
	return out
}

// setDeaf says which calls go unanswered from now on.
func (g *templateGateway) setDeaf(calls ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.deaf = map[string]bool{}
	for _, c := range calls {
		g.deaf[c] = true
	}
}

func (g *templateGateway) holds() (all int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, o := range g.orders {
		all += o.holds()
	}
	return all
}

// templateStore is a store whose customers pay with the template's wallet.
func templateStore(t *testing.T) (*store, *templateGateway) {
	t.Helper()
	s := newStore(t, plan{})
	g := &templateGateway{orders: map[string]*templateOrder{}}
	server := httptest.NewServer(g)
	t.Cleanup(func() {
		s.stop()
		server.Close()
	})
	s.write("template.key", templateKey+"\n")
	s.change("[wallet.alipay]\n", `[wallet.template]
enabled = true
url = "`+server.URL+`"
merchant = "4711"
key_file = "template.key"
deadline = "1s"
query_every = "100ms"
[[wallet.route]]
provider = "template"
prefixes = ["88"]
lengths = [20]
[wallet.alipay]
`)
	return s, g
}

// templateCode is a code of a customer.
func templateCode(n string) string { return "88" + strings.Repeat("0", 18-len(n)) + n }

func TestAProviderOfOnePackagePaysRefundsAndPrintsItsName(t *testing.T) {
	s, g := templateStore(t)
	s.start()
	s.till.open("S-1", 1999)
	a := s.want(s.till.pay("S-1", "a", by(templateCode("1"))), "approved")
	if a.Instrument != "template" || g.holds() != 1999 {
		t.Errorf("paid by %q, and the gateway holds %d", a.Instrument, g.holds())
	}
	if slip := s.slips(1)[0]; !strings.Contains(slip, "Template") {
		t.Errorf("the slip does not name the wallet:\n%s", slip)
	}
	part := undo("refund", "a")
	part["amount"] = 999
	s.want(s.till.pay("S-1", "r1", part), "approved")
	s.want(s.till.pay("S-1", "r2", undo("refund", "a")), "approved")
	if left := g.holds(); left != 0 {
		t.Errorf("after both refunds the gateway holds %d", left)
	}
	s.till.open("S-2", 700)
	body := saleBy("wallet")
	s.till.begin("S-2", "a", body)
	s.till.scan("S-2", "a", templateCode("2"))
	s.want(s.till.pay("S-2", "a", body), "approved")
	s.till.open("S-3", 666)
	s.want(s.till.pay("S-3", "a", by(templateCode("3"))), "declined")
	s.holds(0, 0) // nothing went to anybody else
	s.stop()
	s.keepsNone(templateCode("1"), templateCode("2"), templateCode("3"))
}

func TestAProviderOfOnePackageIsQueriedAndWhatItOwesIsCancelledAfterARestart(t *testing.T) {
	s, g := templateStore(t)
	s.start()
	g.setDeaf("pay")
	s.till.open("S-1", 1999)
	s.want(s.till.pay("S-1", "a", by(templateCode("1"))), "approved") // by a query
	g.setDeaf("pay", "query", "cancel")
	s.till.open("S-2", 2500)
	s.till.begin("S-2", "a", by(templateCode("2")))
	s.eventually("it is being reversed", func() bool { return s.till.get(pathOf("S-2", "a")).State == "reversing" })
	s.restart()
	g.setDeaf()
	s.eventually("it is reversed", func() bool { return s.till.get(pathOf("S-2", "a")).State == "reversed" })
	if left := g.holds(); left != 1999 {
		t.Errorf("the gateway holds %d, want what was paid and not what was cancelled", left)
	}
}

func TestAProvidersSectionIsCheckedLikeAnyOther(t *testing.T) {
	s, _ := templateStore(t)
	if _, err := checkParts(s.cfg); err != nil {
		t.Fatalf("the configuration of a working till: %v", err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"a slip of the finger": {"\n[wallet.template]\nmerchand = \"4711\"", `posd.toml:3: wallet.template.merchand: unknown key; did you mean "merchant"?`},
		"a wrong form":         {"[wallet.template]\nmerchant = \"x\"", `posd.toml:2: wallet.template.merchant: "x" does not fit; want digits`},
		"a wrong type":         {"[wallet.template]\nkey_file = 1", `posd.toml:2: wallet.template.key_file: want text in quotes, got a number; see posd check --example`},
		"of every wallet":      {"[wallet]\ntemplate.query_every = \"2m\"", `posd.toml:2: wallet.template.query_every: "2m0s" is out of range; want 10ms to 1m`},
		"what is missing": {"[wallet.template]\nenabled = true\nkey_file = \"k\"", "posd.toml:1: wallet.template.merchant: missing; " +
			"want the shop's number, from the gateway"},
		"of another name": {"[wallet.templat]", `posd.toml:1: wallet.templat: unknown section; did you mean "template"?`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Parse("posd.toml", []byte(c.text), wallet.Sections()...)
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
	for text, want := range map[string]string{"short": "does not fit; want one word of 16 characters", "": "is empty"} {
		s.write("template.key", text)
		if _, err := checkParts(s.cfg); err == nil || !strings.Contains(err.Error(), "wallet.template.key_file: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("with %q as key: %v", text, err)
		}
	}
	if err := os.Remove(s.path("template.key")); err != nil {
		t.Fatal(err)
	}
	if err := s.fails(); !strings.Contains(err.Error(), "wallet.template.key_file: ") || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("without its key posd says %v", err)
	}
}

func TestEveryWalletOfTheRegistryIsWhole(t *testing.T) {
	if _, err := wallet.NewRouter(wallet.DefaultRoutes()); err != nil {
		t.Errorf("published formats: %v", err)
	}
	example := regexp.MustCompile(`(?m)^#([a-z])`).ReplaceAllString(config.Example(wallet.Sections()...), "$1")
	cfg, err := config.Parse("posd.toml", []byte(example), wallet.Sections()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range wallet.Brands() {
		if !reflect.DeepEqual(cfg.Wallet.Providers[b.Name], config.Settings(b.Settings())) {
			t.Errorf("the example of %s says %+v, want its defaults %+v", b.Name, cfg.Wallet.Providers[b.Name], b.Settings())
		}
		for _, r := range b.Routes {
			if r.Wallet != b.Name {
				t.Errorf("%s brings a route of %s", b.Name, r.Wallet)
			}
		}
		if b.Bill != nil && (string(b.Bill.Provider) != b.Name || b.Bill.Source == "") {
			t.Errorf("%s brings a bill of %q, from %q", b.Name, b.Bill.Provider, b.Bill.Source)
		}
		if b.NameEN != brandOf(payment.Attempt{Instrument: b.Name}, "en") || b.NameZH != brandOf(payment.Attempt{Instrument: b.Name}, "zh") {
			t.Errorf("slips call %s something else", b.Name)
		}
	}
}
