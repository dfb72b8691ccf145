package iso8583

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Line is one row of a technician's view.
type Line struct {
	Field  int
	Name   string // English and Chinese
	Value  string
	Length int    // characters or bytes of the value
	Note   string // what an answer code means
}

// Describe gives a technician's view, one line per field. Card numbers, tracks and PIN blocks are masked unless
// reveal.
func (d *Dialect) Describe(m *Message, reveal bool) []Line {
	var lines []Line
	for _, n := range m.Fields() {
		line := Line{Field: n, Value: d.shown(m, n, reveal), Length: len(m.Bytes(n))}
		if s := d.spec(m.MTI, n); s != nil {
			line.Name = strings.TrimSpace(s.name + " " + s.zh)
		}
		if n == d.roles["code"].field {
			line.Note = d.codeNote(m)
		}
		lines = append(lines, line)
	}
	return lines
}

// codeNote explains field 39: an answer's code, a reversal's reason, or the answer to a reversal.
func (d *Dialect) codeNote(m *Message) string {
	if !isMTI(m.MTI) {
		return ""
	}
	code := d.Role(m, "code")
	answer, reversal := m.MTI[2]&1 == 1, m.MTI[1] == '4'
	switch {
	case reversal && !answer:
		for reason, c := range d.reasons {
			if c == code {
				return "reversal reason: " + reason
			}
		}
		return "reversal reason: not one that this dialect sends"
	case !answer:
		return ""
	}
	a := d.Action(code)
	words := strings.TrimSpace(a.TextZH + " / " + a.TextEN)
	if reversal {
		return fmt.Sprintf("%s -> reversal %s", words, d.ReversalAction(code))
	}
	return fmt.Sprintf("%s -> %s", words, a.Action)
}

// Reasons lists the reasons of a reversal that the dialect has a code for, sorted.
func (d *Dialect) Reasons() []string { return slices.Sorted(maps.Keys(d.reasons)) }

// jsonMessage is a message as hwtest iso reads and writes it. Pad tells which half bytes are filled by something
// else than the dialect's nibble, so that decoding and encoding gives the same bytes; it is mostly absent.
type jsonMessage struct {
	TPDU     string            `json:"tpdu"`
	Header   string            `json:"header"`
	MTI      string            `json:"mti"`
	Fields   orderedFields     `json:"fields"`
	Trailing int               `json:"trailing_bytes"`
	Pad      map[string]string `json:"pad,omitempty"`
}

// orderedFields are fields by number; JSON has them in numeric order.
type orderedFields map[string]string

// MarshalJSON writes the fields in numeric order.
func (o orderedFields) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for n := range MaxField + 1 {
		key := strconv.Itoa(n)
		value, ok := o[key]
		if !ok {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		quoted, err := plainJSON(value)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%q:%s", key, quoted)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// JSON gives a message as {"tpdu","header","mti","fields","trailing_bytes"}, masked as Describe.
func (d *Dialect) JSON(m *Message, trailing int, reveal bool) ([]byte, error) {
	out := jsonMessage{TPDU: m.TPDU, Header: m.Header, MTI: m.MTI, Fields: orderedFields{}, Trailing: trailing}
	for _, n := range m.Fields() {
		key := strconv.Itoa(n)
		out.Fields[key] = d.shown(m, n, reveal)
		s := d.spec(m.MTI, n)
		if at := m.at[n]; s != nil && at.pad != noPad && byte(at.pad) != s.pad {
			if out.Pad == nil {
				out.Pad = map[string]string{}
			}
			out.Pad[key] = string(upperDigits[at.pad])
		}
	}
	return plainJSON(out)
}

// ParseJSON reads what JSON wrote with reveal, and messages written by hand. It leaves other keys aside.
func ParseJSON(text []byte) (*Message, error) {
	if err := KeysOnce(text); err != nil {
		return nil, err
	}
	var in jsonMessage
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, jsonFault(err)
	}
	if in.MTI == "" || in.Fields == nil {
		return nil, faultAt("json", -1, `wants {"tpdu","header","mti","fields":{"3":"000000"}}`)
	}
	m := &Message{TPDU: in.TPDU, Header: in.Header, MTI: in.MTI}
	for key, value := range in.Fields {
		n, err := strconv.Atoi(key)
		if err != nil || !valid(n) {
			return nil, faultAt("fields", -1, "a key is no field number from 2 to 128 (192 with three bitmaps)")
		}
		if key != strconv.Itoa(n) {
			return nil, fault(-1, "its key is written in another way").of(n).hint("write it " + strconv.Quote(strconv.Itoa(n)))
		}
		if masked(value) {
			return nil, fault(-1, "is masked, or not hex").of(n).hint("decode with --reveal to encode again")
		}
		m.setValue(n, value)
		if nibble := strings.Index(upperDigits, in.Pad[key]); in.Pad[key] != "" && nibble >= 0 {
			m.at[n].pad = int8(nibble)
		}
	}
	return m, nil
}

// masked tells whether a value was masked. Text may hold a few stars of its own.
func masked(value string) bool {
	if digits, ok := strings.CutPrefix(value, hexMark); ok {
		_, err := hex.DecodeString(digits)
		return err != nil
	}
	return strings.Contains(value, "****")
}

// jsonFault keeps the place of a JSON error and not its content.
func jsonFault(err error) error {
	switch e := err.(type) { //nolint:errorlint // encoding/json returns these unwrapped
	case *json.SyntaxError:
		return faultAt("json", int(e.Offset), "no JSON: a syntax error")
	case *json.UnmarshalTypeError:
		return faultAt(e.Field, int(e.Offset), "another kind of JSON value belongs here").hint("values are strings, digits included")
	default:
		return faultAt("json", -1, "no JSON")
	}
}

// DecodeHex reads hex digits as people paste them: with spaces, line ends, colons, dashes or commas between them.
func DecodeHex(text string) ([]byte, error) {
	b, err := decodeHex(text)
	var bad hex.InvalidByteError
	switch {
	case errors.As(err, &bad):
		return nil, faultAt("hex", strings.IndexByte(text, byte(bad)), "here is no hex digit").hint("paste 0-9 and A-F; spaces, colons, dashes and commas may stand between")
	case err != nil:
		return nil, faultAt("hex", -1, "not an even number of hex digits").hint("a digit is missing")
	}
	return b, nil
}
