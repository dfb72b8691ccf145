package prints

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"posd/drivers/printer"
)

// Limits of what a till may have printed.
const (
	MaxContent  = 2 << 20 // bytes of the request that brings it
	maxLines    = 4000
	maxPictures = 16
	maxColumns  = 96 // of a table
	maxFeed     = 255
	maxFaults   = 5 // that one refusal tells
)

// Content is what a till wants printed: one of Document, Receiptline and Raw.
type Content struct {
	Document    json.RawMessage // a printer.Document
	Receiptline string          // in the ReceiptLine language
	Raw         string          // base64 of bytes that go to the printer as they are
	Language    string          // "zh" or "en", of the queue's marks; a document may say it itself
}

// ContentError says what of a content cannot be printed. It quotes no text of it.
type ContentError struct {
	Field  string // "document.lines[2].kind", as the request has it
	Detail string // a sentence
	Remedy string
}

// Error gives the sentence with its place.
func (e *ContentError) Error() string { return e.Field + ": " + e.Detail }

// Read makes a document of a content, and a sum of what was said, not of how it was written. Its error is a *ContentError.
func (c Content) Read() (doc printer.Document, sum string, err error) {
	if c.Language != "" && c.Language != "zh" && c.Language != "en" {
		return doc, "", &ContentError{"language", "it is neither zh nor en", "leave it out, or say zh or en"}
	}
	switch field, err := c.only(); {
	case err != nil:
		return doc, "", err
	case field == "document":
		return c.document()
	case field == "receiptline":
		doc = printer.Receiptline(c.Receiptline)
		doc.Language = c.Language
		return doc, sumOf(field, c.Language, c.Receiptline), check(field, doc)
	default:
		raw, err := base64.StdEncoding.DecodeString(c.Raw)
		if err != nil || len(raw) == 0 {
			return doc, "", &ContentError{field, "it is no base64 of any bytes", "send the printer's bytes in base64, with padding"}
		}
		doc = printer.Document{Language: c.Language, Lines: []printer.Line{{Kind: printer.Raw, Data: c.Raw}}}
		return doc, sumOf(field, c.Language, string(raw)), nil
	}
}

// only tells which of the three there is.
func (c Content) only() (field string, err error) {
	var given []string
	for _, f := range []struct {
		name  string
		there bool
	}{{"document", len(c.Document) > 0}, {"receiptline", c.Receiptline != ""}, {"raw", c.Raw != ""}} {
		if f.there {
			given = append(given, f.name)
		}
	}
	if len(given) != 1 {
		return "", &ContentError{"document", fmt.Sprintf("%d contents are given", len(given)), "give one of document, receiptline and raw"}
	}
	return given[0], nil
}

func sumOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}

// document reads a document line by line, so that what is wrong can be named.
func (c Content) document() (doc printer.Document, sum string, err error) {
	var outer struct {
		Language string            `json:"language"`
		Lines    []json.RawMessage `json:"lines"`
	}
	if err := strictly(c.Document, &outer, "document"); err != nil {
		return doc, "", err
	}
	doc.Language = outer.Language
	if doc.Language == "" {
		doc.Language = c.Language
	}
	if n := len(outer.Lines); n > maxLines {
		return doc, "", tooMany("document.lines", n, maxLines)
	}
	for i, text := range outer.Lines {
		var l printer.Line
		if err := strictly(text, &l, fmt.Sprintf("document.lines[%d]", i)); err != nil {
			return doc, "", err
		}
		doc.Lines = append(doc.Lines, l)
	}
	if err := check("document", doc); err != nil {
		return doc, "", err
	}
	said, err := json.Marshal(doc)
	return doc, sumOf("document", string(said)), err
}

// strictly decodes JSON that has nothing unknown in it.
func strictly(text []byte, into any, where string) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		if wrong.Field != "" {
			where += "." + wrong.Field
		}
		return &ContentError{where, "it has the wrong type: " + wrong.Value, "drivers/printer/README.md shows what a document is made of"}
	default:
		name, unknown := strings.CutPrefix(err.Error(), "json: unknown field ")
		if !unknown {
			return &ContentError{where, "it is no JSON object", "drivers/printer/README.md shows what a document is made of"}
		}
		return &ContentError{where, "a field is not known: " + name[:min(len(name), 40)], "drivers/printer/README.md shows what a document is made of"}
	}
}

func tooMany(field string, n, most int) error {
	return &ContentError{field, fmt.Sprintf("there are %d, the most is %d", n, most), "print it in parts"}
}

// check holds a document against the limits, and against what printers can do.
func check(field string, doc printer.Document) error {
	if doc.Language != "" && doc.Language != "zh" && doc.Language != "en" {
		return &ContentError{field + ".language", "it is neither zh nor en", "leave it out, or say zh or en"}
	}
	if n := len(doc.Lines); n > maxLines {
		return tooMany(field, n, maxLines)
	}
	pictures := 0
	for i, l := range doc.Lines {
		if l.Kind == printer.Image {
			pictures++
		}
		switch at := fmt.Sprintf("%s.lines[%d]", field, i); {
		case pictures > maxPictures:
			return tooMany(at, pictures, maxPictures)
		case len(l.Columns) > maxColumns:
			return tooMany(at+".columns", len(l.Columns), maxColumns)
		case l.Count < 0 || l.Count > maxFeed:
			return &ContentError{at + ".count", fmt.Sprintf("it is not between 0 and %d", maxFeed), "feed in several lines"}
		}
	}
	if err := printer.Check(doc); err != nil {
		faults := strings.Split(err.Error(), "\n")
		return &ContentError{field, strings.Join(faults[:min(len(faults), maxFaults)], "; "), "mend these lines; the first is line 1"}
	}
	return nil
}
