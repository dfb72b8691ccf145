package config

import (
	"fmt"
	"strconv"
	"strings"
)

// source knows in which line each key of a file stands. The TOML library tells the place of faults of form only.
type source struct {
	file  string
	lines map[string]int // by path: "acquirer.tls.enabled", "device[2].port"
}

// line gives the line of a key, else of the first that stands in it ([a.b] says nothing of [a]), else of the nearest section
// around it.
func (s source) line(key string) int {
	for key != "" {
		if n, ok := s.lines[key]; ok {
			return n
		}
		if n := s.firstIn(key); n > 0 {
			return n
		}
		cut := strings.LastIndexAny(key, ".[")
		key = key[:max(cut, 0)]
	}
	return 1
}

func (s source) firstIn(section string) (first int) {
	for key, n := range s.lines {
		if within(key, section) && (first == 0 || n < first) {
			first = n
		}
	}
	return first
}

// within tells whether a key stands in a section, or in an entry of it.
func within(key, section string) bool {
	rest, ok := strings.CutPrefix(key, section)
	return ok && rest != "" && (rest[0] == '.' || rest[0] == '[')
}

// readSource finds the keys of a text that is valid TOML. What stands inside an inline table or array has the line of
// the key before the equals sign.
func readSource(file string, text []byte) source {
	r := sourceReader{text: string(text), at: 1, counts: map[string]int{}, out: map[string]int{}}
	for r.blank(); r.pos < len(r.text); r.blank() {
		before := r.pos
		if r.text[r.pos] == '[' {
			r.header()
		} else {
			r.assignment()
		}
		if r.pos == before { // not TOML after all
			r.step(1)
		}
	}
	return source{file: file, lines: r.out}
}

type sourceReader struct {
	text   string
	pos    int
	at     int            // line of pos
	table  string         // path of the section that pos is in
	counts map[string]int // entries of each array of tables so far
	out    map[string]int
}

// step moves on and counts lines.
func (r *sourceReader) step(n int) {
	end := min(r.pos+n, len(r.text))
	r.at += strings.Count(r.text[r.pos:end], "\n")
	r.pos = end
}

func (r *sourceReader) rest() string { return r.text[r.pos:] }

// blank skips white space and comments.
func (r *sourceReader) blank() {
	for r.pos < len(r.text) {
		switch r.text[r.pos] {
		case ' ', '\t', '\r', '\n':
			r.step(1)
		case '#':
			r.toLineEnd()
		default:
			return
		}
	}
}

func (r *sourceReader) toLineEnd() {
	n := strings.IndexByte(r.rest(), '\n')
	if n < 0 {
		n = len(r.rest())
	}
	r.step(n)
}

// header reads [a.b] or [[a.b]].
func (r *sourceReader) header() {
	array := strings.HasPrefix(r.rest(), "[[")
	line := r.at
	r.step(1)
	if array {
		r.step(1)
	}
	parts := r.key()
	r.table = ""
	for i, part := range parts {
		r.table = join(r.table, part)
		n := r.counts[r.table]
		if array && i == len(parts)-1 {
			n++
			r.counts[r.table] = n
			if n == 1 {
				r.out[r.table] = line
			}
		}
		if n > 0 {
			r.table = element(r.table, n)
		}
	}
	r.note(r.table, line)
	r.toLineEnd()
}

// assignment reads a key and skips its value.
func (r *sourceReader) assignment() {
	line, path := r.at, r.table
	for _, part := range r.key() {
		path = join(path, part)
		r.note(path, line)
	}
	if strings.HasPrefix(r.rest(), "=") {
		r.step(1)
		r.skipValue()
	}
}

func (r *sourceReader) note(path string, line int) {
	if _, ok := r.out[path]; !ok {
		r.out[path] = line
	}
}

// key reads dotted parts up to what cannot be one.
func (r *sourceReader) key() []string {
	var parts []string
	for {
		r.step(len(r.rest()) - len(strings.TrimLeft(r.rest(), " \t")))
		part, n := keyPart(r.rest())
		if n == 0 {
			return parts
		}
		parts = append(parts, part)
		r.step(n)
		r.step(len(r.rest()) - len(strings.TrimLeft(r.rest(), " \t")))
		if !strings.HasPrefix(r.rest(), ".") {
			return parts
		}
		r.step(1)
	}
}

// keyPart gives one part of a key and how long it is written.
func keyPart(s string) (part string, n int) {
	if s == "" || s[0] == '\n' {
		return "", 0
	}
	if s[0] == '"' || s[0] == '\'' {
		n = stringLength(s)
		part = s[1:max(n-1, 1)]
		if unquoted, err := strconv.Unquote(s[:n]); err == nil && s[0] == '"' {
			part = unquoted
		}
		return part, n
	}
	n = strings.IndexAny(s, " \t\r\n.=]#\"'")
	if n < 0 {
		n = len(s)
	}
	return s[:n], n
}

// stringLength measures a string of any of TOML's four kinds at the beginning of s.
func stringLength(s string) int {
	quote := s[:1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(s, triple) {
		quote = triple
	}
	for i := len(quote); i < len(s); i++ {
		switch {
		case s[i] == '\\' && quote[0] == '"':
			i++
		case strings.HasPrefix(s[i:], quote):
			i += len(quote)
			for len(quote) == 3 && i < len(s) && s[i] == quote[0] { // a quote may stand right before the end
				i++
			}
			return i
		}
	}
	return len(s)
}

// skipValue goes to the end of a value: the line's end outside of all strings and brackets.
func (r *sourceReader) skipValue() {
	depth := 0
	for r.pos < len(r.text) {
		switch c := r.text[r.pos]; c {
		case '"', '\'':
			r.step(stringLength(r.rest()))
			continue
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case '#':
			r.toLineEnd()
			continue
		case '\n':
			if depth <= 0 {
				return
			}
		}
		r.step(1)
	}
}

func join(path, part string) string {
	if path == "" {
		return part
	}
	return path + "." + part
}

// element names the nth entry of an array, counted from 1 as people do.
func element(path string, n int) string { return fmt.Sprintf("%s[%d]", path, n) }
