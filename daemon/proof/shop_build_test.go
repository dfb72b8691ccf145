//go:build proof && linux

package proof

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// root is the module's folder, seen from this package's.
const root = "../.."

func TestMain(m *testing.M) {
	code := m.Run()
	if builds.dir != "" {
		_ = os.RemoveAll(builds.dir)
	}
	os.Exit(code)
}

// builds are the binaries that this run has built.
var builds workshop

// workshop builds each binary once.
type workshop struct {
	mu   sync.Mutex
	dir  string            // guarded by mu; empty until something is built
	made map[string]string // guarded by mu; by package and flags
}

// build gives the binary of a package of the house, built with these flags of go build.
func (w *workshop) build(ctx context.Context, pkg string, flags ...string) (path string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dir == "" {
		if w.dir, err = os.MkdirTemp("", "posd-proof-"); err != nil {
			return "", err
		}
		w.made = map[string]string{}
	}
	key := strings.Join(append([]string{pkg}, flags...), " ")
	if path, ok := w.made[key]; ok {
		return path, nil
	}
	path = filepath.Join(w.dir, fmt.Sprintf("%s-%d", filepath.Base(pkg), len(w.made)))
	args := append([]string{"build", "-o", path}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, pkg)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(cmd.Args[1:], " "), err, out)
	}
	w.made[key] = path
	return path, nil
}

// shipped is the posd that shops run; with flags it is built another way, such as "-tags", "steps".
func shipped(ctx context.Context, flags ...string) (string, error) {
	return builds.build(ctx, "./daemon", flags...)
}

// bench is hwtest, which brings the simulators along.
func bench(ctx context.Context) (string, error) { return builds.build(ctx, "./hwtest") }
