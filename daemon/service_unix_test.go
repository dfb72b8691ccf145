//go:build !windows

package main

import (
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

func TestAFolderOfAnotherUserThatHoldsFilesIsNotTaken(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "somebody's"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := makeFolder(dir, "nobody"); err == nil || !strings.Contains(err.Error(), "chown -R nobody "+dir) {
		t.Errorf("got %v", err)
	}
	if got := ownerOf(t, dir); got != os.Geteuid() {
		t.Errorf("it is user %d's now", got)
	}
}

func TestFoldersThatAreMadeAreTheServiceUsers(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	name := me.Username
	if os.Geteuid() == 0 {
		name = "nobody"
	}
	top := t.TempDir()
	dir := filepath.Join(top, "shop", "posd")
	if err := makeFolder(dir, name); err != nil {
		t.Fatal(err)
	}
	uid, _, err := idsOf(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if got := ownerOf(t, d); got != uid {
			t.Errorf("%s is user %d's, want %d", d, got, uid)
		}
	}
	if got := ownerOf(t, top); got != os.Geteuid() {
		t.Errorf("%s is user %d's now", top, got)
	}
	if err := os.WriteFile(filepath.Join(dir, "journal.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := makeFolder(dir, name); err != nil {
		t.Errorf("once more: %v", err)
	}
}

func ownerOf(t *testing.T, dir string) int {
	t.Helper()
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	return owner(info)
}
