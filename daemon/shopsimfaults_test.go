package main

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"time"

	"posd/hwtest/hostsim"
	"posd/hwtest/walletsim"
)

// wrong is what can go wrong with one kind of message at a host, and how.
type wrong struct {
	chance
	rule  hostsim.Rule
	first bool     // only when the message comes for the first time: what is booked is not refused
	kinds []string // none: all
}

func seconds(from, to int, rng *rand.Rand) time.Duration {
	return time.Duration(from)*time.Second + time.Duration(rng.Int64N(int64(to-from)*int64(time.Second)))
}

// powerFails is a fault of ours, not of the host's: it has the request when the power goes.
const powerFails = "power fails while the other side has the request"

// replacedMeanwhile is an upgrade in that moment (F18).
const replacedMeanwhile = "posd is replaced while the other side has the request"

func host(name string, permille int, do hostsim.Action) wrong {
	return wrong{chance: chance{name, permille}, rule: hostsim.Rule{Do: do}}
}

func (w wrong) once() wrong                  { w.first = true; return w }
func (w wrong) code(c string) wrong          { w.rule.Code = c; return w }
func (w wrong) of(kinds ...string) wrong     { w.kinds = kinds; return w }
func (w wrong) within(d time.Duration) wrong { w.rule.Delay = hostsim.Span(d); return w } // at most; see hostFault
func (w wrong) about(kind string, n int) bool {
	return (len(w.kinds) == 0 || slices.Contains(w.kinds, kind)) && (!w.first || n == 1)
}

var paying = []wrong{
	host("card: declined", 30, hostsim.Decline).code("51").once(),
	host("card: request swallowed", 8, hostsim.Silent),
	host("card: answer lost", 10, hostsim.CommitSilent),
	host("card: hangs up before", 4, hostsim.Close),
	host("card: hangs up after", 5, hostsim.CommitClose),
	host("card: half an answer", 4, hostsim.HalfFrame),
	host("card: reset in the answer", 4, hostsim.Reset),
	host("card: cut answer", 3, hostsim.Cut),
	host("card: answered twice", 5, hostsim.Duplicate),
	host("card: two answers glued", 5, hostsim.Glued),
	host("card: byte by byte", 4, hostsim.Slow),
	host("card: poll before the answer", 4, hostsim.Poll),
	host("card: garbage", 4, hostsim.Garbage),
	host("card: wrong MAC", 5, hostsim.BadMAC),
	host("card: no MAC", 4, hostsim.NoMAC),
	host("card: wrong amount", 4, hostsim.WrongAmount),
	host("card: wrong trace number", 4, hostsim.WrongTrace),
	host("card: slow answer", 15, hostsim.Delay).within(50 * time.Second),
	host("card: answer too late", 6, hostsim.Delay).within(100 * time.Second),
	host("card: answer late, others go on", 6, hostsim.Late).within(100 * time.Second),
	host("card: request held up", 8, hostsim.Held).within(85 * time.Second),
	host("card: approved in part", 8, hostsim.Partial).of(hostsim.KindSale, hostsim.KindPreAuth),
	host("card: keys change", 4, hostsim.KeyChange),
	host("card: keys lost", 4, hostsim.KeyLoss).once(),
	host("card: asks to sign on", 4, hostsim.Ask).code("3"),
	host(powerFails, 3, ""), host(replacedMeanwhile, 3, ""),
}

var reversing = []wrong{
	host("reversal: swallowed", 50, hostsim.Silent),
	host("reversal: answer lost", 50, hostsim.CommitSilent),
	host("reversal: refused", 20, hostsim.ReverseCode).code("01"),
	host("reversal: busy", 50, hostsim.ReverseCode).code("96"),
	host("reversal: a code that nobody knows", 20, hostsim.ReverseCode).code("Z9"),
	host("reversal: wrong MAC", 15, hostsim.BadMAC),
	host("reversal: slow", 20, hostsim.Delay).within(60 * time.Second),
	host("reversal: garbage", 10, hostsim.Garbage),
	host("reversal: keys lost", 10, hostsim.KeyLoss),
	host(powerFails, 6, ""), host(replacedMeanwhile, 6, ""),
}

var settling = []wrong{
	host("settle: swallowed", 70, hostsim.Silent),
	host("settle: answer lost", 70, hostsim.CommitSilent),
	host("settle: said not to balance", 200, hostsim.Unbalanced).of(hostsim.KindSettlement),
	host("settle: busy", 40, hostsim.Decline).code("96").once(),
	host("settle: refused", 40, hostsim.Decline).code("77").once(),
	host(powerFails, 15, ""), host(replacedMeanwhile, 15, ""),
}

var signingOn = []wrong{
	host("sign-on: swallowed", 15, hostsim.Silent),
	host("sign-on: refused", 10, hostsim.Decline).code("96"),
	host("sign-on: garbage", 5, hostsim.Garbage),
}

func faultsOf(kind string) []wrong {
	switch {
	case strings.HasSuffix(kind, "-"+hostsim.KindReversal):
		return reversing
	case slices.Contains([]string{hostsim.KindSettlement, hostsim.KindUpload, hostsim.KindBatchEnd}, kind):
		return settling
	case kind == hostsim.KindSignOn || kind == hostsim.KindEcho || kind == hostsim.KindSignOff:
		return signingOn
	default:
		return paying
	}
}

// hostFault draws what the host does wrong with a message.
func (s *shop) hostFault(q hostsim.Request) (hostsim.Rule, bool) {
	n, which := s.times(fmt.Sprint(q.Kind, "/", q.Batch, "/", q.Trace))
	s.arrived(q)
	var list []chance
	var rules []hostsim.Rule
	for _, w := range faultsOf(q.Kind) {
		if w.about(q.Kind, n) {
			list, rules = append(list, w.chance), append(rules, w.rule)
		}
	}
	name, rng := s.pick(list, "host", which)
	if name == "" {
		if r, ok := s.deaf(q); ok {
			return r, ok
		}
		return s.headline(q, n, rng)
	}
	if s.stopped(name) {
		return hostsim.Rule{}, false
	}
	r := rules[slices.IndexFunc(list, func(c chance) bool { return c.name == name })]
	if r.Delay > 0 {
		r.Delay = hostsim.Span(seconds(1, int(time.Duration(r.Delay)/time.Second), rng))
	}
	if r.Do == hostsim.WrongAmount {
		r.Value = q.Amount + 100
	}
	if r.Do == hostsim.Partial {
		r.Value = max(1, q.Amount/2)
	}
	return r, true
}

// reversals is what the host takes no more for a while, as the target of an outage: then they grow old (F7).
const reversals = "reversals"

// deaf is a host that is at every reversal busy, or answers none, for minutes.
func (s *shop) deaf(q hostsim.Request) (hostsim.Rule, bool) {
	o, out := s.out(reversals)
	if !out || !strings.HasSuffix(q.Kind, "-"+hostsim.KindReversal) {
		return hostsim.Rule{}, false
	}
	s.did("reversal: none is taken for minutes")
	if o.silent {
		return hostsim.Rule{Do: hostsim.Silent}, true
	}
	return hostsim.Rule{Do: hostsim.ReverseCode, Code: "96"}, true
}

// stopped ends posd where that is what goes wrong, and tells whether it is.
func (s *shop) stopped(name string) bool {
	switch name {
	case powerFails:
		s.cut(powerFails)
	case replacedMeanwhile:
		s.replaceFor(replacedMeanwhile)
	default:
		return false
	}
	return true
}

// times counts how often the same message has come, and names this time.
func (s *shop) times(what string) (n int, which string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[what]++
	return s.counts[what], fmt.Sprint(what, "#", s.counts[what])
}

// strayed is what can go wrong with a call to the gateway.
type strayed struct {
	chance
	rule  walletsim.Rule
	first bool
}

func call(name string, permille int, f walletsim.Fault) strayed {
	return strayed{chance: chance{"wallet: " + name, permille}, rule: walletsim.Rule{Fault: f}}
}

func (w strayed) commit() strayed { w.rule.Commit = true; return w }
func (w strayed) once() strayed   { w.first = true; return w }

// gatewayFaults are those of each call.
var gatewayFaults = map[string][]strayed{
	walletsim.CallPay: {
		call("refused", 25, walletsim.Refuse).once(),
		call("request swallowed", 8, walletsim.Silence), call("answer lost", 10, walletsim.Silence).commit(),
		call("reset before", 5, walletsim.Reset), call("reset after", 5, walletsim.Reset).commit(),
		call("502 before", 4, walletsim.ServerError), call("502 after", 5, walletsim.ServerError).commit(), call("a web page", 4, walletsim.HTML).commit(),
		call("unavailable", 6, walletsim.Unavailable), call("unavailable, and done", 6, walletsim.Unavailable).commit(),
		call("request late", 8, walletsim.Delay), call("answer late", 8, walletsim.DelayAnswer),
		call("password asked for", 40, walletsim.UserPaying), call("password never typed", 8, walletsim.UserPaying),
		call("half an answer", 4, walletsim.Half), call("unsigned", 5, walletsim.Unsigned), call("wrong signature", 5, walletsim.BadSignature),
		call("wrong amount", 4, walletsim.WrongAmount), call("wrong order", 3, walletsim.WrongOrder), call("wrong merchant", 3, walletsim.WrongMerchant),
		call("wrong currency", 3, walletsim.WrongCurrency), call("an old answer", 3, walletsim.Replay),
		{chance: chance{powerFails, 3}},
		{chance: chance{replacedMeanwhile, 3}},
	},
	walletsim.CallQuery: {
		call("query swallowed", 25, walletsim.Silence), call("query 502", 12, walletsim.ServerError), call("query: a web page", 5, walletsim.HTML),
		call("query unavailable", 12, walletsim.Unavailable), call("query unsigned", 6, walletsim.Unsigned), call("query: half", 5, walletsim.Half),
		call("query: wrong amount", 3, walletsim.WrongAmount), call("query: an old answer", 4, walletsim.Replay),
		{chance: chance{powerFails, 3}},
	},
	walletsim.CallCancel: {
		call("cancel swallowed", 40, walletsim.Silence), call("cancel: answer lost", 40, walletsim.Silence).commit(),
		call("cancel: again, please", 40, walletsim.Retry), call("cancel: again, and done", 20, walletsim.Retry).commit(),
		call("cancel ignored", 20, walletsim.Ignored), call("cancel refused", 15, walletsim.Refuse), call("cancel unavailable", 15, walletsim.Unavailable),
		call(codeOfNobody, 20, walletsim.Refuse),
		call("cancel unsigned", 10, walletsim.Unsigned), call("cancel 502", 10, walletsim.ServerError).commit(),
		{chance: chance{powerFails, 5}},
		{chance: chance{replacedMeanwhile, 5}},
	},
	walletsim.CallRefund: {
		call("refund swallowed", 30, walletsim.Silence), call("refund: answer lost", 50, walletsim.Silence).commit(),
		call("refund unavailable", 25, walletsim.Unavailable), call("refund unsigned", 10, walletsim.Unsigned),
		call("refund refused", 15, walletsim.Refuse).once(), call("refund 502", 15, walletsim.ServerError).commit(),
		{chance: chance{powerFails, 6}},
		{chance: chance{replacedMeanwhile, 6}},
	},
}

// codeOfNobody is a cancel that is answered with a code of which no document tells (F6).
const codeOfNobody = "cancel: a code that nobody knows"

// refusals are the codes of a refusal, by wallet and call.
var refusals = map[string]string{
	"alipay pay": "ACQ.BUYER_BALANCE_NOT_ENOUGH", "wechat pay": "AUTH_CODE_INVALID", "alipay cancel": "ACQ.TRADE_NOT_ALLOW_CANCEL",
	"wechat cancel": "TRADE_ERROR", "alipay refund": "ACQ.SELLER_BALANCE_NOT_ENOUGH", "wechat refund": "NOTENOUGH",
}

// gatewayFault draws what the gateway does wrong with a call.
func (s *shop) gatewayFault(q walletsim.Request) (walletsim.Rule, bool) {
	n, which := s.times(fmt.Sprint(q.Call, "/", counted(q.Order), "/", counted(q.Refund)))
	s.asked(q)
	var list []chance
	var rules []walletsim.Rule
	for _, w := range gatewayFaults[q.Call] {
		// A gateway that says that it has closed what it does not know yet lies about the future: nobody can live with that.
		unknown := w.rule.Fault == walletsim.Ignored && s.heardOf("pay/"+counted(q.Order)+"/") == 0
		if (!w.first || n == 1) && !unknown {
			list, rules = append(list, w.chance), append(rules, w.rule)
		}
	}
	name, rng := s.pick(list, "gateway", which)
	if name == "" && q.Call == walletsim.CallPay && n == 1 && s.isTyped(q.Order) {
		return walletsim.Rule{Fault: walletsim.UserPaying, Waits: -1}, true
	}
	if name == "" {
		return walletsim.Rule{}, false
	}
	if s.stopped(name) {
		return walletsim.Rule{}, false
	}
	r := rules[slices.IndexFunc(list, func(c chance) bool { return c.name == name })]
	switch r.Fault {
	case walletsim.Refuse:
		if r.Code = refusals[q.Wallet+" "+q.Call]; strings.HasSuffix(name, codeOfNobody) {
			r.Code = "NOBODY_KNOWS"
		}
	case walletsim.Delay, walletsim.DelayAnswer:
		r.Delay = walletsim.Span(seconds(5, 80, rng))
	case walletsim.UserPaying:
		r.Waits = 1 + rng.IntN(6)
		if strings.HasSuffix(name, "never typed") {
			r.Waits = -1
		}
	default:
	}
	return r, true
}

// orderLength is how many characters an order number has: the journal's name, the count, and what is drawn.
const orderLength = 23

// drawn is the end of an order number, which is another one each time that a day is played.
var drawn = regexp.MustCompile(`\b([0-9A-Z]{8}[0-9]{9})[0-9A-Z]{6}`)

// counted is a text with its order numbers as far as the journal has counted them.
func counted(text string) string { return drawn.ReplaceAllString(text, "$1") }

func (s *shop) heardOf(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[what]
}
