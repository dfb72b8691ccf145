package iso8583

import (
	"fmt"
	"strings"
)

// locate finds the line of every key in a TOML text, by its dotted name. It knows as much of TOML as dialect files
// use: tables, arrays of tables ("sub[0].field" is a key of the first), keys whose values begin on their line, and
// arrays with an element to a line ("sub[0].parts.1" is the first).
func locate(text string) map[string]int {
	l := locator{lines: map[string]int{}, arrays: map[string]int{}}
	for line := range strings.Lines(text) {
		l.number++
		l.line(strings.TrimSpace(line))
	}
	return l.lines
}

// locator is where in a TOML text locate is.
type locator struct {
	lines    map[string]int
	arrays   map[string]int // arrays of tables, and how many elements they have so far
	table    string
	list     string // the array whose elements follow, "" outside of one
	elements int
	number   int
}

func (l *locator) line(line string) {
	switch {
	case l.list != "":
		l.element(line)
	case strings.HasPrefix(line, "[["):
		name, _, _ := strings.Cut(line[2:], "]")
		name = dotted(name)
		l.table = fmt.Sprintf("%s[%d]", name, l.arrays[name])
		l.arrays[name]++
		l.at(name)
		l.at(l.table)
	case strings.HasPrefix(line, "["):
		name, _, _ := strings.Cut(line[1:], "]")
		l.table = l.inArray(dotted(name))
		l.at(l.table)
	case !strings.HasPrefix(line, "#"):
		l.key(line)
	}
}

// inArray turns "sub.tags" into "sub[0].tags": such a table belongs to the last element.
func (l *locator) inArray(name string) string {
	first, rest, deeper := strings.Cut(name, ".")
	if n := l.arrays[first]; deeper && n > 0 {
		return fmt.Sprintf("%s[%d].%s", first, n-1, rest)
	}
	return name
}

func (l *locator) key(line string) {
	key, value, ok := strings.Cut(line, "=")
	if !ok {
		return
	}
	name := dotted(key)
	if l.table != "" {
		l.at(plainTable(l.table) + "." + name)
		name = l.table + "." + name
	}
	l.at(name)
	for i := range key { // a.b = 1 without quotes makes a table a
		if key[i] == '.' && !strings.ContainsAny(key, "\"'") {
			l.at(strings.TrimPrefix(l.table+"."+dotted(key[:i]), "."))
		}
	}
	if value = strings.TrimSpace(value); strings.HasPrefix(value, "[") && !strings.Contains(value, "]") {
		l.list, l.elements = name, 0
	}
}

func (l *locator) element(line string) {
	switch {
	case strings.HasPrefix(line, "]"):
		l.list = ""
	case strings.HasPrefix(line, "{"):
		l.elements++
		l.at(fmt.Sprintf("%s.%d", l.list, l.elements))
	}
}

// at notes the line of a name, the first that has it.
func (l *locator) at(name string) {
	if l.lines[name] == 0 {
		l.lines[name] = l.number
	}
}

// plainTable is a table's name without its place in an array, as the decoder writes it.
func plainTable(name string) string {
	head, rest, _ := strings.Cut(name, "[")
	_, rest, _ = strings.Cut(rest, "]")
	return head + rest
}

// dotted takes spaces and quotes out of a key.
func dotted(key string) string {
	return strings.NewReplacer(" ", "", "\t", "", `"`, "", `'`, "").Replace(key)
}

// lineOf is the line of a key, or of the nearest table or inline table around it.
func lineOf(lines map[string]int, key string) int {
	for key != "" {
		if n := lines[key]; n > 0 {
			return n
		}
		key = key[:max(0, strings.LastIndexByte(key, '.'))]
	}
	return 0
}
