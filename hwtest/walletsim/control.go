package walletsim

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxControl bounds a body of the control interface.
const maxControl = 64 << 10

// control is for a program that plays the customers and the weather. Every call wants "Authorization: Bearer TOKEN".
//
//	POST /control/phones               {"balance":100000,"prefix":"90"}   {"phone":"phone-1"}
//	GET  /control/phones/ID            {"phone":"phone-1","balance":98001}
//	GET  /control/phones/ID/online     {"code":"..."} the one on the screen, while it is good
//	POST /control/phones/ID/refresh    {"code":"..."} a new one; the old is dead
//	POST /control/phones/ID/offline    {"code":"..."} made without the server
//	POST /control/phones/ID/login      a new login: new seed
//	POST /control/phones/ID/confirm    the customer types the password
//	POST /control/accounts             {"name":"ann","password":"...","balance":100000,"ask_above":50000}
//	GET  /control/accounts/NAME        {"name":"ann","balance":98001,"restricted":false,"phones":1}
//	POST /control/accounts/NAME/restrict {"restricted":true}   no offline codes, whoever makes them
//	POST /control/accounts/NAME/revoke   every phone is logged out, every seed destroyed
//	PUT  /control/offline              {"retired":["91"]}   versions of the offline algorithm that are taken no more
//	PUT  /control/clock                {"offset":"61s"}
//	PUT  /control/rules                [{"call":"pay","fault":"silence","commit":true}]
//	GET  /control/ledger               {"entries":[...]}
//	GET  /control/net/ORDER            {"net":1999}
//	GET  /control/bill?wallet=alipay   the bill as text; &day=2026-11-28, and faults: &missing=ORDER&doubled=ORDER&amount=ORDER:100&extra=ORDER:100
func (g *Gateway) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /control/phones", g.postPhone)
	mux.HandleFunc("GET /control/phones/{id}", g.onPhone(func(p *Phone) (any, error) {
		return map[string]any{"phone": p.ID(), "balance": p.Balance()}, nil
	}))
	for pattern, show := range map[string]func(*Phone) (string, error){
		"GET /control/phones/{id}/online":   (*Phone).Online,
		"POST /control/phones/{id}/refresh": (*Phone).Refresh,
		"POST /control/phones/{id}/offline": (*Phone).Offline,
	} {
		mux.HandleFunc(pattern, g.onPhone(func(p *Phone) (any, error) {
			code, err := show(p)
			return map[string]string{"code": code}, err
		}))
	}
	mux.HandleFunc("POST /control/phones/{id}/login", g.onPhone(func(p *Phone) (any, error) { return struct{}{}, p.Login() }))
	mux.HandleFunc("POST /control/phones/{id}/confirm", g.onPhone(func(p *Phone) (any, error) {
		p.Confirm()
		return struct{}{}, nil
	}))
	g.controlAccounts(mux)
	mux.HandleFunc("PUT /control/clock", g.putClock)
	mux.HandleFunc("PUT /control/rules", g.putRules)
	mux.HandleFunc("GET /control/ledger", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string][]Entry{"entries": g.Ledger()}, nil)
	})
	mux.HandleFunc("GET /control/net/{order}", func(w http.ResponseWriter, r *http.Request) {
		reply(w, map[string]int64{"net": g.Net(r.PathValue("order"))}, nil)
	})
	mux.HandleFunc("GET /control/bill", g.getBill)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || !same(token, g.o.Token) {
			http.Error(w, "wrong token", http.StatusUnauthorized)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxControl)
		mux.ServeHTTP(w, r)
	})
}

func (g *Gateway) postPhone(w http.ResponseWriter, r *http.Request) {
	var o PhoneOptions
	if err := decode(r, &o); err != nil {
		reply(w, nil, err)
		return
	}
	p, err := g.NewPhone(o)
	if err != nil {
		reply(w, nil, err)
		return
	}
	reply(w, map[string]string{"phone": p.ID()}, nil)
}

func (g *Gateway) onPhone(do func(*Phone) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, ok := g.Phone(r.PathValue("id"))
		if !ok {
			http.Error(w, "no such phone", http.StatusNotFound)
			return
		}
		body, err := do(p)
		reply(w, body, err)
	}
}

// controlAccounts adds the calls about customers who log in.
func (g *Gateway) controlAccounts(mux *http.ServeMux) {
	mux.HandleFunc("POST /control/accounts", func(w http.ResponseWriter, r *http.Request) {
		var o AccountOptions
		err := decode(r, &o)
		if err == nil {
			err = g.NewAccount(o)
		}
		reply(w, struct{}{}, err)
	})
	mux.HandleFunc("GET /control/accounts/{name}", func(w http.ResponseWriter, r *http.Request) {
		a, ok := g.Account(r.PathValue("name"))
		found(w, a, ok)
	})
	mux.HandleFunc("POST /control/accounts/{name}/revoke", func(w http.ResponseWriter, r *http.Request) {
		found(w, struct{}{}, g.Revoke(r.PathValue("name")))
	})
	mux.HandleFunc("POST /control/accounts/{name}/restrict", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Restricted bool }
		if err := decode(r, &in); err != nil {
			reply(w, nil, err)
			return
		}
		found(w, struct{}{}, g.Restrict(r.PathValue("name"), in.Restricted))
	})
	mux.HandleFunc("PUT /control/offline", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Retired []string }
		err := decode(r, &in)
		if err == nil {
			err = g.Retire(in.Retired...)
		}
		reply(w, struct{}{}, err)
	})
}

// found answers when there is such an account.
func found(w http.ResponseWriter, body any, ok bool) {
	if !ok {
		http.Error(w, "no such account", http.StatusNotFound)
		return
	}
	reply(w, body, nil)
}

func (g *Gateway) putClock(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Offset Span `json:"offset"`
	}
	err := decode(r, &body)
	if err == nil {
		g.SetClock(time.Duration(body.Offset))
	}
	reply(w, struct{}{}, err)
}

func (g *Gateway) putRules(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		reply(w, nil, err)
		return
	}
	rules, err := ParseRules(text)
	if err == nil {
		err = g.SetRules(rules...)
	}
	reply(w, struct{}{}, err)
}

func decode(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return errors.New("the body is not what this call takes")
	}
	return nil
}

func reply(w http.ResponseWriter, body any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}
