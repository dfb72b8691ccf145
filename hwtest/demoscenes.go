package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"posd/hwtest/devicesim"
	"posd/hwtest/hostsim"
	"posd/hwtest/walletsim"
)

// scene is one thing that happens at a till.
type scene struct {
	zh, en string
	play   func(*demo, context.Context) error
}

var scenes = []scene{
	{"银行卡付款", "card sale, approved", (*demo).cardApproved},
	{"银行无应答：自动冲正，顾客再付", "the host answers nothing: reversed, and paid again", (*demo).hostSilent},
	{"应答丢失，posd 被强行终止", "the answer is lost and posd is killed: reversed after the restart", (*demo).killed},
	{"支付宝在线码", "wallet, online code from the scanner", (*demo).onlineCode},
	{"支付宝离线码", "wallet, code made by a phone without network", (*demo).offlineCode},
	{"过期的付款码", "a code older than 60 seconds is refused", (*demo).oldCode},
	{"微信：已扣款，应答丢失", "the gateway commits and drops the answer: the query finds it paid", (*demo).answerDropped},
	{"支付宝无应答：撤销并确认", "the gateway stays silent: cancelled, and confirmed", (*demo).gatewaySilent},
	{"冲正失败，又用支付宝付了款", "the headline: the reversal fails, and the wallet pays as well", (*demo).paidTwice},
	{"打印机缺纸", "paper out after the approval: the slip waits", (*demo).paperOut},
}

// testRange is where the numbers of the demo's cards begin: a range for tests.
const testRange = "620000"

// showAgain is when a customer shows card or code again, if nothing has happened: a reader that nobody listens to yet
// drops what it reads.
const showAgain = 2 * time.Second

// open opens a sale.
func (d *demo) open(ctx context.Context, sale string, cents int64) error {
	d.say("till", "opens sale %s over %s", sale, yuanText(cents))
	return d.api.openSale(ctx, sale, cents, "till 1 / "+sale)
}

// payByCard begins an attempt and swipes test card n. Its outcome is still to come.
func (d *demo) payByCard(ctx context.Context, sale, attempt string, n int, language string) error {
	if err := d.api.begin(ctx, d.api.sell, sale, attempt, attemptAsk{Rail: "card", Kind: "sale", Language: language, Print: true}); err != nil {
		return err
	}
	d.cards = append(d.cards, devicesim.TestCard(testRange, n).PAN)
	d.say("customer", "swipes a card (attempt %s)", attempt)
	return d.present(ctx, sale, attempt, func(ctx context.Context) error {
		return d.reader.do(ctx, http.MethodPost, "swipe", swipe{Range: testRange, Card: n}, nil)
	})
}

// present shows card or code until posd has taken it.
func (d *demo) present(ctx context.Context, sale, attempt string, show func(context.Context) error) error {
	var last time.Time
	return until(ctx, "card or code to be taken for "+sale+"/"+attempt, func(ctx context.Context) (bool, error) {
		a, err := d.api.attempt(ctx, sale, attempt)
		if err != nil || a.InnerState != "created" {
			return err == nil, err
		}
		if time.Since(last) < showAgain {
			return false, nil
		}
		last = time.Now()
		return false, show(ctx)
	})
}

// payByCode begins an attempt with a wallet code in the request, as a till with a scanner of its own does.
func (d *demo) payByCode(ctx context.Context, sale, attempt, code, language string) error {
	d.say("till", "sends the code that it has scanned (attempt %s)", attempt)
	return d.api.begin(ctx, d.api.sell, sale, attempt, attemptAsk{Rail: "wallet", Kind: "sale", Code: code, Language: language, Print: true})
}

// want waits for the outcome and compares it.
func (d *demo) want(ctx context.Context, sale, attempt, state string) (tillAttempt, error) {
	a, err := d.api.outcome(ctx, sale, attempt)
	if err != nil {
		return a, err
	}
	if a.State != state {
		return a, fmt.Errorf("attempt %s/%s is %s (%s %s), want %s", sale, attempt, a.State, a.Code, a.Text, state)
	}
	return a, nil
}

// paid waits for an approval, shows what posd says and acknowledges it, as a till does.
func (d *demo) paid(ctx context.Context, sale, attempt string) (a tillAttempt, err error) {
	if a, err = d.want(ctx, sale, attempt, "approved"); err != nil {
		return a, err
	}
	numbers := "trace " + a.Numbers.Trace + ", approval " + a.Host.Approval
	if a.Rail == "wallet" {
		numbers = "order " + a.Numbers.Order
	}
	d.say("posd", "approved 已付款: %s, %s", a.Instrument, numbers)
	return a, d.api.do(ctx, d.api.sell, http.MethodPost, "/v1/sales/"+sale+"/ack", nil, nil)
}

// notPaid waits until an attempt is reversed, and shows what customer and till are told: first the slip of that title.
func (d *demo) notPaid(ctx context.Context, sale, attempt, title string) (tillAttempt, error) {
	if err := d.paper(ctx, title); err != nil {
		return tillAttempt{}, err
	}
	a, err := d.want(ctx, sale, attempt, "reversed")
	if err != nil {
		return a, err
	}
	if a.Problem == nil {
		return a, errors.New("the till is not told why")
	}
	d.say("posd", "%s 已冲正: %s", a.State, a.Problem.Detail)
	return a, nil
}

// paper shows every slip that comes out, and waits until there was one of each title. Each slip counts once.
func (d *demo) paper(ctx context.Context, titles ...string) error {
	missing := slices.Clone(titles)
	return until(ctx, "a slip that says "+strings.Join(titles, ", "), func(ctx context.Context) (bool, error) {
		var p printerState
		if err := d.printer.do(ctx, http.MethodGet, "slips", nil, &p); err != nil {
			return false, err
		}
		for ; d.slips < len(p.Slips); d.slips++ {
			d.slip(p.Slips[d.slips])
			d.unclaimed = append(d.unclaimed, p.Slips[d.slips])
		}
		missing = slices.DeleteFunc(missing, d.claim)
		return len(missing) == 0, nil
	})
}

// claim takes the first slip of a title that nobody has waited for yet.
func (d *demo) claim(title string) bool {
	i := slices.IndexFunc(d.unclaimed, func(slip string) bool {
		for line := range strings.Lines(slip) {
			if strings.TrimSpace(line) == title {
				return true
			}
		}
		return false
	})
	if i >= 0 {
		d.unclaimed = slices.Delete(d.unclaimed, i, i+1)
	}
	return i >= 0
}

// hostDoes says what the host does wrong from now on; with no rule it does everything right.
func (d *demo) hostDoes(ctx context.Context, rules ...hostsim.Rule) error {
	return d.host.do(ctx, http.MethodPut, "rules", map[string][]hostsim.Rule{"rule": append([]hostsim.Rule{}, rules...)}, nil)
}

// gatewayDoes is hostDoes for the wallets' gateway.
func (d *demo) gatewayDoes(ctx context.Context, rules ...walletsim.Rule) error {
	return d.wallet.do(ctx, http.MethodPut, "rules", append([]walletsim.Rule{}, rules...), nil)
}

func (d *demo) hostLedger() ([]hostsim.Entry, error) {
	return hostsim.ReadLedger(filepath.Join(d.dir, filepath.FromSlash(hostLedgerFile)))
}

func (d *demo) walletLedger() ([]walletsim.Entry, error) {
	return walletsim.ReadLedger(filepath.Join(d.dir, filepath.FromSlash(walletLedger)))
}

// hostReversed shows the host's own entry of a reversal and why it was asked for.
func (d *demo) hostReversed(a tillAttempt, reason string) error {
	entries, err := d.hostLedger()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Kind == hostsim.KindReversal && e.Trace == a.Numbers.Trace && e.Batch == a.Numbers.Batch {
			d.say("host", "has in its ledger: 0400 for trace %s, F39=%s, answered %s", e.Trace, e.Reason, e.Code)
			if e.Reason != reason {
				return fmt.Errorf("the reversal says F39=%s, want %s", e.Reason, reason)
			}
			return nil
		}
	}
	return fmt.Errorf("the host has no reversal of trace %s in its ledger", a.Numbers.Trace)
}

func (d *demo) cardApproved(ctx context.Context) error {
	if err := d.open(ctx, "0001", 1999); err != nil {
		return err
	}
	if err := d.payByCard(ctx, "0001", "a", 1, "zh"); err != nil {
		return err
	}
	if _, err := d.paid(ctx, "0001", "a"); err != nil {
		return err
	}
	return d.paper(ctx, "付款成功")
}

func (d *demo) hostSilent(ctx context.Context) error {
	if err := d.hostDoes(ctx, hostsim.Rule{Kind: hostsim.KindSale, Amount: 2660, Times: 1, Do: hostsim.Silent}); err != nil {
		return err
	}
	if err := d.open(ctx, "0002", 2660); err != nil {
		return err
	}
	if err := d.payByCard(ctx, "0002", "a", 2, "en"); err != nil {
		return err
	}
	d.say("host", "answers nothing 无应答")
	a, err := d.notPaid(ctx, "0002", "a", "NOT PAID YET")
	if err != nil {
		return err
	}
	if err := d.hostReversed(a, "98"); err != nil {
		return err
	}
	if err := d.paper(ctx, "CANCELLED"); err != nil {
		return err
	}
	if err := d.payByCard(ctx, "0002", "b", 2, "en"); err != nil {
		return err
	}
	if _, err := d.paid(ctx, "0002", "b"); err != nil {
		return err
	}
	return d.paper(ctx, "PAID")
}

func (d *demo) killed(ctx context.Context) error {
	const cents = 3330
	if err := d.hostDoes(ctx, hostsim.Rule{Kind: hostsim.KindSale, Amount: cents, Do: hostsim.CommitSilent}); err != nil {
		return err
	}
	if err := d.open(ctx, "0003", cents); err != nil {
		return err
	}
	if err := d.payByCard(ctx, "0003", "a", 3, "zh"); err != nil {
		return err
	}
	if err := until(ctx, "the host to book the sale", func(context.Context) (bool, error) {
		entries, err := d.hostLedger()
		return slices.ContainsFunc(entries, func(e hostsim.Entry) bool { return e.Amount == cents && e.Approved }), err
	}); err != nil {
		return err
	}
	d.say("host", "has charged the card 已扣款; its answer is lost")
	if err := d.posd.kill(ctx); err != nil {
		return err
	}
	d.say("posd", "kill -9 (process %d)", d.posd.cmd.Process.Pid)
	if err := d.startPosd(ctx); err != nil {
		return err
	}
	d.say("posd", "started again (process %d); the journal has what is owed", d.posd.cmd.Process.Pid)
	a, err := d.notPaid(ctx, "0003", "a", "尚未付款")
	if err != nil {
		return err
	}
	if err := d.hostReversed(a, "98"); err != nil {
		return err
	}
	return d.paper(ctx, "交易已取消")
}
