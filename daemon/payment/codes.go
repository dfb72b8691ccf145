package payment

import (
	"sync"
	"time"
)

// maxCodes bounds the index of wallet codes.
const maxCodes = 4096

// codeIndex remembers which attempt a wallet code was used for (rule 8). It holds keyed hashes, never codes, and its
// key is in memory only: after a restart the codes of before have long expired.
type codeIndex struct {
	key  []byte
	keep time.Duration
	name func(client, sale string) string // gives the short id of a sale

	mu    sync.Mutex
	used  map[[32]byte]codeUse // guarded by mu
	order []codeUse            // guarded by mu; oldest first, with those that were given back
}

type codeUse struct {
	sum [32]byte
	by  Key
	at  time.Time // monotonic
}

// claim takes a code for an attempt. A code that was used for another attempt is refused, with what the till may know of that.
// release gives it back, when nothing was sent after all.
func (c *codeIndex) claim(in Input, k Key) (release func(), err error) {
	none := func() {}
	if in == nil {
		return none, nil
	}
	sum, ok := in.Hash(c.key)
	if !ok {
		return none, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget()
	if use, taken := c.used[sum]; taken && use.by != k {
		return none, c.inUse(use.by, k.Client)
	}
	use := codeUse{sum: sum, by: k, at: time.Now()}
	c.used[sum] = use
	c.order = append(c.order, use)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.used, sum)
	}, nil
}

// inUse refuses a client's attempt with a code that was used for another one.
func (c *codeIndex) inUse(by Key, client string) *Problem {
	p := &Problem{
		Code: "code_in_use", Status: 409, Detail: "this wallet code was just used for " + by.String(),
		Remedy: "look at that attempt's result; for another payment the customer shows a new code",
	}
	if by.Client != client {
		p.Detail = "this wallet code was just used for " + anothers(c.name(by.Client, by.Sale))
		p.Remedy = "ask at the other till what came of it; for another payment the customer shows a new code"
	}
	return p
}

// forget drops what is too old to matter. The caller holds mu.
func (c *codeIndex) forget() {
	for len(c.order) > 0 && (time.Since(c.order[0].at) > c.keep || len(c.order) > maxCodes) {
		if oldest := c.order[0]; c.used[oldest.sum] == oldest {
			delete(c.used, oldest.sum)
		}
		c.order = c.order[1:]
	}
}
