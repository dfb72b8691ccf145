package prints

import (
	"context"
	"errors"
	"fmt"
	"time"

	"posd/daemon/journal"
	"posd/drivers/printer"
)

// The kinds of event of the drawer. Their subject is the till's.
const (
	drawerOrdered = "drawer_ordered"
	drawerOpened  = "drawer_opened"
	drawerUnsure  = "drawer_unsure"
	drawerFailed  = "drawer_failed"
)

// kickLimit is how long an order to open the drawer is good for: one that comes late opens it when nobody stands there.
const kickLimit = 5 * time.Second

// Kick is an order to open the cash drawer.
type Kick struct {
	Client string // the till
	By     string // the person, as the till says; may be empty
	Reason string // may be empty
	Pin    int    // 2 when 0, or 5
	Pulse  int    // milliseconds: 50 when 0, at most 510
}

// kicked is the body of the drawer's events.
type kicked struct {
	By        string               `json:"by,omitempty"`
	Reason    string               `json:"reason,omitempty"`
	Pin       int                  `json:"pin,omitempty"`
	Confirmed printer.Confirmation `json:"confirmed,omitempty"`
	Why       string               `json:"why,omitempty"`
}

// Kick opens the cash drawer now or not at all: it waits for no paper and no long job. Who ordered it is on disk before the
// pulse leaves, what became of it after. Sent says that it may be open; Failed, with the printer's error, that it is not. An
// error without a result is the journal's: nothing was done.
func (q *Queue) Kick(ctx context.Context, k Kick) (Result, error) {
	if err := q.note(ctx, k, drawerOrdered, kicked{By: k.By, Reason: k.Reason, Pin: k.Pin}); err != nil {
		return "", fmt.Errorf("record who opens the drawer: %w", err)
	}
	pulse := printer.Document{Lines: []printer.Line{{Kind: printer.Drawer, Pin: k.Pin, Pulse: k.Pulse}}}
	sending, cancel := context.WithTimeout(ctx, kickLimit)
	defer cancel()
	res, err := q.o.Printer.Print(sending, pulse)
	result, kind, what := Confirmed, drawerOpened, kicked{Confirmed: res.Confirmed}
	var maybe *printer.UnconfirmedError
	switch {
	case errors.As(err, &maybe):
		result, kind, what.Why, err = Sent, drawerUnsure, maybe.Cause.Error(), nil
	case err != nil:
		result, kind, what.Why = Failed, drawerFailed, err.Error()
	case res.Confirmed == printer.Unconfirmed:
		result = Sent
	}
	// The deed is done: that it cannot be noted changes nothing of it.
	if err := q.note(context.WithoutCancel(ctx), k, kind, what); err != nil {
		q.o.Log.Error("what became of the drawer could not be recorded", "client", k.Client, "what", kind, "err", err)
	}
	return result, err
}

func (q *Queue) note(ctx context.Context, k Kick, kind string, what kicked) error {
	ctx, cancel := context.WithTimeout(ctx, recordLimit)
	defer cancel()
	return q.o.Journal.Update(ctx, func(tx *journal.Tx) error {
		return tx.Append(journal.Entry{Subject: "drawer/" + k.Client, Kind: kind, Body: what})
	})
}
