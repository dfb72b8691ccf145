package iso8583

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
)

// shortKey is a key that is short enough to be shown: a longer one may be a card number in the wrong place.
var shortKey = regexp.MustCompile(`^[a-z0-9._]{1,11}$`)

// KeysOnce refuses a message in JSON that has a key twice, in itself or among its fields: which of the values counts would be
// anybody's guess. What is no JSON is left to ParseJSON.
func KeysOnce(text []byte) error {
	message, twice := keysOf(text, strings.ToLower)
	for _, name := range []string{"fields", "pad"} {
		if twice != "" {
			break
		}
		if _, twice = keysOf(message[name], strings.Clone); twice != "" {
			return faultAt(name, -1, "%s comes twice", shownKey(twice))
		}
	}
	if twice != "" {
		return faultAt("json", -1, "%s comes twice", shownKey(twice))
	}
	return nil
}

func shownKey(key string) string {
	if shortKey.MatchString(key) {
		return `"` + key + `"`
	}
	return "a key"
}

// keysOf gives the values of a JSON object by its keys, in one spelling, and the first key that comes twice.
func keysOf(object []byte, spelling func(string) string) (values map[string]json.RawMessage, twice string) {
	values = map[string]json.RawMessage{}
	d := json.NewDecoder(bytes.NewReader(object))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, ""
	}
	for d.More() {
		token, err := d.Token()
		word, ok := token.(string)
		if err != nil || !ok {
			return values, ""
		}
		key := spelling(word)
		if _, known := values[key]; known {
			return values, key
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return values, ""
		}
		values[key] = value
	}
	return values, ""
}
