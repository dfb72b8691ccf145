package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"

	"posd/iso8583"
)

// maxInput bounds what is read from a file or standard input.
const maxInput = 1 << 20

// hexInput gives the bytes that the arguments name: hex digits, a file, or standard input where there are none. What
// was left out of a dump is said as a note.
func hexInput(g *globals, args []string) ([]byte, error) {
	text, err := textInput(g, args)
	if err != nil {
		return nil, err
	}
	return hexText(g, text)
}

func hexText(g *globals, text []byte) ([]byte, error) {
	raw, note, err := parseHex(text)
	if note != "" {
		fmt.Fprintln(g.Err, "note:", note)
	}
	if err == nil && len(raw) == 0 {
		return nil, errors.New("no hex digits: give them as arguments, as a file, or on standard input")
	}
	return raw, err
}

// textInput gives what the arguments name: themselves, a file, or standard input where there are none.
func textInput(g *globals, args []string) ([]byte, error) {
	text := strings.Join(args, " ")
	if text == "" || text == "-" {
		if f, ok := g.In.(*os.File); ok && isTerminal(f) {
			fmt.Fprintln(g.Err, "paste the message, then press Ctrl-D on a line of its own (Windows: Ctrl-Z and Enter)")
		}
		return io.ReadAll(io.LimitReader(g.In, maxInput))
	}
	if name, ok := strings.CutPrefix(text, "@"); ok {
		return fileInput(g, name)
	}
	if st, err := os.Stat(text); err == nil && st.Mode().IsRegular() {
		return fileInput(g, text)
	}
	return []byte(text), nil
}

func isTerminal(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}

// fileInput reads a file; - is standard input.
func fileInput(g *globals, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(g.In, maxInput))
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return io.ReadAll(io.LimitReader(f, maxInput))
}

// parseHex reads bytes as people find them: hex digits with any spacing, 0x before them, as a C or Go list, as a dump
// with offsets and text, or as they are in a file that is no text at all. The note says what was left out.
func parseHex(text []byte) (raw []byte, note string, err error) {
	if !isText(text) {
		return text, "the input is no text, so its bytes are taken as they are", nil
	}
	if raw, note, ok := parseDump(string(text)); ok {
		return raw, note, nil
	}
	plain := string(text)
	if open, end := strings.IndexByte(plain, '{'), strings.LastIndexByte(plain, '}'); open >= 0 && end > open {
		plain = strings.Repeat(" ", open+1) + plain[open+1:end] // the error's place stays right
	}
	plain = between.Replace(oneDigit.ReplaceAllString(plain, "0$1"))
	if err := onlyHex(plain); err != nil {
		return nil, "", err
	}
	raw, err = iso8583.DecodeHex(plain)
	return raw, "", err
}

// oneDigit is a byte as Go prints it, without a leading zero.
var oneDigit = regexp.MustCompile(`\b0[xX]([0-9A-Fa-f])\b`)

// between is what people write around hex digits, blanked.
var between = strings.NewReplacer("0x", "  ", "0X", "  ", `\x`, "  ", "[", " ", "]", " ", "(", " ", ")", " ",
	"{", " ", "}", " ", `"`, " ", "'", " ", ";", " ", "|", " ", "_", " ")

// onlyHex names the place of the first character that is neither a hex digit nor stands between such, not itself.
func onlyHex(text string) error {
	line, column := 1, 0
	for _, r := range text {
		column++
		switch {
		case r == '\n':
			line, column = line+1, 0
		case strings.ContainsRune("0123456789abcdefABCDEF \t\r:-,", r) || r == '\uFEFF':
		default:
			return fmt.Errorf("hex: line %d, character %d is no hex digit; hint: paste only 0-9 and A-F, with spaces as you like, "+
				"or a whole dump of xxd, hexdump -C or Wireshark; a file is named by its path", line, column)
		}
	}
	return nil
}

// isText tells whether a file can be something that a person pasted.
func isText(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
	}
	return true
}
