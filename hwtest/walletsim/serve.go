package walletsim

import (
	"io"
	"net/http"
	"slices"
	"time"

	"posd/daemon/wallet/sign"
)

// wire is one gateway's protocol.
type wire interface {
	// read verifies a request; when it is refused before its content counts, refusal is the whole answer.
	read(r *http.Request, body []byte) (req Request, refusal *sealed)
	// fields say an outcome in the gateway's words; o may be nil.
	fields(req Request, out outcome, o *order, refuse string) map[string]string
	// seal makes an answer of them, signed, unsigned or badly signed.
	seal(req Request, fields map[string]string, rule Rule) *sealed
	// stranger refuses a caller before the content counts: unsigned.
	stranger(req Request) *sealed
	// spoil changes the field that WrongAmount and its kin are about.
	spoil(fields map[string]string, f Fault)
}

// sealed is an answer as it goes out. Status 0 is 200.
type sealed struct {
	status int
	header map[string]string
	body   []byte
}

func (s *sealed) writeTo(w http.ResponseWriter) {
	for name, value := range s.header {
		w.Header().Set(name, value)
	}
	if s.status != 0 {
		w.WriteHeader(s.status)
	}
	_, _ = w.Write(s.body)
}

// serve is the way of every call: verify, find the fault, carry out, answer.
func (g *Gateway) serve(wr wire) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, sign.MaxBody))
		if err != nil {
			http.Error(w, "request too long or torn", http.StatusBadRequest)
			return
		}
		req, refusal := wr.read(r, body)
		if refusal != nil {
			g.o.Log.Warn("wallet request refused before its content", "path", r.URL.Path)
			refusal.writeTo(w)
			return
		}
		req.header = r.Header
		g.mu.Lock()
		rule := g.rule(req)
		g.mu.Unlock()
		if rule.Fault == Delay && !g.sleep(time.Duration(rule.Delay)) {
			panic(http.ErrAbortHandler)
		}
		answer := g.answer(wr, req, rule)
		if rule.Fault == DelayAnswer && !g.sleep(time.Duration(rule.Delay)) {
			panic(http.ErrAbortHandler)
		}
		g.send(w, r, rule, answer)
	})
}

// answer carries a call out, unless its fault forbids, and writes what is answered.
func (g *Gateway) answer(wr wire, req Request, rule Rule) *sealed {
	g.mu.Lock()
	defer g.mu.Unlock()
	said, skips := instead[rule.Fault]
	o := g.order(req.Wallet, req.Order)
	out := said
	if !skips || rule.Commit && !slices.Contains([]Fault{Ignored, Refuse, CertRefused}, rule.Fault) {
		out, o = g.carryOut(req, rule)
	}
	if rule.Fault == Twice {
		out, o = g.carryOut(req, rule)
	}
	if skips {
		out = said
	}
	g.o.Log.Info("wallet call", "wallet", req.Wallet, "call", req.Call, "order", req.Order, "amount", req.Amount,
		"outcome", int(out), "fault", string(rule.Fault))
	if rule.Fault == CertRefused {
		return wr.stranger(req)
	}
	if rule.Fault == WrongTime && o != nil && !o.paidAt.IsZero() {
		odd := *o
		odd.paidAt = odd.paidAt.Add(time.Duration(rule.Delay))
		o = &odd
	}
	fields := wr.fields(req, out, o, rule.Code)
	kept := g.paid[req.Wallet+req.Call+req.sign]
	switch rule.Fault {
	case WrongAmount, WrongOrder, WrongMerchant, WrongCurrency:
		wr.spoil(fields, rule.Fault)
	case Replay:
		if kept != nil {
			return kept
		}
	default:
	}
	text := wr.seal(req, fields, rule)
	if out == done && rule.Fault == "" {
		g.paid[req.Wallet+req.Call+req.sign] = text
	}
	return text
}
