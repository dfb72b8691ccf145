package api

import (
	"context"
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"posd/daemon/payment"
	"posd/daemon/prints"
)

// reply notes what was answered, for the log.
type reply struct {
	http.ResponseWriter
	status int
	client string // who asks, where that is known
	code   string // of the problem that is the answer; "" for none
}

// WriteHeader notes the status.
func (r *reply) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *reply) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// note notes a status that is not sent.
func note(w http.ResponseWriter, status int) {
	if r, ok := w.(*reply); ok {
		r.status = status
	}
}

// serve is the way of every request: who is asked and from where, then room, then the route.
func (a *API) serve(w http.ResponseWriter, r *http.Request) {
	out := &reply{ResponseWriter: w}
	start := time.Now()
	if err := a.admit(out, r); err != nil {
		a.refuse(out, r, err)
	} else {
		a.dispatch(out, r)
	}
	a.logRequest(r, out, time.Since(start))
}

// admit checks what does not depend on the route. The Host comes before anything else: a page of the web that has
// bent its own name to this machine (DNS rebinding) is told nothing.
func (a *API) admit(w http.ResponseWriter, r *http.Request) error {
	if !slices.Contains(a.o.Hosts, r.Host) {
		return &refusal{
			status: http.StatusMisdirectedRequest, code: "wrong_host", detail: "posd does not answer under this Host",
			hint: "use the address of api.listen, or add the name to api.hosts",
		}
	}
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if origins := r.Header.Values("Origin"); len(origins) > 0 {
		if len(origins) > 1 || !slices.Contains(a.o.Origins, origins[0]) {
			return &refusal{
				status: http.StatusForbidden, code: "wrong_origin", detail: "a web page of this Origin may not ask posd",
				hint: "call posd from the till's software; where the till is a page in a browser, add its Origin to api.origins",
			}
		}
		h.Set("Access-Control-Allow-Origin", origins[0])
		h.Set("Access-Control-Expose-Headers", "Location, Retry-After, Preference-Applied, "+missingHeader+", "+drawnHeader)
		h.Add("Vary", "Origin")
	}
	if most := mostBytes(r); r.ContentLength > most {
		return tooLarge(most)
	}
	return nil
}

// mostBytes is how long a body may be: what is printed may have pictures.
func mostBytes(r *http.Request) int64 {
	if strings.HasPrefix(r.URL.Path, "/v1/prints/") {
		return prints.MaxContent
	}
	return bodyLimit
}

// timeBody gives a body its time. A request without one must not get a deadline: it would end a wait.
func timeBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		// A connection that knows no deadlines is a test's.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
	}
}

// dispatch finds room for the request and hands it to its route.
func (a *API) dispatch(w http.ResponseWriter, r *http.Request) {
	if !a.room(r.Context()) {
		a.refuse(w, r, &refusal{
			status: http.StatusServiceUnavailable, code: "busy", detail: "too many requests at once",
			hint: "repeat it in a moment, and keep fewer open", header: "Retry-After", headerValue: "1",
		})
		return
	}
	defer func() { <-a.slots }()
	timeBody(w, r)
	// The mux would redirect a path like /v1//sales; one that is not clean names nothing.
	if p := r.URL.EscapedPath(); p != path.Clean(p) {
		a.refuse(w, r, notFound())
		return
	}
	a.mux.ServeHTTP(w, r)
}

// room waits for a slot, not for long. It tells whether there is one; the caller gives it back.
func (a *API) room(ctx context.Context) bool {
	select {
	case a.slots <- struct{}{}:
		return true
	default:
	}
	select {
	case a.queued <- struct{}{}:
		defer func() { <-a.queued }()
	default:
		return false
	}
	limit := time.NewTimer(queueTime)
	defer limit.Stop()
	select {
	case a.slots <- struct{}{}:
		return true
	case <-limit.C:
	case <-ctx.Done():
	case <-a.ending.Done():
	}
	return false
}

func notFound() error {
	return &refusal{status: http.StatusNotFound, code: "no_such_path", detail: "there is nothing at this path", hint: "check the path; daemon/api/README.md lists them, and all begin with /v1/"}
}

// preflight answers the question that a browser asks before a page of an allowed origin may ask.
func preflight(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, PUT, POST, DELETE")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Prefer, Last-Event-ID")
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}

// logRequest writes one line: never the query or the body, and of the path only its pattern. Of a refusal it names what
// that was about.
func (a *API) logRequest(r *http.Request, out *reply, took time.Duration) {
	level := slog.LevelInfo
	switch {
	case out.status >= http.StatusInternalServerError || out.status == http.StatusMisdirectedRequest:
		level = slog.LevelWarn
	case r.Method == http.MethodGet && out.status < http.StatusBadRequest:
		level = slog.LevelDebug // a till that polls would fill the log
	}
	_, route, _ := strings.Cut(r.Pattern, " ")
	if route == "" {
		route = r.Pattern
	}
	attrs := []any{"method", method(r), "route", route, "status", out.status, "elapsed_ms", took.Milliseconds(), "client", out.client}
	if out.code != "" {
		attrs = append(attrs, "code", out.code)
		attrs = append(attrs, about(r, out)...)
	}
	a.o.Log.Log(context.WithoutCancel(r.Context()), level, "request", attrs...)
}

// about names the sale, attempt or print job of a path, where the sender is known and has named it by what can be an id.
func about(r *http.Request, out *reply) (attrs []any) {
	what := "sale"
	if strings.HasPrefix(r.URL.Path, "/v1/prints/") {
		what = "print"
	}
	for _, part := range [][2]string{{what, r.PathValue("id")}, {"attempt", r.PathValue("attempt")}} {
		if out.client != "" && payment.CheckID(part[0], part[1]) == nil {
			attrs = append(attrs, part[0], part[1])
		}
	}
	return attrs
}

// method is the request's, if it is one that a sane client sends: it is written by strangers.
func method(r *http.Request) string {
	known := []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodPatch, http.MethodOptions}
	if slices.Contains(known, r.Method) {
		return r.Method
	}
	return "other"
}
