package payment

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"posd/daemon/journal"
)

// Owed is what posd or a person still has to do.
type Owed struct {
	Open       []Attempt   `json:"open"`             // sent or reversing: posd is at it
	Stuck      []Attempt   `json:"stuck"`            // a person decides
	Pairs      []Pair      `json:"pairs"`            // suspect pairs that are not resolved
	LookAlikes []LookAlike `json:"look_alikes"`      // listed only: no money moves for them; the oldest MaxLookAlikes
	MoreAlike  int         `json:"more_look_alikes"` // how many are not listed
	Found      []Attempt   `json:"found"`            // ended without money; a bill shows that they took some, and it is not given back
}

// MaxLookAlikes bounds those that are listed: in a busy shop with a common price one unclean payment looks like hundreds.
const MaxLookAlikes = 100

// LookAlike is an approved sale that looks like an unclean one: same till, same amount, within minutes.
type LookAlike struct {
	Client   string    `json:"client"`
	Unclean  string    `json:"unclean"` // sale/attempt that is reversing or stuck
	Approved string    `json:"approved"`
	Amount   Cents     `json:"amount"`
	Currency string    `json:"currency"` // of the unclean one
	At       time.Time `json:"at"`
}

// Owed lists what is open, for the technician and the supervisor: of one client, or of all if client is empty.
func (d *Desk) Owed(ctx context.Context, client string) (Owed, error) {
	return d.Archive().Owed(ctx, client, d.rules.DuplicateAge)
}

// Owed lists what is open, of one client or of all. Sales of one till and amount look alike when they are no further apart
// than alike.
func (a *Archive) Owed(ctx context.Context, client string, alike time.Duration) (o Owed, err error) {
	const of = `(? = '' OR client = ?) AND `
	err = a.j.View(ctx, func(tx *journal.Tx) error {
		if o.Open, err = queryAttempts(tx, of+`state IN ('sent', 'reversing') ORDER BY seq`, client, client); err != nil {
			return err
		}
		if o.Stuck, err = queryAttempts(tx, of+`state = 'stuck' ORDER BY seq`, client, client); err != nil {
			return err
		}
		if o.Pairs, err = queryPairs(tx, of+`state <> 'resolved' ORDER BY client, sale, second`, client, client); err != nil {
			return err
		}
		if o.Found, err = queryAttempts(tx, of+`found = 1 ORDER BY seq`, client, client); err != nil {
			return err
		}
		o.Found = shownPaid(o.Found)
		return lookAlikes(tx, &o, alike)
	})
	return o, err
}

// resembles selects approved attempts of other sales that look like an unclean one: of the same till, over the same amount,
// decided within a time.
const resembles = `client = ? AND amount = ? AND decided_at BETWEEN ? AND ? AND state = 'approved' AND ` + paying + ` AND sale <> ?`

// lookAlikes finds what looks like an unclean attempt; those of the attempt that was sent first come first, and of each the
// oldest.
func lookAlikes(tx *journal.Tx, o *Owed, alike time.Duration) error {
	unclean := slices.Concat(o.Open, o.Stuck)
	slices.SortStableFunc(unclean, func(a, b Attempt) int { return a.SentAt.Compare(b.SentAt) })
	for _, u := range unclean {
		if !u.Kind.pays() {
			continue // what gives money back is nobody's second payment
		}
		from, to := u.SentAt.Add(-alike), u.SentAt.Add(alike)
		args := []any{u.Client, int64(u.Amount), from.UnixMilli(), to.UnixMilli(), u.Sale}
		var all int
		if err := tx.QueryRow(`SELECT count(*) FROM payment_attempt WHERE `+resembles, args...).Scan(&all); err != nil {
			return err
		}
		fit := min(all, MaxLookAlikes-len(o.LookAlikes))
		o.MoreAlike += all - fit
		twins, err := queryAttempts(tx, resembles+` ORDER BY seq LIMIT ?`, append(args, fit)...)
		if err != nil {
			return err
		}
		for _, t := range twins {
			o.LookAlikes = append(o.LookAlikes, LookAlike{
				Client: u.Client, Unclean: u.Key.String(), Approved: t.Key.String(), Amount: u.Amount, Currency: u.Currency, At: t.DecidedAt,
			})
		}
	}
	return nil
}

// Health is how the desk stands: "ok", "degraded" or "blocked", with what is wrong.
type Health struct {
	Status   string    `json:"status"`
	Problems []Concern `json:"problems,omitempty"`
}

// Concern is one thing that somebody should look at.
type Concern struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy"`
}

// Health looks at the journal, the reversals and the pairs.
func (d *Desk) Health(ctx context.Context) Health {
	var p *Problem
	if err := d.blocked(); errors.As(err, &p) {
		return Health{Status: "blocked", Problems: []Concern{{p.Code, p.Detail, p.Remedy}}}
	}
	o, err := d.Owed(ctx, "")
	if err != nil {
		return Health{Status: "blocked", Problems: []Concern{{"journal", "the journal cannot be read", "look at the log"}}}
	}
	h := Health{Status: "ok"}
	warn := func(code, detail, remedy string) {
		h.Status = "degraded"
		h.Problems = append(h.Problems, Concern{code, detail, remedy})
	}
	for _, a := range o.Open {
		if a.State == Reversing && (a.Undo.Alarmed || !d.young(a)) {
			warn("reversal_late", "attempt "+a.Key.String()+" is still being reversed"+why(a), "check the line to the acquirer or gateway")
		}
	}
	for _, a := range o.Open {
		if a.State == Sent && a.Asks >= d.rules.AlarmTries && !a.Kind.pays() {
			warn("refund_late", "the "+string(a.Kind)+" "+a.Key.String()+" is not answered yet"+why(a), "check the line to the acquirer or gateway")
		}
	}
	if err := d.book.j.Full(); err != nil {
		p := fullDisk(err)
		warn("disk_full", p.Detail, p.Remedy)
	}
	d.batchConcerns(ctx, warn)
	for _, a := range o.Stuck {
		warn("reversal_stuck", "the reversal of "+a.Key.String()+" was not confirmed"+why(a), "ask the acquirer, then posd settle")
	}
	for _, p := range o.Pairs {
		warn("suspect_pair", "sale "+p.Sale+": attempts "+p.First+" and "+p.Second+" may both be paid", "posd resolves it; if failed, give the money back by hand")
	}
	for _, a := range o.Found {
		warn("paid_there", "a bill shows that "+a.Key.String()+" has taken money, which is not given back yet", "look at its refund; if that was refused, give the money back by hand")
	}
	for _, l := range o.LookAlikes {
		warn("look_alike", l.Approved+" looks like "+l.Unclean, "ask the customer whether both were meant")
	}
	if o.MoreAlike > 0 {
		warn("look_alike", strconv.Itoa(o.MoreAlike)+" more sales look like one that is not clean", "settle what is stuck; posd owed shows the rest then")
	}
	return h
}

// fullDisk says that no new sale is opened, and how much room there is.
func fullDisk(err error) *Problem {
	return &Problem{
		Code: "disk_full", Status: 507, Detail: "no new sale is opened: " + err.Error(),
		Remedy: "free space on the journal's disk; open payments are still finished",
	}
}

// why is the other side's last word on what is still owed, ready to be appended; "" before there is one.
func why(a Attempt) string {
	last := strings.TrimSpace(a.Undo.Code + " " + a.Undo.Text)
	if last == "" {
		last = strings.TrimSpace(a.Code + " " + a.Text)
	}
	if last == "" {
		return ""
	}
	return ": " + last
}
