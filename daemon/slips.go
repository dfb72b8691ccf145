package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"posd/daemon/api"
	"posd/daemon/payment"
	"posd/daemon/prints"
	"posd/daemon/receipt"
	"posd/daemon/step"
	"posd/daemon/wallet"
	"posd/drivers/printer"
)

// slipLasts is how long after the payment a slip comes out by itself (rule 14).
const slipLasts = 10 * time.Minute

// slips brings what the desk has to say onto paper: it lays slips out and queues them. The queue prints.
type slips struct {
	h     *house
	queue *prints.Queue

	mu      sync.Mutex
	pending []sheet       // guarded by mu
	putting []sheet       // guarded by mu: of those that were pending, on their way into the queue
	missed  bool          // guarded by mu: sales are still to be looked up for slips that are not among them
	since   time.Time     // guarded by mu: when that became so
	ready   chan struct{} // holds one token: something is pending
}

// slipRetry is how soon slips that could not be queued are tried again: the journal may be blocked for a while.
const slipRetry = time.Second

// sheet is a slip that is laid out.
type sheet struct {
	id    string
	doc   printer.Document
	made  time.Time
	about string // for the log
	old   bool   // of before a restart: it calls nothing else out
}

func newSlips(h *house, p printer.Printer) *slips {
	return &slips{h: h, missed: true, since: h.w.Now(), ready: make(chan struct{}, 1), queue: prints.New(prints.Options{
		Journal: h.journal, Printer: p, Now: h.w.Now, Log: h.w.Log, Keep: h.cfg.Journal.KeepPrints.Duration, Language: h.cfg.Till.Language,
		OnChange: func(j prints.Job) { h.tell(func(a *api.API) { a.Printed(j) }) },
	})}
}

// offer takes a slip from the desk and returns at once.
func (s *slips) offer(sale payment.Sale, a payment.Attempt) {
	if sale.ID == "" {
		s.miss()
		s.nudge()
		return
	}
	if slip, due := s.h.slip(sale, a); due {
		s.take(sheet{id: slip.ID(), doc: slip.Document(), made: slip.Now, about: a.Key.String()})
	}
}

// offerBatch takes what the close of a batch has come to, and returns at once.
func (s *slips) offerBatch(b payment.Batch) {
	slip := receipt.BatchSlip{Shop: s.h.shop(), Batch: b, Language: s.h.cfg.Till.Language, Now: s.h.w.Now()}
	s.take(sheet{id: slip.ID(), doc: slip.Document(), made: slip.Now, about: "batch " + b.Number})
}

func (s *slips) take(sh sheet) {
	s.mu.Lock()
	s.pending = append(s.pending, sh)
	s.mu.Unlock()
	s.nudge()
}

func (s *slips) nudge() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// miss remembers that the last sales must be looked at again.
func (s *slips) miss() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.missed {
		s.missed, s.since = true, s.h.w.Now()
	}
}

// run queues slips until ctx ends. It begins with those of the last minutes that may have been lost with the power, once it
// is known what those have come to; the queue knows which it has. What could not be queued stays pending.
func (s *slips) run(ctx context.Context) {
	select {
	case <-s.h.desk.Recovered():
		s.retry(ctx)
	case <-ctx.Done():
	}
	for {
		var again <-chan time.Time
		if s.left() {
			again = time.After(slipRetry)
		}
		select {
		case <-s.ready:
			s.retry(ctx)
		case <-again:
			s.retry(ctx)
		case <-ctx.Done():
			s.put(context.WithoutCancel(ctx))
			return
		}
	}
}

// left tells whether something did not work.
func (s *slips) left() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.missed || len(s.pending) > 0
}

// retry goes on with what did not work before.
func (s *slips) retry(ctx context.Context) {
	s.mu.Lock()
	missed := s.missed
	if missed {
		s.missed, s.putting = false, []sheet{{made: s.since}} // one at least
	}
	s.mu.Unlock()
	if missed {
		s.catchUp(ctx)
	}
	s.put(ctx)
}

func (s *slips) catchUp(ctx context.Context) {
	sales, err := s.h.desk.Sales(ctx, "", 100)
	if err != nil {
		s.h.faults().Error("slips of before could not be looked up", "err", err)
		s.miss()
		return
	}
	for i := len(sales) - 1; i >= 0; i-- {
		for _, a := range sales[i].Attempts {
			if !a.Voided { // its void has a slip of its own
				s.offerOld(sales[i], a)
			}
		}
	}
	batches, err := s.h.desk.Batches(ctx)
	if err != nil {
		s.h.faults().Error("batches of before could not be looked up", "err", err)
		s.miss()
	}
	for _, b := range slices.Backward(batches) {
		if !b.EndedAt.IsZero() && s.h.w.Now().Sub(b.EndedAt) < slipLasts {
			s.offerBatch(b)
		}
	}
}

// slipsLost is how old a payment may be whose slip was lost with the power before it was queued: now, or when the run
// before this one ended, which may be a weekend ago, or by a clock that was wrong. Such a slip is queued late: after its
// time it is held until somebody asks for it, or the next sale's comes out.
const slipsLost = 4 * time.Hour

// offerOld takes the slip of a payment of before the start.
func (s *slips) offerOld(sale payment.Sale, a payment.Attempt) {
	since := dueSince(sale, a)
	slip, due := s.h.slip(sale, a)
	old := s.h.ended.Sub(since) // when the run before this one ended; less than nothing for what came after it
	if due && (s.h.w.Now().Sub(since) < slipsLost || old >= 0 && old < slipsLost) {
		s.take(sheet{id: slip.ID(), doc: slip.Document(), made: since, about: a.Key.String(), old: true})
	}
}

// dueSince is when the attempt got what its slip says; a receipt that waited for the till, when the till acknowledged.
func dueSince(sale payment.Sale, a payment.Attempt) time.Time {
	since := a.DecidedAt
	if a.Undo.Since.After(since) {
		since = a.Undo.Since
	}
	if a.Confirm && a.Acked && sale.AckedAt.After(since) {
		since = sale.AckedAt
	}
	return since
}

func (s *slips) put(ctx context.Context) {
	s.mu.Lock()
	pending := s.pending
	s.pending, s.putting = nil, slices.Clone(pending)
	s.mu.Unlock()
	defer s.settled()
	slices.SortStableFunc(pending, func(a, b sheet) int { return a.made.Compare(b.made) }) // what was looked up is older
	// What came too late to print by itself comes out with the next sale's, with its own time.
	if slices.ContainsFunc(pending, func(sh sheet) bool { return !sh.old }) {
		if err := s.queue.ReleaseLate(ctx); err != nil {
			s.h.faults().Warn("late slips could not be released", "err", err)
		}
	}
	for i, sh := range pending {
		step.At("slip queue")
		if err := s.queue.Put(ctx, sh.id, sh.doc, sh.made.Add(slipLasts)); err != nil {
			s.h.faults().Error("slip could not be queued", "about", sh.about, "err", err)
			s.putBack(pending[i:])
			return
		}
	}
}

// settled says that nothing is on its way any more: it is in the queue, or pending again.
func (s *slips) settled() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putting = nil
}

// putBack keeps sheets for the next try, before those that came meanwhile.
func (s *slips) putBack(sheets []sheet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = append(slices.Clone(sheets), s.pending...)
}

// slipSoon is how long a slip may take with a printer that prints: one that is on its way is no concern.
const slipSoon = 30 * time.Second

// waiting counts the slips that are still to come out and should have: those that wait for long, and all while the printer
// cannot print.
func (s *slips) waiting(ctx context.Context) (n int) {
	jobs, err := s.queue.Open(ctx)
	if err != nil {
		s.h.faults().Error("slips could not be listed", "err", err)
	}
	first := slices.IndexFunc(jobs, func(j prints.Job) bool { return j.State == prints.Waiting && !j.Rests() })
	kept := first >= 0 && jobs[first].Why != "" // of one that rests it is why it does
	late := s.h.w.Now().Add(-slipSoon)
	for _, j := range jobs {
		if j.Client == "" && !j.GivenUp() && (kept || j.State == prints.Held || j.QueuedAt.Before(late)) {
			n++
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sh := range slices.Concat(s.pending, s.putting) {
		if sh.made.Before(late) {
			n++
		}
	}
	if s.missed && s.since.Before(late) {
		n++
	}
	return n
}

// faults is the log of what goes wrong with slips. What a blocked journal keeps from working is not said of each: the desk
// says why.
func (h *house) faults() *slog.Logger {
	if h.journal.Blocked() != nil {
		return slog.New(slog.DiscardHandler)
	}
	return h.w.Log
}

// failing counts what the printer fails in again and again: it comes out by and by, or when somebody has mended the printer.
func (h *house) failing(ctx context.Context) (n int) {
	if h.slips == nil {
		return 0
	}
	jobs, err := h.slips.queue.Open(ctx)
	if err != nil {
		h.faults().Error("print jobs could not be listed", "err", err)
	}
	for _, j := range jobs {
		if j.Rests() {
			n++
		}
	}
	return n
}

// concerns tells the health of slips that wait, and of sealed data that nobody can open.
func (h *house) concerns(ctx context.Context) (out []payment.Concern) {
	if h.slips != nil {
		if n := h.slips.waiting(ctx); n > 0 {
			out = append(out, payment.Concern{
				Code: "slips_waiting", Detail: fmt.Sprintf("%d slips wait for the printer", n),
				Remedy: "look at the printer: paper, cover, cable; they print by themselves or with the next sale",
			})
		}
	}
	if n := h.failing(ctx); n > 0 {
		out = append(out, payment.Concern{
			Code: "printer_fails", Detail: fmt.Sprintf("the printer failed again and again in the middle of %d slips or print jobs", n),
			Remedy: "look at its cable, plug and power supply; they are tried again by themselves",
		})
	}
	if len(h.lost) > 0 {
		out = append(out, payment.Concern{
			Code: "seal_key_lost", Detail: "the sealing key does not open the card data of " + strings.Join(h.lost, ", "),
			Remedy: "put the right key at journal.seal_key_file and restart; without it these cannot be voided",
		})
	}
	if h.purse != nil {
		out = append(out, h.purse.Concerns()...)
	}
	return append(out, h.hostConcerns()...)
}

// slip lays down what an attempt has to say; false if nothing is to be printed. In confirm mode there is no receipt
// before the till has acknowledged the sale.
func (h *house) slip(sale payment.Sale, a payment.Attempt) (receipt.Slip, bool) {
	w, ok := wordingDue(a)
	if !ok || !a.Print {
		return receipt.Slip{}, false
	}
	return h.slipOf(sale, a, w), true
}

// wordingDue is what may be said of an attempt, on paper and on a till's screen, which may print it as well.
func wordingDue(a payment.Attempt) (receipt.Wording, bool) {
	w, ok := receipt.WordingOf(a)
	waits := w == receipt.Paid || w == receipt.PreAuthorised
	return w, ok && (!waits || !a.Confirm || a.Acked)
}

func (h *house) slipOf(sale payment.Sale, a payment.Attempt, w receipt.Wording) receipt.Slip {
	language := a.Language
	if language == "" {
		language = h.cfg.Till.Language
	}
	return receipt.Slip{Shop: h.shop(), Sale: sale, Attempt: a, Wording: w, Wallet: brandOf(a, language), Language: language, Now: h.w.Now()}
}

// brandOf is what customers call the wallet of an attempt; empty for cards.
func brandOf(a payment.Attempt, language string) string {
	b, _ := wallet.Lookup(a.Instrument)
	if language == receipt.Chinese {
		return b.NameZH
	}
	return b.NameEN
}

// shop is whose slips these are.
func (h *house) shop() receipt.Shop {
	t := h.cfg.Till
	return receipt.Shop{
		NameZH: t.ShopNameZH, NameEN: t.ShopNameEN, Address: t.Address, Till: t.ID,
		Merchant: h.cfg.Acquirer.Merchant, Terminal: h.cfg.Acquirer.Terminal,
	}
}

// screenColumns is how wide a slip's lines are in the API's answers.
const screenColumns = 42

// slipLines is the slip for a screen.
func (h *house) slipLines(sale payment.Sale, a payment.Attempt) []string {
	w, ok := wordingDue(a)
	if !ok {
		return nil
	}
	return receipt.Lines(h.slipOf(sale, a, w).Document(), screenColumns)
}
