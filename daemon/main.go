// Command posd takes payments at one till: it holds the counter's devices, asks the card acquirer and the wallet
// gateways for money, and never loses track of what it asked.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"posd/config"
	"posd/daemon/wallet"
	_ "posd/daemon/wallet/brands"
)

// The exit codes. systemd restarts posd after any of them but usageError; Windows goes by what posd tells its service manager,
// and restarts it after every end that nobody asked for.
const (
	success    = 0
	problem    = 1 // the input, the configuration or the machine is not as it must be
	usageError = 2
)

// cli is the command line: one verb, one file.
type cli struct {
	Config string `short:"c" default:"${config}" type:"path" placeholder:"FILE" help:"The configuration (${default})."`

	Run       runCmd       `cmd:"" help:"Run posd in the foreground, until Ctrl-C; a service manager runs it so, too."`
	Check     checkCmd     `cmd:"" help:"Check the configuration and name every problem; --example prints a configuration with all keys, explained."`
	Sales     salesCmd     `cmd:"" help:"List the latest 50 sales."`
	Owed      owedCmd      `cmd:"" help:"List what is still being reversed, and what needs a person."`
	Settle    settleCmd    `cmd:"" help:"Decide an attempt that is stuck, as a supervisor."`
	Refund    refundCmd    `cmd:"" help:"Give back what an attempt took, as a supervisor, because a bill shows it."`
	Reconcile reconcileCmd `cmd:"" help:"Compare the bill of a wallet or of the acquirer with the journal, and say what to do about each difference."`
	Print     printCmd     `cmd:"" help:"Print the slip of an attempt: late, or once more as a copy."`
	Batch     batchCmd     `cmd:"" help:"List the card batches, or close the open one."`
	Journal   journalCmd   `cmd:"" help:"Check, show or copy the journal: everything that happened to money."`
	Log       logCmd       `cmd:"" help:"Show the log."`
	Status    statusCmd    `cmd:"" help:"Say whether the service runs; only then it ends with 0."`
	Start     startCmd     `cmd:"" help:"Start the service."`
	Stop      stopCmd      `cmd:"" help:"Stop the service."`
	Restart   restartCmd   `cmd:"" help:"Restart the service."`
	Install   installCmd   `cmd:"" help:"Install posd as a service of this machine, which posd start starts."`
	// Uninstall keeps the journal: it is the shop's proof of what was paid.
	Uninstall uninstallCmd `cmd:"" help:"Remove the service; journal and logs stay."`
	Version   versionCmd   `cmd:"" help:"Print the version."`
}

// globals is what every verb may need of the command line and of the world.
type globals struct {
	ConfigFile string
	Out, Err   io.Writer
	Color      bool // Out is a terminal that shows colors
	Now        func() time.Time
}

func (g *globals) load() (*config.Config, error) { return load(g.ConfigFile) }

// load reads a configuration with the sections of all wallets.
func load(file string) (*config.Config, error) { return config.Load(file, wallet.Sections()...) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	g := &globals{Out: os.Stdout, Err: os.Stderr, Color: colorful(os.Stdout), Now: time.Now}
	code := posd(ctx, g, os.Args[1:])
	stop()
	os.Exit(code)
}

// posd runs one command line and gives the exit code.
func posd(ctx context.Context, g *globals, args []string) int {
	var c cli
	out, own := &output{w: g.Out}, *g
	own.Out, g = out, &own
	parser, err := kong.New(&c,
		kong.Name("posd"),
		kong.Description("posd takes card and wallet payments at one till. Start with: posd check --example"),
		kong.Vars{"config": defaultConfig(), "bills": billsOf(), "serviceuser": serviceUser},
		kong.Writers(g.Out, g.Err),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		fmt.Fprintln(g.Err, "posd:", err)
		return problem
	}
	verb, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(g.Err, "posd:", err)
		fmt.Fprintf(g.Err, "posd: see %s --help\n", meant(err))
		return usageError
	}
	g.ConfigFile = c.Config
	verb.BindTo(ctx, (*context.Context)(nil))
	err = verb.Run(g)
	if errors.Is(err, context.Canceled) { // Ctrl-C is how those end that go on for ever
		err = nil
	}
	if err := out.after(err); err != nil {
		g.complain(err)
		return problem
	}
	return success
}

// meant is the verb of a command line that is wrong, as far as it was understood.
func meant(err error) string {
	if wrong, ok := errors.AsType[*kong.ParseError](err); ok && wrong.Context.Selected() != nil {
		return wrong.Context.Selected().FullPath()
	}
	return "posd"
}

// complain says what is wrong; several problems one to a line, as editors and people can follow them.
func (g *globals) complain(err error) {
	var many config.Problems
	if text := err.Error(); errors.As(err, &many) || strings.Contains(text, "\n") {
		fmt.Fprintln(g.Err, text)
		err = fmt.Errorf("problems: %d", 1+strings.Count(text, "\n"))
	}
	fmt.Fprintln(g.Err, "posd:", err)
}

// defaultConfig is where a service's configuration belongs on this system.
func defaultConfig() string {
	if runtime.GOOS == "windows" {
		return filepath.Join(os.Getenv("ProgramData"), "posd", "posd.toml")
	}
	return "/etc/posd/posd.toml"
}
