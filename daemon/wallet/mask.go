package wallet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"posd/daemon/payment"
)

// maxText bounds a gateway's words in the journal.
const maxText = 256

// Message makes a journal's message of fields that may be shown.
func Message(direction, name string, at time.Time, fields map[string]string) payment.Message {
	text, _ := json.Marshal(fields) // a map of strings does not fail
	return payment.Message{Direction: direction, Name: name, Time: at, Fields: text}
}

// CodeMask stands for a code in a message: how long it was, and nothing else.
func CodeMask(code payment.Secret) string {
	n := 0
	code.Reveal(func(b []byte) { n = len(b) })
	return fmt.Sprintf("(%d digits)", n)
}

// Shown picks the allowed fields of an answer and takes the code out of them, should a gateway have put it there.
// What is not listed is shown to nobody: gateways add fields, and customers' names among them.
func Shown(fields map[string]string, code payment.Secret, allowed []string) map[string]string {
	out := map[string]string{}
	for _, name := range allowed {
		if v := fields[name]; v != "" {
			out[name] = Clean(v, code)
		}
	}
	return out
}

// Clean takes the code out of a text and shortens it.
func Clean(text string, code payment.Secret) string {
	code.Reveal(func(b []byte) {
		if len(b) > 0 && bytes.Contains([]byte(text), b) {
			text = strings.ReplaceAll(text, string(b), "(code)")
		}
	})
	text = Cut(text, maxText)
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	return text
}

// Cut shortens a text to at most n bytes without splitting a character.
func Cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "")
}

// Yuan writes cents as yuan with two decimals.
func Yuan(c payment.Cents) string { return fmt.Sprintf("%d.%02d", c/100, c%100) }

// ParseYuan reads yuan with up to two decimals into cents, without a detour over floating point.
func ParseYuan(text string) (payment.Cents, error) {
	whole, part, dotted := strings.Cut(text, ".")
	if dotted && (part == "" || len(part) > 2) || len(whole) == 0 || len(whole) > 12 || !digits([]byte(whole+part)) {
		return 0, fmt.Errorf("amount: not yuan with at most two decimals")
	}
	n, err := strconv.ParseInt(whole+(part + "00")[:2], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("amount: out of range")
	}
	return payment.Cents(n), nil
}

// Beijing is the zone of both gateways' times. China has no summer time.
var Beijing = time.FixedZone("CST", 8*60*60)
