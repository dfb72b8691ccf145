package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"posd/hwtest/hostsim"
	"posd/hwtest/walletsim"
)

// The headline's sale.
const (
	twiceSale  = "0009"
	twiceCents = 9900
)

// paidTwice is what nobody solved: the reversal of the card did not succeed, and the wallet payment for the same
// purchase did.
func (d *demo) paidTwice(ctx context.Context) error {
	card, err := d.reversalRefused(ctx)
	if err != nil {
		return err
	}
	wallet, err := d.overridden(ctx)
	if err != nil {
		return err
	}
	return d.settled(ctx, card, wallet)
}

// reversalRefused charges a card, loses the answer and refuses the reversal.
func (d *demo) reversalRefused(ctx context.Context) (a tillAttempt, err error) {
	if err := d.hostDoes(ctx,
		hostsim.Rule{Kind: hostsim.KindSale, Amount: twiceCents, Do: hostsim.CommitSilent},
		hostsim.Rule{Kind: hostsim.KindReversal, Amount: twiceCents, Do: hostsim.ReverseCode, Code: "01"},
	); err != nil {
		return a, err
	}
	if err := d.open(ctx, twiceSale, twiceCents); err != nil {
		return a, err
	}
	if err := d.payByCard(ctx, twiceSale, "a", 9, "zh"); err != nil {
		return a, err
	}
	d.say("host", "charges the card, and its answer is lost")
	if err := d.paper(ctx, "尚未付款"); err != nil {
		return a, err
	}
	d.say("host", "refuses the reversal 拒绝冲正 (01)")
	if a, err = d.want(ctx, twiceSale, "a", "needs_attention"); err != nil {
		return a, err
	}
	d.say("posd", "needs attention 待人工处理: %s", a.Problem.Detail)
	return a, d.paper(ctx, "取消未确认")
}

// overridden offers a wallet for the same sale, which posd refuses until a supervisor takes it on.
func (d *demo) overridden(ctx context.Context) (a tillAttempt, err error) {
	p, err := d.newPhone(ctx, alipayPrefix)
	if err != nil {
		return a, err
	}
	code, err := p.shows(ctx, "online")
	if err != nil {
		return a, err
	}
	d.say("customer", "offers Alipay for the same purchase 顾客改用支付宝")
	var why *refusal
	if err := d.payByCode(ctx, twiceSale, "b", code, "zh"); !errors.As(err, &why) || why.Status != http.StatusConflict {
		return a, fmt.Errorf("the wallet was not refused with 409: %w", err)
	}
	d.say("posd", "409 %s: %s;", why.Code, why.Detail)
	d.say("posd", "→ %s", why.Remedy)
	d.say("supervisor", "overrides 主管放行: the customer is in a hurry, the bank is asked later")
	ask := attemptAsk{Rail: "wallet", Kind: "sale", Code: code, Language: "zh", Print: true}
	ask.Override = &override{By: "supervisor 1", Reason: "customer waits; the bank cannot be reached by telephone"}
	if err := d.api.begin(ctx, d.api.supervisor, twiceSale, "b", ask); err != nil {
		return a, err
	}
	if a, err = d.paid(ctx, twiceSale, "b"); err != nil {
		return a, err
	}
	if err := d.paper(ctx, "付款成功"); err != nil {
		return a, err
	}
	return a, d.posdSays(ctx, "owed")
}

// settled lets the acquirer tell that the card was charged, and a supervisor settle it: the wallet is refunded, once.
func (d *demo) settled(ctx context.Context, card, wallet tillAttempt) error {
	entries, err := d.hostLedger()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(entries, func(e hostsim.Entry) bool {
		return e.Kind == hostsim.KindSale && e.Trace == card.Numbers.Trace && e.Batch == card.Numbers.Batch && e.Net() == twiceCents
	})
	if i < 0 {
		return errors.New("the host's ledger does not have the charge")
	}
	d.say("host", "says on the telephone: trace %s was charged %s (row %d of its ledger)", card.Numbers.Trace, yuanText(twiceCents), entries[i].Seq)
	if err := d.hostDoes(ctx); err != nil {
		return err
	}
	if err := d.posdSays(ctx, "settle", twiceSale+"/a", "--as", "paid", "--by", "supervisor 1", "--reason", "the bank has the charge"); err != nil {
		return err
	}
	refund, err := d.refundOf(ctx, "b")
	if err != nil {
		return err
	}
	d.say("posd", "paid twice 重复付款: gives the Alipay payment back by itself, as attempt %s (%s)", refund.Attempt, refund.State)
	if err := d.paper(ctx, "付款成功", "退货成功"); err != nil {
		return err
	}
	return d.refundedOnce(wallet.Numbers.Order)
}

// refundOf waits until posd itself has refunded an attempt of the headline's sale.
func (d *demo) refundOf(ctx context.Context, original string) (refund tillAttempt, err error) {
	err = until(ctx, "posd to refund "+twiceSale+"/"+original, func(ctx context.Context) (bool, error) {
		var s tillSale
		if err := d.api.do(ctx, d.api.sell, http.MethodGet, "/v1/sales/"+twiceSale, nil, &s); err != nil {
			return false, err
		}
		i := slices.IndexFunc(s.Attempts, func(a tillAttempt) bool {
			return a.System && a.Kind == "refund" && a.Original == original && a.State == "approved"
		})
		if i >= 0 {
			refund = s.Attempts[i]
		}
		return i >= 0, nil
	})
	return refund, err
}

func (d *demo) refundedOnce(order string) error {
	entries, err := d.walletLedger()
	if err != nil {
		return err
	}
	returns := 0
	for _, e := range entries {
		if e.Order == order && e.Kind == walletsim.Return {
			returns++
		}
	}
	if returns != 1 || walletsim.Net(entries, order) != 0 {
		return fmt.Errorf("the wallet gave back %d times and holds %s", returns, yuanText(walletsim.Net(entries, order)))
	}
	d.say("wallet", "has given it back once 已退款一次: the customer has paid %s, by card", yuanText(twiceCents))
	return nil
}

// paperOut lets the roll end before the slip of an approved sale.
func (d *demo) paperOut(ctx context.Context) error {
	if err := d.open(ctx, "0010", 1010); err != nil {
		return err
	}
	if err := d.printer.do(ctx, http.MethodPost, "paper", map[string]bool{"in": false}, nil); err != nil {
		return err
	}
	if err := d.payByCard(ctx, "0010", "a", 10, "en"); err != nil {
		return err
	}
	a, err := d.paid(ctx, "0010", "a")
	if err != nil {
		return err
	}
	why, err := d.printerTrouble(ctx)
	if err != nil {
		return err
	}
	d.say("printer", "prints nothing 缺纸: %s; the sale stays approved", why)
	if len(a.Slip) == 0 {
		return errors.New("the answer has no slip for the till's screen")
	}
	d.say("till", "has the slip's %d lines on its screen; the slip waits", len(a.Slip))
	var p printerState
	if err := d.printer.do(ctx, http.MethodGet, "slips", nil, &p); err != nil {
		return err
	}
	if len(p.Slips) != d.slips {
		return errors.New("a slip came out of a printer without paper")
	}
	d.say("printer", "gets a new roll 换纸")
	if err := d.printer.do(ctx, http.MethodPost, "paper", map[string]bool{"in": true}, nil); err != nil {
		return err
	}
	return d.paper(ctx, "PAID")
}

// printerTrouble waits until posd says why its printer does not print.
func (d *demo) printerTrouble(ctx context.Context) (why string, err error) {
	var health struct {
		Problems []struct{ Code, Detail string } `json:"problems"`
	}
	err = until(ctx, "posd to notice the paper", func(ctx context.Context) (bool, error) {
		if err := d.api.do(ctx, d.api.sell, http.MethodGet, "/v1/health", nil, &health); err != nil {
			return false, err
		}
		for _, p := range health.Problems {
			if strings.Contains(p.Detail, "paper") {
				why = p.Detail
			}
		}
		return why != "", nil
	})
	return why, err
}
