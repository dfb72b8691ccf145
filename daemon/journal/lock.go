package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/gofrs/flock"
)

// lock keeps a second process away from the journal, and tells it who is there. SQLite's own lock would do the
// first. Beside the locked file is one that people and the next start read, since Windows lets nobody read a locked
// one: owner, process, and the journal that belongs here. Both stay when the journal is closed.
type lock struct {
	flock *flock.Flock
	path  string // of the file that is read
	owner string
	known string // id of the journal that was here before; "" if there was none
}

// takeLock locks the path + ".lock" or says who has it. Who only looks leaves no file behind, since it may be another
// user's than the journal's: a copy that was never opened has no lock, and the name of the last owner stays.
func takeLock(opt Options) (*lock, error) {
	name, owner := opt.Path+".lock", opt.Owner
	if owner == "" {
		owner = filepath.Base(os.Args[0])
	}
	l := &lock{path: opt.Path + ".owner", owner: owner}
	flag := os.O_CREATE | os.O_RDWR
	if opt.ReadOnly {
		flag = os.O_RDWR
	}
	ok, err := l.try(name, flag)
	if errors.Is(err, syscall.EROFS) { // the disk may be mounted for writing again while we run
		ok, err = l.try(name, os.O_RDONLY)
	}
	if opt.ReadOnly && errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	holder, pid, id := readOwner(l.path)
	if !ok {
		return nil, &LockedError{Owner: holder, PID: pid}
	}
	l.known = id
	return l, nil
}

// try takes the lock if nobody has it.
func (l *lock) try(name string, flag int) (bool, error) {
	l.flock = flock.New(name, flock.SetFlag(flag), flock.SetPermissions(0o600))
	return l.flock.TryLock()
}

// readOwner reads owner, process and journal id; what it cannot read is empty.
func readOwner(path string) (owner string, pid int, id string) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", 0, ""
	}
	lines := append(strings.Split(string(text), "\n"), "", "", "")
	pid, _ = strconv.Atoi(lines[1])
	return lines[0], pid, lines[2]
}

// write says who we are and which journal this is.
func (l *lock) write(id string) error {
	text := fmt.Sprintf("%s\n%d\n%s\n", l.owner, os.Getpid(), id)
	fresh := l.path + ".new"
	f, err := os.OpenFile(fresh, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", fresh, err)
	}
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync() // else the new name may stand for nothing
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = replaceFile(fresh, l.path)
	}
	if err == nil && id != l.known {
		err = syncDir(filepath.Dir(l.path))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", l.path, err)
	}
	l.known = id
	return nil
}

// release gives the lock up. It may be called on nil.
func (l *lock) release() {
	if l != nil {
		_ = l.flock.Close()
	}
}
