//go:build steps

package step

import (
	"context"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// variable says where the process kills itself: "card ask,written:2" is the second "written" after the first "card ask".
const variable = "POSD_STEP"

// stage is one part of it.
type stage struct {
	name string
	left int
}

var (
	mu    sync.Mutex
	armed = parse(os.Getenv(variable)) // guarded by mu: what is still to be reached
)

func parse(text string) (stages []stage) {
	for part := range strings.SplitSeq(text, ",") {
		name, count, _ := strings.Cut(part, ":")
		n, err := strconv.Atoi(count)
		if err != nil {
			n = 1
		}
		if name != "" {
			stages = append(stages, stage{name, n})
		}
	}
	return stages
}

// At is where a step of that name is reached.
func At(name string) {
	mu.Lock()
	defer mu.Unlock()
	if len(armed) == 0 || armed[0].name != name {
		return
	}
	if armed[0].left--; armed[0].left > 0 {
		return
	}
	if armed = armed[1:]; len(armed) > 0 {
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // not one instruction further
}

// Tx notes the kinds of event of one transaction.
type Tx struct{ kinds []string }

// Append notes an event that was appended.
func Append(t *Tx, kind string) { t.kinds = append(t.kinds, kind) }

// Join adds the events of a part of a transaction that several share.
func Join(whole, part *Tx) { whole.kinds = append(whole.kinds, part.kinds...) }

// Before is reached when all is written, and nothing is durable.
func Before(t *Tx) { t.at("before ") }

// After is reached when the transaction is durable, and nobody has heard of it.
func After(t *Tx) { t.at("after ") }

func (t *Tx) at(side string) {
	for _, kind := range t.kinds {
		At(side + kind)
	}
}

// Dial opens a connection.
type Dial = func(ctx context.Context, network, address string) (net.Conn, error)

// Door is a door to the network whose connections have steps of their own: before the first byte of each write, after the
// last, and after a read.
func Door(d Dial) Dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := d(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return conn{c}, nil
	}
}

type conn struct{ net.Conn }

// Write writes between two steps.
func (c conn) Write(b []byte) (int, error) {
	At("write")
	n, err := c.Conn.Write(b)
	At("written")
	return n, err
}

// Read reads up to a step.
func (c conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		At("read")
	}
	return n, err
}
