// Package tracetest holds the drivers of a registry against the traces in their package's testdata.
package tracetest

import (
	"os"
	"testing"

	"posd/drivers/trace"
)

// Load reads the traces of the package under test, by name.
func Load(t *testing.T) map[string]*trace.Trace {
	t.Helper()
	all, err := trace.Load(os.DirFS("testdata"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Complete refuses a driver that lacks something, a trace included. lacks is trace.Incomplete.
func Complete[D any](t *testing.T, drivers []D, lacks func(D, []*trace.Trace) []string) {
	t.Helper()
	var all []*trace.Trace
	for _, tr := range Load(t) {
		all = append(all, tr)
	}
	for _, d := range drivers {
		for _, p := range lacks(d, all) {
			t.Error(p)
		}
	}
}
