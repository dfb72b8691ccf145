package link

import "time"

// Status is how a link stands, for a technician. It holds nothing of any message.
type Status struct {
	Up        bool          // a connection is open; with Options.Each: the last dial succeeded
	Host      Host          // of that connection, else of the last one; "" before the first
	For       time.Duration // how long it has been so; 0 before the first dial
	Dials     int           // so far; one that went on to the backup counts once
	Failures  int           // failing dials since the last that succeeded
	NextDial  time.Duration // how long calls fail, or wait, before the next dial; 0: a call that needs one dials at once
	LastError string        // why the last dial failed or the last connection was lost; "" if none ever did
}

// Status tells how the link stands. It dials nothing.
func (l *Link) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.book
	s := Status{Up: b.up && !l.closed, Host: b.host, Dials: b.dials, Failures: b.failures}
	if !b.since.IsZero() {
		s.For = time.Since(b.since)
	}
	if !b.next.IsZero() {
		s.NextDial = max(0, time.Until(b.next))
	}
	if b.why != nil {
		s.LastError = b.why.Error()
	}
	return s
}
