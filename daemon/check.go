package main

import (
	"errors"
	"fmt"
	"log/slog"

	"posd/config"
	"posd/daemon/wallet"
)

// checkCmd looks for what is wrong in a configuration before a sale does.
type checkCmd struct {
	Example bool `help:"Print an annotated configuration with all defaults."`
}

// Run fails with every problem of the configuration, or else of the secret files it names: file, line, key, remedy.
func (c *checkCmd) Run(g *globals) error {
	if c.Example {
		_, err := fmt.Fprint(g.Out, config.Example(wallet.Sections()...))
		return err
	}
	cfg, err := g.load()
	if err != nil {
		return err
	}
	if err := checkParts(cfg); err != nil {
		return err
	}
	fmt.Fprintf(g.Out, "%s: no problems\n", g.ConfigFile)
	return nil
}

// checkParts asks those who will use the configuration, and makes the parts that run would make: secret files, dialect,
// devices, and the tenders with their keys and certificates. Nothing is dialled and no port is opened. The error has one
// line for each problem.
func checkParts(cfg *config.Config) error {
	_, devices := deviceConfigs(cfg)
	secrets, err := cfg.Secrets()
	if err != nil { // without its secrets a tender has nothing but the dialect to complain of
		return errors.Join(err, checkDialect(cfg), devices)
	}
	h := &house{cfg: cfg, secrets: secrets, w: realWorld(slog.New(slog.DiscardHandler))}
	_, seal := sealerOf(secrets.SealKey)
	_, card := h.openCard()
	_, purse := h.openWallet()
	if purse == nil { // a till without wallets has routes, too: they tell codes from goods
		_, purse = wallet.NewRouter(routesOf(cfg.Wallet))
	}
	return errors.Join(seal, card, purse, devices)
}

func checkDialect(cfg *config.Config) error {
	if !cfg.Acquirer.Enabled {
		return nil
	}
	_, err := dialectOf(cfg.Acquirer)
	return err
}
