package iso8583

import (
	"cmp"
	"errors"
	"fmt"
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
		"map[string]any": "a table", "[]any": "a list", "[]map[string]any": "a list of tables", "slice": "a list", "time.Time": "a date",
	}
	typesWanted = map[string]string{
		"string": `a string, in quotes`, "integer": "a number", "boolean": "true or false", "slice": "a list, in brackets",
		"iso8583.fieldFile": "{ format = ... }", "iso8583.answerFile": "{ action = ... }",
		"iso8583.transactionFile": "{ mti = ..., set = { ... } }",
	}
)

// syntax turns the TOML decoder's error into one with file, line and key.
func (l *loader) syntax(text []byte, err error) error {
	var p toml.ParseError
	if errors.As(err, &p) {
		return &DialectError{File: l.file, Line: p.Position.Line, Key: p.LastKey, Rule: p.Message}
	}
	if m := wrongType.FindStringSubmatch(err.Error()); m != nil {
		key := l.keyInBlock(text, m[1])
		l.fault(key, "%s", l.typeWords(key, m[2]))
		return l.err()
	}
	return &DialectError{File: l.file, Rule: err.Error()}
}

// keyInBlock gives a key of a [[sub]] block, which the decoder names without the block's number, that number: of the first
// block that has the mistake.
func (l *loader) keyInBlock(text []byte, key string) string {
	rest, inBlock := strings.CutPrefix(key, "sub.")
	if !inBlock {
		return key
	}
	for i, block := range l.ownBlocks(text) {
		if _, err := toml.Decode(block, &subFile{}); err != nil {
			return fmt.Sprintf("sub[%d].%s", i, rest)
		}
	}
	return key
}

// unknownKeys faults what the decoder has found no place for.
func (l *loader) unknownKeys(text []byte, meta toml.MetaData) {
	for _, key := range meta.Undecoded() {
		if key[0] != "sub" {
			l.fault(strings.Join(key, "."), "unknown key")
		}
	}
	for i, block := range l.ownBlocks(text) {
		inside, _ := toml.Decode(block, &subFile{}) // the whole was decoded before
		for _, key := range inside.Undecoded() {
			l.fault(fmt.Sprintf("sub[%d].%s", i, strings.Join(key, ".")), "unknown key")
		}
	}
}

// ownBlocks gives the [[sub]] blocks of a dialect's own file, each as a text of its own.
func (l *loader) ownBlocks(text []byte) []string {
	var file struct {
		Sub []map[string]any `toml:"sub"`
	}
	_, _ = toml.Decode(string(text), &file) // what is no TOML was refused before
	l.from.subs = len(file.Sub)
	blocks := make([]string, len(file.Sub))
	for i, block := range file.Sub {
		alone, _ := toml.Marshal(block) // it is what came out of TOML
		blocks[i] = string(alone)
	}
	return blocks
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
