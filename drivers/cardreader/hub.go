package cardreader

import (
	"context"
	"sync"
)

// Hub brings cards from all readers to whoever waits for one. A card that nobody waits for is wiped and counted:
// a swipe before the sale asks for it is no consent to pay. The zero value is ready for use.
type Hub struct {
	mu        sync.Mutex
	waiting   []chan *Card // guarded by mu; each is buffered and gets one card at most
	unclaimed int          // guarded by mu
}

// Claim waits for the next swipe. The card is the caller's, who wipes it. Who claims first is served first.
// It ends with ctx's error when ctx does; a card that came in the same moment is wiped.
func (h *Hub) Claim(ctx context.Context) (*Card, error) {
	w := make(chan *Card, 1)
	h.mu.Lock()
	h.waiting = append(h.waiting, w)
	h.mu.Unlock()
	select {
	case c := <-w:
		return c, nil
	case <-ctx.Done():
		h.leave(w)
		return nil, ctx.Err()
	}
}

// leave takes w out of the queue and wipes what it may have got meanwhile.
func (h *Hub) leave(w chan *Card) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.waiting {
		if h.waiting[i] == w {
			h.waiting = append(h.waiting[:i], h.waiting[i+1:]...)
			return
		}
	}
	c := <-w
	c.Wipe()
	h.unclaimed++
}

// Deliver hands a card over and tells whether somebody took it. It does not wait.
func (h *Hub) Deliver(c *Card) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.waiting) == 0 {
		c.Wipe()
		h.unclaimed++
		return false
	}
	w := h.waiting[0]
	h.waiting = h.waiting[1:]
	w <- c
	return true
}

// Waiting is how many claims are open: a screen may say "please swipe".
func (h *Hub) Waiting() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.waiting)
}

// Unclaimed is how many cards were wiped because nobody waited.
func (h *Hub) Unclaimed() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.unclaimed
}
