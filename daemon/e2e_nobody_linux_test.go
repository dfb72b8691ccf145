package main

import (
	"os"
	"runtime"
	"syscall"
	"testing"
)

// asNobody does something as a user who may not enter a folder. Root may enter every one, so it lays its rights down for
// this thread.
func asNobody(t *testing.T, folder string, do func()) {
	t.Helper()
	if err := os.Chmod(folder, 0); err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	root := os.Geteuid() == 0
	if root {
		_, _, _ = syscall.RawSyscall(syscall.SYS_SETFSUID, 65534, 0, 0)
	}
	do()
	if root {
		_, _, _ = syscall.RawSyscall(syscall.SYS_SETFSUID, 0, 0, 0)
	}
	if err := os.Chmod(folder, 0o700); err != nil {
		t.Fatal(err)
	}
}
