package drivers

import (
	"context"
	"time"

	"posd/drivers/plug"
)

// Watcher tells of everything that is plugged in or unplugged, until ctx ends. plug.Watch is the real one.
type Watcher func(ctx context.Context, tell func(plug.Event)) error

// watchAgain is the wait before events are asked for once more, after they have ended with an error.
const watchAgain = time.Minute

// follow wakes devices that wait for something that an event may have brought. Without events each looks by itself, every
// slowPoll.
func (s *Set) follow(ctx context.Context, w World) {
	for ctx.Err() == nil {
		err := w.Watch(ctx, s.plugged)
		if ctx.Err() != nil {
			return
		}
		w.Log.Info("no events of devices that are plugged in; looking for them instead", "err", err, "every", slowPoll.String())
		pause(ctx, watchAgain)
	}
}

// plugged hands an event to the devices; it returns at once.
func (s *Set) plugged(e plug.Event) {
	for _, d := range s.devices {
		if a := d.config.Address; a.Local() && e.Concerns(string(a.Kind)) {
			d.wakeUp()
		}
	}
}

// wakeUp ends the wait before the next try to open the device. It is remembered while no wait is on.
func (d *device) wakeUp() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// rest waits until the next try to open the device, and tells whether an event ended it early.
func (d *device) rest(ctx context.Context, wait time.Duration) bool {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-d.wake:
		return true
	}
	return false
}
