package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
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
	Clock        time.Duration `default:"0s" placeholder:"OFFSET" help:"How far the gateway's clock is ahead: 61s makes every code that is shown too old."`
}

// Help teaches by example.
func (simWalletCmd) Help() string {
	return `It speaks the Alipay open API at http://ADDR/gateway.do and WeChat Pay v2 and v3 at http://ADDR (https with --tls;
v3's platform key is in DIR/wechat-platform). It verifies every signature, takes a code once and for 60 seconds, and never gives back more than was paid. A rule's
conditions are wallet (alipay, wechat), call (pay, query, cancel, refund, refund_query), order, amount (minor units),
nth and times; what goes wrong is "fault", with commit, delay, waits or code where it knows one:

  ` + faultList() + `

Examples:

  hwtest sim wallet --keys keys/ --ledger wallet.jsonl
  hwtest sim wallet --keys keys/ --fault call=pay,amount=700,fault=silence,commit=true   # paid, the answer lost
  hwtest sim wallet --keys keys/ --fault call=pay,fault=user_paying,waits=3              # the customer types a password

Control (phones' codes begin with 90 online and 91 offline unless said; no real wallet has these):

  POST /control/phones               {"balance":100000,"prefix":"90"}      {"phone":"phone-1"}
  GET  /control/phones/ID/online     {"code":"..."}      POST .../refresh, .../offline, .../login, .../confirm
  PUT  /control/clock                {"offset":"61s"}
  PUT  /control/rules                [{"call":"pay","fault":"silence"}]    replaces all rules
  GET  /control/ledger               {"entries":[...]}`
}

func faultList() string {
	var names []string
	for _, f := range walletsim.Faults() {
		names = append(names, string(f))
	}
	half := len(names) / 2
	return strings.Join(names[:half], ", ") + ",\n  " + strings.Join(names[half:], ", ")
}

// Run serves until it is told to stop.
func (c *simWalletCmd) Run(ctx context.Context, g *globals) (err error) {
	keys, err := openWalletKeys(c.Keys)
	if err != nil {
		return err
	}
	rules, err := c.rules()
	if err != nil {
		return err
	}
	inner := rand.Text() // the gateway's own; who may use the control interface is this program's business
	w, err := walletsim.New(walletsim.Options{
		Alipay: walletsim.Alipay{AppID: c.AlipayAppID, SellerID: c.AlipaySeller, MerchantKey: &keys.alipayApp.PublicKey, GatewayKey: keys.alipayGateway},
		WeChat: walletsim.WeChat{
			AppID: c.WeChatAppID, MchID: c.WeChatMchID, APIKey: keys.wechatAPI, RequireCert: c.TLS,
			V3: keys.wechatV3, ReverseNotBefore: c.WeChatEarly,
		},
		Ledger: c.Ledger, Token: inner, Log: g.log(),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	w.SetClock(c.Clock)
	if err := w.SetRules(rules...); err != nil {
		return err
	}
	ln, err := c.listen(ctx, keys)
	if err != nil {
		return err
	}
	gateway, control := walletDoors(w, inner)
	return c.run(ctx, g, simulator{
		name: "wallet", address: ln.Addr().String(), control: control,
		serve: []func(context.Context) error{
			func(ctx context.Context) error { return serveHTTP(ctx, ln, gateway) },
			func(ctx context.Context) error { // a fault's silence ends with the program
				<-ctx.Done()
				return w.Close()
			},
		},
	})
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

func (c *simWalletCmd) listen(ctx context.Context, keys *walletKeys) (net.Listener, error) {
	ln, err := listenLocal(ctx, c.Listen)
	if err != nil || !c.TLS {
		return ln, err
	}
	return tls.NewListener(ln, &tls.Config{
		Certificates: []tls.Certificate{keys.server}, ClientCAs: keys.authority, ClientAuth: tls.VerifyClientCertIfGiven,
	}), nil
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
