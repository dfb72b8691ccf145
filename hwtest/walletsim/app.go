package walletsim

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// LoginRequest is what a phone says when somebody logs in.
type LoginRequest struct {
	Account  string   `json:"account"`
	Password string   `json:"password"`
	Schemes  []string `json:"schemes"`           // prefixes of the offline codes that the app can make
	Rooted   bool     `json:"rooted,omitempty"`  // the app has noticed that it cannot keep a secret
	Session  string   `json:"session,omitempty"` // who was logged in on this phone before: that login ends
}

// LoginAnswer is all that the phone will ever be told of its seed: no other call gives it.
type LoginAnswer struct {
	Session string `json:"session"`
	Seed    *Seed  `json:"seed,omitempty"` // none where the account may have no offline codes
}

// Seed is what a phone makes offline codes of. Bytes are in hex.
type Seed struct {
	Scheme   string `json:"scheme"` // prefix of its codes
	Handle   string `json:"handle"`
	Seed     string `json:"seed"`
	GroupKey string `json:"group_key"`
}

// CodeAnswer is a new online code.
type CodeAnswer struct {
	Code    string `json:"code"`
	Seconds int    `json:"seconds"` // how long it is good for
}

// PhoneAnswer is how the customer's account stands.
type PhoneAnswer struct {
	Account string  `json:"account"`
	Balance int64   `json:"balance"`
	Waiting []int64 `json:"waiting"` // amounts of payments that wait for the password
	Offline string  `json:"offline"` // ready, suspended, restricted or retired
}

// maxPhone bounds a body of the phones' door.
const maxPhone = 4 << 10

// errLogin says no more than it must.
var errLogin = errors.New("account and password do not fit (after five wrong ones none is taken for ten minutes)")

// Phones is the door of phones that are programs of their own (hwtest phone). It is the simulator's own and wants a
// server that speaks TLS: the phone knows the gateway by its certificate, the gateway knows the customer by the password
// and after that by the session's token. Bodies are JSON.
//
//	POST /phone/login      LoginRequest   LoginAnswer   the seed is delivered here, once; an older login of the phone ends
//	POST /phone/code                      CodeAnswer    a new online code; the one before is dead
//	GET  /phone/account                   PhoneAnswer
//	POST /phone/confirm    {"password"}   {"payments"}  what waits for the password is paid
//	POST /phone/refuse                    {"payments"}  what waits is refused
//	POST /phone/logout                                  the seed is destroyed
func (g *Gateway) Phones() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /phone/login", g.postLogin)
	mux.HandleFunc("POST /phone/code", g.onSession(func(h *handset, _ *http.Request) (any, error) {
		code, err := h.issue()
		return CodeAnswer{code, int(onlineLife / time.Second)}, err
	}))
	mux.HandleFunc("GET /phone/account", g.onSession(func(h *handset, _ *http.Request) (any, error) { return h.stands(), nil }))
	mux.HandleFunc("POST /phone/confirm", g.onSession(confirmed))
	mux.HandleFunc("POST /phone/refuse", g.onSession(func(h *handset, _ *http.Request) (any, error) {
		return map[string]int{"payments": h.refuse()}, nil
	}))
	mux.HandleFunc("POST /phone/logout", g.onSession(func(h *handset, r *http.Request) (any, error) {
		h.leave()
		delete(g.sessions, session(r))
		return struct{}{}, nil
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxPhone)
		mux.ServeHTTP(w, r)
	})
}

func (g *Gateway) postLogin(w http.ResponseWriter, r *http.Request) {
	var in LoginRequest
	if err := decode(r, &in); err != nil {
		reply(w, nil, err)
		return
	}
	out, err := g.admit(in)
	if errors.Is(err, errLogin) {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	g.o.Log.Info("phone logged in", "account", in.Account, "offline", out.Seed != nil, "rooted", in.Rooted)
	reply(w, out, err)
}

// admit checks the password and logs in.
func (g *Gateway) admit(in LoginRequest) (LoginAnswer, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.accounts[in.Account]
	if a == nil || !a.knows(in.Password, g.now()) {
		return LoginAnswer{}, errLogin
	}
	return g.login(a, in)
}

// knows checks a password; after five wrong ones within ten minutes none is right.
func (a *account) knows(password string, now time.Time) bool {
	if a.wrong.out(now) {
		return false
	}
	if !same(password, a.password) {
		a.wrong = append(a.wrong, now)
		return false
	}
	return true
}

// login ends the phone's older login and begins a new one; mu is held.
func (g *Gateway) login(a *account, in LoginRequest) (out LoginAnswer, err error) {
	if old := g.sessions[hashed(in.Session)]; old != nil {
		old.leave()
		delete(g.sessions, hashed(in.Session))
	}
	a.restricted = a.restricted || in.Rooted && g.o.RestrictRooted
	h := &handset{g: g, account: a}
	if s, ok := g.newest(in.Schemes); ok && !a.restricted {
		if err := h.enrol(s); err != nil {
			return out, err
		}
		out.Seed = &Seed{s.Prefix, h.seed.handle, hex.EncodeToString(h.seed.seed), hex.EncodeToString(g.groupKey(s))}
	}
	out.Session = rand.Text()
	g.sessions[hashed(out.Session)] = h
	return out, nil
}

// newest is the newest version that both sides know; mu is held.
func (g *Gateway) newest(known []string) (Scheme, bool) {
	for _, s := range slices.Backward(Schemes()) {
		if slices.Contains(known, s.Prefix) && !slices.Contains(g.retired, s.Prefix) {
			return s, true
		}
	}
	return Scheme{}, false
}

// onSession finds whose phone calls; do runs with the gateway locked, on a body that has arrived.
func (g *Gateway) onSession(do func(*handset, *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			reply(w, nil, errors.New("the body is too long or torn"))
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer, err := g.onHandset(r, do)
		if errors.Is(err, errNobody) {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		reply(w, answer, err)
	}
}

var errNobody = errors.New("nobody is logged in on this phone: log in")

func (g *Gateway) onHandset(r *http.Request, do func(*handset, *http.Request) (any, error)) (any, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	h := g.sessions[session(r)]
	if h == nil {
		return nil, errNobody
	}
	return do(h, r)
}

// session is the key of a request's session.
func session(r *http.Request) string {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return hashed(token)
}

func hashed(token string) string {
	sum := sha256.Sum256([]byte(token))
	return string(sum[:])
}

// confirmed checks the password as a login does.
func confirmed(h *handset, r *http.Request) (any, error) {
	var in struct{ Password string }
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if !h.account.knows(in.Password, h.g.now()) {
		return nil, errLogin
	}
	return map[string]int{"payments": h.confirm()}, nil
}

// stands tells how an account stands; mu is held.
func (h *handset) stands() PhoneAnswer {
	out := PhoneAnswer{Account: h.account.name, Balance: h.account.balance, Waiting: []int64{}, Offline: "ready"}
	for _, o := range h.waiting() {
		out.Waiting = append(out.Waiting, o.amount)
	}
	slices.Sort(out.Waiting)
	switch {
	case h.account.restricted, h.seed == nil:
		out.Offline = "restricted"
	case h.seed.locked(h.g.now()):
		out.Offline = "suspended"
	case slices.Contains(h.g.retired, h.seed.scheme.Prefix):
		out.Offline = "retired"
	}
	return out
}
