package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// search looks for secrets in files, in every form in which they could rest there.
type search struct {
	needles map[[ending]byte][]needle
	count   int
}

// ending is how many bytes at its end a needle is looked up by.
const ending = 6

type needle struct {
	form, secret string
	bytes        []byte
}

// add takes a secret of digits; a track has its separator as well.
func (s *search) add(secret string) {
	if s.needles == nil {
		s.needles = map[[ending]byte][]needle{}
	}
	for form, b := range forms(secret) {
		key := [ending]byte(b[len(b)-ending:])
		s.needles[key] = append(s.needles[key], needle{form, secret, b})
	}
	s.count++
}

// forms are the ways in which digits can be written.
func forms(secret string) map[string][]byte {
	nibbles := strings.NewReplacer("=", "D", "?", "F", ";", "").Replace(secret)
	all := map[string][]byte{
		"text": []byte(secret), "hex": []byte(hex.EncodeToString([]byte(secret))),
		"BCD": packed(nibbles), "BCD, shifted by a digit": packed(nibbles[1:]),
		"text in hex": []byte(nibbles), "text in lower hex": []byte(strings.ToLower(nibbles)),
	}
	all["HEX"] = bytes.ToUpper(all["hex"])
	for _, form := range []string{"text", "BCD", "BCD, shifted by a digit"} {
		for shift := range 3 {
			text := inBase64(all[form], shift)
			all[fmt.Sprintf("%s in base64, shifted by %d", form, shift)] = []byte(text)
			all[fmt.Sprintf("%s in base64url, shifted by %d", form, shift)] = []byte(strings.NewReplacer("+", "-", "/", "_").Replace(text))
		}
	}
	return all
}

// packed gives two digits to a byte; a last one without a partner is left out.
func packed(nibbles string) []byte {
	b, err := hex.DecodeString(nibbles[:len(nibbles)/2*2])
	if err != nil {
		panic("no digits") // and not which
	}
	return b
}

// inBase64 gives those characters that do not depend on what stands before and after b, when so many bytes stand
// before it in its group of three.
func inBase64(b []byte, before int) string {
	text := base64.RawStdEncoding.EncodeToString(append(make([]byte, before), b...))
	return text[(before*8+5)/6 : (before+len(b))*8/6]
}

// in gives what stands in the files below a folder: the file and the form, never the secret.
func (s *search) in(t *testing.T, dir string) (found []string, size int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		size += len(text)
		rel, _ := filepath.Rel(dir, name)
		for _, n := range s.inText(text) {
			found = append(found, rel+": "+n.form)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return slices.Compact(found), size
}

func (s *search) inText(text []byte) (found []needle) {
	for end := ending; end <= len(text); end++ {
		for _, n := range s.needles[[ending]byte(text[end-ending:end])] {
			if bytes.HasSuffix(text[:end], n.bytes) {
				found = append(found, n)
			}
		}
	}
	return found
}

// A search that finds nothing proves nothing, unless it finds what is there.
func TestTheSearchFindsEveryFormOfASecret(t *testing.T) {
	card := testCard(123_456_789)
	_, track := card.Tracks()
	var s search
	s.add(card.PAN)
	s.add(strings.Trim(track, ";?"))
	digits := card.PAN
	for name, text := range map[string]string{
		"text":                     "a card: " + digits + ".",
		"track":                    track,
		"track of a message":       "35=" + strings.ReplaceAll(strings.Trim(track, ";?"), "=", "D"),
		"lower track of a message": strings.ToLower(strings.ReplaceAll(strings.Trim(track, ";?"), "=", "D")),
		"BCD":                      "\x16" + string(packed(digits)) + "\x00",
		"BCD, shifted":             string(packed("1" + digits + "2")),
		"hex":                      hex.EncodeToString([]byte("at " + digits + " end")),
		"HEX":                      strings.ToUpper(hex.EncodeToString([]byte(track))),
		"base64, 0":                base64.StdEncoding.EncodeToString([]byte(digits)),
		"base64, 1":                base64.StdEncoding.EncodeToString([]byte("x" + digits + "yz")),
		"base64, 2":                base64.URLEncoding.EncodeToString([]byte("xy" + digits)),
		"base64 of BCD":            base64.StdEncoding.EncodeToString([]byte("x" + string(packed(digits)))),
	} {
		if len(s.inText([]byte(text))) == 0 {
			t.Errorf("%s is not found", name)
		}
	}
	if n := len(s.inText([]byte(card.PAN[:6] + "******" + card.PAN[12:]))); n != 0 {
		t.Errorf("a masked number is taken for %d secrets", n)
	}
}
