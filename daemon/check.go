package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strings"

	"posd/config"
	"posd/daemon/wallet"
	"posd/drivers"
)

// checkCmd looks for what is wrong in a configuration before a sale does.
type checkCmd struct {
	Example bool `help:"Print an annotated configuration with all defaults."`
}

// Help says what is looked at.
func (checkCmd) Help() string {
	return `It reads the configuration and the files that it names, and makes all parts as posd run does; nothing is dialled, and no
device is opened. Each problem is one line: file:line: key: what is wrong; what to do. It ends with 1 when there is one.
A warning is of what is allowed and mostly not meant, such as cards without a reader; it changes no exit code.

  posd check --example > posd.toml
  posd check -c posd.toml`
}

// Run fails with every problem of the configuration, of the files that it names and of the parts that it describes: file, line,
// key, remedy.
func (c *checkCmd) Run(g *globals) error {
	if c.Example {
		_, err := fmt.Fprint(g.Out, config.Example(wallet.Sections()...))
		return err
	}
	if _, err := g.checked(); err != nil {
		return err
	}
	fmt.Fprintf(g.Out, "%s: no problems\n", g.ConfigFile)
	return nil
}

// checked reads the configuration and finds all that is wrong with it in one go. Warnings it only prints.
func (g *globals) checked() (*config.Config, error) {
	cfg, err := config.Draft(g.ConfigFile, wallet.Sections()...)
	if cfg == nil {
		return nil, err
	}
	warnings, err := checkParts(cfg, err)
	if warnings != nil {
		fmt.Fprintln(g.Err, warnings)
	}
	return cfg, err
}

// checkParts asks those who will use the configuration, and makes the parts that run would make: secret files, dialect,
// devices, and the tenders with their keys and certificates. Nothing is dialled and no port is opened. What was found
// before is told with what they find, and nothing twice. Warnings are of what is allowed and takes no money.
func checkParts(cfg *config.Config, found ...error) (warnings, err error) {
	_, devices := deviceConfigs(cfg)
	secrets, files := cfg.Secrets()
	h := &house{cfg: cfg, secrets: secrets, w: realWorld(slog.New(slog.DiscardHandler))}
	_, seal := sealerOf(secrets.SealKey)
	_, card := h.openCard()
	purse, wallets := h.openWallet()
	if purse == nil { // a till without wallets has routes, too: they tell codes from goods
		_, routes := wallet.NewRouter(routesOf(cfg.Wallet))
		found = append(found, routes)
	}
	h.purse = purse
	err = cfg.All(append(found, files, noFile(cfg), seal, card, wallets, devices)...)
	if unclear(err) {
		return nil, err
	}
	return cfg.Beside(err, h.warnings()...), err
}

// unclear tells of a word in the place of true or false: what is enabled, and so what a warning could be of, nobody knows then.
func unclear(err error) bool {
	var all config.Problems
	return errors.As(err, &all) && slices.ContainsFunc(all, func(p *config.Problem) bool {
		return strings.HasSuffix(p.Key, ".enabled") && strings.HasPrefix(p.What, "want true or false")
	})
}

// noFile finds what cannot be written as journal or log.
func noFile(cfg *config.Config) error {
	var all []error
	for key, path := range map[string]string{"journal.path": cfg.Journal.Path, "log.file": cfg.Log.File} {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			all = append(all, cfg.Problem(key, path+" is a folder", "name a file in it"))
		}
	}
	if err := foreignJournal(cfg); err != nil {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// foreignJournal finds a file in the journal's place that something else has written. A run does not look for it: what has
// happened to a journal is said by what opens it, and the API stays up.
func foreignJournal(cfg *config.Config) error {
	const begins = "SQLite format 3\x00"
	f, err := os.Open(cfg.Journal.Path)
	if err != nil {
		return nil // none yet, or one that belongs to the user that posd runs as
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, len(begins))
	n, err := io.ReadFull(f, head)
	if n == 0 || err == nil && string(head) == begins {
		return nil
	}
	return cfg.Problem("journal.path", "the file is no journal", "name another one; if it was the journal, put back its last copy")
}

// warnings are of rails that nobody can pay by.
func (h *house) warnings() (all []error) {
	warn := func(key, what, remedy string) {
		all = append(all, h.cfg.Problem(key, "warning: "+what, remedy))
	}
	cards, wallets, unset := h.cfg.Acquirer.Enabled, h.cfg.Wallet.UnionPay.Enabled, config.Default(wallet.Sections()...)
	if !cards && !reflect.DeepEqual(h.cfg.Acquirer, unset.Acquirer) {
		warn("acquirer", "filled in, and not enabled: no card is taken", "set enabled = true")
	}
	for name, s := range h.cfg.Wallet.Providers {
		wallets = wallets || s.Common().Enabled
		if !s.Common().Enabled && !reflect.DeepEqual(s, unset.Wallet.Providers[name]) {
			warn("wallet."+name, "filled in, and not enabled: its codes are refused", "set enabled = true")
		}
	}
	reader := slices.IndexFunc(h.cfg.Devices, func(d config.Device) bool { return d.Kind == string(drivers.Reader) })
	switch {
	case !cards && !wallets:
		warn("acquirer.enabled", "neither cards nor a wallet are enabled: nobody can pay", "set enabled = true in [acquirer] or a [wallet.NAME]")
	case cards && reader < 0:
		warn("acquirer.enabled", "no card reader: nobody can pay by card", `add a [[device]] of kind "reader"; hwtest list --toml writes it`)
	}
	if !cards && reader >= 0 {
		warn(fmt.Sprintf("device[%d].kind", reader+1), "a card reader, and no cards are taken", "set acquirer.enabled = true, or take the reader out")
	}
	if c := h.cfg.Till.Currency; h.purse != nil && !h.purse.Takes(c) {
		warn("till.currency", "no wallet that is enabled takes "+c, "correct the currency, or disable the wallets")
	}
	return all
}
