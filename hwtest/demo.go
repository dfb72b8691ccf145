package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/term"
)

// demoCmd is the verb demo.
type demoCmd struct {
	Once bool   `help:"Play once and end, also on a terminal."`
	Dir  string `placeholder:"DIR" help:"Leave journal, logs, ledgers and slips here; a new or empty folder. Without: a temporary one that is removed after success."`
	Posd string `placeholder:"FILE" help:"The posd to show. Default: the one beside hwtest."`
}

// Help tells what is to be seen.
func (demoCmd) Help() string {
	return `The real posd and the simulators run as processes on this machine, with devices on pseudo-terminals, and a till's
software sells through the HTTP API: cards and wallets, answers that do not come, a posd that is killed, a customer
who pays twice, a printer without paper. Each slip is shown as the printer printed it. At the end every sale is compared
with the ledgers of the host and of the wallet gateway; the last line is "ledgers agree: N sales" only if not a cent is
missing or too much, and the exit code says the same.

With a terminal it stays up after that, for you to try the API.`
}

// demoLimit ends a demo that hangs.
const demoLimit = 5 * time.Minute

// demo is one showing: what runs, who is asked, and what was used up so far.
type demo struct {
	stage            // says what happens
	dir       string // all that it leaves behind
	posdPath  string
	listen    string // of posd's API
	processes []*process
	posd      *process
	api       *posdClient
	host      control
	wallet    control
	printer   control
	scanner   control
	reader    control
	ports     map[string]string // of the devices, as posd's configuration names them
	gateway   string            // host:port of the wallets
	acquirer  string            // host:port of the card host

	cards     []string // numbers that were swiped
	codes     []string // wallet codes that were shown
	slips     int      // how many were shown
	unclaimed []string // slips of this scene that nobody has waited for
}

// Run plays the demo.
func (c *demoCmd) Run(ctx context.Context, g *globals) error {
	d := &demo{stage: stage{out: g.Out}, ports: map[string]string{}}
	var err error
	if d.posdPath, err = c.findPosd(); err != nil {
		return err
	}
	if d.dir, err = demoDir(c.Dir); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, demoLimit)
	defer cancel()
	sales, err := d.play(limited)
	stay := err == nil && !c.Once && onTerminal(g.In)
	if !stay {
		d.stop() // first, so that what is written at the end is searched, too
	}
	if err == nil {
		err = d.searchForSecrets()
	}
	if stay && err == nil {
		d.agree(sales)
		d.stayUp(ctx)
	}
	d.stop()
	if ctx.Err() == nil && err != nil {
		return d.failed(err)
	}
	if c.Dir == "" {
		err = errors.Join(err, os.RemoveAll(d.dir))
	}
	switch {
	case stay:
		return err // Ctrl-C is how it ends
	case ctx.Err() != nil:
		return errors.New("interrupted") // and not context.Canceled, which main takes for a quiet end
	}
	d.agree(sales)
	return err
}

func (d *demo) agree(sales int) { d.line("ledgers agree: %d sales", sales) }

// failed shows why, and what a technician needs. The folder stays.
func (d *demo) failed(err error) error {
	d.showLogs()
	d.line("\neverything that was written is in %s", d.dir)
	var wrong *disagreement
	if errors.As(err, &wrong) {
		d.line("ledgers disagree: %v", wrong)
	} else {
		d.line("the demo could not go on: %v", err)
	}
	return err
}

func (c *demoCmd) findPosd() (string, error) {
	name := c.Posd
	if name == "" {
		self, err := os.Executable()
		if err != nil {
			return "", err
		}
		name = filepath.Join(filepath.Dir(self), "posd")
		if runtime.GOOS == "windows" {
			name += ".exe"
		}
	}
	if info, err := os.Stat(name); err != nil || info.IsDir() {
		return "", fmt.Errorf("there is no posd at %s: build it (make bin), or name it with --posd", name)
	}
	return filepath.Abs(name)
}

// demoDir makes the folder of one showing. An old one's ledgers would be counted in.
func demoDir(wanted string) (string, error) {
	if wanted == "" {
		return os.MkdirTemp("", "posd-demo-")
	}
	if err := os.MkdirAll(wanted, 0o700); err != nil {
		return "", err
	}
	list, err := os.ReadDir(wanted)
	if err != nil {
		return "", err
	}
	if len(list) > 0 {
		return "", fmt.Errorf("%s is not empty", wanted)
	}
	return filepath.Abs(wanted)
}

// onTerminal tells whether somebody is there to end a demo that stays up.
func onTerminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// play starts everything, plays the scenes and compares. It gives the number of sales that agree.
func (d *demo) play(ctx context.Context) (int, error) {
	if err := d.setUp(ctx); err != nil {
		return 0, err
	}
	for i, s := range scenes {
		d.heading(fmt.Sprintf("%d  %s · %s", i+1, s.zh, s.en))
		d.unclaimed = nil
		if err := s.play(d, ctx); err != nil {
			return 0, fmt.Errorf("scene %d: %w", i+1, err)
		}
	}
	return d.compareLedgers(ctx)
}

// stayUp keeps posd and the simulators there for somebody who wants to try them.
func (d *demo) stayUp(ctx context.Context) {
	d.heading("现在请您试用 · now it is your turn")
	d.say("posd", "http://%s/v1/sales", d.listen)
	d.say("posd", "the till's token        %s", d.api.sell)
	d.say("posd", "the supervisor's token  %s", d.api.supervisor)
	for _, c := range []struct {
		name string
		c    control
	}{{"host", d.host}, {"wallet", d.wallet}, {"printer", d.printer}, {"scanner", d.scanner}, {"reader", d.reader}} {
		d.say(c.name, "%s/control/ (see hwtest sim %s --help)", c.c.base, c.name)
	}
	d.say("demo", "the token of these      %s", d.host.token)
	d.say("demo", `curl -H "Authorization: Bearer %s" http://%s/v1/sales`, d.api.sell, d.listen)
	d.say("demo", "%s sales -c %s", d.posdPath, filepath.Join(d.dir, "posd.toml"))
	d.say("demo", "Ctrl-C ends everything")
	<-ctx.Done()
}
