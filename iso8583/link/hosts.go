package link

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"time"
)

// Host says which of an acquirer's two addresses is meant. The zero value is none of them.
type Host string

// The hosts.
const (
	Primary Host = "primary"
	Backup  Host = "backup"
)

// The waits between failing dials: the first is drawn from the upper half of firstWait, each further one from twice as
// much, up to longestWait.
const (
	firstWait   = 500 * time.Millisecond
	longestWait = 30 * time.Second

	// probeGap is the longest from the start of one dial to when the next may start. Who looks every 30 s whether the
	// host is there, as a till does that owes it a reversal, finds it due each time.
	probeGap = 27 * time.Second

	// patience is how long a call waits for its dial rather than fail.
	patience = 2 * time.Second

	// shadow is how long after a refused call the next one is refused as well: a reversal that was told to wait is not
	// overtaken by the sale right behind it.
	shadow = 2 * time.Second
)

// book is what a link remembers of its dials. Its times are monotonic.
type book struct {
	dials    int                // rounds: each tries one host, or both
	failures int                // failing rounds in a row
	next     time.Time          // no dial before
	refused  time.Time          // when a call was last told that it is too early
	failed   map[Host]time.Time // when a host could not be reached, or swallowed what it was sent
	host     Host               // of the last connection
	up       bool               // there is a connection; where each exchange has its own: the last dial succeeded
	since    time.Time          // when up last changed; zero before the first dial
	why      error              // of the last failure or loss
	said     string             // the reason for which the log says that no host is reached; "" while one is
}

func newBook() book { return book{failed: map[Host]time.Time{}} }

// set notes that the link is up, or down.
func (b *book) set(up bool) {
	if b.up != up || b.since.IsZero() {
		b.up, b.since = up, time.Now()
	}
}

// connect gives the living connection, or dials one. Only one dials at a time; the others wait for it, or for ctx. With
// claim a connection that is for one exchange only is handed over: nobody else gets it.
func (l *Link) connect(ctx context.Context, claim bool) (*conn, error) {
	if c, err := l.living(claim); c != nil || err != nil {
		return c, err
	}
	select {
	case <-l.dialing:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { l.dialing <- struct{}{} }()
	if c, err := l.living(claim); c != nil || err != nil {
		return c, err
	}
	if err := l.awaitDue(ctx); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	start := time.Now()
	nc, host, err := l.dial(ctx)
	if err != nil {
		err = fmt.Errorf("dial: %w", err)
		l.noteFailure(ctx, start, err)
		return nil, err
	}
	return l.adopt(nc, host, claim)
}

// living gives the connection if it lives; nil, nil asks for a dial.
func (l *Link) living(claim bool) (*conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch c := l.conn; {
	case l.closed:
		return nil, ErrClosed
	case c == nil || c.ended():
		return nil, nil //nolint:nilnil // neither a connection nor a reason against one
	case claim && l.o.Each:
		l.conn = nil
		return c, nil
	default:
		return c, nil
	}
}

// awaitDue waits until a dial is due, if that is soon, else fails.
func (l *Link) awaitDue(ctx context.Context) error {
	wait, err := l.untilDue()
	if wait <= 0 || err != nil {
		return err
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-l.gone:
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// untilDue is how long a call has to wait for its dial. It fails where that is too long.
func (l *Link) untilDue() (time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := &l.book
	if b.failures == 0 {
		return 0, nil
	}
	wait, behind := time.Until(b.next), shadow-time.Since(b.refused)
	if wait > patience {
		b.refused = time.Now()
	}
	if wait > patience || behind > 0 {
		return 0, fmt.Errorf("next dial in %s; the last one: %w", max(wait, behind).Round(100*time.Millisecond), b.why)
	}
	return wait, nil
}

// dial tries the hosts in turn. The caller has the dialing token.
func (l *Link) dial(ctx context.Context) (net.Conn, Host, error) {
	l.mu.Lock()
	order := l.order()
	l.book.dials++
	l.mu.Unlock()
	var failures []error
	for _, host := range order {
		door := l.o.Dial
		if host == Backup {
			door = l.o.Backup
		}
		nc, err := door(ctx)
		if err == nil {
			return nc, host, nil
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, "", err // the caller has given up, which says nothing about the host
		}
		l.distrust(host)
		if len(order) > 1 {
			err = fmt.Errorf("%s host: %w", host, err)
		}
		failures = append(failures, err)
		if ctx.Err() != nil {
			break
		}
	}
	if len(failures) == 2 {
		return nil, "", fmt.Errorf("%w; %w", failures[0], failures[1])
	}
	return nil, "", failures[0]
}

// order gives the hosts to try: the primary first, unless it failed a short while ago and the backup not since. l.mu is
// held.
func (l *Link) order() []Host {
	if l.o.Backup == nil {
		return []Host{Primary}
	}
	primary, backup := l.book.failed[Primary], l.book.failed[Backup]
	if !primary.IsZero() && time.Since(primary) < l.o.PrimaryRetry && !backup.After(primary) {
		return []Host{Backup, Primary}
	}
	return []Host{Primary, Backup}
}

// distrust notes that a host failed, for the order of the next dials.
func (l *Link) distrust(host Host) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.book.failed[host] = time.Now()
}

// noteFailure lets the next dial wait, longer after each failure in a row.
func (l *Link) noteFailure(ctx context.Context, start time.Time, why error) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b := &l.book
	b.set(false)
	b.why = why
	l.say(why)
	wait := jitter(l.o.Rand, backoff(b.failures))
	b.failures++
	b.next = time.Now().Add(wait)
	if latest := start.Add(probeGap); b.next.After(latest) {
		b.next = latest
	}
}

// say logs an outage once, and again when its reason changes. Numbers in it, as the port that was dialled from, are no
// reason. l.mu is held.
func (l *Link) say(why error) {
	reason := strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return -1
		}
		return r
	}, why.Error())
	if reason == l.book.said {
		return
	}
	l.book.said = reason
	hosts := string(Primary)
	if l.o.Backup != nil {
		hosts += ", " + string(Backup)
	}
	l.o.Log.Warn("host not reached", "host", hosts, "err", why)
}

// backoff is the longest wait after so many failures before this one.
func backoff(failures int) time.Duration {
	const doublings = 6 // from firstWait these pass longestWait
	return min(firstWait<<min(failures, doublings), longestWait)
}

// jitter draws from the upper half of wait, so that the tills of a town do not dial in step.
func jitter(source rand.Source, wait time.Duration) time.Duration {
	n := rand.Uint64
	if source != nil {
		n = source.Uint64
	}
	half := uint64(wait / 2)
	return wait/2 + time.Duration(n()%cmp.Or(half, 1))
}

// adopt starts a connection's goroutines, unless the link was closed while it was dialled.
func (l *Link) adopt(nc net.Conn, host Host, claim bool) (*conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = nc.Close()
		return nil, ErrClosed
	}
	c := newConn(nc, &l.o, host)
	l.book.failures, l.book.next = 0, time.Time{}
	l.book.host = host
	l.book.set(true)
	l.conns[c] = struct{}{}
	if !claim || !l.o.Each {
		l.conn = c
	}
	l.readers.Go(func() {
		c.read()
		l.release(c)
	})
	if c.hasPulse() {
		l.readers.Go(c.pulse)
	}
	level := c.level()
	if l.book.said != "" {
		l.book.said, level = "", slog.LevelInfo // the outage is over
	}
	l.o.Log.Log(context.Background(), level, "host link up", "host", string(host))
	return c, nil
}

// release forgets a connection that has ended, and remembers what that says about its host.
func (l *Link) release(c *conn) {
	why, swallowed := c.verdict()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
	if swallowed {
		l.book.failed[c.host] = time.Now()
	}
	if errors.Is(why, errHungUp) || errors.Is(why, ErrClosed) {
		return
	}
	l.book.why = why
	if l.conn == c && !l.o.Each {
		l.book.set(false)
	}
}
