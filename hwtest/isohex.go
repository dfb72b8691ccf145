package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
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
	switch {
	case errors.Is(err, errOddHex):
		return nil, fmt.Errorf("%w; hint: one was lost or doubled, and hwtest iso doctor finds where", err)
	case err == nil && len(raw) == 0:
		return nil, errors.New("no hex digits: give them as arguments, as a file, or on standard input")
	default:
		return raw, err
	}
}

var errOddHex = errors.New("hex: not an even number of hex digits")

// textInput gives what the arguments name: themselves, a file, or standard input where there are none.
func textInput(g *globals, args []string) ([]byte, error) {
	text := strings.Join(args, " ")
	if text == "" || text == "-" {
		if f, ok := g.In.(*os.File); ok && isTerminal(f) {
			fmt.Fprintln(g.Err, "paste the message, then press Ctrl-D on a line of its own (Windows: Ctrl-Z and Enter)")
		}
		return readAll(g.In)
	}
	if name, ok := strings.CutPrefix(text, "@"); ok {
		return fileInput(g, name)
	}
	if _, err := os.Stat(text); err == nil {
		return fileInput(g, text)
	}
	if len(args) == 1 && fileName.MatchString(text) {
		return nil, fmt.Errorf("there is no file %s", text)
	}
	return []byte(text), nil
}

// fileName is an argument that was meant as a file's name, whatever is in it.
var fileName = regexp.MustCompile(`^[^\s{}"',;|]*[^\s{}"',;|.]\.[A-Za-z]{2,5}$|^[.~]{0,2}/`)

func isTerminal(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}

// fileInput reads a file; - is standard input.
func fileInput(g *globals, name string) ([]byte, error) {
	if name == "-" {
		return readAll(g.In)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return readAll(f)
}

// readAll reads to the end, if that is not too far away.
func readAll(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err == nil && len(b) > maxInput {
		err = fmt.Errorf("more than %d bytes: cut the message out of it", maxInput)
	}
	return b, err
}

// parseHex reads bytes as people find them: hex digits with any spacing, 0x before them, as a C or Go list, as a dump
// with offsets and text, in a log, or as they are in a file that is no text at all. The note says what was left out.
func parseHex(text []byte) (raw []byte, note string, err error) {
	digits, raw, note, err := pasted(text)
	switch {
	case digits == "" || err != nil:
		return raw, note, err
	case len(digits)%2 == 1:
		return nil, note, errOddHex
	}
	raw, err = iso8583.DecodeHex(digits)
	return raw, note, err
}

// pasted is parseHex for one who wants the digits where there are some, because there may be an odd number of them.
func pasted(text []byte) (digits string, raw []byte, note string, err error) {
	text = plainText(text)
	if !isText(text) {
		if digits, raw, note, ok := logOfBytes(text); ok {
			return digits, raw, note, nil
		}
		return "", text, "the input is no text, so its bytes are taken as they are", nil
	}
	if raw, note, ok := parseDump(string(text)); ok {
		return "", raw, note, nil
	}
	for _, form := range listForms {
		if raw, ok := form.read(string(text)); ok {
			return "", raw, form.note, nil
		}
	}
	plain, margin := withoutMargin(string(text))
	if raw, note, ok := dumpAmong(strings.Split(plain, "\n")); ok {
		return "", raw, note, nil
	}
	if digits, err = plainDigits(plain); err == nil {
		return digits, nil, margin, nil
	}
	if digits, note, ok := fromLog(plain); ok {
		return digits, nil, note, nil
	}
	return "", nil, "", err
}

// listForms are ways to print bytes that are no hex.
var listForms = []struct {
	read func(text string) (raw []byte, ok bool)
	note string
}{
	{decimals, "the numbers are taken as decimal bytes"},
	{unescaped, "the text is taken as a string with escaped bytes"},
}

// logOfBytes finds hex in text of another character set than UTF-8, such as the GBK of a Chinese terminal.
func logOfBytes(text []byte) (digits string, raw []byte, note string, ok bool) {
	if slices.ContainsFunc(text, isControl) {
		return "", nil, "", false
	}
	if raw, note, ok = dumpAmong(strings.Split(string(text), "\n")); ok {
		return "", raw, note, true
	}
	digits, note, ok = fromLog(string(text))
	return digits, nil, note, ok
}

// plainDigits gives the digits of text that is nothing but hex and what people write around it. The error names the place
// of the first other character.
func plainDigits(plain string) (string, error) {
	if open, end := strings.IndexByte(plain, '{'), strings.LastIndexByte(plain, '}'); open >= 0 && end > open {
		plain = strings.Repeat(" ", open+1) + plain[open+1:end] // the error's place stays right
	}
	plain = between.Replace(oneDigit.ReplaceAllString(plain, "0$1"))
	if err := onlyHex(plain); err != nil {
		return "", err
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("0123456789abcdefABCDEF", r) {
			return r
		}
		return -1
	}, plain), nil
}

// oneDigit is a byte as Go prints it, without a leading zero.
var oneDigit = regexp.MustCompile(`\b0[xX]([0-9A-Fa-f])\b`)

// between is what people write around hex digits, blanked.
var between = strings.NewReplacer("(byte)", "      ", "0x", "  ", "0X", "  ", `\x`, "  ", "[", " ", "]", " ", "(", " ", ")", " ",
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
	return !slices.ContainsFunc(b, isControl)
}

func isControl(c byte) bool { return c < ' ' && c != '\n' && c != '\r' && c != '\t' }
