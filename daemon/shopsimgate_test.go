package main

import (
	"time"

	"posd/daemon/payment"
)

// The gate of rule 11, as posd is configured.
const (
	gateTries = 3
	gateAge   = 5 * time.Minute
	gateWait  = 90 * time.Second // how long an attempt waits for a reversal's try
)

// asking is when a till asks, by the day's clock and by posd's, which may be set meanwhile.
type asking struct {
	at    time.Duration
	clock time.Time
}

// set tells whether posd's clock was set between the asking and an event.
func (a asking) set(e stamped) bool {
	return (e.Time.Sub(a.clock) - (e.at - a.at)).Abs() > time.Second
}

// gated checks, when an attempt is sent, that no young reversal of the card terminal is owed, and that each old one was
// tried since the till asked for the attempt (I6). The caller holds mu.
func (m *mirror) gated(t *track, e stamped, s *shop) {
	asked, known := s.askedAt[t.Key]
	for _, r := range m.undue {
		age := e.Time.Sub(r.since)
		young := r.tries < gateTries || age >= 0 && age < gateAge
		switch {
		case r.numbers.Terminal == "" || t.numbers.Terminal == "" || r.Key == t.Key:
		case young:
			s.breachHeld("I6: %s passes the gate while the reversal of %s is young", t.Key, r.Key)
		case !known || r.dueAt > asked.at || e.at-asked.at >= gateWait: // posd's own, or not owed then
		case r.notBefore.After(e.Time) || r.freeAt > e.at: // it must not be tried
		case asked.set(e) && r.notBefore.After(asked.clock): // nor then, and posd's clock was set meanwhile
		case r.triedAt < asked.at:
			s.breachHeld("I6: %s, asked for at %v, passes the gate without a fresh try of %s, tried last at %v", t.Key, asked.at, r.Key, r.triedAt)
		default:
			s.tally.add("gate", "passed after a fresh try")
		}
	}
}

// asks notes when a till first asked for an attempt.
func (s *shop) asks(k payment.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, before := s.askedAt[k]; !before {
		s.askedAt[k] = asking{time.Since(s.began), time.Now().Add(s.skew)}
	}
}
