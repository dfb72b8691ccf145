package sign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxBody bounds what is read as one message: gateway answers are a few kilobytes.
const MaxBody = 256 << 10

// maxMembers bounds the top level of an answer, which has two or three members.
const maxMembers = 64

// Nodes splits a JSON object into its members without touching their values: each is the exact run of bytes between
// the colon and the comma, which is what Alipay's signature covers. A member that comes twice is refused, since then
// the bytes that were checked need not be the bytes that are read.
func Nodes(raw []byte) (map[string]json.RawMessage, error) {
	if len(raw) > MaxBody {
		return nil, fmt.Errorf("json: %d bytes, at most %d", len(raw), MaxBody)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("json: not an object")
	}
	nodes := map[string]json.RawMessage{}
	for d.More() {
		if len(nodes) == maxMembers {
			return nil, fmt.Errorf("json: more than %d members", maxMembers)
		}
		if err := member(d, nodes); err != nil {
			return nil, err
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, errors.New("json: the object does not end")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("json: something follows the object")
	}
	return nodes, nil
}

func member(d *json.Decoder, nodes map[string]json.RawMessage) error {
	t, err := d.Token()
	if err != nil {
		return errors.New("json: broken member name")
	}
	name, ok := t.(string)
	if !ok {
		return errors.New("json: broken member name")
	}
	if _, twice := nodes[name]; twice {
		return errors.New("json: a member comes twice")
	}
	var value json.RawMessage
	if err := d.Decode(&value); err != nil {
		return errors.New("json: broken value")
	}
	nodes[name] = value
	return nil
}
