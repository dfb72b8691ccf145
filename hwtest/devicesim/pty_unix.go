//go:build unix

package devicesim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// Cable is a device's terminal: a PTY that a link with a stable name points to, as udev's by-id links do.
type Cable struct {
	device Device
	link   string

	mu     sync.Mutex
	master *os.File // guarded by mu; nil while unplugged
	slave  *os.File // guarded by mu; held open, else the first close by a program would hang up the master
	stop   context.CancelFunc
	ended  chan struct{}
}

// PlugIn connects d to a new PTY and makes link point to it.
func PlugIn(d Device, link string) (*Cable, error) {
	c := &Cable{device: d, link: link}
	return c, c.Replug()
}

// Replug connects the device again after Unplug, to another PTY under the same link.
func (c *Cable) Replug() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.master != nil {
		return errors.New("plugged in already")
	}
	master, slave, err := openPTY()
	if err != nil {
		return err
	}
	if err := relink(slave.Name(), c.link); err != nil {
		return errors.Join(err, slave.Close(), master.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	c.master, c.slave, c.stop, c.ended = master, slave, stop, make(chan struct{})
	go func(ended chan struct{}) {
		defer close(ended)
		_ = c.device.Serve(ctx, master)
	}(c.ended)
	return nil
}

// Unplug pulls the cable: the link vanishes and whoever has the terminal open is hung up.
func (c *Cable) Unplug() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.master == nil {
		return nil
	}
	err := os.Remove(c.link)
	c.stop()
	err = errors.Join(err, c.slave.Close())
	_ = c.master.Close() // mostly closed already, by the device
	<-c.ended
	c.master, c.slave = nil, nil
	return err
}

// Close unplugs the device for good.
func (c *Cable) Close() error { return c.Unplug() }

// openPTY gives a PTY in raw mode. The master is opened anew so that closing it ends a Read: creack/pty v1.1.24 leaves
// it in blocking mode, where a Read holds the file open.
func openPTY() (master, slave *os.File, err error) {
	m, slave, err := pty.Open()
	if err != nil {
		return nil, nil, fmt.Errorf("open a pty: %w", err)
	}
	defer m.Close()
	if _, err := term.MakeRaw(int(slave.Fd())); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("raw mode: %w", err), slave.Close())
	}
	fd, err := syscall.Dup(int(m.Fd()))
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("dup: %w", err), slave.Close())
	}
	syscall.CloseOnExec(fd)
	if err := syscall.SetNonblock(fd, true); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("non-blocking: %w", err), syscall.Close(fd), slave.Close())
	}
	return os.NewFile(uintptr(fd), m.Name()), slave, nil
}

// relink points link to target in one step, over a link of ours that was left there. Anything else at that path is
// somebody's, and stays.
func relink(target, link string) error {
	next := link + ".new"
	for _, path := range []string{link, next} {
		if err := ours(path); err != nil {
			return err
		}
	}
	_ = os.Remove(next) // left by a crash
	if err := os.Symlink(target, next); err != nil {
		return fmt.Errorf("link: %w", err)
	}
	return os.Rename(next, link)
}

// ours is nil if nothing is at path, or a link to a terminal.
func ours(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("link: %w", err)
	}
	if info.Mode()&os.ModeSymlink != 0 {
		if to, err := os.Readlink(path); err == nil && strings.HasPrefix(to, "/dev/pts/") {
			return nil
		}
	}
	return fmt.Errorf("link: %s is there already and is no link to a terminal; choose a path where nothing is", path)
}
