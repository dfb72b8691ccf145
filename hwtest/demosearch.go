package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
)

// searchFiles looks for numbers in every file below dir, whatever it is, in each way in which they may stand there. It
// gives how many files it read, and what it found, which names no number.
func searchFiles(dir string, numbers map[string]string) (files int, hits []string, err error) {
	forms := map[string]string{} // bytes to what they are
	for n, what := range numbers {
		for form, text := range written(n) {
			forms[string(text)] = what + " as " + form
		}
	}
	err = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() { // a link to a terminal holds nothing
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		files++
		found := map[string]bool{}
		for form, what := range forms {
			if bytes.Contains(text, []byte(form)) && !found[what] {
				found[what] = true
				hits = append(hits, fmt.Sprintf("%s holds %s", name, what))
			}
		}
		return nil
	})
	sort.Strings(hits)
	return files, hits, err
}

// written gives the ways in which digits may stand in a file: as text in one and in two bytes, as hex of that, and as
// BCD from an even or from an odd nibble on, whose outermost half bytes are left out.
func written(digits string) map[string][]byte {
	ascii := []byte(digits)
	wide := make([]byte, 0, 2*len(ascii))
	for _, c := range ascii {
		wide = append(wide, c, 0)
	}
	forms := map[string][]byte{
		"text": ascii, "UTF-16": wide[:len(wide)-1],
		"hex": []byte(hex.EncodeToString(ascii)), // digits in hex have no letters: upper and lower case are the same
	}
	for from, form := range []string{"BCD", "BCD from an odd nibble"} {
		even := digits[from : from+(len(digits)-from)&^1]
		if b, err := hex.DecodeString(even); err == nil {
			forms[form] = b
		}
	}
	return forms
}
