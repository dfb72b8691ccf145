package main

import (
	"fmt"
	"strings"

	"posd/iso8583"
)

// secretHex reads a key: hex digits, or @FILE with them. The error names the flag, never a digit.
func secretHex(g *globals, flag, value string) ([]byte, error) {
	text := value
	if name, ok := strings.CutPrefix(value, "@"); ok {
		b, err := fileInput(g, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", flag, err)
		}
		text = string(plainText(b))
	}
	key, err := iso8583.DecodeHex(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	if len(key) == 0 {
		return nil, fmt.Errorf("%s: no hex digits", flag)
	}
	return key, nil
}

// textOrFile gives the arguments, the content of @FILE, or standard input.
func textOrFile(g *globals, args []string) (string, error) {
	text := strings.Join(args, " ")
	name, isFile := strings.CutPrefix(text, "@")
	if text == "" || text == "-" {
		name, isFile = "-", true
	}
	if !isFile || len(args) > 1 {
		return text, nil
	}
	b, err := fileInput(g, name)
	return string(b), err
}
