package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"posd/hwtest/walletsim"
)

// simWalletCmd is the verb sim wallet.
type simWalletCmd struct {
	simFlags
	Listen       string        `default:"127.0.0.1:0" placeholder:"ADDR" help:"Where merchants call, on this machine only. Default: a free port."`
	Keys         string        `required:"" placeholder:"DIR" help:"The keys of both ends. What is missing there is made, so that a merchant can be set up from it."`
	TLS          bool          `name:"tls" help:"Speak HTTPS with a certificate of DIR, and want WeChat's client certificate for reverse and refund."`
	AlipayAppID  string        `default:"2021000000000001" help:"The merchant's app_id. Default: 2021000000000001."`
	AlipaySeller string        `default:"2088000000000001" help:"Its seller_id. Default: 2088000000000001."`
	WeChatAppID  string        `name:"wechat-appid" default:"wx0000000000000001" help:"The merchant's appid. Default: wx0000000000000001."`
	WeChatMchID  string        `name:"wechat-mch-id" default:"1900000001" help:"Its mch_id. Default: 1900000001."`
	WeChatEarly  time.Duration `name:"wechat-reverse-not-before" default:"15s" placeholder:"SPAN" help:"An earlier reverse is told to come again. Default: 15s, as WeChat Pay has it."`
	Ledger       string        `placeholder:"FILE" help:"Where the ledger is kept, one JSON line per entry, each on disk before the answer. Without: in memory."`
	Rules        string        `placeholder:"FILE" help:"Faults: a JSON array of rules."`
	Fault        []string      `sep:"none" placeholder:"RULE" help:"One more fault, written as key=value,key=value. May be repeated."`
	Seed         uint64        `default:"1" placeholder:"N" help:"Draws what rules leave to chance. Default: 1."`
	Clock        time.Duration `default:"0s" placeholder:"OFFSET" help:"How far the gateway's clock is ahead: 61s makes every code that is shown too old."`

	Certificate string `default:"good" enum:"good,expired,stranger" help:"With --tls: show a good certificate, one that has expired, or one of an authority that nobody trusts. Default: good."`
	Backup      string `placeholder:"ADDR" help:"A second host that knows the same orders, on this machine only."`

	Phones         string   `default:"127.0.0.1:0" placeholder:"ADDR" help:"Where phones log in (hwtest phone), by TLS, on this machine only. Default: a free port."`
	Customer       []string `sep:"none" placeholder:"WHO" help:"A customer who logs in: name=ann,password=secret,balance=100000 (minor units), also ask_above (larger payments want the password), prefix and digits of online codes. May be repeated."`
	RestrictRooted bool     `help:"A phone that says it is rooted gets no seed, and its customer no offline codes."`
}

// Help teaches by example.
func (simWalletCmd) Help() string {
	return `It speaks the Alipay open API at http://ADDR/gateway.do and WeChat Pay v2 and v3 at http://ADDR (https with --tls;
v3's platform key is in DIR/wechat-platform). It verifies every signature, takes a code once and for 60 seconds, and never gives back more than was paid. A rule's
conditions are wallet (alipay, wechat), call (pay, query, cancel, refund, refund_query, bill, certificate), order,
amount (minor units), header (Name:value), nth and times, and chance (of a thousand, drawn by --seed); what goes wrong is "fault", with commit,
delay, waits or code where it knows one:

  ` + faultList() + `

Examples:

  hwtest sim wallet --keys keys/ --ledger wallet.jsonl
  hwtest sim wallet --keys keys/ --fault call=pay,amount=700,fault=silence,commit=true   # paid, the answer lost
  hwtest sim wallet --keys keys/ --fault call=pay,fault=user_paying,waits=3              # the customer types a password
  hwtest sim wallet --keys keys/ --fault call=query,chance=50,fault=server_error --seed 7  # one query in twenty fails

WeChat's own simulation is at http://ADDR/xdc/apiv2sandbox: any code of WeChat's form pays 0.01, 0.02 and 0.03 (older: 5.01,
5.02, 5.51, 5.52), and the header Wechatpay-Negative-Test names its cases, such as MICROPAY_TIMEOUT.

Control (phones' codes begin with 90 online and 91 offline unless said; no real wallet has these):

  POST /control/phones               {"balance":100000,"prefix":"90"}      {"phone":"phone-1"}
  GET  /control/phones/ID/online     {"code":"..."}      POST .../refresh, .../offline, .../login, .../confirm
  PUT  /control/clock                {"offset":"61s"}
  PUT  /control/rules                [{"call":"pay","fault":"silence"}]    replaces all rules
  PUT  /control/main                 {"down":true}  nobody listens at --listen; --backup goes on
  GET  /control/ledger               {"entries":[...]}
  GET  /control/bill?wallet=alipay   its bill as text, for posd reconcile; &day=2026-11-28; what is wrong in it:
                                     &missing=ORDER&doubled=ORDER&amount=ORDER:100&extra=ORDER:100 (nobody's here)
  POST /control/accounts             {"name":"ann","password":"...","balance":100000,"ask_above":50000}
  GET  /control/accounts/ann         POST .../restrict {"restricted":true}: no offline codes   .../revoke: every seed dies
  PUT  /control/offline              {"retired":["91"]}  offline codes of the first algorithm are taken no more; 93 is the second

What goes wrong, and where it is said:

  an answer late, lost, torn, dripping, huge, in other words   rule: delay, delay_answer, silence, reset, half, drip_header,
                                                               drip_body, server_error, html, empty, huge, wrong_type, wrong_charset
  done or not before that                                      rule: commit
  the customer waits, pays, refuses, or never does             rule on pay: user_paying, user_refuses, waits; phone: .../confirm
  unclear, to be repeated, said and not done, too many         rule: unavailable, retry, ignored, refuse with code, rate_limit
  twice, of yesterday, another's, another amount or currency   rule: twice, replay, wrong_order, wrong_merchant, wrong_amount,
                                                               wrong_currency
  unsigned, badly signed, by an old key, at another time       rule: unsigned, bad_signature, old_key, wrong_time with delay
  certificate expired or a stranger's; the client's refused    flag: --tls --certificate; rule: cert_refused
  main host down, backup up                                    flag: --backup; control: PUT main
  no name for the host                                         none: give posd a url that has none
  clock off, windows and midnight over, given up by itself     flag: --clock; control: PUT clock (45 s WeChat, 3 min Alipay)
  the reverse too early                                        flag: --wechat-reverse-not-before
  bill with rows missing, doubled, changed, somebody else's    control: GET bill &missing= &doubled= &amount= &extra=
  codes of a stolen seed, an algorithm that is over            flag: --restrict-rooted; control: accounts/NAME, PUT offline

Phones (see hwtest phone --help) log in at https://ADDR/phone/login, in JSON and with the authority of DIR/wallet-ca.pem:
account and password, for a session's token and, this once, the seed. Then POST code, confirm, refuse, logout and GET
account, with the token as bearer. Balances begin anew with each start; the ledger does not.`
}

func faultList() string {
	var names []string
	for _, f := range walletsim.Faults() {
		names = append(names, string(f))
	}
	var lines []string
	for line := range slices.Chunk(names, 9) {
		lines = append(lines, strings.Join(line, ", "))
	}
	return strings.Join(lines, ",\n  ")
}

// Run serves until it is told to stop.
func (c *simWalletCmd) Run(ctx context.Context, g *globals) (err error) {
	keys, err := openWalletKeys(c.Keys)
	if err != nil {
		return err
	}
	inner := rand.Text() // the gateway's own; who may use the control interface is this program's business
	w, err := c.gateway(g, keys, inner)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	merchants, control := walletDoors(w, inner)
	s := simulator{name: "wallet"}
	main, err := c.open(ctx, &s, keys, merchants)
	if err != nil {
		return err
	}
	phones, err := listenLocal(ctx, c.Phones)
	if err != nil {
		return err
	}
	secure := tls.NewListener(phones, &tls.Config{Certificates: []tls.Certificate{keys.server}, MinVersion: tls.VersionTLS13})
	s.control, s.more = main.onControl(control), "phones=https://"+phones.Addr().String()+s.more
	s.serve = append(s.serve,
		func(ctx context.Context) error { return serveHTTP(ctx, secure, w.Phones()) },
		func(ctx context.Context) error { // a fault's silence ends with the program
			<-ctx.Done()
			return w.Close()
		})
	return c.run(ctx, g, s)
}

// gateway opens the gateway with its faults and its customers.
func (c *simWalletCmd) gateway(g *globals, keys *walletKeys, token string) (*walletsim.Gateway, error) {
	rules, err := c.rules()
	if err != nil {
		return nil, err
	}
	customers, err := c.customers()
	if err != nil {
		return nil, err
	}
	w, err := walletsim.New(walletsim.Options{
		Alipay: walletsim.Alipay{AppID: c.AlipayAppID, SellerID: c.AlipaySeller, MerchantKey: &keys.alipayApp.PublicKey, GatewayKey: keys.alipayGateway},
		WeChat: walletsim.WeChat{
			AppID: c.WeChatAppID, MchID: c.WeChatMchID, APIKey: keys.wechatAPI, RequireCert: c.TLS,
			V3: keys.wechatV3, ReverseNotBefore: c.WeChatEarly,
		},
		Ledger: c.Ledger, Token: token, Log: g.log(), Seed: c.Seed, RestrictRooted: c.RestrictRooted,
	})
	if err != nil {
		return nil, err
	}
	w.SetClock(c.Clock)
	err = w.SetRules(rules...)
	for _, o := range customers {
		err = errors.Join(err, w.NewAccount(o))
	}
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func (c *simWalletCmd) customers() (all []walletsim.AccountOptions, err error) {
	text, err := pairFlags("--customer", c.Customer)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&all); err != nil {
		return nil, errors.New("--customer: known are name, password, balance, ask_above, prefix and digits")
	}
	return all, nil
}

func (c *simWalletCmd) rules() ([]walletsim.Rule, error) {
	var rules []walletsim.Rule
	if c.Rules != "" {
		text, err := os.ReadFile(c.Rules)
		if err != nil {
			return nil, err
		}
		if rules, err = walletsim.ParseRules(text); err != nil {
			return nil, err
		}
	}
	text, err := ruleFlags(c.Fault)
	if err != nil {
		return nil, err
	}
	more, err := walletsim.ParseRules(text)
	return append(rules, more...), err
}

// walletDoors keeps the control interface off the merchants' door, and lets its own door in without the inner token.
func walletDoors(w *walletsim.Gateway, inner string) (gateway, control http.Handler) {
	all := w.Handler()
	gateway = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/control/") {
			http.NotFound(rw, r)
			return
		}
		all.ServeHTTP(rw, r)
	})
	control = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/control/") {
			http.NotFound(rw, r)
			return
		}
		r.Header.Set("Authorization", fmt.Sprintf("Bearer %s", inner))
		all.ServeHTTP(rw, r)
	})
	return gateway, control
}
