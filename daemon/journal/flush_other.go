//go:build !windows

package journal

import "os"

// trustFlush is for Windows: elsewhere SQLite notices a sync that failed.
func trustFlush() error { return nil }

// replaceFile gives a file the name of another. The name is durable when syncDir has been there.
func replaceFile(from, to string) error { return os.Rename(from, to) }
