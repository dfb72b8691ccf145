package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong in a configuration.
type Problem struct {
	File   string
	Line   int    // 1 where the key is nowhere in the file
	Key    string // "acquirer.timeout", "device[2].port" for the second device; "" for a fault of the file's form
	What   string
	Remedy string // what to do
}

// Error gives place, fault and remedy in one line.
func (p *Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d: ", p.File, p.Line)
	if p.Key != "" {
		fmt.Fprintf(&b, "%s: ", p.Key)
	}
	b.WriteString(p.What)
	if p.Remedy != "" {
		b.WriteString("; " + p.Remedy)
	}
	return b.String()
}

// Problem is what somebody who uses the configuration finds wrong with a key, in its place in the file.
func (c *Config) Problem(key, what, remedy string) *Problem {
	return &Problem{File: c.source.file, Line: c.source.line(key), Key: key, What: what, Remedy: remedy}
}

// All joins what several have found: Problems in the order of the file's lines, or nil. A line of another error is a problem of
// the key that it begins with, or else of the one that the line before it had. What is faulty already, or has something in
// it that is, is not told again.
func (c *Config) All(found ...error) error {
	return c.Beside(nil, found...)
}

// Beside is All without what is told already.
func (c *Config) Beside(already error, found ...error) error {
	all := c.split(already)
	known := len(all)
	for _, err := range found {
		told := problems{list: all}
		for _, one := range c.split(err) {
			if !told.faultyIn(one.Key) {
				all = append(all, one)
			}
		}
	}
	return (&problems{list: all[known:]}).err()
}

// split gives the problems of an error that may be joined of several.
func (c *Config) split(err error) (out Problems) {
	for open := []error{err}; len(open) > 0; {
		next := open[0]
		open = open[1:]
		one, placed := next.(*Problem) //nolint:errorlint // the tree is walked here, each of its errors by itself
		switch parts := joined(next); {
		case next == nil:
		case placed:
			out = append(out, one)
		case len(parts) > 0:
			open = append(slices.Clone(parts), open...)
		default:
			out = append(out, c.read(next)...)
		}
	}
	return out
}

// joined gives what an error is joined of, line by line; one that wraps several in a sentence is not.
func joined(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		parts := many.Unwrap()
		if whole := errors.Join(parts...); whole != nil && whole.Error() == err.Error() {
			return parts
		}
	}
	return nil
}

// read turns the text of an error into problems, one for each line.
func (c *Config) read(err error) (out Problems) {
	var key string
	for text := range strings.SplitSeq(err.Error(), "\n") {
		at, what := "", text
		for {
			part, rest, found := strings.Cut(what, ": ")
			if !found || !c.known(join(at, part)) {
				break
			}
			at, what = join(at, part), rest
		}
		key = cmp.Or(at, key)
		out = append(out, c.Problem(key, what, "see posd check --example"))
	}
	return out
}

// Problems are all that is wrong, in the order of the file's lines. It is never empty.
type Problems []*Problem

// Error gives one line per problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the problems to errors.As.
func (ps Problems) Unwrap() []error {
	out := make([]error, len(ps))
	for i, p := range ps {
		out[i] = p
	}
	return out
}

// problems collects.
type problems struct {
	source source
	list   Problems
}

func (p *problems) add(key, what, remedy string) {
	p.list = append(p.list, &Problem{File: p.source.file, Line: p.source.line(key), Key: key, What: what, Remedy: remedy})
}

// faulty tells whether a key has a problem already, so that one mistake is not told twice.
func (p *problems) faulty(key string) bool {
	return slices.ContainsFunc(p.list, func(q *Problem) bool { return q.Key == key })
}

// faultyIn tells it of a section as well, of which any key may have one.
func (p *problems) faultyIn(key string) bool {
	return p.faulty(key) || slices.ContainsFunc(p.list, func(q *Problem) bool { return within(q.Key, key) })
}

// err gives nil or Problems.
func (p *problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	slices.SortStableFunc(p.list, func(a, b *Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Key, b.Key))
	})
	return p.list
}
