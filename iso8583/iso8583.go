// Package iso8583 turns messages into bytes and back; it does no I/O and knows no acquirer.
//
// What an acquirer wants is a Dialect, and a dialect is data: frame, header, field table, MAC rule, match key,
// transaction and reversal templates, how a batch is closed, and what the answer codes mean. Presets are embedded; any
// other dialect is a TOML file of the same shape, or one that says in what it differs from a preset.
//
// Field numbers and names follow ISO 8583:1987. The unionpay preset follows public descriptions of the UnionPay
// direct-connect POS specification, checked against public sample messages (testdata).
package iso8583

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed dialects/*.toml
var presets embed.FS

// Presets names the embedded dialects.
func Presets() []string {
	files, err := fs.Glob(presets, "dialects/*.toml")
	if err != nil {
		return nil
	}
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = strings.TrimSuffix(path.Base(f), ".toml")
	}
	return names
}

// Preset loads an embedded dialect.
func Preset(name string) (*Dialect, error) {
	text, err := presetText(name)
	if err != nil {
		return nil, err
	}
	return Load(presetFile(name), text)
}

func presetFile(name string) string { return "dialects/" + name + ".toml" }

func presetText(name string) ([]byte, error) {
	text, err := presets.ReadFile(presetFile(name))
	if err != nil {
		return nil, fmt.Errorf("no dialect preset %q; there are: %s", name, strings.Join(Presets(), ", "))
	}
	return text, nil
}
