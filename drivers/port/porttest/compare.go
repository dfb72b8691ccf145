package porttest

import (
	"os"
	"testing"
)

// NothingToCompare ends a test that compares with a program of others, because that is not here: it is skipped, or fails where
// $CI says that all must be here.
func NothingToCompare(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s, and $CI is set: make deps", why)
	}
	t.Skipf("%s: nothing to compare with (make deps)", why)
}
