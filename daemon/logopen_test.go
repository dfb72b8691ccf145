package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestALogThatIsFollowedCanBeRotated(t *testing.T) {
	name := filepath.Join(t.TempDir(), "posd.log")
	if err := os.WriteFile(name, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := openLog(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Rename(name, name+".old"); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(f); string(text) != "{}\n" || err != nil {
		t.Errorf("read %q, %v from a renamed log", text, err)
	}
	if _, err := openLog(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a log that is not there: %v", err)
	}
}
