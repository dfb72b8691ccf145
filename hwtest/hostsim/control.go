package hostsim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// SetRules replaces the rules at run time; their counts start anew. A rule that is wrong is a *RuleError.
func (h *Host) SetRules(rules ...Rule) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, err := newRuleSet(rules, h.grounds())
	if err == nil {
		h.rules = s
	}
	return err
}

// Rules are those in force.
func (h *Host) Rules() []Rule {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Rule{}, h.rules.rules...)
}

// SetBatch opens another batch for a terminal, as a settlement at the host does.
func (h *Host) SetBatch(id, batch string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.terminals[id]; t != nil {
		t.Batch = batch
	}
}

// Terminals are those that the host knows, with their current batches.
func (h *Host) Terminals() []Terminal {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []Terminal
	for _, id := range slices.Sorted(maps.Keys(h.terminals)) {
		list = append(list, h.terminals[id].Terminal)
	}
	return list
}

// ForgetKeys makes every terminal sign on again.
func (h *Host) ForgetKeys() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.terminals {
		t.forget()
	}
}

// SetAhead sets the host's clock so far ahead of the true one: tomorrow, or the end of the month.
func (h *Host) SetAhead(by time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ahead = by
}

// SetBalance gives a card so much, in minor units, from now on. The card is a number, of which first 6 and last 4 are
// kept, or already written so.
func (h *Host) SetBalance(card string, amount int64) error {
	name := card
	if !strings.Contains(card, "*") {
		name = masked(card)
	}
	if len(name) < 11 || strings.Trim(name, digits+"*") != "" {
		return fmt.Errorf("a card is its number, or the first 6 and last 4 digits of it with * between")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := h.ledger.add(Entry{
		Time: h.now(), Kind: kindAccount, Card: name, Approved: true,
		Amount: amount + h.ledger.spent(name), // what it has spent before is in the books for good
	})
	return err
}

// Account is what a card has left.
type Account struct {
	Card    string `json:"card"` // first 6 and last 4
	Balance int64  `json:"balance"`
}

// Accounts are the cards that the host has seen, or was told of.
func (h *Host) Accounts() []Account {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := []Account{}
	for _, card := range h.ledger.cards() {
		list = append(list, Account{card, h.ledger.balance(card, h.balance)})
	}
	return list
}

// Ledger gives a copy of every entry about a payment, in order, with what later entries did to it.
func (h *Host) Ledger() []Entry { return h.ledger.payments() }

// Messages gives a copy of every entry: payments, and sign-ons, echoes, settlements and set balances as well.
func (h *Host) Messages() []Entry { return h.ledger.all() }

// Batches are those whose close has begun, in order.
func (h *Host) Batches() []Batch { return batches(h.ledger.all()) }

// Net is what is left captured over all entries that match; nil matches all.
func (h *Host) Net(match func(Entry) bool) int64 {
	var sum int64
	for _, e := range h.ledger.payments() {
		if match == nil || match(e) {
			sum += e.Net()
		}
	}
	return sum
}
