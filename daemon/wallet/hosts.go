package wallet

import (
	"net/url"
	"sync"
	"time"
)

// backOnMain is how long a backup host is used before the main one is tried again.
const backOnMain = 5 * time.Minute

// hosts is a gateway's main host and, if it has one, a backup that knows the same orders. A request of which not one byte left
// goes to the other host at once; what may have arrived is never sent again by itself, but whatever is asked next, about the
// same number, is asked at the other host.
type hosts struct {
	backup *url.URL // scheme and host; nil where there is none

	mu    sync.Mutex
	since time.Time // when the backup was turned to (monotonic); zero while the main host is used
}

// at gives the address of a request at the host that is used now, or at the other one.
func (h *hosts) at(to string, other bool) string {
	if h.backup == nil || h.onBackup() == other {
		return to
	}
	u, err := url.Parse(to)
	if err != nil {
		return to
	}
	u.Scheme, u.Host = h.backup.Scheme, h.backup.Host
	return u.String()
}

func (h *hosts) onBackup() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.since.IsZero() && time.Since(h.since) < backOnMain
}

// turn goes over to the other host.
func (h *hosts) turn() {
	if h.backup == nil {
		return
	}
	on := h.onBackup()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.since = time.Now(); on {
		h.since = time.Time{}
	}
}
