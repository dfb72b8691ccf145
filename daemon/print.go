package main

import (
	"context"
	"fmt"
	"net/http"
)

// printCmd prints a slip once more, or late.
type printCmd struct {
	Attempt string `arg:"" name:"sale/attempt" help:"The attempt, as posd sales shows it."`
	Client  string `placeholder:"TILL" help:"Whose sale it is, when several tills use the same id."`
}

// Run has the slip printed and says whether it is a copy.
func (c *printCmd) Run(ctx context.Context, g *globals) error {
	api, err := g.client()
	if err != nil {
		return err
	}
	return c.print(ctx, api, g)
}

func (c *printCmd) print(ctx context.Context, api *client, g *globals) error {
	path, err := attemptPath(c.Attempt, "print", c.Client)
	if err != nil {
		return fmt.Errorf("%w, as posd sales shows it", err)
	}
	var answer struct {
		Copy bool   `json:"copy"`
		Why  string `json:"why"`
	}
	if err := api.do(ctx, http.MethodPost, path, nil, &answer); err != nil {
		return err
	}
	what := "the slip"
	if answer.Copy {
		what = "a copy of the slip"
	}
	fmt.Fprintf(g.Out, "%s of %s is for the printer", what, c.Attempt)
	if answer.Why != "" {
		fmt.Fprintf(g.Out, ", which waits: %s", answer.Why)
	}
	fmt.Fprintln(g.Out)
	return nil
}
