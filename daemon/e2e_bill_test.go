package main

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"posd/daemon/bill"
	"posd/daemon/wallet/sign"
	"posd/hwtest/walletsim"
)

// merchantsOffice gets bills as a merchant's programme does: by the gateway's own calls, signed, on the next morning.
type merchantsOffice struct {
	s   *store
	day time.Time // in Beijing
	now time.Time // the gateway's time
}

// office opens the next morning. The bills of today are there then.
func (s *store) office() merchantsOffice {
	today := time.Now().In(bill.Beijing)
	s.gateway.SetClock(24 * time.Hour)
	return merchantsOffice{s, today, today.Add(24 * time.Hour)}
}

func (o merchantsOffice) do(req *http.Request) (http.Header, []byte) {
	o.s.t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		o.s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		o.s.t.Fatalf("%s: status %d, %v: %s", req.URL.Path, resp.StatusCode, err, text)
	}
	return resp.Header, text
}

func (o merchantsOffice) request(method, address string, body []byte) *http.Request {
	o.s.t.Helper()
	req, err := http.NewRequestWithContext(o.s.t.Context(), method, address, strings.NewReader(string(body)))
	if err != nil {
		o.s.t.Fatal(err)
	}
	return req
}

// alipay asks where the bill is, and gets the ZIP from there.
func (o merchantsOffice) alipay() []byte {
	o.s.t.Helper()
	const method = "alipay.data.dataservice.bill.downloadurl.query"
	p := map[string]string{
		"app_id": o.s.alipay().AppID, "method": method, "format": "JSON", "charset": "utf-8", "sign_type": "RSA2", "version": "1.0",
		"timestamp":   o.now.Format(time.DateTime),
		"biz_content": `{"bill_type":"trade","bill_date":"` + o.day.Format(time.DateOnly) + `"}`,
	}
	var err error
	if p["sign"], err = sign.RSA2Request(gatewayKeys()[0], p); err != nil {
		o.s.t.Fatal(err)
	}
	form := url.Values{}
	for name, value := range p {
		form.Set(name, value)
	}
	req := o.request(http.MethodPost, o.s.alipay().URL, []byte(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded;charset=utf-8")
	_, text := o.do(req)
	nodes, err := sign.Nodes(text)
	if err != nil {
		o.s.t.Fatal(err)
	}
	var told struct {
		URL string `json:"bill_download_url"`
	}
	if err := json.Unmarshal(nodes[strings.ReplaceAll(method, ".", "_")+"_response"], &told); err != nil || told.URL == "" {
		o.s.t.Fatalf("%v in %s", err, text)
	}
	_, file := o.do(o.request(http.MethodGet, told.URL, nil))
	return file
}

// wechat is v2's downloadbill: the answer is the bill.
func (o merchantsOffice) wechat() []byte {
	o.s.t.Helper()
	w := o.s.wechat()
	fields := map[string]string{
		"appid": w.AppID, "mch_id": w.MchID, "nonce_str": "n", "sign_type": sign.TypeHMAC, "bill_type": "ALL", "bill_date": o.day.Format("20060102"),
	}
	fields["sign"] = sign.HMAC(fields, strings.Repeat("k", 32))
	_, text := o.do(o.request(http.MethodPost, w.URL+"/pay/downloadbill", sign.EncodeXML(fields)))
	return text
}

// wechatV3 asks for the bill's hash and address, checks the gateway's signature of that, and the hash of what it gets.
func (o merchantsOffice) wechatV3() []byte {
	o.s.t.Helper()
	base := o.s.wechat().URL
	header, text := o.do(o.signed(base + "/v3/bill/tradebill?bill_date=" + o.day.Format(time.DateOnly) + "&bill_type=ALL"))
	stamp := sign.V3Stamp{Nonce: header.Get(sign.V3Nonce), Timestamp: header.Get(sign.V3Timestamp), Signature: header.Get(sign.V3Signature)}
	if err := sign.CheckV3Answer(&gatewayKeys()[1].PublicKey, stamp, text, o.now); err != nil || header.Get(sign.V3Serial) != v3PlatformKey {
		o.s.t.Fatalf("the answer of tradebill: %v, signed by %q", err, header.Get(sign.V3Serial))
	}
	var told struct {
		Kind string `json:"hash_type"`
		Hash string `json:"hash_value"`
		URL  string `json:"download_url"`
	}
	if err := json.Unmarshal(text, &told); err != nil || told.Kind != "SHA1" {
		o.s.t.Fatalf("%v in %s", err, text)
	}
	_, file := o.do(o.signed(told.URL))
	if sum := sha1.Sum(file); hex.EncodeToString(sum[:]) != told.Hash {
		o.s.t.Fatalf("the bill has the hash %x, and %s was told", sum, told.Hash)
	}
	return file
}

// signed is a GET of WeChat Pay v3.
func (o merchantsOffice) signed(address string) *http.Request {
	o.s.t.Helper()
	req := o.request(http.MethodGet, address, nil)
	stamp := sign.V3Stamp{MchID: o.s.wechat().MchID, Serial: "5E4A6B7C", Nonce: "n", Timestamp: strconv.FormatInt(o.now.Unix(), 10)}
	authorization, err := sign.V3Authorization(gatewayKeys()[0], stamp, sign.V3Call{Method: req.Method, Path: req.URL.RequestURI()})
	if err != nil {
		o.s.t.Fatal(err)
	}
	req.Header.Set("Authorization", authorization)
	return req
}

// billKind is a gateway's way to give bills.
type billKind struct {
	wallet string
	v3     bool
	get    func(merchantsOffice) []byte
	absent string // its word for an order that it does not know
}

var billKinds = map[string]billKind{
	"alipay":    {walletsim.AlipayName, false, merchantsOffice.alipay, "ACQ.TRADE_NOT_EXIST"},
	"wechat v2": {walletsim.WeChatName, false, merchantsOffice.wechat, "ORDERNOTEXIST"},
	"wechat v3": {walletsim.WeChatName, true, merchantsOffice.wechatV3, "ORDER_NOT_EXIST"},
}

// TestTheBillOfADayIsGotFromTheGatewayAndEveryFaultInItIsFound: rows that are missing, doubled, different, and of what posd
// holds for reversed. Once the commands are carried out, a right bill says what the journal says, and so does the ledger.
func TestTheBillOfADayIsGotFromTheGatewayAndEveryFaultInItIsFound(t *testing.T) {
	if now := time.Now().In(bill.Beijing); now.Add(20*time.Minute).Day() != now.Day() || now.Add(-15*time.Minute).Day() != now.Day() {
		t.Skip("about midnight in Beijing a bill of one day says nothing of what is missing in it")
	}
	for name, kind := range billKinds {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, plan{patience: "3s", ownSocket: true})
			if kind.v3 {
				s.speakV3(v3PlatformKey + ".pem")
			}
			s.startProcess()
			orders := s.dayOfBills(kind)
			o := s.office()
			s.gateway.SetBill(walletsim.Bill{
				Missing: []string{orders["missing"]}, Doubled: []string{orders["doubled"]}, Amounts: map[string]int64{orders["changed"]: 650},
				Extra: map[string]int64{"FOREIGN": 750},
			})
			r := s.reconciled(kind.wallet, kind.get(o))
			wantRows(t, r, "paid_there_unpaid_here swallowed/a refund", "paid_here_missing_there missing/a none",
				"amount_differs changed/a none", "amount_differs doubled/a none")
			if r.Elsewhere != 1 {
				t.Errorf("%d rows of other tills, want the foreign one", r.Elsewhere)
			}
			if r.Rows[3].There != 800 || r.Rows[3].Here != 400 || !strings.Contains(r.Rows[3].Advice, "twice") || r.Rows[2].There != 650 {
				t.Errorf("rows are %+v", r.Rows)
			}
			s.gateway.SetBill(walletsim.Bill{})
			s.gateway.SetClock(0) // the shop is open
			if n := s.carriesOut(r); n != 1 {
				t.Errorf("%d commands", n)
			}
			s.eventually("the swallowed payment is given back", func() bool { return s.gateway.Net(orders["swallowed"]) == 0 })
			wantRows(t, s.reconciled(kind.wallet, kind.get(s.office())))
			for sale, holds := range map[string]int64{"same": 1999, "part": 700, "missing": 300, "doubled": 400, "changed": 600, "swallowed": 0} {
				if net := s.gateway.Net(orders[sale]); net != holds {
					t.Errorf("the ledger holds %d for %s, want %d", net, sale, holds)
				}
			}
		})
	}
}

// dayOfBills plays a day, and gives the order numbers of its sales.
func (s *store) dayOfBills(kind billKind) map[string]string {
	s.t.Helper()
	order := map[string]string{}
	s.gatewayRules(swallows(500, kind.absent)...)
	for _, sale := range []struct {
		id     string
		amount int64
		state  string
	}{
		{"same", 1999, "approved"},
		{"part", 1000, "approved"},
		{"missing", 300, "approved"},
		{"changed", 600, "approved"},
		{"doubled", 400, "approved"},
		{"swallowed", 500, "reversed"},
	} {
		s.till.open(sale.id, sale.amount)
		order[sale.id] = s.want(s.till.pay(sale.id, "a", by(s.code(kind.wallet))), sale.state).Numbers.Order
	}
	s.gatewayRules()
	back := undo("refund", "a")
	back["amount"] = 300
	s.want(s.till.pay("part", "r", back), "approved")
	return order
}
