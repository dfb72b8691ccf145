//go:build proof && linux

package proof

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"posd/daemon/payment"
	"posd/hwtest/hostsim"
)

// The scenes.
const (
	cardScene   = "a card sale whose answer is lost"
	walletScene = "a wallet sale"
	startScene  = "a start with a payment to reverse"
)

// lane is a shop in which faults are played one after the other. Its posd runs under a tracer and is at rest between two
// runs.
type lane struct {
	s      *shop
	setup  setup
	n      int            // numbers the sales
	played int            // runs since the shop was opened
	since  []string       // what was played since the books were last compared
	found  []string       // what is wrong
	calls  map[string]int // of the last run
	spoilt bool           // something was wrong: the shop is no longer used
}

// openLane opens a shop. Whatever it returns is to be closed.
func openLane(ctx context.Context) (*lane, error) {
	l := &lane{}
	dir, err := scratch()
	if err != nil {
		return l, err
	}
	if l.s, err = newShop(ctx, dir, plan{}); err != nil {
		return l, err
	}
	if err := l.s.hostDoes(ctx, hostsim.Rule{Kind: "sale", Do: hostsim.CommitSilent}); err != nil {
		return l, err
	}
	return l, l.ready(ctx)
}

// ready says what is what in the shop, and starts posd.
func (l *lane) ready(ctx context.Context) error {
	l.setup = setup{Socket: l.s.path("tracer"), Places: map[string]string{
		l.s.path("journal"): "journal", l.s.path("logs"): "log", l.s.path("keys"): "config", l.s.path(configFile): "config",
		l.s.host.address: "host", l.s.gateway.address: "gateway", l.s.listen: "till",
	}}
	return l.start(ctx)
}

func (l *lane) close() {
	if l.s != nil {
		l.s.close()
		l.s.leave(l.spoilt)
	}
}

// launch starts posd under the tracer with faults from its first instruction on.
func (l *lane) launch(ctx context.Context, faults ...fault) (err error) {
	_, _ = os.Remove(l.setup.Socket), os.Remove(l.setup.Socket+lastWords)
	u := l.setup
	u.Faults = faults
	if l.s.plan.wrap, err = u.traced(); err != nil {
		return err
	}
	return l.s.launchPosd(ctx)
}

// start starts posd without faults and waits until it takes payments.
func (l *lane) start(ctx context.Context) error {
	err := l.launch(ctx)
	if err == nil {
		err = l.s.ready(ctx)
	}
	return err
}

// rehearse plays a scene without faults and counts its calls.
func (l *lane) rehearse(ctx context.Context, scene string) (map[string]int, error) {
	l.play(ctx, play{scene: scene})
	if len(l.found) > 0 {
		return nil, errors.New(strings.Join(l.found, "\n"))
	}
	return l.calls, nil
}

// play is one run. It gives the faults that were played; what is wrong stands in found.
func (l *lane) play(ctx context.Context, p play) (hits []fault) {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	l.played++
	l.n++
	l.since = append(l.since, p.String())
	seen, err := l.scene(ctx, p)
	l.calls = seen.Calls
	if err == nil && !p.kill && l.s.posd.running() {
		err = l.alone(ctx)
	}
	rested := err == nil && !p.kill && l.s.posd.running()
	l.kill()
	l.mustNotPanic()
	if err == nil && rested {
		l.check(ctx)
	}
	if err == nil {
		err = l.start(ctx)
	}
	if err == nil {
		err = l.s.rest(ctx)
	}
	if err != nil {
		l.wrong("%v", err)
	}
	return seen.Hits
}

// alone lets a posd whose calls fail no longer recover without help.
func (l *lane) alone(ctx context.Context) error {
	if err := l.recovers(ctx); err != nil {
		return err
	}
	if err := l.cancel(ctx); err != nil {
		return err
	}
	return l.s.rest(ctx)
}

// recovers waits until posd takes payments again, with nobody's help.
func (l *lane) recovers(ctx context.Context) error {
	err := until(ctx, "posd to recover by itself", func(ctx context.Context) (bool, error) {
		a, err := l.s.supervisor.get(ctx, "/v1/health")
		return err == nil && !slices.ContainsFunc(a.Problems, func(c payment.Concern) bool {
			return slices.Contains([]string{"blocked", "not_ready", "journal"}, c.Code)
		}), nil
	})
	if err == nil {
		err = l.s.ready(ctx)
	}
	return err
}

// cancel is the till's last word about a sale that it has given up: nobody waits for a card any more.
func (l *lane) cancel(ctx context.Context) error {
	at := attemptPath(fmt.Sprintf("S-%d", l.n), "a")
	return until(ctx, "the attempt not to wait for a card", func(ctx context.Context) (bool, error) {
		a, err := l.s.till.get(ctx, at)
		if err == nil && a.Inner == string(payment.Created) {
			_, _ = l.s.till.ask(ctx, ask{method: http.MethodPost, path: at + "/cancel"})
			return false, nil
		}
		return err == nil, nil // a connection that is broken is no news
	})
}

// lastCheck compares the books at the end.
func (l *lane) lastCheck(ctx context.Context) {
	l.kill()
	l.mustNotPanic()
	l.check(ctx)
}

// kill ends posd and its tracer. posd is no child of ours: what is left of it ends soon after.
func (l *lane) kill() {
	if l.s.posd == nil {
		return
	}
	l.s.kill()
	group := -l.s.posd.cmd.Process.Pid
	err := until(context.Background(), "posd to end with its tracer", func(context.Context) (bool, error) {
		return errors.Is(unix.Kill(group, 0), unix.ESRCH), nil
	})
	if err != nil {
		l.wrong("%v", err)
	}
}

// check compares the books; posd must have come to rest, and not run.
func (l *lane) check(ctx context.Context) {
	broken, err := l.s.check(ctx)
	if err != nil {
		broken = append(broken, err.Error())
	}
	for _, b := range broken {
		l.wrong("%s", b)
	}
	l.since = nil
}

// wrong notes what is wrong, with what was played since the last time that all was well.
func (l *lane) wrong(format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	l.found = append(l.found, what+"\n\tplayed: "+strings.Join(l.since, "\n\t        ")+"\n"+keep(l.s.dir, l.n))
}

// keep saves the logs of a shop in which something is wrong, where POSD_PROOF_KEEP says.
func keep(dir string, n int) string {
	to := os.Getenv("POSD_PROOF_KEEP")
	if to == "" {
		return ""
	}
	to = filepath.Join(to, fmt.Sprint(filepath.Base(dir), "-", n))
	for _, part := range []string{"journal", "logs", "ledgers"} {
		if err := os.CopyFS(filepath.Join(to, part), os.DirFS(filepath.Join(dir, part))); err != nil {
			return err.Error()
		}
	}
	return to
}

var panicked = regexp.MustCompile(`(?m)^(panic:|fatal error:|goroutine \d+ |SIGSEGV|unexpected fault).*$`)

// mustNotPanic reads what posd has said to its terminal.
func (l *lane) mustNotPanic() {
	text, err := os.ReadFile(l.s.path("logs/posd.log"))
	if err != nil {
		l.wrong("%v", err)
	}
	if found := panicked.Find(text); found != nil {
		l.wrong("posd panics: %s", text)
	}
}

// polite holds an answer to the promise that a refusal has a code and a remedy.
func (l *lane) polite(a said, err error) bool {
	if err != nil || !a.refused() {
		return err == nil
	}
	var p struct{ Code, Detail, Remedy string }
	if json.Unmarshal(a.Raw, &p) != nil || p.Code == "" || p.Detail == "" || p.Remedy == "" {
		l.wrong("a refusal without code, detail and remedy: %d %s", a.Status, a.Raw)
	}
	return false
}

// answers makes sure that the API answers, whatever else is the matter, unless posd has ended.
func (l *lane) answers(ctx context.Context) {
	err := until(ctx, "the API to answer", func(ctx context.Context) (bool, error) {
		a, err := l.s.supervisor.get(ctx, "/v1/health")
		return err == nil && a.Status == http.StatusOK || !l.s.posd.running(), nil
	})
	if err != nil {
		l.wrong("%v", err)
	}
}
