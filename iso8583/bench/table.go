package main

import (
	"errors"
	"fmt"
	"io"
	"runtime"
)

// printTable prints what was measured: each against the reference, and moov against it.
func printTable(w io.Writer, list []bench, got results) {
	fmt.Fprintf(w, "0200 with %d fields, 280 bytes as BCD; %s %s/%s, %d CPUs; the best of interleaved runs\n",
		len(sale), runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	wire := ""
	for _, c := range list {
		if c.wire != wire {
			wire = c.wire
			fmt.Fprintf(w, "\n%-36s %10s %8s %8s %13s %13s\n", wire, "ns/op", "B/op", "allocs", "x reference", "moov takes")
		}
		r := got[c.key]
		fmt.Fprintf(w, "  %-10s %-23s %10.0f %8d %8d %13s %13s\n", c.who, c.what, r.ns, r.bytes, r.allocs,
			times(got, c.key, key{c.wire, floor, floorOf(c.what)}), times(got, key{c.wire, theirs, c.what}, c.key))
	}
}

// times says how many times longer a takes than b, and nothing of a thing and itself.
func times(got results, a, b key) string {
	x, ok := got.ratio(a, b)
	switch {
	case !ok || a == b:
		return ""
	case x < 10:
		return fmt.Sprintf("%.1f x", x)
	default:
		return fmt.Sprintf("%.0f x", x)
	}
}

// floorOf is what of the reference a thing is held against: setting fields is nothing that the reference must do.
func floorOf(what string) string {
	switch what {
	case setting, newSetting:
		return packing
	case newReading:
		return reading
	default:
		return what
	}
}

// goal is one thing that must stand.
type goal struct {
	text, is string
	met      bool
}

// realReference is how many times faster than moov the reference must be to be one.
const realReference = 500

// printGoals says of every goal whether it is met. A reference that is none makes all the rest worthless: an error.
func printGoals(w io.Writer, got results) error {
	x, _ := got.ratio(key{wireBCD, theirs, packing}, key{wireBCD, floor, packing})
	real := goal{fmt.Sprintf("the reference packs >= %d x faster than moov", realReference), fmt.Sprintf("%.0f x", x), x >= realReference}
	fmt.Fprintln(w, "\nBefore fields are set and before a message is read, the one that is there is emptied: posd's by Reset, moov's by UnsetField.")
	fmt.Fprintf(w, "\n%-48s %12s  %s\n", "goals", "measured", "verdict")
	for _, g := range append([]goal{real}, goals(got)...) {
		verdict := "met"
		if !g.met {
			verdict = "NOT met"
		}
		fmt.Fprintf(w, "  %-46s %12s  %s\n", g.text, g.is, verdict)
	}
	if !real.met {
		return errors.New("the straight-line reference is no reference: its code must be made faster before anything is compared with it")
	}
	return nil
}

func goals(got results) []goal {
	var list []goal
	for _, what := range []string{packing, viewing, reading, sealing} {
		list = append(list, noAllocation(got, what))
	}
	for _, c := range []struct {
		what  string
		limit float64
	}{{packing, 3}, {reading, 3}, {viewing, 2}} {
		x, ok := got.ratio(key{wireBCD, ours, c.what}, key{wireBCD, floor, c.what})
		list = append(list, goal{fmt.Sprintf("%s <= %.0f x the reference", c.what, c.limit), measured("%.1f x", x, ok), ok && x <= c.limit})
	}
	for _, c := range []struct {
		wire  string
		limit float64
	}{{wireBCD, 100}, {wireASCII, 20}} {
		for _, what := range []string{packing, setting, reading} {
			x, ok := got.ratio(key{c.wire, theirs, what}, key{c.wire, ours, what})
			list = append(list, goal{fmt.Sprintf("%s: %s >= %.0f x faster than moov", c.wire, what, c.limit), measured("%.0f x", x, ok), ok && x >= c.limit})
		}
	}
	return list
}

// noAllocation is the goal of every wire at once: the most that any of them allocates.
func noAllocation(got results, what string) goal {
	most, seen := int64(0), false
	for k, r := range got {
		if k.who == ours && k.what == what {
			most, seen = max(most, r.allocs), true
		}
	}
	return goal{what + ": 0 allocations", measured("%.0f", float64(most), seen), seen && most == 0}
}

func measured(format string, x float64, ok bool) string {
	if !ok {
		return "not measured"
	}
	return fmt.Sprintf(format, x)
}
