package prints_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/journal"
	"posd/daemon/prints"
	"posd/drivers"
	"posd/drivers/port"
	"posd/drivers/port/porttest"
	"posd/hwtest/devicesim"
)

// counter is a counter on which everything happens to the printer: it is pulled, switched off, without paper; and posd is
// killed. The queue uses it through the devices, as in posd.
type counter struct {
	t     *testing.T
	j     *journal.Journal
	bench *porttest.Bench
	sim   *devicesim.Printer
	q     *prints.Queue
	end   func()
}

func openCounter(t *testing.T, o devicesim.PrinterOptions) *counter {
	t.Helper()
	j, err := journal.Open(t.Context(), journal.Options{
		Now: time.Now, Memory: true, Owner: "test", Projections: []journal.Projection{prints.Projection()},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{t: t, j: j, bench: porttest.NewBench(), sim: devicesim.NewPrinter(o)}
	c.bench.Attach("printer", c.sim)
	c.start()
	return c
}

// start is posd's.
func (c *counter) start() {
	ctx, stop := context.WithCancel(c.t.Context())
	set, err := drivers.Open(ctx, []drivers.Config{{
		Name: "printer", Kind: drivers.Printer, Driver: "escpos", Address: port.Address{Kind: port.Serial, Path: "printer"},
	}}, drivers.World{Open: c.bench.Open, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		c.t.Fatal(err)
	}
	p, _ := set.Printer("")
	c.q = prints.New(prints.Options{Journal: c.j, Printer: p, Now: time.Now, Keep: time.Hour, Language: "en"})
	var run sync.WaitGroup
	run.Go(func() { c.q.Run(ctx) })
	c.end = func() { stop(); run.Wait(); set.Close() }
}

func (c *counter) close() {
	c.end()
	c.bench.Close()
	if r, err := c.j.Verify(context.Background()); err != nil {
		c.t.Errorf("journal: %v, %+v", err, r)
	}
	_ = c.j.Close()
}

// trouble does one thing to the counter, and mends it after a while.
func (c *counter) trouble(r *rand.Rand) {
	pause := func() { time.Sleep(time.Duration(r.IntN(20_000)) * time.Millisecond) }
	switch r.IntN(6) {
	case 0:
		c.sim.SetPaperLeft(r.IntN(60))
		pause()
		c.sim.SetPaper(true)
	case 1:
		c.sim.SetCover(true)
		pause()
		c.sim.SetCover(false)
	case 2:
		c.bench.Unplug("printer")
		pause()
		c.bench.Plug("printer")
	case 3:
		c.sim.SetPower(false)
		pause()
		c.sim.SetPower(true)
	case 4:
		c.end()
		pause()
		c.start()
	default: // paper ends, and people try everything at once
		c.sim.SetPaperLeft(r.IntN(60))
		pause()
		c.end()
		c.bench.Unplug("printer")
		if r.IntN(2) == 0 {
			c.sim.SetPower(false)
			c.sim.SetPower(true)
		}
		c.sim.SetPaper(r.IntN(2) == 0)
		c.bench.Plug("printer")
		c.start()
		pause()
		c.sim.SetPaper(true)
	}
	pause()
}

const troubleLines = 40

func numbered(id string) prints.Content {
	var b strings.Builder
	for i := range troubleLines {
		fmt.Fprintf(&b, "%s-%02d. | 19.99\n", id, i)
	}
	return prints.Content{Receiptline: b.String() + "="}
}

// found counts where a job is: whole, and lines of it that are there twice without a mark.
func (c *counter) found(id string) (whole, doubled int) {
	var plain strings.Builder
	for _, s := range c.sim.Slips() {
		n := 0
		for i := range troubleLines {
			n += min(1, strings.Count(s, fmt.Sprintf("%s-%02d.", id, i)))
		}
		if n == troubleLines {
			whole++
		}
		if !strings.Contains(s, "*** REPRINT ***") {
			plain.WriteString(s)
		}
	}
	for i := range troubleLines {
		if strings.Count(plain.String(), fmt.Sprintf("%s-%02d.", id, i)) > 1 {
			doubled++
		}
	}
	return whole, doubled
}

func TestWhateverHappensAtTheCounterNothingIsLostOrDoubledUnmarked(t *testing.T) {
	wentOn, reprinted := 0, 0
	for seed := range uint64(24) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 6))
			c := openCounter(t, devicesim.PrinterOptions{Clone: seed%4 == 3})
			defer c.close()
			var ids []string
			for i := range 8 {
				id := fmt.Sprintf("J%d", i)
				ids = append(ids, id)
				if _, err := c.q.PutJob(t.Context(), "till", id, numbered(id)); err != nil {
					t.Fatal(err)
				}
				c.trouble(r)
			}
			time.Sleep(30 * time.Minute)
			for _, id := range ids {
				j, err := c.q.TillJob(t.Context(), "till", id)
				if err != nil {
					t.Fatal(err)
				}
				whole, doubled := c.found(id)
				if doubled > 0 || whole == 0 || j.Result() != prints.Confirmed {
					t.Errorf("seed %d: %s is %+v; %d whole prints, %d lines doubled without a mark", seed, id, j, whole, doubled)
				}
				if j.Unsure > 0 {
					reprinted++
				} else {
					wentOn++
				}
			}
		})
	}
	t.Logf("%d jobs came out once, %d were reprinted with a mark", wentOn, reprinted)
	if reprinted == 0 || wentOn == 0 {
		t.Error("the trouble was too small")
	}
}
