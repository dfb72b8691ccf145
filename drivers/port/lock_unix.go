//go:build unix

package port

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// lockLine takes an advisory lock on the terminal itself, as getty, minicom and others do. It holds against other
// programs and against a second device of ours with the same path, through links too. Non-blocking, since opening a
// line without carrier would wait.
func lockLine(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, explainOpen(path, err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return func() { _ = f.Close() }, nil
	}
	_ = f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, held(path)
	}
	return nil, fmt.Errorf("lock: %w", err)
}
