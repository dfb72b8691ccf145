package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"posd/iso8583"
)

// parseMessage reads a message that was written as JSON. Among its fields may be parts of fields by their path
// ("127.25.3"): they are set after the fields, in the order of their numbers.
func parseMessage(d *iso8583.Dialect, text []byte) (*iso8583.Message, error) {
	if err := iso8583.KeysOnce(text); err != nil {
		return nil, err
	}
	text, parts := takeParts(text)
	m, err := iso8583.ParseJSON(text)
	if err != nil {
		return nil, err
	}
	for _, path := range slices.SortedFunc(maps.Keys(parts), comparePaths) {
		if err = setPart(d, m, path, parts[path]); err != nil {
			m.Wipe()
			return nil, err
		}
	}
	return m, nil
}

// parseFull is parseMessage for a message as it would be on the wire: with the dialect's own TPDU and header where the
// JSON has none, and with fixed fields filled up.
func parseFull(d *iso8583.Dialect, text []byte) (*iso8583.Message, error) {
	m, err := parseMessage(d, text)
	if err != nil {
		return nil, err
	}
	defer m.Wipe()
	packed, err := d.Pack(nil, m)
	if err != nil {
		return nil, err
	}
	defer clear(packed)
	full, _, err := d.Unpack(packed)
	return full, err
}

func setPart(d *iso8583.Dialect, m *iso8583.Message, path, value string) error {
	digits, isHex := strings.CutPrefix(value, "hex:")
	_, err := hex.DecodeString(digits)
	if isHex && err != nil || strings.Contains(value, "****") {
		return fmt.Errorf("%s: is masked, or not hex; hint: decode with --reveal to encode again", path)
	}
	return d.SetPart(m, path, value)
}

// takeParts gives the JSON without the fields whose names are paths, and these. What is not as it must be is left for
// the reader of the rest to complain of.
func takeParts(text []byte) (rest []byte, parts map[string]string) {
	var message, fields map[string]json.RawMessage
	if json.Unmarshal(text, &message) != nil || json.Unmarshal(message["fields"], &fields) != nil {
		return text, nil
	}
	parts = map[string]string{}
	for path, raw := range fields {
		var value string
		if strings.Contains(path, ".") && json.Unmarshal(raw, &value) == nil {
			parts[path] = value
			delete(fields, path)
		}
	}
	if len(parts) == 0 {
		return text, nil
	}
	var err error
	if message["fields"], err = json.Marshal(fields); err != nil {
		return text, nil
	}
	if rest, err = json.Marshal(message); err != nil {
		return text, nil
	}
	return rest, parts
}

// comparePaths orders paths by their numbers: 60.2 before 60.10. Tags come as their letters do.
func comparePaths(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	return slices.CompareFunc(as, bs, func(x, y string) int {
		n, errN := strconv.Atoi(x)
		m, errM := strconv.Atoi(y)
		if errN == nil && errM == nil && n != m {
			return n - m
		}
		return strings.Compare(x, y)
	})
}
