package api

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"posd/daemon/payment"
)

// problem is the body of every refusal (RFC 9457). Its type is always about:blank: what is wrong stands in code.
type problem struct {
	Type    string    `json:"type"`
	Title   string    `json:"title"`
	Status  int       `json:"status"`
	Detail  string    `json:"detail"`
	Code    string    `json:"code"`
	Remedy  string    `json:"remedy,omitempty"`
	RetryAt time.Time `json:"retry_at,omitzero"`
	Field   string    `json:"field,omitempty"`   // of the body, where one is to blame
	Clients []string  `json:"clients,omitempty"` // that have a sale of the id, where it is ambiguous

	OpenItems []openItemView `json:"open_items,omitempty"` // that keep a batch from being closed
}

// refusal is an error of the interface itself.
type refusal struct {
	status              int
	code, detail, hint  string
	field               string
	clients             []string
	header, headerValue string // one more header of the answer
}

func (e *refusal) Error() string { return e.code + ": " + e.detail }

// statusGone is what the log says of a request whose sender has gone before the answer (as nginx counts it).
const statusGone = 499

// refuse answers with a problem. A fault inside posd is logged and tells the till nothing but that.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		note(w, statusGone)
		return
	}
	p := a.problemOf(r, err)
	if out, ok := w.(*reply); ok {
		out.code = p.Code
	}
	var e *refusal
	if errors.As(err, &e) && e.header != "" {
		w.Header().Set(e.header, e.headerValue)
	}
	if !p.RetryAt.IsZero() {
		w.Header().Set("Retry-After", seconds(p.RetryAt.Sub(a.o.Now())))
	}
	// Who does not read a refusal gets nothing better.
	_ = send(w, p.Status, "application/problem+json", p)
}

func (a *API) problemOf(r *http.Request, err error) problem {
	p := problem{Type: "about:blank"}
	var e *refusal
	if errors.As(err, &e) {
		p.Status, p.Code, p.Detail, p.Remedy, p.Field, p.Clients = e.status, e.code, e.detail, e.hint, e.field, e.clients
	} else if known := payment.Explain(err); known != nil {
		p.Status, p.Code, p.Detail, p.Remedy, p.RetryAt = known.Status, known.Code, known.Detail, known.Remedy, known.RetryAt
		p.OpenItems = viewItems(known.Open)
		if soon := a.o.Now().Add(time.Second); known.Soon && p.RetryAt.Before(soon) {
			p.RetryAt = soon
		}
	} else {
		a.o.Log.Error("request failed inside posd", "route", r.Pattern, "err", err)
		p.Status, p.Code = http.StatusInternalServerError, "internal"
		p.Detail, p.Remedy = "posd could not do this", "repeat it under the same ids; if it fails again, look at the log"
	}
	if p.Status == 0 { // a tender that is not ready leaves it open
		p.Status = http.StatusServiceUnavailable
	}
	p.Title = http.StatusText(p.Status)
	return p
}

// seconds writes a wait as a Retry-After header has it, never less than one.
func seconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}

// send writes one JSON answer. Its error means that the answer may not have arrived.
func send(w http.ResponseWriter, status int, kind string, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	c := http.NewResponseController(w)
	if err := c.SetWriteDeadline(time.Now().Add(answerTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	if _, err := w.Write(text); err != nil {
		return err
	}
	return c.Flush()
}
