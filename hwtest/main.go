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
	Demo   demoCmd   `cmd:"" help:"Play the main job: the real posd with simulated host, wallets and devices."`
	Sim    simCmd    `cmd:"" help:"Simulate what posd talks to: host, wallet, printer, scanner, reader."`
	Wallet walletCmd `cmd:"" help:"What can be said of customers' codes."`
	ISO    isoCmd    `cmd:"" name:"iso" help:"Decode, encode and authenticate ISO 8583 messages."`
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
	parser, err := kong.New(&c,
		kong.Name("hwtest"),
		kong.Description("hwtest is the bench of posd. Start with: hwtest iso decode --help"),
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
		fmt.Fprintln(g.Err, "see: hwtest --help, or --help behind a verb")
		return usageError
	}
	if err := k.Run(g); err != nil && !errors.Is(err, context.Canceled) {
		verb, _, _ := strings.Cut(k.Command(), " <") // without its arguments
		fmt.Fprintf(g.Err, "hwtest %s: %v\n", verb, err)
		return problem
	}
	return success
}
