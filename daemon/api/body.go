package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"posd/daemon/payment"
)

// input is the body of a request. It lists the names it knows: those of an object in it with a dot, "override.by".
type input interface{ names() []string }

// read decodes the body into in, which must be a pointer. The buffer is wiped afterwards: it may hold a wallet code.
// No error quotes the body, but for a name that is not known.
func (c *call) read(in input) error {
	text, err := c.text()
	defer clear(text)
	if err != nil {
		return err
	}
	if err := wellFormed(text); err != nil {
		return err
	}
	if err := knownNames(text, in.names()); err != nil {
		return err
	}
	return typed(json.Unmarshal(text, in))
}

// nothing is the body of a request that needs none: no bytes, or an empty object.
type nothing struct{}

func (*nothing) names() []string { return nil }

// readNothing refuses a body that says something where nothing is expected.
func (c *call) readNothing() error {
	if c.r.ContentLength == 0 {
		return nil
	}
	return c.read(&nothing{})
}

func (c *call) text() ([]byte, error) {
	kind, params, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	charset := params["charset"]
	if err != nil || kind != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") || c.r.Header.Get("Content-Encoding") != "" {
		return nil, &refusal{
			status: http.StatusUnsupportedMediaType, code: "not_json", detail: "the body is not declared as JSON",
			hint: "send Content-Type: application/json, in UTF-8 and not compressed",
		}
	}
	size := mostBytes(c.r)
	if c.r.ContentLength >= 0 {
		size = c.r.ContentLength
	}
	// One buffer that never grows, so that wiping it wipes everything; one byte more tells what is too large.
	text, err := fill(c.r.Body, make([]byte, size+1))
	if err == nil {
		_ = http.NewResponseController(c.w).SetReadDeadline(time.Time{}) // or it would end a wait
	}
	return text, err
}

func fill(from io.Reader, buf []byte) ([]byte, error) {
	n := 0
	for n < len(buf) {
		m, err := from.Read(buf[n:])
		n += m
		switch {
		case errors.Is(err, io.EOF):
			return buf[:n], nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return buf, &refusal{status: http.StatusRequestTimeout, code: "too_slow", detail: "the body did not arrive in time", hint: "send it at once"}
		case err != nil:
			return buf, bad("body_cut", "the body ended early", "send as many bytes as Content-Length says")
		}
	}
	return buf, tooLarge(int64(len(buf) - 1))
}

func tooLarge(most int64) error {
	return &refusal{
		status: http.StatusRequestEntityTooLarge, code: "too_large", detail: "the body is too large",
		hint: fmt.Sprintf("send at most %d bytes", most), header: "Connection", headerValue: "close",
	}
}

// wellFormed tells whether the text is one JSON object and nothing else.
func wellFormed(text []byte) error {
	var whole object
	err := json.Unmarshal(text, &whole)
	var at *json.SyntaxError
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return bad("bad_json", "the body is empty: nothing stands at byte 0", "send one JSON object, as {\"amount\": 1999}")
	case !utf8.Valid(text):
		return bad("bad_json", "the body is not UTF-8", "send JSON in UTF-8")
	case errors.As(err, &at):
		line := 1 + bytes.Count(text[:min(int(at.Offset), len(text))], []byte("\n"))
		return bad("bad_json", fmt.Sprintf("the body is not one JSON value: it breaks at byte %d, in line %d", at.Offset, line), "send one JSON object and nothing after it")
	case err != nil:
		return bad("bad_json", "the body is no JSON object", "send one JSON object, as {\"amount\": 1999}")
	}
	return nil
}

// object takes any JSON object, and keeps nothing of it.
type object struct{}

// UnmarshalJSON looks at the first byte only: the rest was checked before.
func (*object) UnmarshalJSON(text []byte) error {
	if text[0] != '{' {
		return errors.New("no object")
	}
	return nil
}

// knownNames refuses a name that is not known, exactly as it is written, and one that comes twice: of two amounts
// nobody can say which was meant. It stops at the first.
func knownNames(text []byte, known []string) error {
	seen := map[string]bool{}
	for name := range namesIn(text, func(name string) bool { return slices.Contains(known, name+".*") }) {
		if !slices.Contains(known, name) {
			name = clip(name)
			return &refusal{
				status: http.StatusBadRequest, code: "unknown_field", detail: fmt.Sprintf("field %q is not known here", name),
				hint: "known here: " + list(slices.DeleteFunc(slices.Clone(known), func(n string) bool { return strings.HasSuffix(n, ".*") })), field: name,
			}
		}
		if seen[name] {
			return &refusal{
				status: http.StatusBadRequest, code: "repeated_field", detail: fmt.Sprintf("field %q comes twice", name),
				hint: "say it once", field: name,
			}
		}
		seen[name] = true
	}
	return nil
}

// clip keeps a name that a stranger has written short.
func clip(name string) string {
	const most = 40
	if len(name) <= most {
		return name
	}
	return strings.ToValidUTF8(name[:most], "") + "…"
}

// namesIn gives the names of a valid JSON text in their order, those of inner objects with the outer ones before them, and none
// of what stands under a skipped name: whoever reads that looks at its names. A name is made when its turn comes, so that who
// stops at the first that is not known pays for no deeper one.
func namesIn(text []byte, skipped func(string) bool) iter.Seq[string] {
	return func(yield func(string) bool) {
		var outer []string // one per open bracket: the name it stands under
		last := ""
		for i := 0; i < len(text); i++ {
			switch text[i] {
			case '{', '[':
				if skipped(last) {
					i = bracketEnd(text, i) - 1
					continue
				}
				outer = append(outer, last)
			case '}', ']':
				last = outer[len(outer)-1] // of the next object of a list, too
				outer = outer[:len(outer)-1]
			case '"':
				end := stringEnd(text, i)
				if isName(text[end:]) {
					if last = fullName(outer[len(outer)-1], text[i:end]); !yield(last) {
						return
					}
				}
				i = end - 1
			}
		}
	}
}

// isName tells from what follows a string that it was the name of a field.
func isName(after []byte) bool {
	after = bytes.TrimLeft(after, " \t\r\n")
	return len(after) > 0 && after[0] == ':'
}

// bracketEnd is the place after the object or list that begins at i.
func bracketEnd(text []byte, i int) int {
	for depth := 0; ; i++ {
		switch text[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"':
			i = stringEnd(text, i) - 1
		}
	}
}

// stringEnd is the place after the string that begins at i.
func stringEnd(text []byte, i int) int {
	for i++; text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i + 1
}

func fullName(outer string, quoted []byte) string {
	var name string
	if err := json.Unmarshal(quoted, &name); err != nil {
		return "?" // cannot be: the text is valid
	}
	if outer == "" {
		return name
	}
	return outer + "." + name
}

// typed says which field has the wrong type, and never its value.
func typed(err error) error {
	var at *json.UnmarshalTypeError
	if !errors.As(err, &at) {
		return err
	}
	if number, ok := strings.CutPrefix(at.Value, "number "); ok && at.Type.Kind() == reflect.Int64 && !strings.ContainsAny(number, ".eE") {
		return badField(at.Field, "is out of range", "give a smaller number; amounts are in minor units, at most 999999999999")
	}
	return &refusal{
		status: http.StatusBadRequest, code: "bad_field", detail: fmt.Sprintf("field %q has the wrong type", at.Field),
		hint: "give " + wanted(at.Type), field: at.Field,
	}
}

func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int64:
		return "a whole number (amounts are in minor units: 1999 for 19.99)"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text in quotes"
	default:
		return "an object"
	}
}

// code is a wallet code on its way into a payment.Secret. It is taken from the body without a string in between.
type code struct{ payment.Secret }

// longestCode is more than any wallet shows.
const longestCode = 64

// UnmarshalJSON takes a plain text of printable ASCII. Its errors hold nothing of it.
func (c *code) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	plain := func(b byte) bool { return b > ' ' && b < 0x7f && b != '"' && b != '\\' }
	n := len(text)
	if n < 3 || n-2 > longestCode || text[0] != '"' || slices.ContainsFunc(text[1:n-1], func(b byte) bool { return !plain(b) }) {
		return &refusal{
			status: http.StatusBadRequest, code: "bad_field", detail: `field "code" is no wallet code`,
			hint: "give the digits that were scanned, as a text in quotes", field: "code",
		}
	}
	c.Secret = payment.NewSecret(bytes.Clone(text[1 : n-1]))
	return nil
}

// longestWord and longestReason bound what a person says, in bytes: it ends up on paper, in logs, and in the journal for good.
const (
	longestWord   = 200
	longestReason = 1000
)

// words refuses who decides and why if that is too long or no plain text.
func words(by, reason string) error {
	return errors.Join(word("by", by, longestWord), word("reason", reason, longestReason))
}

func word(field, text string, most int) error {
	if len(text) > most {
		return badField(field, "is too long", fmt.Sprintf("give at most %d bytes", most))
	}
	return plainText(field, text)
}

// plainText refuses what could steer a printer or a terminal: these words end up on paper and in logs.
func plainText(field, text string) error {
	if !strings.ContainsFunc(text, unicode.IsControl) {
		return nil
	}
	return badField(field, "holds control characters", "leave them out")
}

func badField(field, what, hint string) error {
	return &refusal{status: http.StatusUnprocessableEntity, code: "bad_request", detail: fmt.Sprintf("field %q %s", field, what), hint: hint, field: field}
}
