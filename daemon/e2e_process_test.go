package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"posd/hwtest/devicesim"
)

// asPosd is the environment variable that makes the test program be posd, with the configuration that it names.
const asPosd = "POSD_TEST_RUNS_POSD"

func TestMain(m *testing.M) {
	if file := os.Getenv(asPosd); file != "" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		code := posd(ctx, &globals{Out: os.Stdout, Err: os.Stderr, Now: time.Now}, []string{"run", "--config", file})
		stop()
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// own counts the addresses that were given to posds of this process.
var own atomic.Int64

// addressOfItsOwn is where a posd that is a process listens. A network for each test process and a host for each posd: nobody
// takes the port while posd is down, as somebody may a free one of 127.0.0.1. Only Linux and Windows have such networks.
func addressOfItsOwn() string {
	n, pid := own.Add(1), os.Getpid()
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		return fmt.Sprintf("127.0.0.1:%d", 20_000+(int64(pid)*40+n)%10_000)
	}
	return fmt.Sprintf("127.%d.%d.%d:8320", 1+pid>>8%250, pid&0xff, 1+n%250)
}

// process is a posd of its own, to be killed.
type process struct {
	s   *store
	cmd *exec.Cmd
}

// startProcess runs posd as a process, and waits until it takes payments. The store must have been made for it.
func (s *store) startProcess() *process {
	s.t.Helper()
	p := s.launchProcess()
	s.whenOpen()
	return p
}

// launchProcess runs posd as a process, and waits until it answers.
func (s *store) launchProcess() *process {
	s.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asPosd+"="+s.path("posd.toml"))
	stderr, err := cmd.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	p := &process{s, cmd}
	s.stop = p.kill
	var last string
	said := make(chan struct{})
	go func() {
		defer close(said)
		lines := bufio.NewScanner(io.LimitReader(stderr, 1<<20))
		for lines.Scan() {
			last = lines.Text()
		}
	}()
	s.reach(s.cfg.API.Listen)
	s.whenListening(func() {
		select {
		case <-said:
			s.t.Fatalf("posd has ended: %s", last)
		default:
		}
	})
	return p
}

// whenListening waits until a posd of its own answers; meanwhile it looks again and again.
func (s *store) whenListening(look func()) {
	s.t.Helper()
	s.eventually("posd listens", func() bool {
		look()
		c, err := (&net.Dialer{}).DialContext(s.t.Context(), "tcp", s.cfg.API.Listen)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// kill ends posd as a crash would. It writes nothing any more.
func (p *process) kill() {
	p.s.stop = func() {}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // that it was killed is no news
}

// onSocket puts a device on a socket and gives its address.
func (s *store) onSocket(d devicesim.Device) string {
	ln := listen(s.t)
	s.serve(func(ctx context.Context) error { return devicesim.ServeTCP(ctx, ln, d) }, nil)
	return ln.Addr().String()
}
