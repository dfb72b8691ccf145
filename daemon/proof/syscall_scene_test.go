//go:build proof && linux

package proof

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"posd/daemon/payment"
	"posd/hwtest/walletsim"
)

// scene plays a scene with its faults, and then without them: when it returns no call fails any more.
func (l *lane) scene(ctx context.Context, p play) (count, error) {
	if p.scene == startScene {
		return l.startOver(ctx, p)
	}
	if _, err := tell(ctx, l.setup.Socket, order{Arm: true, Faults: p.faults}); err != nil {
		return count{}, err
	}
	l.pay(ctx, p.scene)
	if !l.s.posd.running() {
		return count{}, fmt.Errorf("posd has ended by itself: %s\n%s", l.s.posd.cmd.ProcessState, l.s.posd.tail())
	}
	seen, err := tell(ctx, l.setup.Socket, order{Arm: true})
	l.answers(ctx)
	return seen, err
}

// pay is what till and customer do. They take whatever they hear, and what they do not hear.
func (l *lane) pay(ctx context.Context, scene string) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	sale := fmt.Sprintf("S-%d", l.n)
	opened := false
	for range 2 { // the till asks once more
		opened = opened || l.polite(l.s.till.openSale(ctx, sale, int64(1000+l.n)))
	}
	if !opened {
		return
	}
	var a said
	var err error
	if scene == walletScene {
		var code string
		if code, err = l.s.code(ctx, walletsim.AlipayName); err == nil {
			a, err = l.s.payByCode(ctx, sale, "a", code)
		}
	} else {
		a, err = l.s.payByCard(ctx, sale, "a", l.n)
	}
	if !l.polite(a, err) {
		l.polite(l.s.till.get(ctx, attemptPath(sale, "a"))) // what has become of it?
		return
	}
	if a.State == payment.SaidApproved {
		l.polite(l.s.till.ack(ctx, sale))
	}
}

// startOver kills posd while the host is silent, and starts it with faults.
func (l *lane) startOver(ctx context.Context, p play) (seen count, err error) {
	if err := l.leaveOpen(ctx); err != nil {
		return seen, err
	}
	l.kill()
	if err := l.launch(ctx, p.faults...); err != nil {
		return seen, err
	}
	limit := 3 * time.Second // enough to meet the fault, or to be blocked by it
	if len(p.faults) == 0 {
		limit = patience
	}
	within, cancel := context.WithTimeout(ctx, limit)
	err = l.s.ready(within)
	if err == nil {
		err = l.s.rest(within)
	}
	cancel()
	if err != nil && len(p.faults) == 0 {
		return seen, err
	}
	return l.disarm(ctx)
}

// disarm ends the faults of a start. A posd that could not start has ended; who started it starts it again.
func (l *lane) disarm(ctx context.Context) (seen count, err error) {
	err = until(ctx, "the tracer to listen", func(ctx context.Context) (bool, error) {
		if !l.s.posd.running() {
			return true, nil
		}
		var err error
		seen, err = tell(ctx, l.setup.Socket, order{Arm: true})
		return err == nil, nil
	})
	switch {
	case err != nil:
		return seen, err
	case !l.s.posd.running() && l.s.posd.killed():
		return seen, errors.New("posd was killed by somebody else")
	case !l.s.posd.running():
		return l.ended()
	}
	l.answers(ctx)
	return seen, nil
}

// ended is what the tracer has left of a posd that has ended: only a call that failed may be the reason.
func (l *lane) ended() (seen count, err error) {
	text, err := os.ReadFile(l.setup.Socket + lastWords)
	if err == nil {
		err = json.Unmarshal(text, &seen)
	}
	if err == nil && len(seen.Hits) == 0 {
		err = fmt.Errorf("posd has ended, and no call of it had failed: %s\n%s", l.s.posd.cmd.ProcessState, l.s.posd.tail())
	}
	return seen, err
}

// leaveOpen begins a card sale and returns when it is sent: the host is silent. On a slow machine the host may not have
// answered the sign-on in time, and the till tries again.
func (l *lane) leaveOpen(ctx context.Context) error {
	sale := fmt.Sprintf("S-%d", l.n)
	err := until(ctx, "a card sale to begin", func(ctx context.Context) (bool, error) {
		a, err := l.s.till.openSale(ctx, sale, int64(1000+l.n))
		if err == nil && !a.refused() {
			a, err = l.s.till.begin(ctx, sale, "a", payBy("card"), 0)
		}
		if err == nil && a.refused() && a.Status != http.StatusServiceUnavailable {
			err = fmt.Errorf("%s", a.Raw)
		}
		return err == nil && !a.refused(), err
	})
	if err != nil {
		return err
	}
	return l.s.present(ctx, sale, "a", func() error { return l.s.swipe(ctx, l.n) })
}

func TestEverySystemCallThatEndsAStartHasFailed(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		`{"Hits":[{"Kind":"open journal","Nth":1,"How":"EIO"}]}`: "",
		`{"Calls":{"open journal":1}}`:                           "posd has ended, and no call of it had failed: exit status 1",
		"":                                                       "unexpected end of JSON input",
	} {
		l := &lane{s: &shop{dir: t.TempDir()}}
		l.setup.Socket = l.s.path("tracer")
		err := os.WriteFile(l.setup.Socket+lastWords, []byte(words), 0o600)
		if err == nil {
			l.s.posd, err = l.s.launch(launching{name: "posd", log: l.s.path("posd.log"), argv: []string{"/bin/false"}})
		}
		if err != nil {
			t.Fatal(err)
		}
		<-l.s.posd.ended
		if _, err := l.ended(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", words, err, want)
		}
	}
}
