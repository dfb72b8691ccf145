package main

import (
	"encoding/binary"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
)

// What people paste is often a line of a log, or a dump with the log's time before each of its lines. Here is what finds
// the bytes in such text. What is left out is said, never shown.

// fewest is how many bytes of hex are taken out of other text: fewer may be a word, or a time.
const fewest = 12

// fromLog finds a message in text that is not hex alone: the longest run of hex digits, with the rows below it that go
// on in the same column.
func fromLog(text string) (digits, note string, ok bool) {
	lines := strings.Split(text, "\n")
	runs, best := make([]hexRun, len(lines)), 0
	for i, line := range lines {
		runs[i] = longestRun(line)
		if len(runs[i].digits) > len(runs[best].digits) {
			best = i
		}
	}
	last := best + 1
	for last < len(lines) && runs[last].goesOn(runs[best], lines[best], lines[last]) {
		last++
	}
	others := 0
	for i, r := range runs {
		if i >= best && i < last {
			digits += r.digits
		} else if len(r.digits) >= 2*fewest {
			others++
		}
	}
	note = fmt.Sprintf("%d hex digits were taken out of the text, all else was left out", len(digits))
	if others > 0 {
		note += fmt.Sprintf("; %s with hex digits, too", plural(others, "other line"))
	}
	return digits, note, len(digits) >= 2*fewest
}

// widestRow is the most bytes that a row of a block has.
const widestRow = 32

// goesOn tells whether a run is the next row of what the first began: behind the same words, if it is a row's length.
func (r hexRun) goesOn(first hexRun, firstLine, line string) bool {
	if r.digits == "" || r.column != first.column || len(r.digits) > len(first.digits) {
		return false
	}
	margin, firstMargin := aDigit.ReplaceAllString(line[:r.column], "0"), aDigit.ReplaceAllString(firstLine[:r.column], "0")
	return !aWord.MatchString(margin) || margin == firstMargin && len(first.digits) <= 2*widestRow
}

var (
	aWord  = regexp.MustCompile(`[G-Zg-z]`)
	aDigit = regexp.MustCompile(`[0-9]`)
)

// dumpAmong finds a dump that has other lines around it, or a column of times before it.
func dumpAmong(lines []string) (raw []byte, note string, ok bool) {
	for _, column := range columns(lines) {
		var block, best []string
		for _, line := range append(lines, "-") {
			cut := line[min(column, len(line)):]
			if dumpPattern.MatchString(cut) {
				block = append(block, cut)
				continue
			}
			if len(block) > len(best) {
				best = block
			}
			block = nil
		}
		if len(best) < 2 {
			continue
		}
		if raw, note, ok = parseDump(strings.Join(best, "\n")); ok {
			return raw, note + "; so were the lines and columns around it", true
		}
	}
	return nil, "", false
}

// columns are where the words of the last line that has some begin: a dump stands behind one of them.
func columns(lines []string) []int {
	list := []int{0}
	for i := len(lines) - 1; i >= 0; i-- {
		if strings.TrimSpace(lines[i]) == "" {
			continue
		}
		for _, m := range wordStart.FindAllStringIndex(lines[i], 8) {
			list = append(list, m[1]-1)
		}
		break
	}
	return list
}

var wordStart = regexp.MustCompile(`\s[0-9A-Fa-f]`)

// hexRun is hex digits that belong together.
type hexRun struct {
	column int
	digits string
}

var (
	hexToken     = regexp.MustCompile(`[0-9A-Za-z]+`)
	onlyHexToken = regexp.MustCompile(`^(?:[0-9A-Fa-f]{2})*[0-9A-Fa-f]?$`)
)

// longestRun finds the longest run of hex in a line: groups of one size, the last perhaps shorter, with the same between
// them throughout, so that a time or a number before them does not count.
func longestRun(line string) (best hexRun) {
	var run hexRun
	size, between, end := 0, "", 0
	for _, m := range hexToken.FindAllStringIndex(line, -1) {
		token, gap := line[m[0]:m[1]], strings.TrimSpace(line[end:m[0]])
		end = m[1]
		hexed := onlyHexToken.MatchString(token)
		if hexed && run.digits != "" && len(token) <= size && (gap == between || between == "?") && len(gap) <= 1 && strings.Trim(gap, ":-,") == "" {
			run.digits, between = run.digits+token, gap
		} else {
			run, size, between = hexRun{}, len(token), "?"
			if hexed {
				run = hexRun{m[0], token}
			}
		}
		if len(run.digits) > len(best.digits) {
			best = run
		}
		if len(token) < size { // the last group
			run = hexRun{}
		}
	}
	return best
}

var (
	lineTime   = regexp.MustCompile(`^[\s\[(]*(?:\d{2,4}[-/.]?\d\d[-/.]?\d\d[T ])?[0-2]\d:[0-5]\d:[0-5]\d(?:[.,]\d+)?[\])]?\s+`)
	lineNumber = regexp.MustCompile(`^\s*(\d+)(\s*[:.)|]\s*|\s+)`)
)

// withoutMargin takes off what stands before every line: the time in a log, the line's number in an editor.
func withoutMargin(text string) (rest, note string) {
	if rest, ok := withoutTimes(text); ok {
		return rest, "the times before the lines were left out"
	}
	if rest, ok := withoutNumbers(text); ok {
		return rest, "line numbers were left out"
	}
	return text, ""
}

func withoutTimes(text string) (rest string, ok bool) {
	var out strings.Builder
	for line := range strings.Lines(text) {
		at := lineTime.FindStringIndex(line)
		if at == nil && strings.TrimSpace(line) != "" {
			return text, false
		}
		if at != nil {
			out.WriteString(line[at[1]:])
		}
	}
	return out.String(), out.Len() > 0
}

// withoutNumbers takes the numbers off lines that are counted one by one. Two lines may begin with 00 and 01 by chance.
func withoutNumbers(text string) (rest string, ok bool) {
	var out []string
	first, marked := 0, false
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		m := lineNumber.FindStringSubmatch(line)
		if m == nil {
			return text, false
		}
		n, err := strconv.Atoi(m[1])
		if len(out) == 0 {
			first = n
		}
		if err != nil || n != first+len(out) {
			return text, false
		}
		marked = marked || len(m[1]) != 2 || strings.TrimSpace(m[2]) != ""
		out = append(out, line[len(m[0]):])
	}
	return strings.Join(out, ""), len(out) > 2 || len(out) == 2 && marked
}

var decimalList = regexp.MustCompile(`^(?:-?\d{1,3}(?:\s*,\s*|\s+))+-?\d{1,3}\s*,?$`)

// decimals reads a list of numbers, as Java, Python and Go print bytes. It is one where a number has three digits or a
// sign, and none a zero before it: hex has pairs.
func decimals(text string) (raw []byte, ok bool) {
	text = strings.TrimSpace(text)
	if open, end := strings.IndexAny(text, "[{("), strings.LastIndexAny(text, "]})"); open >= 0 && end > open {
		text = strings.TrimSpace(text[open+1 : end])
	}
	if !decimalList.MatchString(text) {
		return nil, false
	}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\r' || r == '\n' }) {
		n, err := strconv.Atoi(word)
		if err != nil || n < -128 || n > 255 || len(word) > 1 && word[0] == '0' {
			return nil, false
		}
		ok = ok || len(word) == 3 || n < 0
		raw = append(raw, byte(n))
	}
	return raw, ok
}

var escaped = regexp.MustCompile(`(?s)^[bB]?["'](.*\\x[0-9A-Fa-f]{2}.*)["']$`)

// unescaped reads the bytes of a string as Python, Go and C print them: \x00 beside characters that stand for themselves.
func unescaped(text string) (raw []byte, ok bool) {
	m := escaped.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return nil, false
	}
	for rest := m[1]; rest != ""; {
		size, c := 1, rest[0]
		if c == '\\' && len(rest) > 1 {
			size, c = 2, rest[1]
			if i := strings.IndexByte(`nrtabfv0`, c); i >= 0 {
				c = "\n\r\t\a\b\f\v\x00"[i]
			}
			if n, err := strconv.ParseUint(rest[2:min(4, len(rest))], 16, 8); rest[1] == 'x' && err == nil {
				size, c = 4, byte(n)
			}
		}
		raw, rest = append(raw, c), rest[min(size, len(rest)):]
	}
	return raw, true
}

// plainText turns text that Windows writes in UTF-16, with its mark in front, into UTF-8.
func plainText(text []byte) []byte {
	if len(text) < 2 || len(text)%2 == 1 {
		return text
	}
	order := binary.ByteOrder(binary.LittleEndian)
	switch {
	case text[0] == 0xFF && text[1] == 0xFE:
	case text[0] == 0xFE && text[1] == 0xFF:
		order = binary.BigEndian
	default:
		return text
	}
	words := make([]uint16, 0, len(text)/2)
	for i := 2; i < len(text); i += 2 {
		words = append(words, order.Uint16(text[i:]))
	}
	if out := []byte(string(utf16.Decode(words))); isText(out) {
		return out
	}
	return text
}
