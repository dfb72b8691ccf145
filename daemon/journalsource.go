package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"posd/config"
	"posd/daemon/journal"
	"posd/daemon/payment"
	"posd/daemon/prints"
)

// records finds the journal that is meant: a file that is named; else that of the running posd, through its API; else the
// file of one that does not answer, unless it has it all the same.
func (g *globals) records(ctx context.Context, file string) (records, error) {
	if file != "" {
		if why := noJournal(file); why != "" {
			return nil, errors.New(file + " " + why)
		}
		return openRecords(ctx, file, g.Now)
	}
	cfg, err := g.load()
	if err != nil {
		return nil, err
	}
	api, silent := runningPosd(ctx, cfg)
	if silent == nil {
		return api, nil
	}
	j, err := openRecords(ctx, cfg.Journal.Path, g.Now)
	var locked *journal.LockedError
	if errors.As(err, &locked) { // posd is there, so the file is not the way: say why the API is not either
		return nil, fmt.Errorf("%w (the journal %w)", silent, err)
	}
	return j, err
}

// noJournal says of what a person may take for a journal why it is none: its folder, or an export in JSON lines. No SQLite
// file begins as one of these. Who opens a file as a journal finds the rest.
func noJournal(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	if i, err := f.Stat(); err == nil && i.IsDir() {
		return "is a folder: name the journal's file in it"
	}
	var begin [1]byte
	if n, _ := f.Read(begin[:]); n == 1 && begin[0] == '{' {
		return "holds JSON lines, which are for other programs: name the journal, or a copy made by posd journal export without --jsonl"
	}
	return ""
}

// runningPosd is the journal of a posd that answers.
func runningPosd(ctx context.Context, cfg *config.Config) (records, error) {
	c, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	if err := c.do(ctx, http.MethodGet, "/v1/owed", nil, nil); err != nil {
		var no *refusal
		if errors.As(err, &no) { // it is there: what it says is what is wrong
			return liveRecords{c}, nil
		}
		return nil, err
	}
	return liveRecords{c}, nil
}

// wholeJournal is how long posd may take to go through its whole journal.
const wholeJournal = 10 * time.Minute

// liveRecords is the journal of the running posd.
type liveRecords struct{ c *client }

func (l liveRecords) live() bool   { return true }
func (l liveRecords) Close() error { return nil }

// slow is a client for what goes through the whole journal.
func (l liveRecords) slow() *client {
	c := l.c.patient(wholeJournal)
	c.wait = 0
	return c
}

func (l liveRecords) audit(ctx context.Context) (found payment.Audit, err error) {
	err = l.slow().do(ctx, http.MethodGet, "/v1/journal/verify", nil, &found)
	return found, err
}

func (l liveRecords) history(ctx context.Context, s payment.Search) ([]payment.Record, int64, error) {
	q := url.Values{}
	for name, text := range map[string]string{"client": s.Client, "sale": s.Sale, "attempt": s.Attempt} {
		if text != "" {
			q.Set(name, text)
		}
	}
	for name, n := range map[string]int64{"after": s.After, "last": int64(s.Last), "limit": int64(s.Limit)} {
		if n > 0 {
			q.Set(name, strconv.FormatInt(n, 10))
		}
	}
	var page struct {
		Records []payment.Record `json:"records"`
		Next    int64            `json:"next"`
	}
	err := l.c.do(ctx, http.MethodGet, "/v1/journal/events?"+q.Encode(), nil, &page)
	return page.Records, page.Next, err
}

func (l liveRecords) sales(ctx context.Context, s payment.SaleSearch) (string, []payment.Sale, int64, error) {
	q := url.Values{"after": {strconv.FormatInt(s.After, 10)}}
	if !s.Since.IsZero() {
		q.Set("since", strconv.FormatInt(s.Since.UnixMilli(), 10))
	}
	var page struct {
		Journal string         `json:"journal"`
		Sales   []payment.Sale `json:"sales"`
		Next    int64          `json:"next"`
	}
	err := l.c.do(ctx, http.MethodGet, "/v1/journal/sales?"+q.Encode(), nil, &page)
	return page.Journal, page.Sales, page.Next, err
}

func (l liveRecords) owed(ctx context.Context, _ time.Duration) ([]payment.Pair, []payment.LookAlike, error) {
	var o struct {
		Pairs  []payment.Pair      `json:"pairs"`
		Alikes []payment.LookAlike `json:"look_alikes"`
	}
	err := l.c.do(ctx, http.MethodGet, "/v1/owed", nil, &o)
	return o.Pairs, o.Alikes, err
}

func (l liveRecords) export(ctx context.Context, path string) error {
	return writeNew(path, func(w io.Writer) error { return l.slow().fetch(ctx, "/v1/journal/export", w) })
}

// fileRecords is the file of a posd that is stopped, or a copy.
type fileRecords struct {
	*payment.Archive
	journal *journal.Journal
}

// openRecords opens a file to look at it. It is locked meanwhile: a posd that starts is told so.
func openRecords(ctx context.Context, path string, now func() time.Time) (records, error) {
	j, err := journal.Open(ctx, journal.Options{
		Path: path, Now: now, Owner: "posd journal", ReadOnly: true, KeepDamaged: true,
		Projections: []journal.Projection{payment.Projection(), prints.Projection()},
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no journal at %s: posd makes it when it first runs", path)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("open the journal %s: %w; run this as the user whose it is, or as an administrator", path, err)
	case err != nil:
		return nil, fmt.Errorf("open the journal %s: %w", path, err)
	}
	return fileRecords{payment.NewArchive(j), j}, nil
}

func (f fileRecords) live() bool   { return false }
func (f fileRecords) Close() error { return f.journal.Close() }

func (f fileRecords) audit(ctx context.Context) (payment.Audit, error) { return f.Audit(ctx) }

func (f fileRecords) history(ctx context.Context, s payment.Search) ([]payment.Record, int64, error) {
	return f.History(ctx, s)
}

func (f fileRecords) export(ctx context.Context, path string) error { return f.Export(ctx, path) }

func (f fileRecords) sales(ctx context.Context, s payment.SaleSearch) (string, []payment.Sale, int64, error) {
	page, next, err := f.Sales(ctx, s)
	return f.Name(), page, next, err
}

func (f fileRecords) owed(ctx context.Context, alike time.Duration) ([]payment.Pair, []payment.LookAlike, error) {
	o, err := f.Owed(ctx, "", alike)
	return o.Pairs, o.LookAlikes, err
}
