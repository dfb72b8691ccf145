package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// stopLimit is how long a process may take to end when it is told to; then it is killed.
const stopLimit = 10 * time.Second

// process is a program that the demo has started, in a process group of its own. Its goroutine ends with the process.
type process struct {
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	ended chan struct{} // closed when it has
}

// launch starts a program; what it says goes to a log file. stdout may be nil.
func (d *demo) launch(name string, stdout io.Writer, path string, args ...string) (*process, error) {
	log, err := os.OpenFile(d.logFile(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	p := &process{name: name, ended: make(chan struct{})}
	// Not CommandContext: what is shown must end in its order, and posd be asked to before it is made to.
	p.cmd = exec.Command(path, args...) //nolint:noctx // stop and kill end it
	p.cmd.Dir, p.cmd.Stderr, p.cmd.Stdout = d.dir, log, stdout
	if stdout == nil {
		p.cmd.Stdout = log
	}
	ownGroup(p.cmd)
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", name, err), log.Close())
	}
	d.processes = append(d.processes, p)
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // how it ended stands in ProcessState
		_ = log.Close()
	}()
	return p, nil
}

func (d *demo) logFile(name string) string { return filepath.Join(d.dir, "logs", name+".log") }

// startSim starts "hwtest sim NAME" and gives the address and the control interface that its ready line tells.
func (d *demo) startSim(ctx context.Context, name string, args ...string) (address string, c control, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", c, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return "", c, err
	}
	args = append([]string{"sim", name, "--stdin-lifeline", "--token-file", d.key("control.token")}, args...)
	p, err := d.launch(name, w, self, args...)
	_ = w.Close() // the process has its own
	if err != nil {
		return "", c, errors.Join(err, r.Close())
	}
	// Reading ends with the line, with the process, or with ctx, which closes the pipe.
	defer context.AfterFunc(ctx, func() { _ = r.Close() })()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		return "", c, fmt.Errorf("%s is not ready (see %s): %w", name, d.logFile(p.name), err)
	}
	words := strings.Fields(line)
	if len(words) < 4 || words[0] != "ready" || words[1] != name {
		return "", c, fmt.Errorf("%s said %q", name, line)
	}
	token, err := os.ReadFile(d.key("control.token"))
	base, _ := strings.CutPrefix(words[3], "control=")
	return words[2], control{base: base, token: strings.TrimSpace(string(token))}, err
}

// kill ends a process as a power cut would, and waits for its end.
func (p *process) kill(ctx context.Context) error {
	if err := p.cmd.Process.Kill(); err != nil {
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stop asks a process to end, and makes it if it does not.
func (p *process) stop() {
	select {
	case <-p.ended:
		return
	default:
	}
	_ = p.stdin.Close() // the simulators' lifeline
	_ = askToEnd(p.cmd.Process)
	timer := time.NewTimer(stopLimit)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-timer.C:
		killGroup(p.cmd.Process)
		<-p.ended
	}
}

// stop ends everything, posd first: it may still have something to print or to ask.
func (d *demo) stop() {
	if d.posd != nil {
		d.posd.stop()
	}
	for i := len(d.processes) - 1; i >= 0; i-- {
		d.processes[i].stop()
	}
}

// shownLines is how much of posd's log a failure shows.
const shownLines = 25

// showLogs prints the end of posd's log, and of what it said outside of it.
func (d *demo) showLogs() {
	for _, name := range []string{d.logFile("posd"), filepath.Join(d.dir, "logs", "posd.json")} {
		text, err := os.ReadFile(name)
		if err != nil || len(text) == 0 {
			continue
		}
		lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
		d.heading("the end of " + name)
		for _, l := range lines[max(0, len(lines)-shownLines):] {
			d.line("%s", l)
		}
	}
}
