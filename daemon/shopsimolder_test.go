package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"posd/daemon/payment"
)

// older is a copy of the journal, with what was on disk then.
type older struct {
	files  map[string][]byte
	mirror *mirror
}

// keepsOlder copies the journal's files of a crash, once a day. The caller holds mu.
func (s *shop) keepsOlder() {
	if s.older == nil {
		s.older = &older{s.image, s.mirror.clone()}
	}
}

// clone is a mirror of its own.
func (m *mirror) clone() *mirror {
	c := *m
	c.pending, c.justTried, c.order = nil, nil, slices.Clone(m.order)
	c.attempts, c.orders, c.traces, c.undue = map[payment.Key]*track{}, maps.Clone(m.orders), maps.Clone(m.traces), map[payment.Key]*track{}
	for k, t := range m.attempts {
		own := *t
		own.steps = slices.Clone(t.steps)
		c.attempts[k] = &own
		if c.orders[t.numbers.Order] == t {
			c.orders[t.numbers.Order] = &own
		}
		if name := t.numbers.Batch + "/" + t.numbers.Trace.String(); c.traces[name] == t {
			c.traces[name] = &own
		}
		if m.undue[k] == t {
			c.undue[k] = &own
		}
	}
	for _, set := range []*map[string]bool{&c.settling, &c.queued, &c.failed, &c.openAtClose, &c.acked, &c.acks} {
		*set = maps.Clone(*set)
	}
	c.lapsed, c.undoing, c.pairs, c.unresolved, c.ackedAt = maps.Clone(m.lapsed), maps.Clone(m.undoing), maps.Clone(m.pairs), maps.Clone(m.unresolved), maps.Clone(m.ackedAt)
	return &c
}

// putsOlderBack is the next morning, on some days: somebody puts back an older copy of the journal (F20). posd takes no money until
// a person has said that it is meant, and then uses no number again that was used since. The clock was set right with it: a
// payment at another day's time is none.
func (s *shop) putsOlderBack() {
	if s.older == nil || s.draw("older", "").IntN(4) > 0 {
		return
	}
	day := s.mirror
	s.mu.Lock()
	s.mirror, s.rarest = s.older.mirror, crashPlan{}
	for name, t := range day.orders { // what the copy does not know was used all the same
		if s.mirror.orders[name] == nil {
			s.mirror.orders[name] = t
		}
	}
	for name, t := range day.traces {
		if s.mirror.traces[name] == nil {
			s.mirror.traces[name] = t
		}
	}
	s.skew = 0
	s.older.files[s.cfg.Journal.Path+".mark"], _ = os.ReadFile(s.cfg.Journal.Path + ".mark") // that is on the machine
	s.write(s.older.files)
	s.mu.Unlock()
	t := s.teller("till", "the-token-of-the-till")
	s.begin()
	time.Sleep(time.Minute)
	if a, err := t.ask(http.MethodGet, "/v1/health", nil, "", time.Minute); err != nil || !strings.Contains(string(a.text), `"blocked"`) {
		s.breach("F20: an older copy of the journal is put back, and posd says %s (%v)", a.text, err)
	}
	t.hangUp()
	s.life.end()
	if err := os.Remove(s.cfg.Journal.Path + ".mark"); err != nil { // as the remedy says
		s.breach("F20: %v", err)
	}
	s.begin()
	time.Sleep(time.Minute)
	for _, rail := range []string{"card", "wallet"} {
		t.paysAfter(rail)
	}
	t.hangUp()
	s.life.end()
	s.did("an older copy of the journal is put back")
}

// write writes files as they were. The caller holds mu.
func (s *shop) write(files map[string][]byte) {
	for path, text := range files {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.breachHeld("%v", err)
		}
		if err := os.WriteFile(filepath.Clean(path), text, 0o600); err != nil {
			s.breachHeld("%v", err)
		}
	}
}

// paysAfter is a customer of that morning: what is said is what the other side holds.
func (t *teller) paysAfter(rail string) {
	s := t.s
	id, rng := "older-"+rail, s.draw("older", rail)
	if !t.openSale(id, 1234, rng) {
		return
	}
	for n := range 30 { // recovery goes first
		a, ok := t.pay(id, fmt.Sprint("p", n), map[string]any{"rail": rail, "kind": "sale", "print": true}, rng)
		if k, _ := s.find(t.key(id, fmt.Sprint("p", n))); ok && a.State == payment.SaidApproved {
			if held := s.sides().holds(k.rail, k.kind, k.numbers); held != 1234 {
				s.breach("F20: %s is approved, and the other side holds %d", k.Key, held)
			}
			return
		}
		rest(rng, time.Minute, 2*time.Minute)
	}
	s.breach("F20: nobody can pay by %s after an older copy was put back", rail)
}
