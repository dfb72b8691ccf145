package walletsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Fault is one way in which a call goes wrong. With Rule.Commit, those marked (c) carry the call out before.
type Fault string

// The faults.
const (
	Silence       Fault = "silence"        // (c) no answer, ever; with commit: the answer is lost
	Reset         Fault = "reset"          // (c) the connection is reset
	ServerError   Fault = "server_error"   // (c) HTTP status 502
	HTML          Fault = "html"           // (c) a web page with status 200
	Unavailable   Fault = "unavailable"    // (c) 20000, SYSTEMERROR
	Retry         Fault = "retry"          // (c) cancel: retry_flag=Y, recall=Y
	Ignored       Fault = "ignored"        // cancel: answered as done, and not carried out
	Refuse        Fault = "refuse"         // refused with Code, and not carried out
	Delay         Fault = "delay"          // carried out Delay later, whether the caller waits or not
	DelayAnswer   Fault = "delay_answer"   // carried out, and answered Delay later
	UserPaying    Fault = "user_paying"    // pay: waits for the customer for Waits queries, then is paid; -1: for Confirm
	Half          Fault = "half"           // carried out, half of the answer arrives
	Unsigned      Fault = "unsigned"       // carried out, the answer has no signature
	BadSignature  Fault = "bad_signature"  // carried out, signed over something else
	WrongAmount   Fault = "wrong_amount"   // carried out, the answer says another amount
	WrongOrder    Fault = "wrong_order"    // carried out, the answer is about another order
	WrongMerchant Fault = "wrong_merchant" // carried out, the answer is for another merchant
	WrongCurrency Fault = "wrong_currency" // carried out, the answer is in another currency
	Replay        Fault = "replay"         // carried out, the answer is the last one of this call that said paid
	RateLimit     Fault = "rate_limit"     // (c) refused for being one of too many
	CertRefused   Fault = "cert_refused"   // refused before the content: the certificate is not taken
	UserRefuses   Fault = "user_refuses"   // pay: waits for the customer for Waits queries, then is refused
	Twice         Fault = "twice"          // delivered twice; the answer is the second one
	DripHeader    Fault = "drip_header"    // carried out, the answer's header comes byte by byte, Delay (1 s) apart
	DripBody      Fault = "drip_body"      // carried out, its body does
	Empty         Fault = "empty"          // (c) status 200 and nothing else
	Huge          Fault = "huge"           // carried out, the answer is larger than anybody reads
	WrongType     Fault = "wrong_type"     // carried out, the answer's Content-Type is that of a picture
	WrongCharset  Fault = "wrong_charset"  // carried out, the answer has Chinese in it, in GBK
	OldKey        Fault = "old_key"        // carried out, signed with a key that is the gateway's no more
	WrongTime     Fault = "wrong_time"     // carried out, the times in the answer are Delay off; it may be negative
)

// Faults lists them all, for documents and tests.
func Faults() []Fault {
	return []Fault{
		Silence, Reset, ServerError, HTML, Unavailable, Retry, Ignored, Refuse, Delay, DelayAnswer, UserPaying, Half,
		Unsigned, BadSignature, WrongAmount, WrongOrder, WrongMerchant, WrongCurrency, Replay, RateLimit, CertRefused,
		UserRefuses, Twice, DripHeader, DripBody, Empty, Huge, WrongType, WrongCharset, OldKey, WrongTime,
	}
}

// instead says which faults keep a call from being carried out, and what those that answer say.
var instead = map[Fault]outcome{
	Silence: broken, Reset: broken, ServerError: broken, HTML: broken, Empty: broken, RateLimit: isLimited, CertRefused: isRefused,
	Unavailable: isUnavailable, Retry: wantsRetry, Ignored: isSaidClosed, Refuse: isRefused,
}

// Rule makes calls go wrong. Empty fields fit every call.
type Rule struct {
	Wallet string `json:"wallet,omitempty"`
	Call   string `json:"call,omitempty"` // pay, query, cancel, refund, refund_query, bill, certificate
	Order  string `json:"order,omitempty"`
	Amount int64  `json:"amount,omitempty"` // of pay and refund; queries and cancels of an order have its amount
	Header string `json:"header,omitempty"` // "Name:value": requests with that header
	Chance int    `json:"chance,omitempty"` // of a thousand fitting calls; 0: every one. Seeded: Options.Seed
	Nth    int    `json:"nth,omitempty"`    // the first of the fitting calls that goes wrong, from 1; 0 is 1
	Times  int    `json:"times,omitempty"`  // how many go wrong from there on; 0: all
	Fault  Fault  `json:"fault"`
	Commit bool   `json:"commit,omitempty"`
	Delay  Span   `json:"delay,omitempty"`
	Waits  int    `json:"waits,omitempty"`
	Code   string `json:"code,omitempty"` // refuse: sub_code or err_code
}

// Span is a duration that is text ("1.5s") in a rule file.
type Span time.Duration

// MarshalText writes it as time.Duration does.
func (s Span) MarshalText() ([]byte, error) { return []byte(time.Duration(s).String()), nil }

// UnmarshalText reads what time.ParseDuration reads.
func (s *Span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*s = Span(d)
	return err
}

// armed is a rule and how many calls it has fitted.
type armed struct {
	Rule
	seen int
}

// ParseRules reads a rule file: a JSON array of rules. Unknown members and faults are refused.
func ParseRules(text []byte) ([]Rule, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var rules []Rule
	if err := d.Decode(&rules); err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	if d.More() {
		return nil, errors.New("rules: something follows the array")
	}
	return rules, checkRules(rules)
}

func checkRules(rules []Rule) error {
	for i, r := range rules {
		known := false
		for _, f := range Faults() {
			known = known || f == r.Fault
		}
		if !known {
			return fmt.Errorf("rules: rule %d: no fault %q; known are %v", i+1, r.Fault, Faults())
		}
		if r.Header != "" && !strings.Contains(r.Header, ":") || r.Chance < 0 || r.Chance > 1000 {
			return fmt.Errorf("rules: rule %d: a header is written Name:value, a chance is 1 to 1000", i+1)
		}
	}
	return nil
}

// SetRules replaces all rules; counting begins anew.
func (g *Gateway) SetRules(rules ...Rule) error {
	if err := checkRules(rules); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rules = nil
	for _, r := range rules {
		g.rules = append(g.rules, &armed{Rule: r})
	}
	return nil
}

// rule finds the first rule that a call fits and that is due; mu is held.
func (g *Gateway) rule(r Request) Rule {
	if rule, ok := sandboxRule(r); ok {
		return rule
	}
	amount := r.Amount
	if o := g.order(r.Wallet, r.Order); amount == 0 && o != nil {
		amount = o.amount
	}
	for _, a := range g.rules {
		if !a.fits(r, amount) {
			continue
		}
		a.seen++
		first := max(1, a.Nth)
		due := a.seen >= first && (a.Times == 0 || a.seen < first+a.Times)
		if due && (a.Chance == 0 || g.luck.IntN(1000) < a.Chance) {
			return a.Rule
		}
	}
	if g.o.Fault != nil {
		if rule, ok := g.o.Fault(r); ok {
			return rule
		}
	}
	return Rule{}
}

func (a *armed) fits(r Request, amount int64) bool {
	name, value, _ := strings.Cut(a.Header, ":")
	return (a.Wallet == "" || a.Wallet == r.Wallet) && (a.Call == "" || a.Call == r.Call) &&
		(a.Order == "" || a.Order == r.Order) && (a.Amount == 0 || a.Amount == amount) &&
		(a.Header == "" || slices.Contains(r.header.Values(name), strings.TrimSpace(value)))
}
