package escpos

import "slices"

// blocks are the functions of the commands with a length, such as GS ( k, by what they begin with (Epson ESC/POS reference).
var blocks = map[byte]string{esc: "AY", fs: "ACELefg", gs: "ABCDEHKLMNPQVkz"}

// Names are the commands of two bytes and more in the manual's words, sorted: those that Options.Lacks may have.
func Names() []string {
	var all []string
	for c := range commands {
		if c[1] != '(' {
			all = append(all, nameOf(c[:]))
			continue
		}
		for _, fn := range []byte(blocks[c[0]]) {
			all = append(all, nameOf([]byte{c[0], c[1], fn}))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
