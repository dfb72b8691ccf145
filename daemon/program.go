package main

import (
	"context"
	"os"

	"github.com/kardianos/service"
	"golang.org/x/term"

	"posd/config"
)

// runCmd runs posd until it is told to stop.
type runCmd struct {
	Service bool `hidden:"" help:"Obey the Windows service manager, which started this process."`
}

// Help says where the log is, and what an end does.
func (runCmd) Help() string {
	return `The log is on the terminal, and in log.file. Ctrl-C ends it: no payment is lost by that, nor by a kill. What is open then
goes on with the next start.`
}

// Run runs posd under the signals of a terminal or of systemd, or under Windows' service manager.
func (c *runCmd) Run(ctx context.Context, g *globals) error {
	p := &program{run: g.run}
	if c.Service {
		return serveManager(p)
	}
	defer unpaused()()
	return p.serve(ctx)
}

// run reads the configuration, opens the log and runs posd until ctx ends. Nothing of that may come before a service manager
// is obeyed: Windows starts no service anew that ended earlier.
func (g *globals) run(ctx context.Context) error {
	cfg, err := g.load()
	if err != nil {
		return err
	}
	log, closer, err := newLogger(logSettingsOf(cfg))
	if err != nil {
		return err
	}
	defer closer.Close()
	defer thrifty()()
	err = run(ctx, cfg, realWorld(log))
	if err != nil {
		log.Error("posd ends", "err", err)
	}
	return err
}

// logSettingsOf adds a terminal to the configured log when a person watches, or when there is no file.
func logSettingsOf(cfg *config.Config) logSettings {
	s := logSettings{File: cfg.Log.File, MaxSizeMiB: cfg.Log.MaxSizeMiB, MaxFiles: cfg.Log.MaxFiles}
	_ = s.Level.UnmarshalText([]byte(cfg.Log.Level)) // config has checked it
	s.Color = colorful(os.Stderr)
	if term.IsTerminal(int(os.Stderr.Fd())) || s.File == "" {
		s.Terminal = os.Stderr
	}
	return s
}

// program is posd as a service manager sees it. The goroutine that Start starts belongs to it: Stop and serve wait
// for its end.
type program struct {
	run    func(context.Context) error
	cancel context.CancelFunc
	done   chan struct{} // closed when run has returned; err is final then
	err    error
}

var _ service.Interface = (*program)(nil)

// Start returns at once. Recovery, which may ask hosts, goes on behind it, for a service manager is impatient.
func (p *program) Start(service.Service) error {
	p.begin(context.Background())
	return nil
}

func (p *program) begin(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	p.cancel, p.done = cancel, make(chan struct{})
	go func() {
		defer close(p.done)
		defer cancel()
		p.err = p.run(ctx)
	}()
}

// Stop tells posd to end and waits until it has.
func (p *program) Stop(service.Service) error {
	p.cancel()
	<-p.done
	return p.err
}

// serve runs the program until ctx ends or it ends by itself.
func (p *program) serve(ctx context.Context) error {
	p.begin(ctx)
	<-p.done
	return p.err
}
