//go:build !linux

package main

import (
	"os"
	"testing"
)

// asNobody does something as a user who may not enter a folder.
func asNobody(t *testing.T, folder string, do func()) {
	t.Helper()
	if err := os.Chmod(folder, 0); err != nil {
		t.Fatal(err)
	}
	do()
	if err := os.Chmod(folder, 0o700); err != nil {
		t.Fatal(err)
	}
}
