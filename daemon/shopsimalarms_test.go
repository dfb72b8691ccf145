package main

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"posd/daemon/payment"
)

// The alarm of rule 4, as posd is configured.
const (
	alarmTries = 6
	alarmAge   = 15 * time.Minute
)

// tried counts a try of a reversal. The caller holds mu.
func (m *mirror) tried(t *track, e stamped, b told) {
	if !b.Undo.Early {
		t.tries++
	}
	if t.old = t.old || !t.lastTry.IsZero() && t.lastTry.Sub(t.since) >= alarmAge; e.Kind == "reversal.tried" {
		m.justTried = append(m.justTried, t)
	}
	t.lastTry, t.triedAt, t.notBefore, t.freeAt = e.Time, e.at, time.Time{}, 0
	if b.Undo.Hold {
		t.notBefore, t.freeAt = e.Time.Add(b.Undo.Next), e.at+b.Undo.Next
	}
}

// alarmsAreDue checks, after a commit, that what was tried too often or for too long has its alarm, on the same commit. The
// caller holds mu.
func (m *mirror) alarmsAreDue(s *shop) {
	for _, t := range m.justTried {
		if t.state == payment.Reversing && (t.tries >= alarmTries || t.old) && !t.alarmed {
			s.breachHeld("rule 4: the reversal of %s is tried %d times since %v, and there is no alarm", t.Key, t.tries, t.since)
		}
	}
	m.justTried = nil
}

// rings notes that posd owes a person a word. The caller holds mu.
func (m *mirror) rings(t *track, s *shop) {
	if s.life != nil {
		s.life.alarms = append(s.life.alarms, t.Sale+"/"+t.Attempt)
		s.tally.add("alarm", "of a reversal that is "+string(t.state))
	}
}

// hears takes an alarm that stands in the log.
func (l *life) hears(r slog.Record) {
	var sale, attempt string
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "sale":
			sale = a.Value.String()
		case "attempt":
			attempt = a.Value.String()
		}
		return true
	})
	l.shop.mu.Lock()
	defer l.shop.mu.Unlock()
	if i := slices.Index(l.alarms, sale+"/"+attempt); i >= 0 && r.Level == slog.LevelError {
		l.alarms = slices.Delete(l.alarms, i, i+1)
	}
}

// hasRung checks, when a posd has ended in peace, that it gave every alarm. The caller holds shop.mu.
func (l *life) hasRung() {
	for _, a := range l.alarms {
		if !l.dead {
			l.shop.breachHeld("rule 4: %s wants a person, and the log has no error of it", a)
		}
	}
}

// wanting is what a person must be told of, as it stands on disk: each with the code of its problem.
func (s *shop) wanting() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]string{}
	for _, t := range s.mirror.attempts {
		switch {
		case t.state == payment.Stuck:
			all["the reversal of "+t.Key.String()+" was not confirmed"] = "reversal_stuck"
		case t.state == payment.Reversing && t.alarmed:
			all["attempt "+t.Key.String()+" is still being reversed"] = "reversal_late"
		}
	}
	for _, p := range s.mirror.unresolved {
		all["sale "+p.Sale+": attempts "+p.First+" and "+p.Second+" may both be paid"] = "suspect_pair"
	}
	return all
}

// looksAround asks how posd is: what wants a person before and after is said to that person.
func (t *teller) looksAround() {
	before := t.s.wanting()
	a, ok := t.try(http.MethodGet, "/v1/health", nil, "")
	var h struct{ Status string }
	if !ok || json.Unmarshal(a.text, &h) != nil || h.Status == "blocked" {
		return
	}
	after := t.s.wanting()
	for what, code := range before {
		said := slices.ContainsFunc(a.Problems, func(c payment.Concern) bool { return c.Code == code && tells(c.Detail, what) && c.Remedy != "" })
		if after[what] == code && (!said || h.Status != "degraded") {
			t.s.breach("rule 4: a person is not told that %s: posd is %s, %+v", what, h.Status, a.Problems)
		}
		t.s.tally.add("alarm", "seen: "+code)
	}
}

// tells whether a detail says what it must; why may follow.
func tells(detail, what string) bool { return detail == what || strings.HasPrefix(detail, what+": ") }
