package drivers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"posd/drivers/port"
)

// Waits between two tries to open a device. One that stayed open for steady starts again from the first, and so does one of
// which an event tells: its file is there before its permissions are. What is plugged into this machine is looked for every
// slowPoll even if no event ever comes.
const (
	firstWait = 200 * time.Millisecond
	slowPoll  = 2 * time.Second
	lastWait  = 5 * time.Second
	steady    = 10 * time.Second
	openLimit = 10 * time.Second
)

// runner is what a kind of device does with an open connection.
type runner interface {
	// run uses the connection until it breaks or ctx ends, and says why. It tells d what becomes of it.
	run(ctx context.Context, c port.Conn, d *device) error
	// redaction is how the kind may be traced.
	redaction() port.Redaction
}

// device is one device and its goroutine, keepOpen.
type device struct {
	config Config
	world  World
	runner runner
	wake   chan struct{} // holds one: an event that may have brought the device

	mu     sync.Mutex
	status DeviceStatus // guarded by mu
}

func newDevice(c Config, w World) (*device, error) {
	r, err := newRunner(c)
	if err != nil {
		return nil, err
	}
	return &device{config: c, world: w, runner: r, wake: make(chan struct{}, 1), status: DeviceStatus{
		Name: c.Name, Kind: c.Kind, Driver: c.Driver, Address: c.Address.String(), Since: w.Now(),
		Why: "not opened yet", Remedy: "wait a moment: it is being opened",
	}}, nil
}

// keepOpen opens the device, runs it, and does so again, until ctx ends.
func (d *device) keepOpen(ctx context.Context) {
	wait, longest := firstWait, lastWait
	if d.config.Address.Local() {
		longest = slowPoll
	}
	for ctx.Err() == nil {
		start := time.Now()
		err := d.once(ctx)
		if ctx.Err() != nil {
			break
		}
		d.loud(err)
		d.offline(explain(d.config, err))
		if time.Since(start) > steady {
			wait = firstWait
		}
		if d.rest(ctx, wait) {
			wait = firstWait
			continue
		}
		wait = min(2*wait, longest)
	}
	d.offline(stopping)
}

// loud tells the stack of a driver that panicked, once where it does so at each try.
func (d *device) loud(err error) {
	p, ok := errors.AsType[*panicked](err)
	if !ok || d.snapshot().Why == p.Error() {
		return
	}
	d.world.Log.Error("driver panicked", "device", d.config.Name, "driver", d.config.Driver, "err", p, "stack", p.where)
}

// stopping is no trouble that somebody should look at.
var stopping = trouble{why: "posd is stopping"}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// once opens the device and runs it until it breaks.
func (d *device) once(ctx context.Context) error {
	opening, cancel := context.WithTimeout(ctx, openLimit)
	c, err := d.world.Open(opening, d.config.Address)
	cancel()
	if err != nil {
		return err
	}
	if d.world.Trace != nil {
		if sink := d.world.Trace(d.config.Name); sink != nil {
			c = port.Trace(c, port.Tracer{Sink: sink, Now: d.world.Now, Redact: d.runner.redaction()})
		}
	}
	defer c.Close()
	return d.runner.run(ctx, c, d)
}

func (d *device) snapshot() DeviceStatus {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.status
}

// set changes the status and tells of it where the change matters to somebody.
func (d *device) set(online bool, t trouble, note string) {
	d.mu.Lock()
	before := d.status
	if d.status.Online != online {
		d.status.Since = d.world.Now()
	}
	d.status.Online, d.status.Why, d.status.Remedy, d.status.Note = online, t.why, t.remedy, note
	now := d.status
	d.mu.Unlock()
	if before.Online == online && before.Why == now.Why && before.Note == now.Note {
		return
	}
	if online {
		d.world.Log.Info("device online", "device", now.Name, "driver", now.Driver, "address", now.Address, "note", note, "remedy", t.remedy)
	} else {
		level := slog.LevelWarn
		if t == stopping {
			level = slog.LevelInfo
		}
		d.world.Log.Log(context.Background(), level, "device offline", "device", now.Name, "driver", now.Driver, "address", now.Address,
			"why", t.why, "remedy", t.remedy)
	}
	if d.world.OnChange != nil {
		d.world.OnChange(now)
	}
}

func (d *device) online(note string) { d.set(true, trouble{}, note) }
func (d *device) offline(t trouble)  { d.set(false, t, "") }

// note is online, with what somebody should look at.
func (d *device) note(what, remedy string) { d.set(true, trouble{remedy: remedy}, what) }

func (d *device) count(good, bad int) {
	d.mu.Lock()
	d.status.Good += good
	d.status.Refused += bad
	d.mu.Unlock()
}

// refused counts a scan or a swipe that was no use, and tells of it.
func (d *device) refused(err error) {
	d.count(0, 1)
	d.world.Log.Info("input refused", "device", d.config.Name, "err", err)
	if d.world.OnRefused != nil {
		d.world.OnRefused(d.config.Name, err)
	}
}

// newRunner finds the driver and checks its options.
func newRunner(c Config) (runner, error) {
	switch c.Kind {
	case Printer:
		return newPrinterRunner(c)
	case Scanner:
		return newScannerRunner(c)
	case Reader:
		return newReaderRunner(c)
	default:
		return nil, fmt.Errorf("unknown kind %q, want printer, scanner or reader", c.Kind)
	}
}

// errNoDriver says that a name is in no registry.
var errNoDriver = errors.New("unknown driver")
