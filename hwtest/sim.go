package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"posd/hwtest/devicesim"
)

// simCmd is the verb sim: what stands at the other end of posd's wires.
type simCmd struct {
	Host    simHostCmd    `cmd:"" help:"A card acquirer's host: ISO 8583 over TCP, with its own ledger."`
	Wallet  simWalletCmd  `cmd:"" help:"A wallet gateway (Alipay, WeChat Pay) and its customers' phones, with its own ledger."`
	Printer simPrinterCmd `cmd:"" help:"A receipt printer (ESC/POS, Chinese font)."`
	Scanner simScannerCmd `cmd:"" help:"A barcode scanner."`
	Reader  simReaderCmd  `cmd:"" help:"A magnetic card reader, with test cards."`
}

// Help tells what all simulators share.
func (simCmd) Help() string {
	return `Each is a program of its own. When it is ready it prints one line, such as

  ready host 127.0.0.1:40001 control=http://127.0.0.1:40002

The control interface is HTTP with JSON and plays the people around the device: it takes the paper out, swipes a
card, makes the host silent. Every simulator's --help lists its calls. It ends on Ctrl-C or SIGTERM.`
}

// simFlags is what every simulator takes.
type simFlags struct {
	Control       string `default:"127.0.0.1:0" placeholder:"ADDR" help:"Where the control interface listens, on this machine only. Default: a free port."`
	TokenFile     string `placeholder:"FILE" help:"A file with the bearer token that the control interface wants. Without: none is wanted."`
	StdinLifeline bool   `help:"End when standard input ends, so that it does not outlive the program that started it."`
}

// simulator is one program: what it is called, where it is reached, and what runs until it ends.
type simulator struct {
	name    string
	address string
	control http.Handler
	more    string // of the ready line: further doors
	serve   []func(context.Context) error
}

// run prints the ready line and serves until ctx ends, the lifeline does, or a part fails. What it started has ended
// when it returns, but for the reading of standard input, which nothing can interrupt.
func (f simFlags) run(ctx context.Context, g *globals, s simulator) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ln, err := listenLocal(ctx, f.Control)
	if err != nil {
		return fmt.Errorf("control interface: %w", err)
	}
	token, err := f.token()
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	if f.StdinLifeline {
		go func() {
			_, _ = io.Copy(io.Discard, g.In)
			cancel()
		}()
	}
	parts := append(s.serve, func(ctx context.Context) error { return serveHTTP(ctx, ln, guarded(token, s.control)) })
	var running sync.WaitGroup
	errs := make([]error, len(parts))
	for i, part := range parts {
		running.Go(func() {
			defer cancel() // one for all: half a simulator is worth nothing
			errs[i] = part(ctx)
		})
	}
	ready := fmt.Sprintf("ready %s %s control=http://%s %s", s.name, s.address, ln.Addr(), s.more)
	fmt.Fprintln(g.Out, strings.TrimSpace(ready))
	running.Wait()
	return errors.Join(errs...)
}

func (f simFlags) token() (string, error) {
	if f.TokenFile == "" {
		return "", nil
	}
	text, err := os.ReadFile(f.TokenFile)
	if err != nil {
		return "", fmt.Errorf("token of the control interface: %w", err)
	}
	if t := strings.TrimSpace(string(text)); t != "" {
		return t, nil
	}
	return "", fmt.Errorf("token of the control interface: %s is empty", f.TokenFile)
}

// log is a simulator's own log, for a person.
func (g *globals) log() *slog.Logger { return slog.New(slog.NewTextHandler(g.Err, nil)) }

// listenLocal listens for this machine only: no simulator has a door to others.
func listenLocal(ctx context.Context, address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("address %q: want 127.0.0.1:PORT", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("address %q can be reached from other machines: want 127.0.0.1:PORT", address)
	}
	return (&net.ListenConfig{}).Listen(ctx, "tcp", address)
}

// serveHTTP serves until ctx ends, and ends every connection then.
func serveHTTP(ctx context.Context, ln net.Listener, h http.Handler) error {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// deviceFlags is what every simulated device takes.
type deviceFlags struct {
	simFlags
	Link   string `placeholder:"PATH" help:"Be a serial device: a pseudo-terminal to which this link points, as /dev/serial/by-id links do."`
	Listen string `default:"127.0.0.1:0" placeholder:"ADDR" help:"Without --link: be a network device here. Default: a free port."`
}

// stand runs a device until ctx ends. control has its own calls; stand adds those of the cable.
func (f deviceFlags) stand(ctx context.Context, g *globals, name string, d devicesim.Device, control *http.ServeMux) error {
	s := simulator{name: name, control: control}
	if f.Link == "" {
		ln, err := listenLocal(ctx, f.Listen)
		if err != nil {
			return err
		}
		s.address = "tcp://" + ln.Addr().String()
		s.serve = append(s.serve, func(ctx context.Context) error { return devicesim.ServeTCP(ctx, ln, d) })
		return f.run(ctx, g, s)
	}
	link, err := filepath.Abs(f.Link)
	if err != nil {
		return err
	}
	cable, err := devicesim.PlugIn(d, link)
	if err != nil {
		return err
	}
	control.HandleFunc("POST /control/cable", onBody(func(in struct{ In bool }) error {
		if in.In {
			return cable.Replug()
		}
		return cable.Unplug()
	}))
	s.address = link
	s.serve = append(s.serve, func(ctx context.Context) error {
		<-ctx.Done()
		return nil
	})
	return errors.Join(f.run(ctx, g, s), cable.Close())
}
