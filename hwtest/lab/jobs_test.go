//go:build lab && usb

package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"posd/hwtest/devicesim"
)

// jobLines is how many lines each print job has, and jobBytes about how many bytes it is on its way.
const (
	jobLines = 20
	jobBytes = 1 << 10
	maxTorn  = 2 // posd gives up a job that was torn three times, and tells the till so
)

// trade is a till that has jobs printed while somebody pulls the printer's plug again and again.
type trade struct {
	shop    *shop
	printer *farPrinter
	sim     *devicesim.Printer
	rand    *rand.Rand

	put     int      // jobs so far
	waiting []string // jobs without a result, in their order
	results map[string]string
	torn    map[string]int // how often the plug was pulled while a job was the first
	broken  int            // plugs pulled in the middle of a transfer
	ready   []time.Duration
}

// runTrade prints jobs across pulls, and counts on paper what became of them.
func runTrade(ctx context.Context, p *farPrinter, jobs, pulls int) (err error) {
	t := &trade{
		printer: p, sim: devicesim.NewPrinter(devicesim.PrinterOptions{}), rand: rand.New(rand.NewPCG(6, 50)),
		results: map[string]string{}, torn: map[string]int{},
	}
	p.serve = t.sim.Serve
	if err := p.plug(); err != nil {
		return err
	}
	defer p.pull()
	if t.shop, err = openShop(ctx, p.address()); err != nil {
		return err
	}
	for i := range pulls {
		if i == 1 {
			t.ready = nil // when it was plugged in first, posd was not there
		}
		if err = t.round(ctx, jobs*(i+1)/pulls); err != nil {
			break
		}
	}
	if err == nil {
		err = t.settle(ctx)
	}
	verdict := t.judge(jobs, pulls)
	if end := t.shop.close(); end != nil {
		return errors.Join(err, verdict, end)
	}
	if err != nil {
		return fmt.Errorf("%w, %w: %s", err, verdict, t.shop.words())
	}
	return verdict
}

// round puts jobs until there were so many, pulls the plug somewhere in what is to be printed, or after all of it, and puts
// it into another port.
func (t *trade) round(ctx context.Context, until int) error {
	broken := t.printer.cable
	broken.pullAfter(t.room() + 1 + t.rand.IntN((len(t.waiting)+until-t.put)*jobBytes*5/4))
	for t.put < until {
		if err := t.order(ctx); err != nil {
			return err
		}
	}
	for pulled := false; !pulled && len(t.waiting) > 0; {
		select {
		case <-broken.cut:
			t.broken++
			pulled = true
			if err := t.look(ctx); err != nil {
				return err
			}
			for _, id := range t.waiting[:min(1, len(t.waiting))] {
				t.torn[id]++
			}
		case <-time.After(100 * time.Millisecond):
			if err := t.look(ctx); err != nil {
				return err
			}
		}
	}
	t.printer.pull()
	if d := broken.ready(); d > 0 {
		t.ready = append(t.ready, d)
	}
	return t.printer.plug()
}

// room is how many bytes must come out before the plug may be pulled again.
func (t *trade) room() int {
	if len(t.waiting) > 0 && t.torn[t.waiting[0]] >= maxTorn {
		return 3 * jobBytes
	}
	return 0
}

// order has one more job printed.
func (t *trade) order(ctx context.Context) error {
	id := fmt.Sprintf("J%03d", t.put)
	var text strings.Builder
	for i := range jobLines {
		fmt.Fprintf(&text, "%s-%02d. | 19.99\n", id, i)
	}
	body, err := json.Marshal(map[string]string{"receiptline": text.String() + "="})
	if err != nil {
		return err
	}
	if _, err := t.shop.ask(ctx, http.MethodPut, "/v1/prints/"+id, string(body)); err != nil {
		return err
	}
	t.put++
	t.waiting = append(t.waiting, id)
	return nil
}

// look asks posd for results.
func (t *trade) look(ctx context.Context) error {
	for len(t.waiting) > 0 {
		got, err := t.shop.ask(ctx, http.MethodGet, "/v1/prints/"+t.waiting[0], "")
		if err != nil || got.Result == "waiting" {
			return err
		}
		t.results[t.waiting[0]] = got.Result
		t.waiting = t.waiting[1:]
	}
	return ctx.Err()
}

// settle waits until no job waits.
func (t *trade) settle(ctx context.Context) error {
	for len(t.waiting) > 0 {
		if err := t.look(ctx); err != nil {
			return fmt.Errorf("%d jobs still wait: %w", len(t.waiting), err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	return nil
}

// judge holds what posd said of the jobs against the paper.
func (t *trade) judge(jobs, pulls int) error {
	var errs []error
	lost, doubled, again := 0, 0, 0
	for i := range jobs {
		id := fmt.Sprintf("J%03d", i)
		whole, twice, marked := onPaper(t.sim.Slips(), id)
		again += marked
		if whole == 0 {
			lost++
		}
		if twice > 0 {
			doubled++
		}
		if whole == 0 || twice > 0 || t.results[id] != "confirmed" {
			errs = append(errs, fmt.Errorf("%s: %q, %d whole prints, %d lines doubled without a mark", id, t.results[id], whole, twice))
		}
	}
	say(fmt.Sprintf("%s%d jobs across %d replugs, %d of them in the middle of a transfer: %d lost, %d doubled, %d reprinted with a mark",
		noteMark, t.put, pulls, t.broken, lost, doubled, again))
	if len(t.ready) > 0 {
		sayTimes("posd's first byte after the plug", t.ready)
	}
	if t.broken < pulls/2 {
		errs = append(errs, fmt.Errorf("only %d of %d plugs were pulled while something was printed", t.broken, pulls))
	}
	return errors.Join(errs...)
}

// onPaper counts where a job is: whole, lines of it that are there twice without a mark, and marked reprints.
func onPaper(slips []string, id string) (whole, doubled, marked int) {
	var plain strings.Builder
	for _, s := range slips {
		if !strings.Contains(s, id+"-") {
			continue
		}
		n := 0
		for i := range jobLines {
			n += min(1, strings.Count(s, fmt.Sprintf("%s-%02d.", id, i)))
		}
		if n == jobLines {
			whole++
		}
		if !strings.Contains(s, "*** REPRINT ***") {
			plain.WriteString(s)
		} else if n > 0 {
			marked++
		}
	}
	for i := range jobLines {
		if strings.Count(plain.String(), fmt.Sprintf("%s-%02d.", id, i)) > 1 {
			doubled++
		}
	}
	return whole, doubled, marked
}
