package journal_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"posd/daemon/journal"
)

func TestMakeFolderMakesWhatIsMissingForItsOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b", "c")
	for _, when := range []string{"nothing is there", "all is there"} {
		if err := journal.MakeFolder(dir); err != nil {
			t.Fatalf("when %s: %v", when, err)
		}
	}
	for at := dir; filepath.Base(at) != "a"; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode != 0o700 {
			t.Errorf("%s has mode %o", at, mode)
		}
	}
}

func TestMakeFolderRefusesAFileInItsWay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := journal.MakeFolder(filepath.Join(file, "b")); err == nil {
		t.Error("a folder below a file was made")
	}
}
