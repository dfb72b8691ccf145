//go:build proof && linux

package proof

import (
	"fmt"
	"strings"
	"testing"
)

// Two posds with one journal would each reverse what the other is about to be told (I9). However the first one ended
// before, and however often it is tried, the second one says whose the journal is and leaves it alone.
func TestASecondPosdIsRefusedAndNamesTheFirst(t *testing.T) {
	t.Parallel()
	s := openShop(t, plan{bare: true, noCard: true})
	for range 10 {
		first := s.posd
		if err := s.launchPosd(t.Context()); err != nil {
			t.Fatal(err)
		}
		second := s.posd
		s.posd = first
		if !gone(t.Context(), second, stopLimit) {
			second.kill()
			t.Fatal("a second posd runs on the same journal")
		}
		names := fmt.Sprintf("pid %d", first.cmd.Process.Pid)
		if said := second.tail(); second.cmd.ProcessState.Success() || !strings.Contains(said, names) {
			t.Fatalf("the second posd ended with %s and does not name %q:\n%s", second.cmd.ProcessState, names, said)
		}
		if !first.running() || !s.open(t.Context()) {
			t.Fatal("the first posd does not take payments any more")
		}
		s.kill()
		if err := s.start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
