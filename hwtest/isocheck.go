package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"posd/iso8583"
)

// isoCheckCmd is the verb iso check.
type isoCheckCmd struct {
	Strict bool   `help:"Warnings make the exit code 1, too."`
	File   string `arg:"" help:"The dialect file; or the name of a preset, to see what it amounts to."`
}

// Help teaches by example.
func (isoCheckCmd) Help() string {
	return `Every mistake is one line: file:line: key: rule. A file without mistakes is summed up, and what it probably does not
mean is said as a warning. The annotated example to begin with is iso8583/dialects/unionpay.toml; a file with
base = "unionpay" says only what is different.

Examples:

  hwtest iso check my-acquirer.toml
  hwtest iso check unionpay`
}

// Run checks one file.
func (c *isoCheckCmd) Run(g *globals) error {
	survey, err := c.inspect()
	if err != nil {
		return c.faults(g, err)
	}
	names := 0
	for _, f := range survey.Facts {
		names = max(names, len(f.Name))
	}
	for _, f := range survey.Facts {
		fmt.Fprintf(g.Out, "%-*s  %s\n", names, f.Name, folded(f.Text, names+2))
	}
	for _, w := range survey.Warnings {
		fmt.Fprintln(g.Out, "warning:", w)
	}
	switch n := len(survey.Warnings); {
	case n > 0 && c.Strict:
		return fmt.Errorf("%s has no mistakes, but %s", c.File, plural(n, "warning"))
	case n > 0:
		fmt.Fprintf(g.Out, "\n%s has no mistakes and %s\n", c.File, plural(n, "warning"))
	default:
		fmt.Fprintf(g.Out, "\n%s is fine\n", c.File)
	}
	return nil
}

func (c *isoCheckCmd) inspect() (*iso8583.Survey, error) {
	text, err := os.ReadFile(c.File)
	if errors.Is(err, os.ErrNotExist) && slices.Contains(iso8583.Presets(), c.File) {
		return iso8583.InspectPreset(c.File)
	}
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("%q is neither a file nor one of: %s", c.File, strings.Join(iso8583.Presets(), ", "))
	case err != nil:
		return nil, err
	}
	return iso8583.Inspect(c.File, text)
}

// faults prints each mistake in a line of its own, as editors and scripts read them.
func (c *isoCheckCmd) faults(g *globals, err error) error {
	var list []error
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		list = joined.Unwrap()
	}
	var one *iso8583.DialectError
	if list == nil && errors.As(err, &one) {
		list = []error{one}
	}
	if list == nil {
		return err
	}
	for _, e := range list {
		fmt.Fprintln(g.Out, e)
	}
	return fmt.Errorf("%s has %s", c.File, plural(len(list), "mistake"))
}

// lineWidth is how wide text may be on a terminal.
const lineWidth = 110

// folded breaks text between words; what follows the first line is indented.
func folded(text string, indent int) string {
	var out strings.Builder
	at := indent
	for word := range strings.FieldsSeq(text) {
		switch {
		case out.Len() == 0:
		case at+1+cells(word) > lineWidth:
			out.WriteString("\n" + strings.Repeat(" ", indent))
			at = indent
		default:
			out.WriteByte(' ')
			at++
		}
		out.WriteString(word)
		at += cells(word)
	}
	return out.String()
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
