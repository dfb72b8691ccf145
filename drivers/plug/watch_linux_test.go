package plug_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"posd/drivers/plug"
)

// TestTheKernelTellsOfEvents asks the kernel to tell once more that /dev/null is there, which changes nothing.
func TestTheKernelTellsOfEvents(t *testing.T) {
	const trigger = "/sys/devices/virtual/mem/null/uevent"
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	events := make(chan plug.Event, 1000)
	done := make(chan error, 1)
	go func() {
		done <- plug.Watch(ctx, func(e plug.Event) {
			select {
			case events <- e:
			default:
			}
		})
	}()
	select {
	case err := <-done:
		t.Skip("the kernel does not tell this process:", err)
	case first := <-events:
		if first != (plug.Event{}) {
			t.Errorf("first: got %+v, want the zero one", first)
		}
	}
	if err := os.WriteFile(trigger, []byte("change"), 0); err != nil {
		t.Skip("events cannot be asked for here:", err)
	}
	for {
		select {
		case e := <-events:
			if e.Subsystem != "mem" {
				continue
			}
			if want := (plug.Event{Action: "change", Subsystem: "mem", Path: "/devices/virtual/mem/null", Node: "/dev/null"}); e != want {
				t.Errorf("got %+v", e)
			}
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("ended with %v", err)
			}
			return
		case <-ctx.Done():
			t.Skip("the kernel tells nothing in here: not the network namespace that it tells of devices")
		}
	}
}
