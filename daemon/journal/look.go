package journal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
)

// besideOnly are the settings of a store that writes to no file but its index of the log.
var besideOnly = []string{
	"PRAGMA query_only=ON",
	"PRAGMA trusted_schema=OFF",
	"PRAGMA cell_size_check=ON",
	"PRAGMA temp_store=MEMORY",
}

// lookFirst reads the file together with the log that a crash has left beside it, and changes neither. SQLite takes any log
// for the file's own and writes it into the file, at the latest when it closes: after a copy was put in the place of a file,
// the log of that one would destroy the copy. What is found wrong stays open to be read. A look that cannot be done is none.
// There is none on Windows, where SQLite would try for a second to write all the same before it closes.
func (j *Journal) lookFirst(ctx context.Context, tail int64) error {
	if j.opt.Memory || j.opt.ReadOnly || runtime.GOOS == "windows" || !hasLog(j.opt.Path) {
		return nil
	}
	s, err := openBeside(j.opt.Path)
	if err != nil {
		return nil //nolint:nilerr // who opens it to write will say
	}
	j.store = s
	var dam *DamagedError
	if err := j.looksWhole(ctx, tail); errors.As(err, &dam) {
		dam.Remedy = fmt.Sprintf("if the file was put back from a copy, stop posd and remove %[1]s-wal, %[1]s-shm and %[1]s.mark, "+
			"which are of the one before it; else %[2]s", j.opt.Path, dam.Remedy)
		return dam
	}
	s.close()
	j.store = nil
	return nil
}

// looksWhole checks what shows that file and log are of one journal.
func (j *Journal) looksWhole(ctx context.Context, tail int64) error {
	if err := j.checkFormat(); err != nil {
		return unfit(err)
	}
	return unfit(j.checkChain(ctx, tail))
}

// openToLook opens the file for who only looks, and leaves the log of a crash beside it, as lookFirst does, where that can be.
func openToLook(path string) (*store, error) {
	if runtime.GOOS == "windows" || !hasLog(path) {
		return openStore(path, looking)
	}
	s, err := openBeside(path)
	if err == nil {
		var objects int
		if err = s.queryRow("SELECT count(*) FROM sqlite_schema").Scan(&objects); err == nil || isCorrupt(err) {
			return s, nil
		}
		s.close()
	}
	return openStore(path, looking) // the folder takes no index of the log
}

// openBeside opens a file that has a log, and changes neither. SQLite would leave its index of the log: that goes when the
// store is closed, unless it was there before, since somebody else who looks may need it.
func openBeside(path string) (*store, error) {
	index := path + "-shm"
	_, err := os.Lstat(index)
	s, serr := openStoreAs("ro", path, besideOnly)
	if serr == nil && errors.Is(err, os.ErrNotExist) {
		s.index = index
	}
	return s, serr
}

// hasLog tells whether a file has a log that was not written back: the head of one that was is void.
func hasLog(path string) bool {
	f, err := os.Open(path + "-wal")
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	var head [logHead]byte
	n, _ := f.ReadAt(head[:], 0)
	return n == logHead && binary.BigEndian.Uint32(head[:]) != 0
}
