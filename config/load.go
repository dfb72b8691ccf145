package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"
)

// maxFile bounds what is read as a configuration or a secret.
const maxFile = 1 << 20

// Load reads a configuration and makes all its paths absolute: those of secrets and certificates without a folder are
// looked for in $CREDENTIALS_DIRECTORY first; all others are relative to the file's folder. Of wallets it knows the sections
// that it is given. When it cannot be used, the error is Problems, or that of reading the file.
func Load(path string, wallets ...Provider) (*Config, error) {
	c, err := Draft(path, wallets...)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Draft is Load for those who look for more that is wrong: beside Problems stands what could be read of the configuration.
// There is none beside another error, or of a file that is no TOML.
func Draft(path string, wallets ...Provider) (*Config, error) {
	text, err := readLimited(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w; name another file with -c, or make one: posd check --example > posd.toml", err)
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	c, err := draft(path, text, wallets)
	if c != nil {
		c.resolve(dir, os.Getenv("CREDENTIALS_DIRECTORY"))
		err = c.All(err, c.overwritten())
	}
	return c, err
}

// Parse reads a configuration's text; file names it in problems. It looks at no other file.
func Parse(file string, text []byte, wallets ...Provider) (*Config, error) {
	c, err := draft(file, text, wallets)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func draft(file string, text []byte, wallets []Provider) (*Config, error) {
	var tree map[string]any
	if _, err := toml.Decode(string(text), &tree); err != nil {
		return nil, Problems{formProblem(file, err)}
	}
	c := Default(wallets...)
	c.source = readSource(file, text)
	p := &problems{source: c.source}
	decode(p, tree, c)
	c.check(p)
	return c, p.err()
}

// formProblem is what the TOML library says about a text that is no TOML.
func formProblem(file string, err error) *Problem {
	line, what := 1, err.Error()
	var bad toml.ParseError
	if errors.As(err, &bad) {
		line, what = max(bad.Position.Line, 1), bad.Message
	}
	what = unquoted(strings.TrimSuffix(oneLine(what), "."))
	return &Problem{File: file, Line: line, What: "not TOML: " + what, Remedy: formRemedy(what) + "; nothing behind it was looked at"}
}

// aValue finds the sentences of the TOML library that repeat a value of a file, or how it begins.
var aValue = regexp.MustCompile(`(?i)invalid (integer|float|datetime|duration)|out of (the safe .*)?range|not an? .* number: |cannot use sign|expected value but found ".{2,}"`)

// unquoted is a sentence of the TOML library without the value that it is about: that may be a secret, where its file's name
// was asked for.
func unquoted(what string) string {
	if aValue.MatchString(what) {
		return "a value that is no text in quotes, no number, date, true or false"
	}
	return what
}

// formRemedy is for what most often is wrong with a file's form.
func formRemedy(what string) string {
	has := func(part string) bool { return strings.Contains(what, part) }
	switch {
	case has("invalid escape"):
		return `a path of Windows stands in single quotes: 'C:\posd\journal.db'`
	case has("expected value"), has("no text in quotes"), has("expected a top-level item to end"):
		return `text stands in quotes: key = "text"`
	case has("already been defined"):
		return "name each key and each [section] once"
	default:
		return "see posd check --example"
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func readLimited(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", path)
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	return os.ReadFile(path)
}

// resolve makes the paths of all fields with a file tag absolute.
func (c *Config) resolve(dir, credentials string) {
	c.eachFile(func(_ string, f field) {
		name := f.value.String()
		if name == "" || filepath.IsAbs(name) {
			return
		}
		if f.tag.Get("file") != "data" && credentials != "" && !strings.ContainsAny(name, `/\`) {
			given := filepath.Join(credentials, name)
			if _, err := os.Stat(given); err == nil {
				f.value.SetString(given)
				return
			}
		}
		f.value.SetString(filepath.Join(dir, name))
	})
}
