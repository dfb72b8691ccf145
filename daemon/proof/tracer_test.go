//go:build proof && linux

package proof

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// fault is one system call that is made to fail, of all that the program makes of that kind over all its threads.
type fault struct {
	Kind    string // as classes and places name it: "write journal", "connect host"
	Nth     int    // from 1
	How     string // an errno by name, or "short": half of the bytes
	Lasting bool   // and every later one of that kind
}

func (f fault) String() string {
	more := ""
	if f.Lasting {
		more = " and all after it"
	}
	return fmt.Sprintf("%s %d%s: %s", f.Kind, f.Nth, more, f.How)
}

// short is the fault that is no errno.
const short = "short"

// errnos are the faults by name.
var errnos = map[string]syscall.Errno{
	"EIO": unix.EIO, "ENOSPC": unix.ENOSPC, "EMFILE": unix.EMFILE, "ECONNRESET": unix.ECONNRESET, "ECONNREFUSED": unix.ECONNREFUSED,
	"EROFS": unix.EROFS,
}

// order is what a tracer is told: to forget what it has counted and to make these fail from here on; or only to report.
type order struct {
	Arm    bool
	Faults []fault
}

// count is what a tracer has seen since it was last armed.
type count struct {
	Calls map[string]int // by kind
	Hits  []fault        // those that it has played, in order; one that lasts as often as it was
}

// setup is what a tracer is started with.
type setup struct {
	Socket string            // where it takes orders
	Places map[string]string // what paths below a folder, and addresses, are called
	Faults []fault           // armed from the program's first instruction
	Argv   []string          // the program
}

// The first argument that makes the test program a tracer, or what the tracer starts: a program that wants to be traced.
const (
	asTracer = "posd-proof-tracer"
	asTracee = "posd-proof-tracee"
)

func init() {
	if len(os.Args) < 3 {
		return
	}
	switch os.Args[1] {
	case asTracer:
		os.Exit(beTracer(os.Args[2], os.Args[3:]))
	case asTracee:
		fmt.Fprintln(os.Stderr, "tracee:", beTracee(os.Args[2:]))
		os.Exit(127)
	}
}

// traced gives the command before a program that makes it run under a tracer.
func (u setup) traced() ([]string, error) {
	text, err := json.Marshal(u)
	return []string{os.Args[0], asTracer, string(text)}, err
}

// tracer runs one program and makes its system calls fail. Its loop owns it, but for what mu guards.
type tracer struct {
	places map[string]string
	root   int // the program's first process
	pidfd  int
	execs  int

	mu     sync.Mutex
	faults []fault // guarded by mu
	seen   count   // guarded by mu
}

// beTracer runs a program to its end, and gives its exit code.
func beTracer(text string, argv []string) int {
	var u setup
	if err := json.Unmarshal([]byte(text), &u); err != nil {
		fmt.Fprintln(os.Stderr, "tracer:", err)
		return 127
	}
	told := make(chan os.Signal, 8) // the program is told the same, and this one ends with it
	signal.Notify(told, unix.SIGTERM, unix.SIGINT)
	t := &tracer{places: u.Places, faults: u.Faults, seen: count{Calls: map[string]int{}}}
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", u.Socket)
	if err == nil {
		go t.obey(ln)
		err = t.begin(append(u.Argv, argv...))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tracer:", err)
		return 127
	}
	code := t.watch()
	if text, err := json.Marshal(t.follow(order{})); err == nil { // nobody can ask any more
		_ = os.WriteFile(u.Socket+lastWords, text, 0o600)
	}
	return code
}

// lastWords is what a tracer's count is called that it leaves beside its socket when its program has ended.
const lastWords = ".ended"

// obey takes orders, one a line and connection, until the process ends.
func (t *tracer) obey(ln net.Listener) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		var o order
		if json.NewDecoder(bufio.NewReader(c)).Decode(&o) == nil {
			_ = json.NewEncoder(c).Encode(t.follow(o))
		}
		_ = c.Close()
	}
}

// follow carries an order out, and gives what was counted before.
func (t *tracer) follow(o order) count {
	t.mu.Lock()
	defer t.mu.Unlock()
	seen := count{Calls: maps.Clone(t.seen.Calls), Hits: slices.Clone(t.seen.Hits)}
	if o.Arm {
		t.faults, t.seen = o.Faults, count{Calls: map[string]int{}}
	}
	return seen
}

// tell gives an order to the tracer at a socket.
func tell(ctx context.Context, socket string, o order) (seen count, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return seen, err
	}
	defer c.Close()
	if err := json.NewEncoder(c).Encode(o); err != nil {
		return seen, err
	}
	return seen, json.NewDecoder(c).Decode(&seen)
}

// choose counts a call, and gives the fault that it is to have, if any.
func (t *tracer) choose(kind string) (f fault, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen.Calls[kind]++
	n := t.seen.Calls[kind]
	for _, f := range t.faults {
		if f.Kind == kind && (n == f.Nth || f.Lasting && n > f.Nth) {
			return f, true
		}
	}
	return fault{}, false
}

// note remembers a fault that was played.
func (t *tracer) note(f fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen.Hits = append(t.seen.Hits, f)
}

// restart begins to count anew: the program itself begins here.
func (t *tracer) restart() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen = count{Calls: map[string]int{}}
}
