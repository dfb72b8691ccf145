//go:build proof && linux

package proof

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// fileOpKind is what an operation does to a file or a folder.
type fileOpKind int

const (
	opWrite fileOpKind = iota
	opTruncate
	opCreate // a file
	opFolder
	opRemove
	opRename
	opSync
)

// fileOp is one operation on what is recorded. Paths are relative to the record's folder.
type fileOp struct {
	begin, end int
	kind       fileOpKind
	path, to   string // to: of a rename
	off        int64  // of a write
	size       int64  // of a truncation
	data       []byte
}

// sentBytes is something that left the process over a connection.
type sentBytes struct {
	place int // the call's begin: from there on it may have been heard
	conn  string
	data  []byte
}

// record is what one or more runs of a program did to a folder, and what it told others meanwhile.
type record struct {
	root  string
	below string // the part of the folder that counts: the rest is other people's
	ops   []fileOp
	sent  []sentBytes
	end   int // the first place behind it

	before image // what was in the folder when it began; all of it durable

	open  map[int]int64   // descriptor to its place in the file, for plain writes
	exist map[string]bool // paths that are there, by what was done so far
	sizes map[string]int64
}

func newRecord(root, below string, before image) *record {
	r := &record{root: root, below: below, before: before, exist: map[string]bool{".": true}, sizes: map[string]int64{}}
	for _, f := range before.folders {
		r.exist[f] = true
	}
	for name, data := range before.files {
		r.exist[name], r.sizes[name] = true, int64(len(data))
	}
	return r
}

// add appends a run that strace has written down.
func (r *record) add(file string) error {
	calls, err := readStrace(file)
	if err != nil {
		return err
	}
	base := r.end
	r.open = map[int]int64{}
	slices.SortStableFunc(calls, func(a, b sysCall) int { return a.begin - b.begin })
	for _, c := range calls {
		r.end = max(r.end, base+c.begin+1)
		if c.end != forever {
			r.end = max(r.end, base+c.end+1)
			c.end += base
		}
		c.begin += base
		if err := r.call(c); err != nil {
			return fmt.Errorf("%s, line %d: %w", file, c.begin-base+1, err)
		}
	}
	r.end++ // between two runs
	return nil
}

// call takes one call into the record.
func (r *record) call(c sysCall) error {
	if c.ret < 0 {
		return nil // it failed and changed nothing
	}
	switch c.name {
	case "open", "openat", "creat":
		return r.opened(c)
	case "write", "pwrite64", "sendto":
		return r.wrote(c)
	case "fsync", "fdatasync":
		return r.onFile(c, fileOp{kind: opSync})
	case "ftruncate":
		return r.onFile(c, fileOp{kind: opTruncate, size: number(c.args[1])})
	case "mkdir", "mkdirat":
		return r.named(c, opFolder, c.args[len(c.args)-2])
	case "unlink":
		return r.named(c, opRemove, c.args[0])
	case "unlinkat":
		return r.named(c, opRemove, c.args[1])
	case "rename":
		return r.named(c, opRename, c.args[0], c.args[1])
	case "renameat", "renameat2":
		return r.named(c, opRename, c.args[1], c.args[3])
	default:
		return r.unknown(c)
	}
}

// unknown refuses what the model does not know, where it touches the recorded folder or a connection.
func (r *record) unknown(c sysCall) error {
	for _, arg := range append(slices.Clone(c.args), c.result) {
		path, quoted := quotedBytes(arg)
		_, name := descriptor(arg)
		if quoted {
			name = string(path)
		}
		if _, ours := r.path(name); ours || isConn(name) {
			return fmt.Errorf("%s of %s: the model of a disk does not know it", c.name, name)
		}
	}
	return nil
}

// isConn tells whether somebody else hears what is written: over a network, or on a line such as a printer's.
func isConn(name string) bool {
	return strings.HasPrefix(name, "TCP") || strings.HasPrefix(name, "UDP") || strings.HasPrefix(name, "/dev/pts/")
}

// path is a name relative to the record's folder; ours is false for what does not count.
func (r *record) path(name string) (rel string, ours bool) {
	rel, err := filepath.Rel(r.root, name)
	if err != nil || !filepath.IsAbs(name) {
		return "", false
	}
	return rel, rel == "." || rel == r.below || strings.HasPrefix(rel, r.below+"/")
}

func (r *record) note(c sysCall, op fileOp) {
	op.begin, op.end = c.begin, c.end
	switch op.kind {
	case opCreate, opFolder:
		r.exist[op.path], r.sizes[op.path] = true, 0
	case opRemove:
		delete(r.exist, op.path)
	case opRename:
		delete(r.exist, op.path)
		r.exist[op.to], r.sizes[op.to] = true, r.sizes[op.path]
	case opWrite:
		r.sizes[op.path] = max(r.sizes[op.path], op.off+int64(len(op.data)))
	case opTruncate:
		r.sizes[op.path] = op.size
	case opSync:
	}
	r.ops = append(r.ops, op)
}

func (r *record) opened(c sysCall) error {
	fd, name := descriptor(c.result)
	delete(r.open, fd)
	path, ours := r.path(name)
	if !ours {
		return nil
	}
	flags := strings.Join(c.args, " ")
	switch {
	case !r.exist[path] && strings.Contains(flags, "O_CREAT"):
		r.note(c, fileOp{kind: opCreate, path: path})
	case !r.exist[path]:
		return fmt.Errorf("%s was there before the record", path)
	case strings.Contains(flags, "O_TRUNC") && r.sizes[path] > 0:
		r.note(c, fileOp{kind: opTruncate, path: path})
	}
	for _, other := range []string{"O_SYNC", "O_DSYNC", "O_DIRECT|", "O_APPEND", "O_TMPFILE"} {
		if strings.Contains(flags, other) {
			return fmt.Errorf("%s is opened with %s: the model of a disk does not know it", path, other)
		}
	}
	r.open[fd] = 0
	return nil
}

func (r *record) wrote(c sysCall) error {
	fd, name := descriptor(c.args[0])
	path, ours := r.path(name)
	if !ours && !isConn(name) {
		return nil
	}
	data, whole := quotedBytes(c.args[1])
	if !whole {
		return fmt.Errorf("%s to %s: its bytes are cut off", c.name, name)
	}
	if c.end != forever {
		data = data[:c.ret]
	}
	if !ours {
		r.sent = append(r.sent, sentBytes{c.begin, name, data})
		return nil
	}
	op := fileOp{kind: opWrite, path: path, data: data, off: r.open[fd]}
	if c.name == "pwrite64" {
		op.off = number(c.args[3])
	} else {
		r.open[fd] += int64(len(data))
	}
	r.note(c, op)
	return nil
}

// onFile is an operation on an open file or folder.
func (r *record) onFile(c sysCall, op fileOp) error {
	_, name := descriptor(c.args[0])
	path, ours := r.path(name)
	if ours {
		op.path = path
		r.note(c, op)
	}
	return nil
}

// named is an operation on one or two names.
func (r *record) named(c sysCall, kind fileOpKind, args ...string) error {
	op := fileOp{kind: kind}
	for i, into := range []*string{&op.path, &op.to}[:len(args)] {
		name, quoted := quotedBytes(args[i])
		if !quoted || !filepath.IsAbs(string(name)) {
			return fmt.Errorf("%s of %.80s: not an absolute path", c.name, args[i])
		}
		path, ours := r.path(string(name))
		if !ours {
			return nil
		}
		*into = path
	}
	r.note(c, op)
	return nil
}
