//go:build proof && linux

package proof

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// stopLimit is how long a process may take to end when it is told to; then it is killed.
const stopLimit = 15 * time.Second

// process is a program that a shop has started, in a process group of its own, so that it is ended with what it has
// started and nothing else is. Its goroutine ends with it.
type process struct {
	name  string
	log   string // what it says
	cmd   *exec.Cmd
	stdin io.WriteCloser
	ended chan struct{} // closed when it has
}

// launching is a program to be started. What it says goes to the log; Stdout may go elsewhere.
type launching struct {
	name   string
	log    string
	argv   []string
	env    []string
	stdout io.Writer // nil: the log
}

// launch starts a program in the shop's folder.
func (s *shop) launch(l launching) (*process, error) {
	log, err := os.OpenFile(l.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	p := &process{name: l.name, log: l.log, ended: make(chan struct{})}
	p.cmd = exec.Command(l.argv[0], l.argv[1:]...) // not CommandContext: stop and kill end it
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = s.dir, l.stdout, log
	p.cmd.Env = append(os.Environ(), l.env...)
	if l.stdout == nil {
		p.cmd.Stdout = log
	}
	// It does not outlive a test that was killed either.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", l.name, err), log.Close())
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // how it ended stands in ProcessState
		_ = log.Close()
	}()
	return p, nil
}

// running tells whether it has not ended. A process that never was does not run.
func (p *process) running() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// kill ends a process as a crash would, and what it has started, and waits for its end.
func (p *process) kill() {
	if !p.running() {
		return
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // it may have ended in this moment
	<-p.ended
}

// stop asks a process to end, and makes it if it does not. It tells whether it ended by itself.
func (p *process) stop() bool {
	if !p.running() {
		return true
	}
	_ = p.stdin.Close() // the simulators' lifeline
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
	timer := time.NewTimer(stopLimit)
	defer timer.Stop()
	select {
	case <-p.ended:
		return true
	case <-timer.C:
		p.kill()
		return false
	}
}

// killed tells whether an ended process was killed, by itself or by somebody else.
func (p *process) killed() bool {
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// tail is the end of what a process has said.
func (p *process) tail() string { return tail(p.log) }

// tail is the end of a file, for the messages of failures.
func tail(name string) string {
	const most = 6000
	text, err := os.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}
