package walletsim

import (
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"posd/daemon/wallet/sign"
)

// Where bills are got from, when a call has told the address.
const (
	alipayBills = "/bill/"
	wechatBills = "/v3/billdownload/file"
)

// wholeBody is a field that is the whole answer.
const wholeBody = "whole body"

// billTicket is an address that was told.
type billTicket struct {
	bill  Bill
	until time.Time
}

// ticketTime is how long Alipay's addresses are good: 30 s; WeChat Pay's are good for longer.
const ticketTime = 30 * time.Second

// billOutcome tells whether there is such a bill: its day is over, and something was moved in it; mu is held.
func (g *Gateway) billOutcome(b Bill) outcome {
	if g.now().Before(b.Until) || len(g.entries(b)) == 0 {
		return noBill
	}
	return done
}

// ticket makes an address; mu is held.
func (g *Gateway) ticket(req Request, path string) string {
	token := make([]byte, 16)
	if _, err := io.ReadFull(g.o.Rand, token); err != nil {
		return ""
	}
	name := hex.EncodeToString(token)
	g.bills[name] = billTicket{bill: req.bill, until: g.now().Add(ticketTime)}
	return req.host + path + name
}

// redeemBill gives the bill of an address that is still good; mu is held.
func (g *Gateway) redeemBill(token string) (Bill, bool) {
	t, ok := g.bills[token]
	return t.bill, ok && !g.now().After(t.until)
}

// hostOf is how a caller has reached the gateway.
func hostOf(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

func (g *Gateway) giveAlipayBill(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	b, ok := g.redeemBill(r.PathValue("token"))
	if !ok {
		http.Error(w, "下载超时，请重新下载", http.StatusForbidden)
		return
	}
	text, err := packed(g.alipayBill(b), b.From.Format("20060102"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/zip")
	_, _ = w.Write(text)
}

// giveBill gives the bill of an address that a merchant was told. The request is signed; the answer is not.
func (x wechatV3) giveBill(w http.ResponseWriter, r *http.Request) {
	stamp, err := sign.V3Requester(r.Header.Get("Authorization"))
	v3 := x.g.o.WeChat.V3
	if err != nil || stamp.Serial != v3.Serial || sign.CheckV3Call(v3.MerchantKey, stamp, sign.V3Call{Method: r.Method, Path: r.URL.RequestURI()}, x.now()) != nil {
		http.Error(w, "SIGN_ERROR", http.StatusUnauthorized)
		return
	}
	x.g.mu.Lock()
	defer x.g.mu.Unlock()
	b, ok := x.g.redeemBill(r.URL.Query().Get("token"))
	if !ok {
		http.Error(w, "NO_STATEMENT_EXIST", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(x.g.wechatBill(b))
}

// getBill gives a bill to who plays the weather, also of a day that is not over.
func (g *Gateway) getBill(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	b := Bill{Wallet: q.Get("wallet")}
	if day := q.Get("day"); day != "" {
		var ok bool
		if b, ok = dayOf(b.Wallet, time.DateOnly, day); !ok {
			reply(w, nil, errors.New("day is such as 2026-11-28"))
			return
		}
	}
	b.Missing, b.Doubled = q["missing"], q["doubled"]
	var bad error
	b.Amounts, bad = ordersWith(q["amount"])
	if bad == nil {
		b.Extra, bad = ordersWith(q["extra"])
	}
	if bad != nil {
		reply(w, nil, bad)
		return
	}
	text, err := g.Bill(b)
	if err != nil {
		reply(w, nil, err)
		return
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	_, _ = w.Write(text)
}

// ordersWith reads amounts of orders, as the control interface has them.
func ordersWith(texts []string) (map[string]int64, error) {
	all := map[string]int64{}
	for _, t := range texts {
		order, text, _ := strings.Cut(t, ":")
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n <= 0 || !goodNumber(order, 64) {
			return nil, errors.New("amount and extra are ORDER:MINOR-UNITS")
		}
		all[order] = n
	}
	return all, nil
}
