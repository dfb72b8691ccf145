package main

import (
	"encoding/binary"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A dump has an offset at the start of each line, the bytes, and often the same as text behind them: xxd, hexdump -C,
// od, tcpdump -X, Wireshark ("Copy as Hex Dump"). What makes it one is that each offset is the one before it and the
// bytes between: hex digits pasted without offsets do not do that.

// widest is the most bytes that a line of a dump has.
const widest = 64

// dumpLine is one line: its offset as written, and the rest with its place in the line.
type dumpLine struct {
	offset string
	colon  bool
	rest   string
	column int // of the rest
	repeat bool
}

var dumpPattern = regexp.MustCompile(`^\s*(?:0[xX])?([0-9A-Fa-f]{4,16})(:?)(?:\s+(.*))?$`)

// parseDump reads a dump; false when text is none.
func parseDump(text string) (raw []byte, note string, ok bool) {
	lines := dumpLines(text)
	note = "offsets and text of the dump were left out"
	if len(lines) > 0 && swapped(lines) {
		turn(lines)
		note += "; its words of 16 bits were turned, since hexdump without -C writes them the wrong way round"
	}
	if raw, ok = readDump(lines, 16); !ok {
		raw, ok = readDump(lines, 8) // od has octal offsets
	}
	if !ok {
		return nil, "", false
	}
	if head := ethernetHead(raw); head > 0 {
		raw = raw[head:]
		note += fmt.Sprintf("; so were %d bytes of Ethernet, IP and TCP headers", head)
	}
	return raw, note, true
}

// dumpLines cuts text into lines; nil when one of them cannot be a dump's.
func dumpLines(text string) []dumpLine {
	var list []dumpLine
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch m := dumpPattern.FindStringSubmatchIndex(line); {
		case strings.TrimSpace(line) == "":
		case strings.TrimSpace(line) == "*" && len(list) > 0:
			list[len(list)-1].repeat = true
		case m == nil:
			return nil
		default:
			d := dumpLine{offset: line[m[2]:m[3]], colon: m[4] < m[5]}
			if m[6] >= 0 {
				d.rest, d.column = line[m[6]:], m[6]
			}
			list = append(list, d)
		}
	}
	return list
}

// readDump reads lines whose offsets are of that base; false when they do not add up.
func readDump(lines []dumpLine, base int) (raw []byte, ok bool) {
	offsets := make([]int, len(lines))
	for i, l := range lines {
		n, err := strconv.ParseUint(l.offset, base, 31)
		if err != nil {
			return nil, false
		}
		offsets[i] = int(n)
	}
	textAt := 0
	for i, l := range lines {
		size := -1 // nobody tells
		if i+1 < len(lines) {
			size = offsets[i+1] - offsets[i]
		}
		b, at, ok := l.bytes(size, textAt)
		if !ok || len(lines) == 1 && !l.alone() {
			return nil, false
		}
		if at > 0 && (textAt == 0 || at < textAt) { // spaces that belong to the text hide where it begins
			textAt = at
		}
		raw = append(raw, b...)
	}
	return raw, len(raw) > 0
}

// alone tells whether a single line looks like a dump's.
func (l dumpLine) alone() bool {
	return strings.Trim(l.offset, "0") == "" && (l.colon || strings.HasSuffix(strings.TrimSpace(l.rest), "|") || l.column >= len(l.offset)+2)
}

// bytes reads the line's bytes and tells the column of the text behind them, 0 for none. size is how many there must be,
// repeated ones included, or -1; textAt is where the text began in a line before.
func (l dumpLine) bytes(size, textAt int) (b []byte, at int, ok bool) {
	if size == 0 || size > maxInput || size > widest && !l.repeat {
		return nil, 0, false
	}
	rest, want := l.rest, size
	if size < 0 || l.repeat {
		rest, want = l.withoutText(textAt), widest
	}
	b, used, ok := hexPairs(rest, want)
	if !ok {
		return nil, 0, false
	}
	for l.repeat && len(b) > 0 && len(b) < size {
		b = append(b, b[:min(len(b), size-len(b))]...)
	}
	tail := l.rest[used:]
	if text := strings.TrimLeft(tail, " \t"); text != "" && text != tail {
		at = l.column + len(l.rest) - len(text)
	}
	return b, at, size < 0 || len(b) == size
}

// hexPairs reads up to so many bytes from the start of s and tells how many characters they took.
func hexPairs(s string, most int) (b []byte, used int, ok bool) {
	for used < len(s) && len(b) < most {
		if strings.IndexByte(" \t-", s[used]) >= 0 {
			used++
			continue
		}
		c, err := strconv.ParseUint(s[used:min(used+2, len(s))], 16, 8)
		if err != nil || used+1 == len(s) {
			return nil, 0, false
		}
		b = append(b, byte(c))
		used += 2
	}
	return b, used, true
}

// withoutText cuts the text off a line whose number of bytes nobody tells: where it stood in the lines before, and at
// the first gap that is not the one after eight bytes.
func (l dumpLine) withoutText(textAt int) string {
	rest := l.rest
	if textAt > 0 && textAt-l.column <= len(rest) {
		rest = rest[:textAt-l.column]
	}
	before, after, found := strings.Cut(rest, "  ")
	if !found || len(strings.ReplaceAll(before, " ", "")) != 16 || strings.HasPrefix(after, " ") || strings.HasPrefix(after, "|") || strings.HasPrefix(after, ">") {
		return before
	}
	more, _, _ := strings.Cut(after, "  ")
	return before + " " + more
}

// swapped tells whether a dump is hexdump's own form: seven digits of offset, words of four digits, and no text.
func swapped(lines []dumpLine) bool {
	for _, l := range lines {
		if len(l.offset) != 7 || l.colon {
			return false
		}
		for word := range strings.FieldsSeq(l.rest) {
			if len(word) != 4 {
				return false
			}
		}
	}
	return true
}

// turn puts the bytes of every word into their order.
func turn(lines []dumpLine) {
	for i := range lines {
		words := strings.Fields(lines[i].rest)
		for k, w := range words {
			words[k] = w[2:] + w[:2]
		}
		lines[i].rest = strings.Join(words, " ")
	}
}

// ethernetHead is how long the headers are of an Ethernet frame that carries TCP over IPv4, 0 when b is none. A capture
// is pasted with them as often as without.
func ethernetHead(b []byte) int {
	const ether, ip, tcp = 14, 20, 20
	if len(b) < ether+ip+tcp || b[12] != 8 || b[13] != 0 || b[ether]>>4 != 4 || b[ether+9] != 6 {
		return 0
	}
	ipSize := int(b[ether]&15) * 4
	total := int(binary.BigEndian.Uint16(b[ether+2:]))
	at := ether + ipSize + 12 // TCP's data offset
	if ipSize < ip || ether+total > len(b) || at >= len(b) {
		return 0
	}
	head := ether + ipSize + int(b[at]>>4)*4
	if head >= len(b) {
		return 0
	}
	return head
}
