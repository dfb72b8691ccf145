package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"posd/daemon/journal"
)

// life is posd from one start to its end, which is a crash mostly. What a dead posd still does has no effect: its
// connections are broken, its devices unplugged, and its commits fail.
type life struct {
	shop *shop
	n    int
	stop context.CancelFunc
	over chan struct{} // closed when run has returned
	err  error         // of run; to be read when over is closed

	// Guarded by shop.mu.
	dead     bool
	front    *ear
	ends     []*plug // of posd
	plan     crashPlan
	events   []stamped // of the transaction that runs
	commits  bool      // one is being written
	cutSoon  string    // the power goes when it is
	failed   bool      // a commit has failed, and the journal was not reopened since
	flying   map[string]*flight
	arriving []arrival
	alarms   []string // that this posd owes, by attempt
}

func (l *life) isDead() bool {
	l.shop.mu.Lock()
	defer l.shop.mu.Unlock()
	return l.dead
}

func (l *life) hasEnded() bool {
	select {
	case <-l.over:
		return true
	default:
		return false
	}
}

// keep remembers posd's end of a connection, and tells whether posd is alive.
func (l *life) keep(p *plug) bool {
	l.shop.mu.Lock()
	defer l.shop.mu.Unlock()
	if l.dead {
		return false
	}
	if len(l.ends)%64 == 63 {
		l.ends = slices.DeleteFunc(l.ends, (*plug).isOver) // a till may keep one for hours
	}
	l.ends = append(l.ends, p)
	return true
}

// begin starts posd on the files as they are.
func (s *shop) begin() {
	s.mu.Lock()
	s.lives++
	l := &life{shop: s, n: s.lives, over: make(chan struct{}), flying: map[string]*flight{}}
	l.plan = s.planCrash(l.n)
	s.life = l
	s.mu.Unlock()
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	w := world{
		Log: slog.New(&ledgerOfLogs{life: l, level: s.logLevel}), Now: s.now, Open: l.openPort, Dial: l.dial, Listen: l.listen, Disk: l.disk, Luck: luck{s},
	}
	s.note("posd", fmt.Sprintf("starts, plan %+v", l.plan))
	go func() {
		defer close(l.over)
		l.err = run(ctx, s.cfg, w)
	}()
}

// end stops posd as a service manager would, or buries it after a crash.
func (l *life) end() { l.endBy(time.Now()) }

// endBy is end; the connections of one that has stopped before are there until then.
func (l *life) endBy(at time.Time) {
	l.stop()
	<-l.over
	time.Sleep(time.Until(at))
	l.shop.mu.Lock()
	l.hasRung()
	for _, p := range l.ends { // a process that is gone has no connections
		p.die()
	}
	l.shop.mu.Unlock()
	if l.err != nil && !l.isDead() {
		l.shop.breach("posd ends with: %v", l.err)
	}
}

// fall is a crash: from here on this posd is dead. The caller holds shop.mu.
func (l *life) fall(point string) {
	if l.dead {
		return
	}
	l.dead = true
	s := l.shop
	s.tally.add("crash point", point)
	s.noteHeld("crash", point)
	for _, p := range l.ends {
		p.die()
	}
	s.power(false) // at once: a posd without power prints nothing more
	if l.front != nil {
		_ = l.front.Close()
	}
	select {
	case s.fell <- struct{}{}:
	default:
	}
}

// replace puts another posd in the place of this one. false: it has crashed while it was stopping. What a posd writes while
// it stops is of the moment that it was told: an HTTP server draws for itself how often it looks whether all is said.
func (s *shop) replace(why string) bool {
	asked := time.Now()
	s.setStopping(asked.Sub(s.began))
	s.life.endBy(asked.Add(stopTakes)) // how long a posd takes to stop is nobody's business
	s.setStopping(0)
	if s.life.isDead() {
		return false
	}
	if s.did(why); why == replacedMeanwhile {
		s.plansOneMore()
	}
	s.begin()
	return true
}

// plansOneMore keeps the number of planned crashes: a life that an upgrade amid a payment ends is none of theirs.
func (s *shop) plansOneMore() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.crashes++
}

func (s *shop) setStopping(at time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = at
}

// stopTakes is from the word to a posd that is to stop until another one is there: longer than any stop.
const stopTakes = 20 * time.Second

// watch brings posd back after each crash, and puts another in its place for an upgrade, until ctx ends.
func (s *shop) watch(ctx context.Context) {
	for {
		select {
		case <-s.fell:
		case why := <-s.upgrade:
			if s.replace(why) {
				continue
			}
			<-s.fell
		case <-ctx.Done():
			return
		}
		l, crashed := s.life, time.Now()
		l.end()
		s.restore()
		down := 7*time.Second + time.Duration(s.draw("down", fmt.Sprint(l.n)).Int64N(int64(15*time.Second)))
		time.Sleep(time.Until(crashed.Add(down))) // how long a dead posd takes to end is nobody's business
		s.power(true)
		s.begin()
	}
}

// ledgerOfLogs is posd's log: kept whole on a day that looks for secrets, else only listened to.
type ledgerOfLogs struct {
	life  *life
	level slog.Level
}

// Enabled saves the work for what nobody reads.
func (h *ledgerOfLogs) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

// Handle listens for what checkers want to know.
func (h *ledgerOfLogs) Handle(_ context.Context, r slog.Record) error {
	s := h.life.shop
	if r.Message == "journal reopened" {
		s.mu.Lock()
		h.life.failed = false
		clear(h.life.flying) // nobody waits for an answer any more: recovery begins
		s.mu.Unlock()
	}
	if r.Message == "reversal needs attention" {
		h.life.hears(r)
	}
	if !s.keepsLog && s.timeline == nil {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", r.Level, r.Message)
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s=%v", a.Key, a.Value.Any())
		return true
	})
	s.note("log", b.String())
	if s.keepsLog {
		s.logMu.Lock()
		defer s.logMu.Unlock()
		s.logged = append(append(s.logged, b.String()...), '\n')
	}
	return nil
}

// WithAttrs and WithGroup are not used by posd in a way that matters here.
func (h *ledgerOfLogs) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup gives the same handler.
func (h *ledgerOfLogs) WithGroup(string) slog.Handler { return h }

// disk is posd's door to its journal: what happens there is seen, and made to fail.
func (l *life) disk(o *journal.Options) {
	o.Projections = append(o.Projections, probe{l})
	o.BeforeCommit, o.AfterCommit = l.beforeCommit, l.afterCommit
	o.Free = l.shop.free
}

// luck is drawn by the moment.
type luck struct{ s *shop }

// Uint64 is the same for all who ask in one moment.
func (l luck) Uint64() uint64 { return l.s.draw("luck", time.Since(l.s.began).String()).Uint64() }

var (
	errDisk  = errors.New("simulated write error")
	errPower = errors.New("power is off")
)

// probe is a projection that tells which events a transaction appends.
type probe struct{ l *life }

func (probe) Name() string     { return "probe" }
func (probe) Schema() string   { return "CREATE TABLE probe (seq INTEGER)" }
func (probe) Tables() []string { return []string{"probe"} }

// Fold takes an event that is new; those that Verify folds are not.
func (p probe) Fold(_ *journal.Tx, e journal.Event) error {
	p.l.shop.mirror.pend(e, p.l.shop)
	return nil
}
