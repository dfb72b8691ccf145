package api

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"

	"posd/daemon/payment"
)

// Scope is what a token allows.
type Scope string

// The scopes. A supervisor may do all that a till may, for every till, and decide.
const (
	Sell       Scope = "sell"
	Supervisor Scope = "supervisor"
)

// shortestToken is what a bearer token must have at least: as much as the configuration's manual promises to take.
const shortestToken = 16

// Token is a bearer token as the interface knows it: its sum, never its text. The client it names owns the sales that
// are opened with it.
type Token struct {
	Client string
	Scope  Scope
	sum    [sha256.Size]byte
}

// NewToken takes the text of a token file; space around it does not count. The error never holds the text.
func NewToken(client string, scope Scope, text []byte) (Token, error) {
	text = bytes.TrimSpace(text)
	if err := payment.CheckID("client", client); err != nil {
		return Token{}, fmt.Errorf("token of client %q: %w", client, err)
	}
	if scope != Sell && scope != Supervisor {
		return Token{}, fmt.Errorf("token of client %s: scope %q is neither sell nor supervisor", client, scope)
	}
	if len(text) < shortestToken || bytes.ContainsAny(text, " \t\r\n") {
		return Token{}, fmt.Errorf("token of client %s: want one word of at least %d characters", client, shortestToken)
	}
	return Token{Client: client, Scope: scope, sum: sha256.Sum256(text)}, nil
}

// identify finds whose token a request bears. Every token is compared, in constant time; one that two clients share
// names neither.
func (a *API) identify(r *http.Request) (Token, bool) {
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return Token{}, false
	}
	sum := sha256.Sum256([]byte(strings.TrimSpace(text)))
	var found Token
	matches := 0
	for _, t := range a.o.Tokens {
		if subtle.ConstantTimeCompare(t.sum[:], sum[:]) == 1 {
			found = t
			matches++
		}
	}
	return found, matches == 1
}
