package wallet_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"posd/daemon/payment"
	"posd/daemon/wallet"
	"posd/daemon/wallet/alipay"
	"posd/hwtest/walletsim"
)

// How a sale may end.
const (
	endPaid    = "paid"
	endNotPaid = "not paid" // declined, or never sent
	endUndone  = "undone"   // sent, unknown or refused by the customer, then given back and proven
	endEither  = ""         // kinds differ; the ledger decides
)

// newHTTPShop is a shop whose gateway is reached over real connections.
func newHTTPShop(t *testing.T, kind string, change ...func(*walletsim.Options)) *shop {
	t.Helper()
	s := newShop(t, kind, append(change, func(o *walletsim.Options) { o.WeChat.ReverseNotBefore = time.Nanosecond })...)
	s.server = httptest.NewServer(s.g.Handler())
	s.url, s.pace = s.server.URL, answered
	transport := wallet.NewTransport(nil, nil)
	s.w = s.newWallet(transport)
	t.Cleanup(func() {
		s.close() // first: it ends what waits because of a fault
		transport.CloseIdleConnections()
		s.server.Close()
	})
	return s
}

// asks is how often an attempt is asked for; one that is to be found paid is asked for until it is, however slow the
// machine that runs the test.
func asks(want string) int {
	if want == endPaid {
		return 200
	}
	return 6
}

// settle plays what posd's desk does with an attempt that is sent: it asks some times, and undoes what is not paid by
// then. lift is called before the undoing.
func (s *shop) settle(a *payment.Attempt, in payment.Input, asks int, lift func()) string {
	s.t.Helper()
	ans := s.authorize(*a, in)
	for range asks {
		switch ans.Outcome {
		case payment.Approved:
			return endPaid
		case payment.Declined, payment.NotSent:
			return endNotPaid
		default:
		}
		if ans.Hopeless {
			break
		}
		ans = s.ask(*a)
	}
	if ans.Outcome == payment.Approved {
		return endPaid
	}
	lift()
	for range 400 {
		if u := s.reverse(a); u.Outcome == payment.Confirmed {
			return endUndone
		}
		time.Sleep(10 * time.Millisecond)
	}
	return "never ends"
}

// agree fails the test unless the gateway's ledger says the same as the attempt's end, once everything has arrived.
func (s *shop) agree(a payment.Attempt, end, want string) {
	s.t.Helper()
	s.server.Close() // waits for what is still under way
	holds := int64(0)
	if end == endPaid {
		holds = int64(a.Amount)
	}
	if net := s.net(a); net != holds || end == "never ends" || want != endEither && end != want {
		s.t.Errorf("the sale ends %q, want %q; the gateway holds %d of %d", end, want, net, a.Amount)
	}
}

// httpFault is trouble and how the sale ends.
type httpFault struct {
	rules []walletsim.Rule
	want  string
}

func pays(f walletsim.Rule) []walletsim.Rule {
	f.Call, f.Times = walletsim.CallPay, 1
	return []walletsim.Rule{f}
}

// unclear is a payment whose outcome only the undoing settles: nobody answers pay, and queries find nothing out.
func unclear(more ...walletsim.Rule) []walletsim.Rule {
	return append([]walletsim.Rule{
		{Call: walletsim.CallPay, Times: 1, Fault: walletsim.Reset, Commit: true},
		{Call: walletsim.CallQuery, Times: 6, Fault: walletsim.ServerError},
	}, more...)
}

func onCancel(f walletsim.Fault, times int, commit bool) walletsim.Rule {
	return walletsim.Rule{Call: walletsim.CallCancel, Times: times, Fault: f, Commit: commit}
}

const past = walletsim.Span(2 * inTime)

// httpFaults are the faults of a wallet gateway, by the list that a simulator must offer.
var httpFaults = map[string]httpFault{
	"no fault":                            {nil, endPaid},
	"delay before commit":                 {pays(walletsim.Rule{Fault: walletsim.Delay, Delay: past}), endEither},
	"delay after commit":                  {pays(walletsim.Rule{Fault: walletsim.DelayAnswer, Delay: past}), endPaid},
	"drop before commit":                  {pays(walletsim.Rule{Fault: walletsim.Silence}), endUndone},
	"commit then drop":                    {pays(walletsim.Rule{Fault: walletsim.Silence, Commit: true}), endPaid},
	"reset before commit":                 {pays(walletsim.Rule{Fault: walletsim.Reset}), endUndone},
	"commit then reset":                   {pays(walletsim.Rule{Fault: walletsim.Reset, Commit: true}), endPaid},
	"half a body":                         {pays(walletsim.Rule{Fault: walletsim.Half}), endPaid},
	"drip on the header":                  {pays(walletsim.Rule{Fault: walletsim.DripHeader}), endPaid},
	"drip on the body":                    {pays(walletsim.Rule{Fault: walletsim.DripBody}), endPaid},
	"a drip that comes in time":           {pays(walletsim.Rule{Fault: walletsim.DripBody, Delay: 1}), endPaid},
	"5xx":                                 {pays(walletsim.Rule{Fault: walletsim.ServerError}), endUndone},
	"5xx, paid":                           {pays(walletsim.Rule{Fault: walletsim.ServerError, Commit: true}), endPaid},
	"HTML":                                {pays(walletsim.Rule{Fault: walletsim.HTML, Commit: true}), endPaid},
	"empty":                               {pays(walletsim.Rule{Fault: walletsim.Empty}), endUndone},
	"empty, paid":                         {pays(walletsim.Rule{Fault: walletsim.Empty, Commit: true}), endPaid},
	"wrong content type":                  {pays(walletsim.Rule{Fault: walletsim.WrongType}), endPaid},
	"wrong charset":                       {pays(walletsim.Rule{Fault: walletsim.WrongCharset}), endPaid},
	"huge body":                           {pays(walletsim.Rule{Fault: walletsim.Huge}), endPaid},
	"waits, then success":                 {pays(walletsim.Rule{Fault: walletsim.UserPaying, Waits: 3}), endPaid},
	"waits, then refusal":                 {pays(walletsim.Rule{Fault: walletsim.UserRefuses, Waits: 3}), endUndone},
	"waits, then silence":                 {append(pays(walletsim.Rule{Fault: walletsim.UserPaying, Waits: -1}), walletsim.Rule{Call: walletsim.CallQuery, Nth: 3, Times: 4, Fault: walletsim.Silence}), endUndone},
	"unavailable":                         {pays(walletsim.Rule{Fault: walletsim.Unavailable}), endUndone},
	"unavailable, paid":                   {pays(walletsim.Rule{Fault: walletsim.Unavailable, Commit: true}), endPaid},
	"success after the cancel was OK":     {append(pays(walletsim.Rule{Fault: walletsim.UserPaying, Waits: 6}), onCancel(walletsim.Ignored, 1, false)), endUndone},
	"cancel unknown three times":          {unclear(onCancel(walletsim.Silence, 3, false)), endUndone},
	"cancel carried out, unanswered":      {unclear(onCancel(walletsim.Silence, 3, true)), endUndone},
	"cancel wants to come again":          {unclear(onCancel(walletsim.Retry, 3, false)), endUndone},
	"cancel OK but never carried out":     {unclear(onCancel(walletsim.Ignored, 3, false)), endUndone},
	"cancel at the limit":                 {unclear(onCancel(walletsim.RateLimit, 2, false)), endUndone},
	"cancel's certificate is refused":     {unclear(onCancel(walletsim.CertRefused, 2, false)), endUndone},
	"cancel unsigned":                     {unclear(onCancel(walletsim.Unsigned, 2, false)), endUndone},
	"cancel delivered twice":              {unclear(onCancel(walletsim.Twice, 1, false)), endUndone},
	"duplicate delivery":                  {pays(walletsim.Rule{Fault: walletsim.Twice}), endPaid},
	"replayed old answer":                 {pays(walletsim.Rule{Fault: walletsim.Replay}), endPaid},
	"answer for another order":            {pays(walletsim.Rule{Fault: walletsim.WrongOrder}), endPaid},
	"wrong amount":                        {pays(walletsim.Rule{Fault: walletsim.WrongAmount}), endPaid},
	"wrong amount, always":                {[]walletsim.Rule{{Call: walletsim.CallPay, Fault: walletsim.WrongAmount}, {Call: walletsim.CallQuery, Times: 6, Fault: walletsim.WrongAmount}}, endUndone},
	"wrong merchant":                      {pays(walletsim.Rule{Fault: walletsim.WrongMerchant}), endPaid},
	"wrong currency":                      {pays(walletsim.Rule{Fault: walletsim.WrongCurrency}), endPaid},
	"unsigned":                            {pays(walletsim.Rule{Fault: walletsim.Unsigned}), endPaid},
	"badly signed":                        {pays(walletsim.Rule{Fault: walletsim.BadSignature}), endPaid},
	"signed with an old key":              {pays(walletsim.Rule{Fault: walletsim.OldKey}), endPaid},
	"signed with an old key, always":      {[]walletsim.Rule{{Call: walletsim.CallPay, Fault: walletsim.OldKey}, {Call: walletsim.CallQuery, Times: 6, Fault: walletsim.OldKey}}, endUndone},
	"clock 6 min ahead":                   {pays(walletsim.Rule{Fault: walletsim.WrongTime, Delay: walletsim.Span(6 * time.Minute)}), endPaid},
	"clock 6 min behind":                  {pays(walletsim.Rule{Fault: walletsim.WrongTime, Delay: walletsim.Span(-6 * time.Minute)}), endPaid},
	"a day and an hour off, always":       {[]walletsim.Rule{{Call: walletsim.CallPay, Fault: walletsim.WrongTime, Delay: walletsim.Span(25 * time.Hour)}, {Call: walletsim.CallQuery, Times: 6, Fault: walletsim.WrongTime, Delay: walletsim.Span(-25 * time.Hour)}}, endUndone},
	"rate limit":                          {pays(walletsim.Rule{Fault: walletsim.RateLimit}), endUndone},
	"rate limit, paid":                    {pays(walletsim.Rule{Fault: walletsim.RateLimit, Commit: true}), endPaid},
	"the pay's certificate is refused":    {pays(walletsim.Rule{Fault: walletsim.CertRefused}), endUndone},
	"refused with a code nobody knows":    {pays(walletsim.Rule{Fault: walletsim.Refuse, Code: "NEVER_HEARD_OF"}), endUndone},
	"by its amount":                       {[]walletsim.Rule{{Call: walletsim.CallPay, Amount: 1999, Fault: walletsim.Empty, Commit: true}}, endPaid},
	"by another amount":                   {[]walletsim.Rule{{Call: walletsim.CallPay, Amount: 2000, Fault: walletsim.Empty}}, endPaid},
	"by a chance of one":                  {[]walletsim.Rule{{Call: walletsim.CallPay, Chance: 1000, Fault: walletsim.Empty, Commit: true}}, endPaid},
	"by a header that posd does not send": {[]walletsim.Rule{{Header: "X-Test:1", Fault: walletsim.Empty}}, endPaid},
}

// leavesUnanswered tells whether a rule lets posd wait for an answer in vain.
func leavesUnanswered(r walletsim.Rule) bool {
	switch r.Fault {
	case walletsim.Silence, walletsim.DelayAnswer, walletsim.Delay:
		return true
	case walletsim.DripHeader, walletsim.DripBody:
		return r.Delay == 0
	default:
		return false
	}
}

// hurries lets the shop wait for no answer for long.
func (s *shop) hurries() {
	s.t.Helper()
	s.pace = unanswered
	s.w = s.newWallet(wallet.NewTransport(nil, nil))
}

// TestEveryFaultOverHTTPEndsAsTheLedgerSays holds the tender against every fault of a gateway, over real connections.
func TestEveryFaultOverHTTPEndsAsTheLedgerSays(t *testing.T) {
	keys()
	for name, c := range httpFaults {
		for _, kind := range everyKind {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				s := newHTTPShop(t, kind)
				if slices.ContainsFunc(c.rules, leavesUnanswered) {
					s.hurries()
				}
				if slices.ContainsFunc(c.rules, func(r walletsim.Rule) bool { return r.Fault == walletsim.Replay }) {
					first, in := s.sale(1999)
					s.authorize(first, in)
				}
				s.rules(c.rules...)
				a, in := s.sale(1999)
				end := s.settle(&a, in, asks(c.want), func() {})
				s.agree(a, end, c.want)
			})
		}
	}
}

func TestTheTableOverHTTPHasEveryFault(t *testing.T) {
	seen := map[walletsim.Fault]bool{}
	for _, c := range httpFaults {
		for _, r := range c.rules {
			seen[r.Fault] = true
		}
	}
	for _, f := range walletsim.Faults() {
		if !seen[f] {
			t.Errorf("no row has %s", f)
		}
	}
}

// headed adds a header to every request, as a tester's proxy would.
type headed struct {
	name, value string
	next        http.RoundTripper
}

// RoundTrip sends a copy with the header.
func (h headed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(h.name, h.value)
	return h.next.RoundTrip(r)
}

func TestARuleFindsItsCallsByHeader(t *testing.T) {
	keys()
	s := newHTTPShop(t, alipay.Name)
	s.w = s.newWallet(headed{"X-Test", "lose", wallet.NewTransport(nil, nil)})
	s.rules(walletsim.Rule{Call: walletsim.CallPay, Header: "x-test: lose", Fault: walletsim.Empty})
	a, in := s.sale(1999)
	s.agree(a, s.settle(&a, in, asks(endUndone), func() {}), endUndone)
}

// TestWeChatsOwnSandboxEndsAsTheLedgerSays plays WeChat's published cases: success by amount, trouble by header.
func TestWeChatsOwnSandboxEndsAsTheLedgerSays(t *testing.T) {
	keys()
	for name, c := range map[string]struct {
		amount payment.Cents
		header string
		want   string
	}{
		"0.01": {1, "", endPaid}, "0.02, a coupon in it": {2, "", endPaid}, "0.03, coupons only": {3, "", endPaid},
		"older: 5.01": {501, "", endPaid}, "older: 5.52": {552, "", endPaid}, "an amount of no case": {777, "", endUndone},
		"the customer does not finish":  {1, "MICROPAY_USERPAYING", endUndone},
		"paid, no answer":               {1, "MICROPAY_TIMEOUT", endPaid},
		"failed, no answer":             {1, "MICROPAY_PAYERROR", endUndone},
		"no answer, and no query works": {1, "MICROPAY_PAY_QUERY_TIMEOUT", endUndone},
	} {
		for _, kind := range []string{"wechat", wechatMD5} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				s := newHTTPShop(t, kind)
				if s.url += "/xdc/apiv2sandbox"; c.header != "" {
					s.pace = unanswered
				}
				line := headed{"Wechatpay-Negative-Test", c.header, wallet.NewTransport(nil, nil)}
				s.w = s.newWallet(line)
				a, in := s.saleWith(c.amount, "120061098828009406")
				lift := func() { s.w = s.newWallet(wallet.NewTransport(nil, nil)) } // the merchant ends the case
				s.agree(a, s.settle(&a, in, asks(c.want), lift), c.want)
			})
		}
	}
}
