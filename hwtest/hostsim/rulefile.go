package hostsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"
)

// ReadRules reads a rule file, TOML ([[rule]] tables) or, by its name, JSON ({"rule": [...]}). Keys it does not know are
// errors, and every error says line and key. New checks the rest, against the dialect.
func ReadRules(path string) ([]Rule, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	parse := ParseRules
	if filepath.Ext(path) == ".json" {
		parse = ParseRulesJSON
	}
	return parse(filepath.Base(path), text)
}

// ParseRules reads rules written in TOML. Errors, later ones of New as well, call the text by the name of file.
func ParseRules(file string, text []byte) ([]Rule, error) {
	var f struct {
		Rule []Rule `toml:"rule"`
	}
	lines := ruleLines(text)
	meta, err := toml.Decode(string(text), &f)
	var syntax toml.ParseError
	switch {
	case errors.As(err, &syntax):
		return nil, &RuleError{Place: at(file, syntax.Position.Line), Key: orElse(syntax.LastKey, "syntax"), Reason: syntax.Message}
	case err != nil:
		return nil, wrongTOML(file, err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		key := unknown[0][len(unknown[0])-1]
		return nil, &RuleError{Place: at(file, lines.line(key)), Key: key, Reason: "is no key of a rule"}
	}
	for i := range f.Rule {
		f.Rule[i].place = at(file, lines.ofRule(i, ""))
		if key, reason := f.Rule[i].check(grounds{}); key != "" {
			return nil, &RuleError{Place: at(file, lines.ofRule(i, key)), Key: key, Reason: reason}
		}
	}
	return f.Rule, nil
}

// wrongType is how the decoder writes of a value of the wrong type: line and key are only in the text.
var wrongType = regexp.MustCompile(`^toml: line (\d+) \(last key "([^"]*)"\): (.*)$`)

func wrongTOML(file string, err error) error {
	m := wrongType.FindStringSubmatch(err.Error())
	if m == nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return &RuleError{Place: file + ":" + m[1], Key: strings.TrimPrefix(m[2], "rule."), Reason: m[3]}
}

// at names a place in a file.
func at(file string, line int) string { return fmt.Sprintf("%s:%d", file, line) }

// tomlLines are the lines of a rule file. A rule file has no values of more than one line.
type tomlLines struct {
	text  []string
	heads []int // lines of [[rule]], from 0
}

var ruleHead = regexp.MustCompile(`^\s*\[\[\s*rule\s*\]\]`)

func ruleLines(text []byte) tomlLines {
	l := tomlLines{text: strings.Split(string(text), "\n")}
	for i, line := range l.text {
		if ruleHead.MatchString(line) {
			l.heads = append(l.heads, i)
		}
	}
	return l
}

// ofRule is the line of a key of the i-th rule, or of its head where the key is not said.
func (l tomlLines) ofRule(i int, key string) int {
	if i >= len(l.heads) {
		return 1
	}
	end := len(l.text)
	if i+1 < len(l.heads) {
		end = l.heads[i+1]
	}
	for n := l.heads[i] + 1; key != "" && n < end; n++ {
		if says(l.text[n], key) {
			return n + 1
		}
	}
	return l.heads[i] + 1
}

// line is the first line of a key, whosesoever it is.
func (l tomlLines) line(key string) int {
	for n, line := range l.text {
		if says(line, key) {
			return n + 1
		}
	}
	return 1
}

func says(line, key string) bool {
	name, _, ok := strings.Cut(line, "=")
	return ok && strings.Trim(name, " \t\"'") == key
}

// ParseRulesJSON reads rules written in JSON, {"rule": [...]}: one after the other, so that it knows where each begins.
func ParseRulesJSON(file string, text []byte) ([]Rule, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	wrong := func(key string, err error) error {
		offset := d.InputOffset()
		if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
			offset = syntax.Offset
		}
		if kind := (*json.UnmarshalTypeError)(nil); errors.As(err, &kind) {
			key = orElse(kind.Field, key)
		}
		return &RuleError{Place: at(file, lineAt(text, offset)), Key: key, Reason: err.Error()}
	}
	for _, want := range []json.Token{json.Delim('{'), "rule", json.Delim('[')} {
		got, err := d.Token()
		if err == nil && got == nil { // {"rule": null}
			return nil, nil
		}
		if err != nil || got != want {
			return nil, &RuleError{Place: at(file, lineAt(text, d.InputOffset())), Key: "rule", Reason: `want {"rule": [...]}`}
		}
	}
	var rules []Rule
	for d.More() {
		begin := d.InputOffset() + int64(len(text[d.InputOffset():])-len(bytes.TrimLeft(text[d.InputOffset():], ", \t\r\n")))
		r := Rule{place: at(file, lineAt(text, begin))}
		if err := d.Decode(&r); err != nil {
			return nil, wrong("rule", err)
		}
		if key, reason := r.check(grounds{}); key != "" {
			return nil, &RuleError{Place: at(file, jsonLine(text, begin, d.InputOffset(), key)), Key: key, Reason: reason}
		}
		rules = append(rules, r)
	}
	for _, want := range []json.Token{json.Delim(']'), json.Delim('}')} {
		if got, err := d.Token(); err != nil || got != want {
			return nil, &RuleError{Place: at(file, lineAt(text, d.InputOffset())), Key: "rule", Reason: `want {"rule": [...]} and nothing more`}
		}
	}
	return rules, nil
}

// lineAt is the line of an offset, from 1.
func lineAt(text []byte, offset int64) int {
	return 1 + bytes.Count(text[:min(max(offset, 0), int64(len(text)))], []byte{'\n'})
}

// jsonLine is the line of a key between two offsets.
func jsonLine(text []byte, from, to int64, key string) int {
	if i := bytes.Index(text[from:to], []byte(`"`+key+`"`)); i >= 0 {
		from += int64(i)
	}
	return lineAt(text, from)
}
