//go:build !linux

package journal_test

import "os"

func syncData(f *os.File) error { return f.Sync() }
