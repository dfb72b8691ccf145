package main

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kardianos/service"
)

func TestServiceStartReturnsAtOnceAndStopWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &program{run: func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(3 * time.Second) // what is under way is finished
			return nil
		}}
		began := time.Now()
		if err := p.Start(nil); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("Start took %v", took)
		}
		if err := p.Stop(nil); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("Stop returned after %v, want 3s", took)
		}
	})
}

func TestServiceEndsWithPosd(t *testing.T) {
	broken := errors.New("the journal belongs to another posd")
	p := &program{run: func(context.Context) error { return broken }}
	if err := p.serve(t.Context()); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

func TestAServiceWithoutItsConfigurationStartsAndThenEnds(t *testing.T) {
	g := &globals{ConfigFile: filepath.Join(t.TempDir(), "posd.toml")}
	p := &program{run: g.run}
	if err := p.Start(nil); err != nil { // Windows would leave it down for good
		t.Fatal(err)
	}
	<-p.done
	if err := p.Stop(nil); err == nil || !strings.Contains(err.Error(), "posd.toml") {
		t.Errorf("got %v, want an error that names the file", err)
	}
}

func TestServiceEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := &program{run: func(ctx context.Context) error {
		cancel()
		<-ctx.Done()
		return nil
	}}
	if err := p.serve(ctx); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestInstallRefusesAManagerThatLeavesACrashedPosdDown(t *testing.T) {
	for _, c := range []struct {
		platform string
		force    bool
		want     string // in the error; empty: none
	}{
		{platform: "linux-systemd"},
		{platform: "windows-service"},
		{platform: "unix-systemv", force: true},
		{platform: "unix-systemv", want: "unix-systemv"},
		{platform: "", want: "none that posd knows"},
	} {
		err := restartable(c.platform, c.force)
		if got := err != nil; got != (c.want != "") || got && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q, force %v: got %v, want %q", c.platform, c.force, err, c.want)
		}
	}
}

func TestInstallRefusesTemporaryFolders(t *testing.T) {
	if err := outsideTemp("/usr/local/bin/posd", "/tmp/posd.toml"); err == nil || !strings.Contains(err.Error(), "/tmp/posd.toml") {
		t.Errorf("got %v", err)
	}
	if err := outsideTemp("/usr/local/bin/posd", "/etc/posd/posd.toml", "/tmpfiles"); err != nil {
		t.Errorf("got %v", err)
	}
}

// resting is an installed service that does not run. It minds being stopped, as Windows does.
type resting struct {
	service.Service
	started bool
}

func (*resting) Status() (service.Status, error) { return service.StatusStopped, nil }
func (*resting) Stop() error                     { return errors.New("the service has not been started") }

func (*resting) Restart() error { return errors.New("the service has not been started") }
func (r *resting) Start() error { r.started = true; return nil }

func TestAServiceThatIsStoppedCanBeStoppedAndRestarted(t *testing.T) {
	r := &resting{}
	if err := stop(r); err != nil || r.started {
		t.Errorf("stop: %v, started %v", err, r.started)
	}
	if err := restart(r); err != nil || !r.started {
		t.Errorf("restart: %v, started %v", err, r.started)
	}
}
