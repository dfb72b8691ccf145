//go:build proof && linux

package proof

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// The journal's settings, and those of the control: a rollback journal with synchronous=FULL, which loses commits that
// it has acknowledged, since the removal of that journal is not durable when the commit returns.
const (
	goodSettings = "\t\"PRAGMA locking_mode=EXCLUSIVE\",\n\t\"PRAGMA journal_mode=WAL\",\n\t\"PRAGMA synchronous=EXTRA\",\n"
	badSettings  = "\t\"PRAGMA locking_mode=NORMAL\",\n\t\"PRAGMA journal_mode=DELETE\",\n\t\"PRAGMA synchronous=FULL\",\n"
)

// badPosd builds a posd that differs from the one that ships in these settings and in nothing else.
func badPosd(ctx context.Context, dir string) (string, error) {
	file, err := filepath.Abs(filepath.Join(root, "daemon/journal/store.go"))
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	if strings.Count(string(text), goodSettings) != 1 {
		return "", errors.New("the journal's settings are not where the control changes them")
	}
	worse, overlay := filepath.Join(dir, "store.go"), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(worse, []byte(strings.Replace(string(text), goodSettings, badSettings, 1)), 0o600); err != nil {
		return "", err
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {file: worse}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(overlay, replace, 0o600); err != nil {
		return "", err
	}
	return shipped(ctx, "-overlay", overlay)
}
