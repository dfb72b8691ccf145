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
//	PUT  /control/clock                {"offset":"61s"}
//	PUT  /control/rules                [{"call":"pay","fault":"silence","commit":true}]
//	GET  /control/ledger               {"entries":[...]}
//	GET  /control/net/ORDER            {"net":1999}
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
	mux.HandleFunc("PUT /control/clock", g.putClock)
	mux.HandleFunc("PUT /control/rules", g.putRules)
	mux.HandleFunc("GET /control/ledger", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string][]Entry{"entries": g.Ledger()}, nil)
	})
	mux.HandleFunc("GET /control/net/{order}", func(w http.ResponseWriter, r *http.Request) {
		reply(w, map[string]int64{"net": g.Net(r.PathValue("order"))}, nil)
	})
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
