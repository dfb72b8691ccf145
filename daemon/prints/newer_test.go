package prints_test

import (
	"testing"

	"posd/daemon/journal"
	"posd/daemon/prints"
)

func TestKindsOfANewerPosdAreNotKnown(t *testing.T) {
	p, ok := prints.Projection().(journal.Knowing)
	if !ok {
		t.Fatal("it is not asked")
	}
	for kind, want := range map[string]bool{
		"print_queued": true, "print_started": true, "print_window": true, "print_stopped": true, "print_unsure": true, "print_done": true,
		"print_held": true, "print_released": true, "print_recalled": true, "drawer_ordered": true, "drawer_opened": true,
		"drawer_unsure": true, "drawer_failed": true, "attempt.sent": true, "print_moved": false, "drawer_closed": false,
	} {
		if got := p.Knows(kind); got != want {
			t.Errorf("%s: known %v, want %v", kind, got, want)
		}
	}
}
