package iso8583

import "strings"

// locate finds the line of every key in a TOML text, by its dotted name. It knows as much of TOML as dialect files
// use: tables, keys, and values that begin on the key's line.
func locate(text string) map[string]int {
	lines, table := map[string]int{}, ""
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if head, ok := strings.CutPrefix(line, "["); ok && !strings.HasPrefix(head, "[") {
			head, _, _ = strings.Cut(head, "]")
			table = dotted(head)
			lines[table] = number
			continue
		}
		key, _, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		name := dotted(key)
		if table != "" {
			name = table + "." + name
		}
		if lines[name] == 0 {
			lines[name] = number
		}
	}
	return lines
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
