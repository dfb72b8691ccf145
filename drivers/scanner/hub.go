package scanner

import (
	"bytes"
	"context"
	"hash/maphash"
	"sync"
	"time"

	"posd/drivers/port"
)

// Code is a scan that somebody claimed: a wallet code mostly, worth what card data is worth. Whoever gets one wipes it.
type Code struct {
	Data   port.Secret // prefix, suffix and AIM identifier are taken off
	AIM    string      // symbology identifier such as "]Q1"; empty if the scanner sends none
	Device string      // name of the scanner
}

// Scan is a scan that is no wallet code: goods, a voucher, a login badge. It is an event for the till.
type Scan struct {
	Data   string
	AIM    string
	Device string
}

// Hub brings codes from all scanners to whoever waits for one, and everything that may be shown to OnScan.
// Its two functions are set before the first Deliver and constant then; the zero value drops what nobody claims.
type Hub struct {
	// OnScan gets scans that nobody claimed and that are not sensitive. It must return at once.
	OnScan func(Scan)
	// Sensitive tells whether a scan may be a wallet code: such a one is never shown, it is wiped and counted when
	// nobody claims it. It must not keep its argument. nil takes every scan for sensitive.
	Sensitive func([]byte) bool

	mu      sync.Mutex
	waiting []*claim // guarded by mu
	dropped int      // guarded by mu
	last    heard    // guarded by mu
}

// twinWindow is how soon the same code must come from another device to be one that came over two channels: a scanner
// may be keyboard and serial line at once. Nobody shows one code to two scanners so fast.
const twinWindow = 100 * time.Millisecond

// heard is what came last. The zero value is nothing.
type heard struct {
	seed   maphash.Seed // of this hub only: no hash of a code is worth anything elsewhere
	sum    uint64
	device string
	at     time.Time
}

// claim is one caller of Claim.
type claim struct {
	accept func([]byte) bool
	got    chan Code // buffered, gets one code at most
}

// Claim waits for the first scan that accept takes. accept must be quick, must not keep its argument and must not
// call the hub; nil takes everything. Who claims first is asked first. Claim ends with ctx's error when ctx does; a
// code that came in the same moment is wiped.
func (h *Hub) Claim(ctx context.Context, accept func([]byte) bool) (Code, error) {
	w := &claim{accept: accept, got: make(chan Code, 1)}
	h.mu.Lock()
	h.waiting = append(h.waiting, w)
	h.mu.Unlock()
	select {
	case c := <-w.got:
		return c, nil
	case <-ctx.Done():
		h.leave(w)
		return Code{}, ctx.Err()
	}
}

// leave takes w out of the queue and wipes what it may have got meanwhile.
func (h *Hub) leave(w *claim) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.waiting {
		if h.waiting[i] == w {
			h.waiting = append(h.waiting[:i], h.waiting[i+1:]...)
			return
		}
	}
	c := <-w.got
	c.Data.Wipe()
	h.dropped++
}

// Deliver hands a scan over: to the first claim that accepts it, else to OnScan, else it is wiped. It takes ownership
// of the code and does not wait.
//
// The same code from another device at the same moment is dropped: it is one scan that came over two channels.
func (h *Hub) Deliver(c Code) {
	if h.twin(c) {
		c.Data.Wipe()
		return
	}
	if h.claimed(c) {
		return
	}
	shown := Scan{AIM: c.AIM, Device: c.Device}
	sensitive := true
	c.Data.Reveal(func(b []byte) {
		if sensitive = h.Sensitive == nil || h.Sensitive(b); !sensitive {
			shown.Data = string(bytes.ToValidUTF8(b, []byte("\uFFFD")))
		}
	})
	c.Data.Wipe()
	switch {
	case sensitive || h.OnScan == nil:
		h.count()
	default:
		h.OnScan(shown)
	}
}

// twin tells whether c came over another device a moment ago.
func (h *Hub) twin(c Code) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.last.at.IsZero() {
		h.last.seed = maphash.MakeSeed()
	}
	now := heard{seed: h.last.seed, device: c.Device, at: time.Now()}
	c.Data.Reveal(func(b []byte) { now.sum = maphash.Bytes(now.seed, b) })
	was := h.last
	if !was.at.IsZero() && was.device != now.device && was.sum == now.sum && now.at.Sub(was.at) < twinWindow {
		return true
	}
	h.last = now
	return false
}

// claimed gives c to the first claim that accepts it.
func (h *Hub) claimed(c Code) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, w := range h.waiting {
		ok := w.accept == nil
		if !ok {
			c.Data.Reveal(func(b []byte) { ok = w.accept(b) })
		}
		if ok {
			h.waiting = append(h.waiting[:i], h.waiting[i+1:]...)
			w.got <- c
			return true
		}
	}
	return false
}

func (h *Hub) count() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dropped++
}

// Waiting is how many claims are open: a screen may say "please show the code".
func (h *Hub) Waiting() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.waiting)
}

// Dropped is how many scans were wiped because nobody claimed them and they may have been wallet codes.
func (h *Hub) Dropped() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.dropped
}
