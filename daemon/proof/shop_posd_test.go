//go:build proof && linux

package proof

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// errEnded says that posd has ended before it took payments.
var errEnded = errors.New("posd has ended")

// start starts posd and waits until it takes payments. env are variables that it gets besides, as NAME=VALUE.
func (s *shop) start(ctx context.Context, env ...string) error {
	if err := s.launchPosd(ctx, env...); err != nil {
		return err
	}
	return s.ready(ctx)
}

// launchPosd starts posd, and waits for nothing.
func (s *shop) launchPosd(ctx context.Context, env ...string) (err error) {
	binary := s.plan.posd
	if binary == "" {
		if binary, err = shipped(ctx); err != nil {
			return err
		}
	}
	s.started++
	argv := append(append([]string{}, s.plan.wrap...), binary, "run", "-c", configFile)
	s.posd, err = s.launch(launching{name: "posd", log: s.path("logs/posd.log"), argv: argv, env: env})
	return err
}

// ready waits until every device is online and the desk is open. errEnded: posd is dead.
func (s *shop) ready(ctx context.Context) error {
	return until(ctx, "posd to take payments", func(ctx context.Context) (bool, error) {
		if !s.posd.running() {
			return false, fmt.Errorf("%w: %s\n%s", errEnded, s.posd.cmd.ProcessState, s.posd.tail())
		}
		return s.open(ctx), nil
	})
}

// open tells whether posd takes payments now.
func (s *shop) open(ctx context.Context) bool {
	devices, err := s.supervisor.ask(ctx, ask{method: http.MethodGet, path: "/v1/devices"})
	if err != nil || devices.Status != http.StatusOK {
		return false
	}
	for _, d := range devices.Devices {
		if !d.Online {
			return false
		}
	}
	// An attempt at no sale is refused in any case; a desk that is not open says so.
	rail := "wallet"
	if s.gateway == nil {
		rail = "card"
	}
	none, err := s.supervisor.ask(ctx, ask{method: http.MethodPut, path: attemptPath("none", "a"), body: payBy(rail)})
	return err == nil && none.Code == "not_found"
}

// kill ends posd as a crash would.
func (s *shop) kill() { s.posd.kill() }

// stop ends posd as a service manager would.
func (s *shop) stop() error {
	if !s.posd.stop() {
		return fmt.Errorf("posd did not end within %s of being told to", stopLimit)
	}
	if s.posd.killed() || !s.posd.cmd.ProcessState.Success() {
		return fmt.Errorf("posd ended with %s\n%s", s.posd.cmd.ProcessState, s.posd.tail())
	}
	return nil
}
