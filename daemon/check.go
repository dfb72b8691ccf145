package main

import (
	"errors"
	"fmt"

	"posd/config"
)

// checkCmd looks for what is wrong in a configuration before a sale does.
type checkCmd struct {
	Example bool `help:"Print an annotated configuration with all defaults."`
}

// Run fails with every problem of the configuration, or else of the secret files it names: file, line, key, remedy.
func (c *checkCmd) Run(g *globals) error {
	if c.Example {
		_, err := fmt.Fprint(g.Out, config.Example)
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

// checkParts asks those who will use the configuration: the secret files, the dialect, the drivers.
func checkParts(cfg *config.Config) error {
	_, secrets := cfg.Secrets()
	var dialect error
	if cfg.Acquirer.Enabled {
		_, dialect = dialectOf(cfg.Acquirer)
	}
	_, devices := deviceConfigs(cfg)
	return errors.Join(secrets, dialect, devices)
}
