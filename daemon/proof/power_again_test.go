//go:build proof && linux

package proof

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
)

// nowhere is an address at which nobody listens.
const nowhere = "127.0.0.1:1"

// newLone makes a posd that wakes up alone: with the keys of the tape's shop, and nobody at the other ends of its wires.
func (t *tape) newLone(dir string) (*shop, error) {
	n := shops.Add(1)
	s := &shop{
		dir: dir, plan: plan{posd: t.s.plan.posd, ballast: ballastMiB, bare: true},
		listen: fmt.Sprintf("127.%d.%d.%d:8320", 1+os.Getpid()>>8%250, os.Getpid()&0xff, 1+n%250),
		host:   &sim{address: nowhere}, gateway: &sim{address: nowhere},
	}
	err := errors.Join(os.MkdirAll(s.path("logs"), 0o700), os.CopyFS(s.path("keys"), os.DirFS(t.s.path("keys"))))
	err = errors.Join(err, filepath.WalkDir(s.path("keys"), func(name string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Chmod(name, 0o700))
	}))
	s.till, s.supervisor = newCaller(s, tillToken, false), newCaller(s, supervisorToken, false)
	return s, errors.Join(err, s.configure())
}

// wake starts the real posd on a state of the disk, and gives what is wrong with how it comes up. k is what the journal
// of that state holds.
func (t *tape) wake(ctx context.Context, s *shop, o outage, k *kept) []string {
	defer s.kill()
	if err := errors.Join(o.image.lay(s.dir), s.start(ctx)); err != nil {
		return []string{"posd does not start: " + err.Error()}
	}
	health, err := s.supervisor.get(ctx, "/v1/health")
	if err != nil || health.Status != http.StatusOK {
		return []string{fmt.Sprintf("posd does not say how it is: %d %v", health.Status, err)}
	}
	if bytes.Contains(health.Raw, []byte(`"status":"blocked"`)) {
		return []string{"posd takes no money: " + string(health.Raw)}
	}
	owed, err := s.supervisor.get(ctx, "/v1/owed")
	if err != nil {
		return []string{err.Error()}
	}
	return k.forgotten(append(owed.Open, owed.Stuck...))
}

// forgotten gives what a journal owes and posd does not say that it does; a card's payment is being reversed by then.
func (k *kept) forgotten(open []said) []string {
	states := map[string]string{}
	for _, a := range open {
		states["sale/till/"+a.Sale+"/"+a.Attempt] = a.Inner
		if a.Rail == "card" && a.Kind == "sale" && a.Inner == "sent" {
			states["sale/till/"+a.Sale+"/"+a.Attempt] = ""
		}
	}
	var out []string
	for subject := range k.owed {
		if states[subject] == "" {
			out = append(out, fmt.Sprintf("%s is owed, and posd does not go on with it (I2, I5)", subject))
		}
	}
	return out
}

// recordWake records how the real posd comes up on a state of the disk, until it is killed: power may go again.
func (t *tape) recordWake(ctx context.Context, dir string, o outage) (*record, error) {
	s, err := t.newLone(dir)
	if err != nil {
		return nil, err
	}
	defer s.kill()
	if err := o.image.lay(dir); err != nil {
		return nil, err
	}
	t.runs++
	file := s.path("trace" + strconv.Itoa(t.runs))
	s.plan.wrap = append([]string{"strace"}, straceArgs(file)...)
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	if err := (&tape{s: s}).killTraced(); err != nil {
		return nil, err
	}
	r := newRecord(dir, journalFolder, o.image)
	return r, r.add(file)
}
