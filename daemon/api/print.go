package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"posd/daemon/payment"
	"posd/daemon/prints"
	"posd/drivers"
)

const (
	printPath = "/v1/prints/{id}"
	// previewID names no job: a POST to it shows what would be printed.
	previewID = "preview"
)

// printInput is what is to be printed, or shown.
type printInput struct {
	Document    json.RawMessage `json:"document"`
	Receiptline string          `json:"receiptline"`
	Raw         string          `json:"raw"`
	Language    string          `json:"language"`
}

func (*printInput) names() []string {
	return []string{"document", "document.*", "receiptline", "raw", "language"}
}

func (in printInput) content() prints.Content {
	return prints.Content{Document: in.Document, Receiptline: in.Receiptline, Raw: in.Raw, Language: in.Language}
}

// printView is how a print job stands.
type printView struct {
	ID        string        `json:"id"`
	Client    string        `json:"client"`
	Result    prints.Result `json:"result"`
	By        string        `json:"confirmed_by,omitempty"` // "process" or, weaker, "fence"
	QueuedAt  time.Time     `json:"queued_at"`
	PrintedAt time.Time     `json:"printed_at,omitzero"`
	Reprints  int           `json:"reprints,omitempty"` // copies marked REPRINT: nobody knew how much of the one before was on paper
	Missing   string        `json:"missing,omitempty"`  // characters that nobody has; each stands as 〓 on paper
	Drawn     string        `json:"drawn,omitempty"`    // characters that the printer does not have, printed as pictures
	Why       string        `json:"why,omitempty"`      // it waits, or failed
	Remedy    string        `json:"remedy,omitempty"`
}

// putPrint queues a job, or finds it: 202 while it waits, 200 when its result is known, for which a till may wait.
func (a *API) putPrint(c *call) error {
	id, client, err := a.printKey(c)
	if err != nil {
		return err
	}
	var in printInput
	if err := c.read(&in); err != nil {
		return err
	}
	j, err := a.o.Prints.PutJob(c.r.Context(), client, id, in.content())
	if err != nil {
		return printRefusal(err)
	}
	return a.waitPrint(c, id, j)
}

func (a *API) getPrint(c *call) error {
	id, client, err := a.printKey(c)
	if err != nil {
		return err
	}
	j, err := a.o.Prints.TillJob(c.r.Context(), client, id)
	if err != nil {
		return printRefusal(err)
	}
	return a.waitPrint(c, id, j)
}

// waitPrint answers, and waits for the result first if the till prefers that.
func (a *API) waitPrint(c *call, id string, j prints.Job) error {
	limit := preferredWait(c.r)
	if limit == 0 || j.Result() != prints.StillWaits {
		return a.answerPrint(c, id, j)
	}
	c.w.Header().Set("Preference-Applied", "wait="+strconv.Itoa(int(limit.Seconds())))
	ctx, cancel := context.WithCancel(c.r.Context())
	defer cancel()
	defer context.AfterFunc(a.ending, cancel)()
	j, err := a.o.Prints.Wait(ctx, j.Client, id, limit)
	switch {
	case errors.Is(err, context.Canceled) && a.ending.Err() != nil && c.r.Context().Err() == nil:
		return &refusal{
			status: http.StatusServiceUnavailable, code: "stopping", detail: "posd is stopping; the job goes on when it is back",
			hint: "repeat the request under the same id", header: "Retry-After", headerValue: "2",
		}
	case err != nil:
		return printRefusal(err)
	}
	return a.answerPrint(c, id, j)
}

// deletePrint takes back a job that was not begun.
func (a *API) deletePrint(c *call) error {
	id, client, err := a.printKey(c)
	if err != nil {
		return err
	}
	j, err := a.o.Prints.Recall(c.r.Context(), client, id)
	if err != nil {
		return printRefusal(err)
	}
	return a.answerPrint(c, id, j)
}

// printKey tells which job of whose is meant: a till's own, or of the client that a supervisor names.
func (a *API) printKey(c *call) (id, client string, err error) {
	id, client = c.r.PathValue("id"), cmp.Or(c.r.URL.Query().Get("client"), c.who.Client)
	switch {
	case a.o.Prints == nil:
		return "", "", noPrinter()
	case id == previewID:
		return "", "", wrongMethod([]string{http.MethodPost})
	case client != c.who.Client && c.who.Scope != Supervisor:
		return "", "", supervisorOnly("the print jobs of another client are for a supervisor")
	}
	return id, client, payment.CheckID("print", id)
}

func noPrinter() error {
	return &refusal{status: http.StatusUnprocessableEntity, code: "no_printer", detail: "no receipt printer is configured", hint: "configure one"}
}

func (a *API) answerPrint(c *call, id string, j prints.Job) error {
	status := http.StatusOK
	if j.Result() == prints.StillWaits {
		status = http.StatusAccepted
		c.w.Header().Set("Location", c.place("/v1/prints/"+id, j.Client))
		c.w.Header().Set("Retry-After", "1")
	}
	a.answer(c, status, a.viewPrint(id, j))
	return nil
}

// viewPrint tells of a job, and of what keeps the printer while it waits.
func (a *API) viewPrint(id string, j prints.Job) printView {
	v := printView{
		ID: id, Client: j.Client, Result: j.Result(), By: string(j.Confirmed), QueuedAt: j.QueuedAt, PrintedAt: j.PrintedAt,
		Reprints: j.Unsure, Missing: j.Missing, Drawn: j.Drawn, Why: j.Why,
	}
	switch v.Result {
	case prints.StillWaits:
		if why, remedy := a.printerTrouble(); remedy != "" {
			v.Why, v.Remedy = why, remedy
		} else if j.Rests() {
			v.Remedy = "look at the printer's cable, plug and power supply; DELETE gives the job up"
		}
	case prints.Failed:
		v.Reprints = max(0, j.Unsure-1)
		v.Remedy = "look at the paper and at the printer; to print it again, send it under another id"
	case prints.Confirmed, prints.Sent, prints.Recalled:
	}
	return v
}

// printerTrouble is why the printer does not print, and what to do; nothing when it is well. The first one prints.
func (a *API) printerTrouble() (why, remedy string) {
	for _, d := range a.o.Devices() {
		if d.Kind != drivers.Printer {
			continue
		}
		if d.Online {
			return "", ""
		}
		return d.Why, d.Remedy
	}
	return "", ""
}

func printRefusal(err error) error {
	var wrong *prints.ContentError
	switch {
	case errors.As(err, &wrong):
		return &refusal{
			status: http.StatusUnprocessableEntity, code: "bad_content", detail: wrong.Error(), hint: wrong.Remedy, field: wrong.Field,
		}
	case errors.Is(err, prints.ErrOther):
		return &refusal{
			status: http.StatusUnprocessableEntity, code: "other_content", detail: "another content was sent under this id before",
			hint: "use a new id for each thing to print; repeat one with the same content",
		}
	case errors.Is(err, prints.ErrBegun):
		return &refusal{
			status: http.StatusConflict, code: "begun", detail: "the job was begun: some of it is on paper, or may be",
			hint: "look at its result with GET",
		}
	case errors.Is(err, prints.ErrFull):
		return &refusal{
			status: http.StatusServiceUnavailable, code: "queue_full", detail: "too many print jobs wait", hint: "look at the printer; then repeat it",
			header: "Retry-After", headerValue: "10",
		}
	case errors.Is(err, prints.ErrRoom):
		return &refusal{
			status: http.StatusInsufficientStorage, code: "disk_full", detail: "the disk of the journal is nearly full; what is left is for payments",
			hint: "free disk space; then repeat it",
		}
	case errors.Is(err, prints.ErrNoJob):
		return &refusal{status: http.StatusNotFound, code: "not_found", detail: "there is no such print job", hint: "PUT it; a supervisor may name the client"}
	default:
		return err
	}
}

// Headers of a preview, whose body has no room for them: what printView calls missing and drawn, in UTF-8 and percent-encoded,
// since headers are ASCII.
const (
	missingHeader = "Posd-Missing"
	drawnHeader   = "Posd-Drawn"
)

// maxNamed is how many characters a header names: clients take no header of any length.
const maxNamed = 100

// nameCharacters sets a header, unless there is nothing to name.
func nameCharacters(h http.Header, name, characters string) {
	if all := []rune(characters); len(all) > 0 {
		h.Set(name, url.PathEscape(string(all[:min(len(all), maxNamed)])))
	}
}

// kinds are the media types of previews.
var kinds = map[string]string{"text": "text/plain; charset=utf-8", "svg": "image/svg+xml", "png": "image/png"}

// postPrint shows what would be printed, and prints nothing.
func (a *API) postPrint(c *call) error {
	if c.r.PathValue("id") != previewID {
		return wrongMethod([]string{http.MethodPut, http.MethodGet, http.MethodDelete})
	}
	query := c.r.URL.Query()
	as, look := cmp.Or(query.Get("as"), "text"), a.o.Look
	if p := query.Get("profile"); p != "" {
		look = prints.Look{Profile: p}
	}
	if n := query.Get("columns"); n != "" {
		var err error
		if look.Columns, err = strconv.Atoi(n); err != nil || look.Columns < 1 {
			return bad("bad_parameter", "columns is no number from 1 on", "leave it out for the printer's own")
		}
	}
	var in printInput
	if err := c.read(&in); err != nil {
		return err
	}
	shown, err := prints.Preview(in.content(), as, look)
	if err != nil {
		return printRefusal(err)
	}
	h := c.w.Header()
	h.Set("Content-Type", kinds[as])
	h.Set("Content-Length", strconv.Itoa(len(shown.Picture)))
	nameCharacters(h, missingHeader, shown.Missing)
	nameCharacters(h, drawnHeader, shown.Drawn)
	h.Set("Content-Security-Policy", "default-src 'none'; img-src data:; style-src 'unsafe-inline'")
	c.w.WriteHeader(http.StatusOK)
	if err := pour(c.w, bytes.NewReader(shown.Picture)); err != nil {
		a.o.Log.Info("answer could not be written", "route", c.r.Pattern, "err", err)
	}
	return nil
}

// drawerInput opens the cash drawer.
type drawerInput struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
	Pin    int64  `json:"pin"`
	Pulse  int64  `json:"pulse"`
}

func (*drawerInput) names() []string { return []string{"by", "reason", "pin", "pulse"} }

func (in drawerInput) check() error {
	if err := words(in.By, in.Reason); err != nil {
		return err
	}
	if in.Pin != 0 && in.Pin != 2 && in.Pin != 5 {
		return badField("pin", "is no pin of a drawer", "use 2 or 5, or leave it out for 2")
	}
	if in.Pulse != 0 && (in.Pulse < 2 || in.Pulse > 510) {
		return badField("pulse", "is no length of a pulse", "use 2 to 510 milliseconds, or leave it out for 50")
	}
	return nil
}

// openDrawer opens the cash drawer now, or says that it did not.
func (a *API) openDrawer(c *call) error {
	if a.o.Prints == nil {
		return noPrinter()
	}
	var in drawerInput
	if c.r.ContentLength != 0 {
		if err := c.read(&in); err != nil {
			return err
		}
	}
	if err := in.check(); err != nil {
		return err
	}
	result, err := a.o.Prints.Kick(c.r.Context(), prints.Kick{
		Client: c.who.Client, By: in.By, Reason: in.Reason, Pin: int(in.Pin), Pulse: int(in.Pulse),
	})
	if result == prints.Failed {
		why, remedy := a.printerTrouble()
		return &refusal{
			status: http.StatusServiceUnavailable, code: "drawer_not_opened", detail: "the drawer was not opened: " + cmp.Or(why, err.Error()),
			hint: cmp.Or(remedy, "look at the printer, and order it again; use the key meanwhile"),
		}
	}
	if err != nil {
		return err
	}
	a.answer(c, http.StatusOK, struct {
		Result prints.Result `json:"result"`
	}{result})
	return nil
}
