package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/kardianos/service"

	"posd/config"
)

const serviceName = "posd"

// installCmd makes posd a service of this machine.
type installCmd struct {
	User  string `placeholder:"NAME" help:"${serviceuser}"`
	Force bool   `help:"Install even where systemd does not run: no restart after a crash, no sandbox."`
}

// Help says what is installed and what stays where it is.
func (installCmd) Help() string {
	return `The service runs this program, from where it is now, with the configuration that -c names; neither may be in a temporary
folder. It starts with the machine, and anew a second after a crash. Afterwards: posd start.` + installHelp
}

// Run registers the service with its configuration. It refuses a configuration that posd would refuse.
func (c *installCmd) Run(g *globals) error {
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	file, err := filepath.Abs(g.ConfigFile)
	if err != nil {
		return fmt.Errorf("find the configuration: %w", err)
	}
	if err := secure(exe, file, c.User); err != nil {
		return err
	}
	cfg, err := g.checked()
	if err != nil {
		return err
	}
	if err := restartable(service.Platform(), c.Force); err != nil {
		return err
	}
	dirs := dataDirs(cfg)
	if err := outsideTemp(append(dirs, exe, file)...); err != nil {
		return err
	}
	s, err := service.New(&program{}, serviceConfig(file, c.User, dirs))
	if err != nil {
		return fmt.Errorf("prepare the service: %w", err)
	}
	if err := makeDirs(dirs, c.User); err != nil {
		return err
	}
	if err := s.Install(); err != nil {
		return fmt.Errorf("install the service: %w", err)
	}
	if err := installed(); err != nil {
		return errors.Join(err, s.Uninstall())
	}
	fmt.Fprintf(g.Out, "%s is installed and starts with the machine; now: posd start\n", serviceName)
	return nil
}

// restartable refuses a service manager that would leave a crashed posd down, with a reversal owed.
func restartable(platform string, force bool) error {
	if force || platform == "linux-systemd" || platform == "windows-service" {
		return nil
	}
	if platform == "" {
		platform = "none that posd knows"
	}
	return fmt.Errorf("the service manager here is %s, which does not start a crashed posd anew; "+
		"use a machine with systemd, run `posd run` under a supervisor of your own, or add --force", platform)
}

// outsideTemp refuses what the service would not see: systemd gives it a temporary folder of its own.
func outsideTemp(paths ...string) error {
	for _, p := range paths {
		for _, temp := range []string{"/tmp/", "/var/tmp/"} {
			if strings.HasPrefix(p, temp) {
				return fmt.Errorf("%s is in a temporary folder, which a service does not see and a restart may empty; put it elsewhere", p)
			}
		}
	}
	return nil
}

// dataDirs is where posd writes: the shop's data, which outlives the service.
func dataDirs(cfg *config.Config) []string {
	dirs := []string{filepath.Dir(cfg.Journal.Path)}
	if cfg.Log.File != "" && filepath.Dir(cfg.Log.File) != dirs[0] {
		dirs = append(dirs, filepath.Dir(cfg.Log.File))
	}
	return dirs
}

func makeDirs(dirs []string, user string) error {
	for _, dir := range dirs {
		if err := makeFolder(dir, user); err != nil {
			return fmt.Errorf("make a folder for data: %w", err)
		}
	}
	return nil
}

func serviceConfig(file, user string, dirs []string) *service.Config {
	return &service.Config{
		Name:             serviceName,
		DisplayName:      "posd",
		Description:      "posd, payments at this till",
		Arguments:        serviceArguments(file),
		UserName:         user,
		WorkingDirectory: filepath.Dir(file),
		Option:           serviceOptions(user, dirs),
	}
}

// manager is the installed service, to be started, stopped or removed.
func manager() (service.Service, error) {
	s, err := service.New(&program{}, serviceConfig("", "", nil))
	if err != nil {
		return nil, fmt.Errorf("find the service manager: %w", err)
	}
	return s, nil
}

// control asks the service manager for one thing and says that it is done.
func control(g *globals, verb string, do func(service.Service) error, done string) error {
	s, err := manager()
	if err != nil {
		return err
	}
	if _, err := s.Status(); errors.Is(err, service.ErrNotInstalled) {
		return errors.New("the service is not installed; first: posd install")
	}
	if err := do(s); err != nil {
		return fmt.Errorf("%s the service: %w; posd check says what is wrong with the configuration, posd log what posd said", verb, err)
	}
	fmt.Fprintln(g.Out, serviceName, done)
	return nil
}

// uninstallCmd removes what install made.
type uninstallCmd struct{}

// Run stops and removes the service. The journal and the logs are the shop's; it says where they are.
func (uninstallCmd) Run(g *globals) error {
	dirs := installedDirs()
	err := control(g, "remove", func(s service.Service) error {
		if st, err := s.Status(); err != nil || st == service.StatusRunning {
			if err := s.Stop(); err != nil {
				return err
			}
		}
		return s.Uninstall()
	}, "is not a service any more")
	if err != nil {
		return err
	}
	uninstalled()
	for _, dir := range dirs {
		if os.Remove(dir) == nil || !exists(dir) { // an empty one goes
			continue
		}
		fmt.Fprintf(g.Out, "kept: %s (the journal proves what was paid; delete it yourself when nobody needs it)\n", dir)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

type startCmd struct{}

// Run starts the service.
func (startCmd) Run(g *globals) error {
	return control(g, "start", service.Service.Start, "is started")
}

type stopCmd struct{}

// Run stops the service and waits until it has ended.
func (stopCmd) Run(g *globals) error {
	return control(g, "stop", stop, "is stopped")
}

// stop stops a service, if it runs: Windows takes it for a mistake else.
func stop(s service.Service) error {
	if isStopped(s) {
		return nil
	}
	return s.Stop()
}

func isStopped(s service.Service) bool {
	st, err := s.Status()
	return err == nil && st == service.StatusStopped
}

type restartCmd struct{}

// Run stops the service, if it runs, and starts it.
func (restartCmd) Run(g *globals) error {
	return control(g, "restart", restart, "is restarted")
}

func restart(s service.Service) error {
	if isStopped(s) {
		return s.Start()
	}
	return s.Restart()
}

type statusCmd struct{}

// Run prints running, stopped or not installed; only running is success.
func (statusCmd) Run(g *globals) error {
	s, err := manager()
	if err != nil {
		return err
	}
	st, err := s.Status()
	switch {
	case errors.Is(err, service.ErrNotInstalled):
		return errors.New("the service is not installed; posd install does that")
	case err != nil:
		return fmt.Errorf("ask the service manager: %w; is there one on this machine? posd run needs none", err)
	case st != service.StatusRunning:
		return errors.New("the service is stopped; posd start starts it, and posd log says why it ended")
	}
	fmt.Fprintln(g.Out, serviceName, "is running")
	return nil
}
