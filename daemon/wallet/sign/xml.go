package sign

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxFields and maxField bound a WeChat Pay v2 message: the longest documented one has some fifty fields of at most
// 6 KiB.
const (
	maxFields = 128
	maxField  = 8 << 10
)

// DecodeXML reads the flat map of WeChat Pay v2: <xml><name>text</name>...</xml>. Document types, processing
// instructions other than the XML declaration, nesting, a field that comes twice and over-long input are refused.
// White space around a value belongs to it.
func DecodeXML(raw []byte) (map[string]string, error) {
	if len(raw) > MaxBody {
		return nil, fmt.Errorf("xml: %d bytes, at most %d", len(raw), MaxBody)
	}
	d := xml.NewDecoder(bytes.NewReader(raw))
	d.Entity = map[string]string{}
	r := xmlReader{fields: map[string]string{}}
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errors.New("xml: not well formed")
		}
		if err := r.take(t); err != nil {
			return nil, err
		}
	}
	if !r.ended {
		return nil, errors.New("xml: no <xml> element")
	}
	return r.fields, nil
}

// xmlReader is the state of one DecodeXML.
type xmlReader struct {
	fields map[string]string
	depth  int
	ended  bool
	name   string
	text   strings.Builder
}

func (r *xmlReader) take(t xml.Token) error {
	switch t := t.(type) {
	case xml.StartElement:
		return r.start(t)
	case xml.EndElement:
		r.end()
	case xml.CharData:
		return r.chars(t)
	case xml.Directive:
		return errors.New("xml: document types are refused")
	case xml.ProcInst:
		if t.Target != "xml" {
			return errors.New("xml: processing instructions are refused")
		}
	}
	return nil
}

func (r *xmlReader) start(t xml.StartElement) error {
	r.depth++
	switch {
	case r.ended || r.depth > 2:
		return errors.New("xml: not a flat map")
	case t.Name.Space != "" || len(t.Attr) > 0:
		return errors.New("xml: name spaces and attributes are refused")
	case r.depth == 1 && t.Name.Local != "xml":
		return errors.New("xml: the outer element is not <xml>")
	case r.depth == 1:
		return nil
	case len(r.fields) == maxFields:
		return fmt.Errorf("xml: more than %d fields", maxFields)
	}
	if _, twice := r.fields[t.Name.Local]; twice {
		return errors.New("xml: a field comes twice")
	}
	r.name = t.Name.Local
	r.text.Reset()
	return nil
}

func (r *xmlReader) end() {
	if r.depth == 2 {
		r.fields[r.name] = r.text.String()
	}
	r.depth--
	r.ended = r.depth == 0
}

func (r *xmlReader) chars(t xml.CharData) error {
	if r.depth == 2 {
		if r.text.Len()+len(t) > maxField {
			return fmt.Errorf("xml: a field of more than %d bytes", maxField)
		}
		_, _ = r.text.Write(t)
		return nil
	}
	if len(bytes.TrimSpace(t)) > 0 {
		return errors.New("xml: text between the fields")
	}
	return nil
}

// EncodeXML writes the flat map in order of its keys; empty values are left out. Values are escaped, not wrapped in
// CDATA, so that no value can end its own field.
func EncodeXML(fields map[string]string) []byte {
	keys := make([]string, 0, len(fields))
	for k, v := range fields {
		if v != "" {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	var b bytes.Buffer
	b.WriteString("<xml>")
	for _, k := range keys {
		b.WriteString("<" + k + ">")
		_ = xml.EscapeText(&b, []byte(fields[k])) // a bytes.Buffer does not fail
		b.WriteString("</" + k + ">")
	}
	b.WriteString("</xml>")
	return b.Bytes()
}
