// Package plugtest has machines with things plugged in, for tests: file systems as Linux shows them.
package plugtest

import (
	_ "embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing/fstest"
)

// Counter is a shop's counter: a printer, a scanner in each mode, a card reader that types, and an adapter, partly behind a
// hub. It was written after the kernel's documentation and drivers, not copied from a machine.
//
//go:embed counter.sysfs
var Counter string

// Tree reads a file system written as text, a line for a file: "path = content", where | is a line break, "path = hex:0105"
// for bytes, "path -> target" for a link. A line "[path]" is put before the paths of the lines that follow; # is a comment.
func Tree(text string) (fstest.MapFS, error) {
	tree, dir, n := fstest.MapFS{}, "", 0
	for l := range strings.Lines(text) {
		n++
		l = strings.TrimSpace(l)
		switch {
		case l == "", strings.HasPrefix(l, "#"):
			continue
		case strings.HasPrefix(l, "[") && strings.HasSuffix(l, "]"):
			dir = l[1 : len(l)-1]
			continue
		}
		if name, target, ok := strings.Cut(l, " -> "); ok {
			tree[path.Join(dir, name)] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
			continue
		}
		name, value, ok := strings.Cut(l, " = ")
		if !ok {
			return nil, fmt.Errorf("line %d: want path = content or path -> target: %q", n, l)
		}
		data := []byte(strings.ReplaceAll(value, "|", "\n") + "\n")
		if digits, ok := strings.CutPrefix(value, "hex:"); ok {
			var err error
			if data, err = hex.DecodeString(digits); err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
		}
		tree[path.Join(dir, name)] = &fstest.MapFile{Data: data, Mode: 0o444}
	}
	return tree, nil
}
