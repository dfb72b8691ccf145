package api

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"posd/daemon/payment"
)

// recordsView is a page of what happened.
type recordsView struct {
	Records []payment.Record `json:"records"`
	Next    int64            `json:"next"` // go on with ?after= this
}

// getRecords gives what the journal holds, a page at a time. Its bodies are masked, and for a supervisor all the same.
func (a *API) getRecords(c *call) error {
	q := c.r.URL.Query()
	s := payment.Search{Client: q.Get("client"), Sale: q.Get("sale"), Attempt: q.Get("attempt")}
	after, err := count(c, "after")
	if err != nil {
		return err
	}
	last, err := count(c, "last")
	if err != nil {
		return err
	}
	limit, err := count(c, "limit")
	if err != nil {
		return err
	}
	s.After, s.Last, s.Limit = after, int(min(last, payment.MaxRecords)), int(min(limit, payment.MaxRecords))
	records, next, err := a.desk.Archive().History(c.r.Context(), s)
	if err != nil {
		return err
	}
	a.answer(c, http.StatusOK, recordsView{records, next})
	return nil
}

// journalSales is a page of sales with all that the journal knows of their attempts.
type journalSales struct {
	Journal string         `json:"journal"` // its name: order numbers begin with it
	Sales   []payment.Sale `json:"sales"`
	Next    int64          `json:"next"` // go on with ?after= this
}

// getJournalSales gives sales in the order in which they were opened: all, or those of which an attempt was sent since a
// time (milliseconds since 1970).
func (a *API) getJournalSales(c *call) error {
	var s payment.SaleSearch
	since, err := count(c, "since")
	if err != nil {
		return err
	}
	if since > 0 {
		s.Since = time.UnixMilli(since)
	}
	if s.After, err = count(c, "after"); err != nil {
		return err
	}
	limit, err := count(c, "limit")
	if err != nil {
		return err
	}
	s.Limit = int(min(limit, payment.MaxSales))
	archive := a.desk.Archive()
	page := journalSales{Journal: archive.Name()}
	if page.Sales, page.Next, err = archive.Sales(c.r.Context(), s); err != nil {
		return err
	}
	a.answer(c, http.StatusOK, page)
	return nil
}

// count reads a parameter of the query that counts something; 0 when it is not there.
func count(c *call, name string) (int64, error) {
	text := c.r.URL.Query().Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, bad("bad_parameter", name+" is no number", "give a whole number, 0 or above")
	}
	return n, nil
}

// verifyJournal checks the whole journal: 200 whatever it finds, since it was looked at.
func (a *API) verifyJournal(c *call) error {
	leave, err := a.look()
	if err != nil {
		return err
	}
	defer leave()
	found, err := a.desk.Archive().Audit(c.r.Context())
	if err != nil {
		return err
	}
	a.answer(c, http.StatusOK, found)
	return nil
}

// look lets one request at a time go through the whole journal.
func (a *API) look() (leave func(), err error) {
	select {
	case a.looks <- struct{}{}:
		return func() { <-a.looks }, nil
	default:
		return nil, &refusal{
			status: http.StatusServiceUnavailable, code: "busy", detail: "somebody else is going through the whole journal",
			hint: "repeat it when that has ended", header: "Retry-After", headerValue: "10",
		}
	}
}

// exportJournal sends a snapshot of the journal as an SQLite file.
func (a *API) exportJournal(c *call) error {
	leave, err := a.look()
	if err != nil {
		return err
	}
	defer leave()
	f, giveUp, err := a.desk.Archive().Copy(c.r.Context())
	if err != nil {
		return err
	}
	defer giveUp()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", "application/vnd.sqlite3")
	h.Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	c.w.WriteHeader(http.StatusOK)
	if err := pour(c.w, f); err != nil {
		a.o.Log.Info("the copy of the journal could not be sent", "err", err)
	}
	return nil
}

// pour sends a stream in pieces, each of which has its own time: who stops reading keeps nobody waiting.
func pour(w http.ResponseWriter, from io.Reader) error {
	control := http.NewResponseController(w)
	for {
		if err := control.SetWriteDeadline(time.Now().Add(answerTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		_, err := io.CopyN(w, from, 1<<20)
		if errors.Is(err, io.EOF) {
			return control.Flush()
		}
		if err != nil {
			return err
		}
	}
}
