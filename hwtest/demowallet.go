package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"

	"posd/hwtest/walletsim"
)

// demoPhone is a customer with the wallet's app open.
type demoPhone struct {
	d  *demo
	id string
}

// newPhone gives a customer with money. prefix is what the wallet's online codes begin with.
func (d *demo) newPhone(ctx context.Context, prefix string) (demoPhone, error) {
	var made struct{ Phone string }
	err := d.wallet.do(ctx, http.MethodPost, "phones", walletsim.PhoneOptions{Balance: 1000_00, Prefix: prefix}, &made)
	return demoPhone{d: d, id: made.Phone}, err
}

// shows gives a code as it stands on the phone: "online", "offline", or "refresh" for a new online one.
func (p demoPhone) shows(ctx context.Context, kind string) (string, error) {
	method := http.MethodPost
	if kind == "online" {
		method = http.MethodGet
	}
	var screen struct{ Code string }
	err := p.d.wallet.do(ctx, method, "phones/"+p.id+"/"+kind, nil, &screen)
	p.d.codes = append(p.d.codes, screen.Code)
	return screen.Code, err
}

// customer gives a phone and the code on it, and opens a sale.
func (d *demo) customer(ctx context.Context, prefix, kind, sale string, cents int64) (p demoPhone, code string, err error) {
	if err := d.open(ctx, sale, cents); err != nil {
		return p, "", err
	}
	if p, err = d.newPhone(ctx, prefix); err != nil {
		return p, "", err
	}
	code, err = p.shows(ctx, kind)
	return p, code, err
}

func (d *demo) onlineCode(ctx context.Context) error {
	_, code, err := d.customer(ctx, alipayPrefix, "online", "0004", 4500)
	if err != nil {
		return err
	}
	ask := attemptAsk{Rail: "wallet", Kind: "sale", Language: "en", Print: true}
	if err := d.api.begin(ctx, d.api.sell, "0004", "a", ask); err != nil {
		return err
	}
	d.say("customer", "shows the code on the phone, and the counter's scanner reads it")
	if err := d.present(ctx, "0004", "a", func(ctx context.Context) error {
		return d.scanner.do(ctx, http.MethodPost, "scan", map[string]string{"code": code}, nil)
	}); err != nil {
		return err
	}
	if _, err := d.paid(ctx, "0004", "a"); err != nil {
		return err
	}
	return d.paper(ctx, "PAID")
}

func (d *demo) offlineCode(ctx context.Context) error {
	_, code, err := d.customer(ctx, alipayPrefix, "offline", "0005", 5200)
	if err != nil {
		return err
	}
	d.say("customer", "has no network; the phone makes a code of seed and time")
	if err := d.payByCode(ctx, "0005", "a", code, "zh"); err != nil {
		return err
	}
	if _, err := d.paid(ctx, "0005", "a"); err != nil {
		return err
	}
	return d.paper(ctx, "付款成功")
}

func (d *demo) oldCode(ctx context.Context) error {
	p, code, err := d.customer(ctx, wechatPrefix, "online", "0006", 6100)
	if err != nil {
		return err
	}
	if err := d.clock(ctx, "61s"); err != nil {
		return err
	}
	d.say("wallet", "61 seconds later (its clock is moved): the code on the screen is too old")
	if err := d.payByCode(ctx, "0006", "a", code, "en"); err != nil {
		return err
	}
	a, err := d.want(ctx, "0006", "a", "declined")
	if err != nil {
		return err
	}
	d.say("posd", "declined 拒绝: %s", a.Problem.Detail)
	if code, err = p.shows(ctx, "refresh"); err != nil {
		return err
	}
	d.say("customer", "refreshes the code")
	if err := d.payByCode(ctx, "0006", "b", code, "en"); err != nil {
		return err
	}
	if _, err := d.paid(ctx, "0006", "b"); err != nil {
		return err
	}
	if err := d.clock(ctx, "0s"); err != nil {
		return err
	}
	return d.paper(ctx, "PAID")
}

// clock moves the gateway's clock against the real one.
func (d *demo) clock(ctx context.Context, offset string) error {
	return d.wallet.do(ctx, http.MethodPut, "clock", map[string]string{"offset": offset}, nil)
}

func (d *demo) answerDropped(ctx context.Context) error {
	rule := walletsim.Rule{Wallet: walletsim.WeChatName, Call: walletsim.CallPay, Amount: 7700, Fault: walletsim.Reset, Commit: true}
	if err := d.gatewayDoes(ctx, rule); err != nil {
		return err
	}
	_, code, err := d.customer(ctx, wechatPrefix, "online", "0007", 7700)
	if err != nil {
		return err
	}
	if err := d.payByCode(ctx, "0007", "a", code, "zh"); err != nil {
		return err
	}
	d.say("wallet", "takes the money and drops the connection before it answers")
	d.say("posd", "asks for the order 查询: only the gateway's signed answer counts")
	if _, err := d.paid(ctx, "0007", "a"); err != nil {
		return err
	}
	return d.paper(ctx, "付款成功")
}

// gatewaySilent: the gateway takes the money and says nothing, to the last query neither.
func (d *demo) gatewaySilent(ctx context.Context) error {
	rule := walletsim.Rule{Wallet: walletsim.AlipayName, Amount: 8800, Fault: walletsim.Silence, Commit: true}
	pay, query := rule, rule
	pay.Call, query.Call, query.Times = walletsim.CallPay, walletsim.CallQuery, 1
	if err := d.gatewayDoes(ctx, pay, query); err != nil {
		return err
	}
	_, code, err := d.customer(ctx, alipayPrefix, "online", "0008", 8800)
	if err != nil {
		return err
	}
	if err := d.payByCode(ctx, "0008", "a", code, "en"); err != nil {
		return err
	}
	d.say("wallet", "takes the money, and answers neither the payment nor the query")
	a, err := d.notPaid(ctx, "0008", "a", "NOT PAID YET")
	if err != nil {
		return err
	}
	entries, err := d.walletLedger()
	if err != nil {
		return err
	}
	if net := walletsim.Net(entries, a.Numbers.Order); net != 0 {
		return fmt.Errorf("the wallet still holds %s", yuanText(net))
	}
	d.say("wallet", "has given everything back; a query confirms it")
	return d.paper(ctx, "CANCELLED")
}

// posdSays runs posd's own command line, as a technician would.
func (d *demo) posdSays(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, d.posdPath, append(args, "-c", demoConfig)...)
	cmd.Dir = d.dir
	out, err := cmd.CombinedOutput()
	d.say("supervisor", "posd %s", strings.Join(quoted(args), " "))
	for line := range strings.Lines(strings.TrimSpace(string(out))) {
		d.line("      %s", strings.TrimRight(line, "\n"))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("posd %s", args[0]), err)
	}
	return nil
}

// quoted is how arguments are typed.
func quoted(args []string) []string {
	typed := slices.Clone(args)
	for i, a := range typed {
		if strings.Contains(a, " ") {
			typed[i] = "'" + a + "'"
		}
	}
	return typed
}
