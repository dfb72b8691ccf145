package payment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"posd/daemon/journal"
)

// idPattern is what ids of sales and attempts look like.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$`)

// CheckID tells whether an id can be one. It is the till's to choose.
func CheckID(what, id string) error {
	if idPattern.MatchString(id) {
		return nil
	}
	return &Problem{
		Code: "bad_id", Status: 422, Detail: what + " id is not allowed",
		Remedy: "use 1 to 64 letters, digits, dots, colons, hyphens or underscores, beginning with a letter or digit",
	}
}

// admit decides whether an attempt may begin, and completes the request from the sale. An attempt that was begun
// before comes back with a state. Nothing is written.
func (d *Desk) admit(ctx context.Context, r Request) (Request, Attempt, error) {
	if err := checkRequest(r); err != nil {
		return r, Attempt{}, err
	}
	s, err := d.book.Sale(ctx, r.Key.Client, r.Key.Sale)
	if err != nil {
		return r, Attempt{}, err
	}
	if a, ok := s.Find(r.Key.Attempt); ok {
		return r, a, sameRequest(a, fingerprint(r, s))
	}
	if err := d.blocked(); err != nil {
		return r, Attempt{}, err
	}
	r, err = fitSale(r, s)
	return r, Attempt{}, err
}

// systemPrefix begins the ids of the refunds by which posd resolves a suspect pair.
const systemPrefix = "undo-"

func checkRequest(r Request) error {
	if err := errors.Join(CheckID("sale", r.Key.Sale), CheckID("attempt", r.Key.Attempt)); err != nil {
		var p *Problem
		errors.As(err, &p)
		return p
	}
	if strings.HasPrefix(r.Key.Attempt, systemPrefix) && !r.system {
		return &Problem{Code: "bad_id", Status: 422, Detail: "attempt ids that begin with " + systemPrefix + " are posd's own", Remedy: "choose another id"}
	}
	if err := checkKind(r); err != nil {
		return err
	}
	if r.Amount < 0 {
		return badRequest("amount is negative", "give minor units, above 0")
	}
	return nil
}

func badRequest(what, remedy string) error {
	return &Problem{Code: "bad_request", Status: 422, Detail: what, Remedy: remedy}
}

// checkKind tells whether a request has what its kind needs, and nothing that contradicts it.
func checkKind(r Request) error {
	switch r.Kind {
	case KindSale:
		if r.Rail != RailCard && r.Rail != RailWallet && r.Rail != RailAny {
			return badRequest("rail is not known", `use "card", "wallet" or "any"`)
		}
	case KindPreAuth, KindBalance:
		if r.Rail != RailCard {
			return cardOnly(r.Kind)
		}
	case KindVoid, KindRefund, KindCompletion:
		if r.Original == nil || r.Original.Attempt == "" {
			return badRequest("a "+string(r.Kind)+" needs its original attempt", `name it in "original"`)
		}
		if r.Kind == KindCompletion && r.Rail == RailWallet { // else it is its original's, as with a void
			return cardOnly(r.Kind)
		}
	default:
		return badRequest("kind is not known", `use "sale", "pre-auth", "completion", "balance", "void" or "refund"`)
	}
	if r.Kind == KindBalance && r.Amount != 0 {
		return badRequest("a balance moves no money", "leave amount out")
	}
	return nil
}

// cardOnly refuses what a wallet does not know.
func cardOnly(k Kind) error {
	return &Problem{
		Code: "card_only", Status: 422, Detail: "a " + string(k) + " is for cards: wallets know none",
		Remedy: `use rail "card", or kind "sale" for a wallet`,
	}
}

// fingerprint tells requests under one id apart. It covers what moves money, never the code.
func fingerprint(r Request, s Sale) string {
	original := ""
	if r.Original != nil {
		original = r.Original.Attempt
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%s\x00%s\x00%s\x00%d\x00%d\x00%s\x00%s", s.Client, s.ID, r.Rail, r.Kind, s.Amount, r.Amount, s.Currency, original)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func sameRequest(a Attempt, print string) error {
	if a.Fingerprint == print {
		return nil
	}
	return &Problem{
		Code: "attempt_differs", Status: 422, Detail: "attempt " + a.Attempt + " was begun with other contents",
		Remedy: "use a new attempt id for a new attempt; repeat an attempt with the same contents",
	}
}

// create journals the attempt as created; it waits for the customer then.
func (d *Desk) create(ctx context.Context, r Request) error {
	return d.book.update(ctx, func(tx *journal.Tx) error { return d.createIn(tx, r) })
}

// createIn checks the lock once more, in the transaction, and journals the attempt.
func (d *Desk) createIn(tx *journal.Tx, r Request) error {
	s, err := loadSale(tx, r.Key.Client, r.Key.Sale)
	if err != nil {
		return err
	}
	fitted, err := fitSale(r, s)
	if err == nil && fitted.Amount != r.Amount { // the message is made of what stood before
		err = &Problem{Code: "amount_differs", Status: 409, Detail: "another amount is open, or left of it, by now", Remedy: "begin it again"}
	}
	if err == nil && r.Kind.undoes() {
		err = heedPairs(tx, r, s)
	}
	if err != nil {
		return err
	}
	c := &created{
		Rail: r.Rail, Kind: r.Kind, Amount: fitted.Amount, Currency: s.Currency, Fingerprint: r.fingerprint,
		Language: r.Language, Print: r.Print, ShortID: d.book.shortID(s.Client, s.ID), System: r.system,
		Confirm: d.rules.ConfirmMode && r.Kind.pays(), CardAgain: r.CardAgain, Override: r.Override, Ordered: r.order,
	}
	if r.Original != nil {
		c.Original = r.Original.Attempt
	}
	facts := append(finding(fitted, s), Fact{Kind: factCreated, Key: r.Key, Created: c})
	return appendFacts(tx, append(facts, d.suspects(r, s)...)...)
}

// suspects makes a pair of an overriding attempt with each one that it passes: each of them may turn out to be paid.
func (d *Desk) suspects(r Request, s Sale) (facts []Fact) {
	if r.Override == nil || !r.Kind.pays() {
		return nil
	}
	for _, a := range s.Attempts {
		if !s.passed(r, a) {
			continue
		}
		facts = append(facts, Fact{Kind: factPair, Key: r.Key, Pair: &Pair{
			Client: s.Client, Sale: s.ID, First: a.Attempt, Second: r.Key.Attempt,
			By: r.Override.By, Reason: r.Override.Reason, State: PairOpen,
		}})
		d.log.Warn("tender lock overridden", "sale", s.ID, "attempt", r.Key.Attempt, "locked_by", a.Attempt, "by", r.Override.By)
	}
	return facts
}

// stillOpen looks once more whether a sale is to be paid, or an original to be undone, now that the customer has shown
// card or code: while that was waited for, another attempt may have been let through, a person may have settled one as
// paid, or the batch of the original may have been closed.
func stillOpen(tx *journal.Tx, r Request) error {
	s, err := loadSale(tx, r.Key.Client, r.Key.Sale)
	if err != nil || r.Kind == KindBalance {
		return err
	}
	s.Attempts = slices.DeleteFunc(s.Attempts, func(a Attempt) bool { return a.Key == r.Key })
	if r.Original != nil {
		if _, err := fitSale(r, s); err != nil || !r.Kind.undoes() {
			return err
		}
		return heedPairs(tx, r, s)
	}
	if a, locked := s.Lock(); locked && (r.Override == nil || s.Rest() == 0) {
		return lockProblem(a)
	}
	if s.open() != r.Amount {
		return &Problem{Code: "amount_differs", Status: 409, Detail: "another amount of the sale is open by now", Remedy: "begin a new attempt"}
	}
	return nil
}
