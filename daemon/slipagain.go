package main

import (
	"context"
	"errors"

	"posd/daemon/payment"
	"posd/daemon/prints"
)

// printSlip brings a slip onto paper because somebody asks for it (rule 14): the one that is held comes out late and says
// so; after it was printed comes a copy that says that it is one. What waits for the printer anyhow is left as it is.
func (h *house) printSlip(ctx context.Context, sale payment.Sale, a payment.Attempt) (j prints.Job, isCopy bool, err error) {
	if h.slips == nil {
		return j, false, &payment.Problem{
			Code: "no_printer", Status: 422, Detail: "no receipt printer is configured",
			Remedy: "the lines of the slip stand in the attempt; or configure a printer",
		}
	}
	w, due := wordingDue(a)
	if !due {
		return j, false, &payment.Problem{
			Code: "nothing_to_print", Status: 409, Detail: "attempt " + a.Key.String() + " is " + a.Said() + ": there is nothing to print yet",
			Remedy: "wait for its result; in confirm mode acknowledge the sale first",
		}
	}
	slip := h.slipOf(sale, a, w)
	j, err = h.slips.queue.Job(ctx, slip.ID())
	switch {
	case errors.Is(err, prints.ErrNoJob): // it was not to be printed then
	case err != nil || j.State == prints.Waiting:
		return j, false, err
	case j.State == prints.Held:
		err = h.slips.queue.Release(ctx, j.ID)
		if errors.Is(err, prints.ErrNoJob) { // somebody else was faster
			err = nil
		}
		return h.queued(ctx, j.ID, false, err)
	default:
		slip.Copy = true
	}
	err = h.slips.queue.Put(ctx, slip.ID(), slip.Document(), slip.Now.Add(slipLasts))
	return h.queued(ctx, slip.ID(), slip.Copy, err)
}

// queued gives a job as it stands now.
func (h *house) queued(ctx context.Context, id string, isCopy bool, err error) (prints.Job, bool, error) {
	if err != nil {
		return prints.Job{}, isCopy, err
	}
	j, err := h.slips.queue.Job(ctx, id)
	return j, isCopy, err
}
