package iso8583

import (
	"cmp"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// The decoder writes of a value of the wrong type like this: the key is only in the text, and so are the types, some of
// them by their names in Go.
var (
	wrongType  = regexp.MustCompile(`^toml: (?:line \d+ )?\(last key "([^"]*)"\): (.*)$`)
	wrongValue = regexp.MustCompile(`^incompatible types: TOML value has type (.*); destination has type (.*)$`)
	wrongTable = regexp.MustCompile(`(?s)^type mismatch for (.*): expected table but found (.*)$`)
)

// typesFound are the decoder's words for what a file has, typesWanted for what belongs there.
var (
	typesFound = map[string]string{
		"string": "a string", "int64": "a number", "float64": "a number with a point", "bool": "true or false",
		"map[string]any": "a table", "[]any": "a list", "slice": "a list",
	}
	typesWanted = map[string]string{
		"string": `a string, in quotes`, "integer": "a number", "boolean": "true or false", "slice": "a list, in brackets",
		"iso8583.fieldFile": "{ format = ... }", "iso8583.answerFile": "{ action = ... }",
		"iso8583.transactionFile": "{ mti = ..., set = { ... } }",
	}
)

// syntax turns the TOML decoder's error into one with file, line and key.
func (l *loader) syntax(err error) error {
	var p toml.ParseError
	if errors.As(err, &p) {
		return &DialectError{File: l.file, Line: p.Position.Line, Key: p.LastKey, Rule: p.Message}
	}
	if m := wrongType.FindStringSubmatch(err.Error()); m != nil {
		l.fault(m[1], "%s", l.typeWords(m[1], m[2]))
		return l.err()
	}
	return &DialectError{File: l.file, Rule: err.Error()}
}

// typeWords says what a value is and what it should be, and what a table where text belongs mostly was meant to be.
func (l *loader) typeWords(key, rule string) string {
	m := wrongValue.FindStringSubmatch(rule)
	if m != nil {
		m[1], m[2] = m[2], m[1]
	} else if m = wrongTable.FindStringSubmatch(rule); m == nil {
		return rule
	}
	words := "is " + cmp.Or(typesFound[m[2]], m[2]) + ", want " + cmp.Or(typesWanted[m[1]], "a table")
	if path := l.pathUnder(key); path != "" && m[1] == "string" && m[2] == "map[string]any" {
		words += "; hint: a path stands in quotes: \"" + path + "\" = ..."
	}
	return words
}

// pathUnder gives the path that a file has without quotes, which TOML takes for a table: 48.01.
func (l *loader) pathUnder(key string) string {
	for _, k := range slices.Sorted(maps.Keys(l.lines)) {
		if strings.HasPrefix(k, key+".") {
			return k[len(around(key))+1:]
		}
	}
	return ""
}
