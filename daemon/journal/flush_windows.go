package journal

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"unsafe" //nolint:depguard // SQLite, translated from C, takes a function as a number

	"golang.org/x/sys/windows"
	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// flushFile makes a file durable. A test lets it fail.
var flushFile = windows.FlushFileBuffers

// flush is flushFile as SQLite calls it, and says 0 where it failed, as Windows does. It is a variable because SQLite keeps
// where it stands.
var flush = func(_ *libc.TLS, file uintptr) int32 {
	if flushFile(windows.Handle(file)) != nil {
		return 0
	}
	return 1
}

// trustFlush has SQLite notice a sync that failed: modernc.org/libc (v1.79.0, XFlushFileBuffers) says -1 then, which SQLite
// (winSync) takes for success, since only 0 is a failure to it. It must come before the first file is opened. The way is
// SQLite's own (sqlite.org/c3ref/vfs.html, xSetSystemCall).
var trustFlush = sync.OnceValue(func() error {
	tls := libc.NewTLS()
	defer tls.Close()
	name, err := libc.CString("FlushFileBuffers")
	if err != nil {
		return err
	}
	defer libc.Xfree(tls, name)
	vfs := sqlite3.Xsqlite3_vfs_find(tls, 0)
	if vfs == 0 {
		return errors.New("sqlite knows no files")
	}
	// SQLite, translated from C, keeps pointers and function values as numbers.
	set := (*(**sqlite3.Tsqlite3_vfs)(unsafe.Pointer(&vfs))).FxSetSystemCall
	call := *(*func(*libc.TLS, uintptr, uintptr, uintptr) int32)(unsafe.Pointer(&set))
	if code := call(tls, vfs, name, *(*uintptr)(unsafe.Pointer(&flush))); code != sqlite3.SQLITE_OK {
		return fmt.Errorf("sqlite takes no other FlushFileBuffers: code %d", code)
	}
	return nil
})

// replaceFile gives a file the name of another, and makes the name durable: there is no syncDir on Windows.
func replaceFile(from, to string) error {
	old, err := windows.UTF16PtrFromString(from)
	if err != nil {
		return err
	}
	name, err := windows.UTF16PtrFromString(to)
	if err != nil {
		return err
	}
	if err := windows.MoveFileEx(old, name, windows.MOVEFILE_REPLACE_EXISTING|windows.MOVEFILE_WRITE_THROUGH); err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}
