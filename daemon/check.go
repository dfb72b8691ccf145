package main

import (
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
	if _, err := cfg.Secrets(); err != nil {
		return err
	}
	fmt.Fprintf(g.Out, "%s: no problems\n", g.ConfigFile)
	return nil
}
