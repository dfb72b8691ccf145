package escpos

import (
	"bytes"
	"fmt"
	"slices"
)

// Bytes that commands begin with.
const (
	dle = 0x10
	esc = 0x1B
	fs  = 0x1C
	gs  = 0x1D
)

// command is one command: its arguments' length, or how to find it; and what it does. Without run it does nothing that
// can be seen.
type command struct {
	args int
	size func(b []byte) int // length of the whole command; 0 when more bytes are needed
	run  func(m *Machine, args []byte)
}

// fixed is a command whose arguments have a fixed length.
func fixed(args int, run func(m *Machine, args []byte)) command { return command{args: args, run: run} }

// set is a command with one argument that sets something.
func set(run func(m *Machine, n byte)) command {
	return command{args: 1, run: func(m *Machine, args []byte) { run(m, args[0]) }}
}

// nameOf is a command in the manual's words.
func nameOf(b []byte) string {
	first := map[byte]string{dle: "DLE", esc: "ESC", gs: "GS", fs: "FS"}[b[0]]
	if first == "" || len(b) < 2 {
		return first
	}
	second := string(b[1])
	if b[1] <= ' ' || b[1] > '~' {
		second = fmt.Sprintf("%02X", b[1])
	}
	if name, ok := map[byte]string{' ': "SP", 0x04: "EOT", 0x05: "ENQ", 0x14: "DC4", 0x0C: "FF"}[b[1]]; ok {
		second = name
	}
	if b[1] == '(' && len(b) > 2 {
		second += " " + string(b[2])
	}
	return first + " " + second
}

// command executes a command and gives its length; 0 when more bytes are needed.
func (m *Machine) command(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	if len(b) > 2 && slices.Contains(m.opt.Lacks, nameOf(b)) {
		m.event(Trouble, nameOf(b), nil, "is not known to this printer")
		return 2
	}
	c, ok := commands[[2]byte(b)]
	if !ok {
		m.event(Unknown, nameOf(b), b[:2], "")
		return 2
	}
	n := 2 + c.args
	if c.size != nil {
		n = c.size(b)
	}
	if n == 0 || len(b) < n {
		return 0
	}
	switch {
	case c.run != nil:
		c.run(m, b[2:n])
	default:
		m.event(Known, nameOf(b), b[2:n], "")
	}
	return n
}

// commands is every command that is known, by its first two bytes. It is filled by the init of each file and constant
// then.
var commands = map[[2]byte]command{}

func register(first byte, all map[byte]command) {
	for second, c := range all {
		commands[[2]byte{first, second}] = c
	}
}

// upTo is the size of a command that ends with a byte: at, behind from bytes.
func upTo(from int, at byte) func(b []byte) int {
	return func(b []byte) int {
		if len(b) <= from {
			return 0
		}
		if n := bytes.IndexByte(b[from:], at); n >= 0 {
			return from + n + 1
		}
		return 0
	}
}

// counted is the size of a command with a little-endian length of two bytes at an offset; what follows is unit bytes each.
func counted(at, unit int) func(b []byte) int {
	return func(b []byte) int {
		if len(b) < at+2 {
			return 0
		}
		return at + 2 + unit*word(b[at:])
	}
}

// word is a little-endian number of two bytes.
func word(b []byte) int { return int(b[0]) | int(b[1])<<8 }

// byArg is the size of a command whose argument says which form it has; 0 in sizes, or none, is 3.
func byArg(sizes map[byte]int) func(b []byte) int {
	return func(b []byte) int {
		if len(b) < 3 {
			return 0
		}
		return max(sizes[b[2]], 3)
	}
}
