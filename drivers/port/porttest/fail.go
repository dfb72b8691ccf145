package porttest

import (
	"bufio"
	"context"
	"sync"

	"posd/drivers/port"
)

// FailAt gives a port whose n-th operation (Next and Write, counted together from 1) and all later ones fail with err.
// With it a test makes every operation fail in turn.
func FailAt(c port.Conn, n int, err error) *Failing { return &Failing{Conn: c, left: n, err: err} }

// Failing is a port that fails.
type Failing struct {
	port.Conn
	err  error
	mu   sync.Mutex
	left int // guarded by mu: operations until the first failure
}

// Failed tells whether the failure has come: a test ends its loop over n when it has not.
func (f *Failing) Failed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.left <= 0
}

func (f *Failing) fails() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left--
	return f.left <= 0
}

// Next fails when its turn has come.
func (f *Failing) Next(ctx context.Context, split bufio.SplitFunc) ([]byte, error) {
	if f.fails() {
		return nil, f.err
	}
	return f.Conn.Next(ctx, split)
}

// Write fails when its turn has come; then nothing was written.
func (f *Failing) Write(ctx context.Context, b []byte) error {
	if f.fails() {
		return f.err
	}
	return f.Conn.Write(ctx, b)
}
