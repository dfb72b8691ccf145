//go:build proof && linux

package proof

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// traced are the calls that strace writes down: all that change files, and all that send. What is not modelled is
// there to be noticed.
const traced = "open,openat,creat,write,writev,pwrite64,pwritev,pwritev2,fsync,fdatasync,sync,syncfs,sync_file_range," +
	"ftruncate,truncate,fallocate,unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat,rmdir,link,linkat,symlink,symlinkat," +
	"mmap,sendto,sendmsg,sendmmsg,sendfile,splice,copy_file_range,lseek,dup,dup2,dup3,io_uring_setup"

// straceArgs make strace tell who did what to which file or connection, with every byte, in the order in which it
// happened.
func straceArgs(out string) []string {
	return []string{"-f", "-yy", "-xx", "-s", "1048576", "--seccomp-bpf", "-o", out, "-e", "trace=" + traced}
}

// forever is the place of what a record does not see the end of.
const forever = 1 << 40

// sysCall is one system call. It begins and ends at a place in the record: a line of strace's, which stops the
// thread at both ends, so that what one thread learns from another's call stands behind that call's end.
type sysCall struct {
	begin, end int
	name       string
	args       []string
	ret        int    // a count, a descriptor, or -1
	result     string // as strace shows it
}

const unfinished = " <unfinished ...>"

// readStrace reads what strace wrote.
func readStrace(file string) ([]sysCall, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := straceReader{waiting: map[string]int{}}
	for n, line := range strings.Split(strings.TrimRight(string(text), "\n"), "\n") {
		if err := r.line(n, line); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", file, n+1, err)
		}
	}
	return r.calls, nil
}

// straceReader puts the two halves of calls together that other threads came between.
type straceReader struct {
	calls   []sysCall
	heads   []string       // of the calls: what stood before the break
	waiting map[string]int // thread to its unfinished call
}

func (r *straceReader) line(n int, line string) error {
	thread, rest, ok := strings.Cut(line, " ")
	if !ok {
		return fmt.Errorf("no thread: %.80q", line)
	}
	rest = strings.TrimLeft(rest, " ")
	if strings.HasPrefix(rest, "---") || strings.HasPrefix(rest, "+++") {
		return nil
	}
	if tail, goesOn := strings.CutPrefix(rest, "<... "); goesOn {
		name, tail, _ := strings.Cut(tail, " resumed>")
		i, ok := r.waiting[thread]
		if !ok || r.calls[i].name != name {
			return fmt.Errorf("%s goes on and never began", name)
		}
		delete(r.waiting, thread)
		return r.finish(i, n, r.heads[i]+tail)
	}
	name, args, ok := strings.Cut(rest, "(")
	if !ok {
		return fmt.Errorf("no call: %.80q", rest)
	}
	i := len(r.calls)
	r.calls = append(r.calls, sysCall{begin: n, end: forever, name: name})
	r.heads = append(r.heads, "")
	if head, broken := strings.CutSuffix(args, unfinished); broken {
		r.heads[i], r.waiting[thread] = head, i
		r.calls[i].args = splitArgs(head)
		return nil
	}
	return r.finish(i, n, args)
}

func (r *straceReader) finish(i, n int, text string) error {
	at := strings.LastIndex(text, " = ")
	if at < 0 {
		return fmt.Errorf("%s has no result: %.80q", r.calls[i].name, text)
	}
	args, closed := strings.CutSuffix(strings.TrimRight(text[:at], " "), ")")
	result := text[at+len(" = "):]
	if !closed {
		return fmt.Errorf("%s has no end: %.80q", r.calls[i].name, text)
	}
	c := &r.calls[i]
	c.args = splitArgs(args)
	if strings.HasPrefix(result, "?") { // the process ended in it
		return nil
	}
	value, _, _ := strings.Cut(result, " ")
	c.end, c.result = n, result
	c.ret, _ = descriptor(value)
	return nil
}

// splitArgs splits at the commas that are in nothing else.
func splitArgs(text string) []string {
	var args []string
	depth, quoted, from := 0, false, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case quoted, c == '>' && i > 0 && text[i-1] == '-': // the arrow between two ends of a connection
		case strings.IndexByte("<([{", c) >= 0:
			depth++
		case strings.IndexByte(">)]}", c) >= 0:
			depth--
		case c == ',' && depth == 0:
			args = append(args, strings.TrimSpace(text[from:i]))
			from = i + 1
		}
	}
	return append(args, strings.TrimSpace(text[from:]))
}

// descriptor splits 5</some/path> or 5<TCP:[a->b]>. A file that has no name any more has none here.
func descriptor(arg string) (fd int, name string) {
	number, rest, _ := strings.Cut(arg, "<")
	fd, err := strconv.Atoi(number)
	if err != nil {
		fd = -1
	}
	i := strings.LastIndexByte(rest, '>')
	if i < 0 || strings.HasSuffix(rest, "(deleted)") {
		return fd, ""
	}
	if strings.HasPrefix(rest, `\x`) {
		return fd, string(unhex(rest[:strings.IndexAny(rest, "<>")])) // a device has its numbers behind it
	}
	return fd, rest[:i]
}

// quotedBytes are the bytes of a quoted argument; ok is false when strace has cut them off.
func quotedBytes(arg string) (b []byte, ok bool) {
	text, ok := strings.CutPrefix(arg, `"`)
	text, closed := strings.CutSuffix(text, `"`)
	return unhex(text), ok && closed
}

func unhex(text string) []byte {
	out := make([]byte, 0, len(text)/4)
	for i := 0; i+4 <= len(text); i += 4 {
		out = append(out, hexDigit(text[i+2])<<4|hexDigit(text[i+3]))
	}
	return out
}

func hexDigit(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}

// number is an argument that is one; hexadecimal, too.
func number(arg string) int64 {
	n, err := strconv.ParseInt(arg, 0, 64)
	if err != nil {
		return -1
	}
	return n
}
