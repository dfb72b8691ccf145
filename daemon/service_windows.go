package main

import (
	"fmt"
	"time"

	"github.com/kardianos/service"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"
	"golang.org/x/sys/windows/svc/mgr"
)

// The service is registered with an argument of its own, because the library's guess whether this process is a
// service is wrong under wine, and asking the service manager from a console takes 10 s to fail.
func serviceArguments(file string) []string { return []string{"run", "--service", "--config", file} }

func serviceOptions(string, []string) service.KeyValue {
	return service.KeyValue{"StartType": "automatic", "DelayedAutoStart": false}
}

// recovery is what Windows does after the first, second and every further crash.
var recovery = []mgr.RecoveryAction{
	{Type: mgr.ServiceRestart, Delay: time.Second},
	{Type: mgr.ServiceRestart, Delay: 5 * time.Second},
	{Type: mgr.ServiceRestart, Delay: 30 * time.Second},
}

// recoveryReset is after how long without a crash Windows counts from the first again.
const recoveryReset = 24 * time.Hour

// installed sets the recovery, which the library can not express.
func installed() error {
	m, err := mgr.Connect()
	if err != nil {
		return fmt.Errorf("reach the service manager: %w", err)
	}
	defer func() { _ = m.Disconnect() }()
	s, err := m.OpenService(serviceName)
	if err != nil {
		return fmt.Errorf("open the service: %w", err)
	}
	defer func() { _ = s.Close() }()
	if err := s.SetRecoveryActions(recovery, uint32(recoveryReset.Seconds())); err != nil {
		return fmt.Errorf("set the restart after a crash: %w", err)
	}
	if err := s.SetRecoveryActionsOnNonCrashFailures(true); err != nil {
		return fmt.Errorf("set the restart after a failure: %w", err)
	}
	return nil
}

// installedDirs is not kept on Windows: the data stays where the configuration says.
func installedDirs() []string { return nil }

func uninstalled() {}

// serveManager obeys the service manager until it says stop.
func serveManager(p *program) error { return svc.Run(serviceName, managed{p}) }

// managed is a program under Windows' service manager.
type managed struct{ p *program }

// Execute starts the program at once and ends when the service manager or the program itself does. The exit code
// makes Windows restart a posd that ended by itself.
func (m managed) Execute(_ []string, asked <-chan svc.ChangeRequest, told chan<- svc.Status) (bool, uint32) {
	const accepts = svc.AcceptStop | svc.AcceptShutdown
	told <- svc.Status{State: svc.StartPending}
	_ = m.p.Start(nil) // it never fails: what fails later ends the program
	told <- svc.Status{State: svc.Running, Accepts: accepts}
	for {
		select {
		case <-m.p.done:
			tellEventLog(m.p.err)
			return true, 1
		case r := <-asked:
			switch r.Cmd {
			case svc.Interrogate:
				told <- r.CurrentStatus
			case svc.Stop, svc.Shutdown:
				told <- svc.Status{State: svc.StopPending, WaitHint: uint32((30 * time.Second).Milliseconds())}
				err := m.p.Stop(nil)
				tellEventLog(err)
				return err != nil, exitCode(err) // service-specific and 0 would be a failure to Windows
			default:
			}
		}
	}
}

// tellEventLog says in Windows' event log why posd ended: a service has no terminal, and perhaps no log yet. Where that cannot be
// written either there is nobody to tell.
func tellEventLog(err error) {
	if err == nil {
		return
	}
	l, openErr := eventlog.Open(serviceName)
	if openErr != nil {
		return
	}
	_ = l.Error(1, "posd ends: "+err.Error()) // the source that install makes takes 1 to 1000
	_ = l.Close()
}

func exitCode(err error) uint32 {
	if err != nil {
		return 1
	}
	return 0
}
