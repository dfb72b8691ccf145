// Command hwtest is the bench: it reads and writes the messages of card acquirers, simulates hosts, wallets and
// devices, and plays the demo. It is for vendors, technicians and tests; a shop's till runs posd only.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// The exit codes.
const (
	success    = 0
	problem    = 1 // the input is not as it must be, or what was tried failed
	usageError = 2
)

// cli is the command line: one verb, one line here, one file.
type cli struct {
	Demo     demoCmd     `cmd:"" help:"Play the main job: the real posd with simulated host, wallets and devices."`
	List     listCmd     `cmd:"" help:"Show what is plugged in, and the configuration for it."`
	Identify identifyCmd `cmd:"" help:"Say what is at a port."`
	Sim      simCmd      `cmd:"" help:"Simulate what posd talks to: host, wallet, printer, scanner, reader."`
	Phone    phoneCmd    `cmd:"" help:"Be a customer's phone: payment codes, online and offline, of a simulated wallet."`
	Wallet   walletCmd   `cmd:"" help:"What can be said of customers' codes."`
	Render   renderCmd   `cmd:"" help:"Show what a receipt printer makes of a stream of ESC/POS: text, SVG, PNG, JSON."`
	Record   recordCmd   `cmd:"" help:"Write down what goes between this machine and a device, redacted while it is written."`
	Replay   replayCmd   `cmd:"" help:"Play a recorded device: to its driver, or to any program."`
	Chip     chipCmd     `cmd:"" help:"Talk to a chip card through pcscd: readers, ATR, APDUs."`
	Suite    suiteCmd    `cmd:"" help:"Hold a device against what posd needs of it: numbered checks, with a report."`
	ISO      isoCmd      `cmd:"" name:"iso" help:"Decode, encode and authenticate ISO 8583 messages."`
}

// globals is what every verb may need of the world.
type globals struct {
	In       io.Reader
	Out, Err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := hwtest(ctx, &globals{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, os.Args[1:])
	stop()
	os.Exit(code)
}

// hwtest runs one command line and gives the exit code.
func hwtest(ctx context.Context, g *globals, args []string) int {
	var c cli
	out := &output{w: g.Out}
	g = &globals{In: g.In, Out: out, Err: g.Err}
	parser, err := kong.New(&c,
		kong.Name("hwtest"),
		kong.Description("hwtest is the bench of posd. Start with: hwtest demo, or hwtest list"),
		kong.Writers(g.Out, g.Err),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		fmt.Fprintln(g.Err, "hwtest:", err)
		return problem
	}
	k, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(g.Err, "hwtest:", err)
		fmt.Fprintf(g.Err, "hwtest: see %s --help\n", meant(err))
		return usageError
	}
	verb, _, _ := strings.Cut(k.Command(), " <") // without its arguments
	if err := out.after(ended(verb, k.Run(g))); err != nil {
		fmt.Fprintf(g.Err, "hwtest %s: %v\n", verb, err)
		return problem
	}
	return success
}

// ended is a verb's error. Ctrl-C is how those end that go on for ever; the others are interrupted by it.
func ended(verb string, err error) error {
	if !errors.Is(err, context.Canceled) {
		return err
	}
	for _, goesOn := range []string{"demo", "sim", "phone", "record", "replay"} {
		if verb == goesOn || strings.HasPrefix(verb, goesOn+" ") {
			return nil
		}
	}
	return errors.New("interrupted")
}

// meant is the verb of a command line that is wrong, as far as it was understood.
func meant(err error) string {
	if wrong, ok := errors.AsType[*kong.ParseError](err); ok && wrong.Context.Selected() != nil {
		return wrong.Context.Selected().FullPath()
	}
	return "hwtest"
}
