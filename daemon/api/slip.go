package api

import (
	"net/http"
	"time"

	"posd/daemon/prints"
)

// slipView is a slip that was asked for.
type slipView struct {
	Job      string       `json:"job"`   // its name in the queue
	State    prints.State `json:"state"` // "waiting", "printed" or "held"
	Copy     bool         `json:"copy,omitempty"`
	QueuedAt time.Time    `json:"queued_at"`
	Why      string       `json:"why,omitempty"` // it is not printed yet
}

// printSlip prints an attempt's slip on demand. Each call after the first print gives one more copy.
func (a *API) printSlip(c *call) error {
	if err := c.readNothing(); err != nil {
		return err
	}
	k, err := a.key(c)
	if err != nil {
		return err
	}
	sale, err := a.desk.Sale(c.r.Context(), k.Client, k.Sale)
	if err != nil {
		return err
	}
	at, err := a.desk.Attempt(c.r.Context(), k)
	if err != nil {
		return err
	}
	j, isCopy, err := a.o.PrintSlip(c.r.Context(), sale, at)
	if err != nil {
		return err
	}
	a.answer(c, http.StatusAccepted, slipView{j.ID, j.State, isCopy, j.QueuedAt, j.Why})
	return nil
}
