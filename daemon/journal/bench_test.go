package journal_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"posd/daemon/journal"
)

// BenchmarkAppend compares one durable append with the least a disk can do: write and fsync of the same bytes into
// a file that is long enough already. Both run by turns, so that a noisy machine disturbs both.
func BenchmarkAppend(b *testing.B) {
	j := open(b, options(b))
	f, err := os.Create(filepath.Join(b.TempDir(), "floor"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	record := make([]byte, 256)
	if _, err := f.Write(make([]byte, 256<<10)); err != nil {
		b.Fatal(err)
	}
	body := note{Text: string(make([]byte, 0, 200)) + fmt.Sprintf("%0200d", 7)}
	var floor, ours time.Duration
	for n := 0; b.Loop(); n++ {
		start := time.Now()
		if _, err := f.WriteAt(record, int64(n%1024)*256); err != nil {
			b.Fatal(err)
		}
		if err := syncData(f); err != nil {
			b.Fatal(err)
		}
		half := time.Now()
		err := j.Update(b.Context(), func(tx *journal.Tx) error {
			return tx.Append(journal.Entry{Subject: "sale/1", Kind: "note", Body: body})
		})
		if err != nil {
			b.Fatal(err)
		}
		floor, ours = floor+half.Sub(start), ours+time.Since(half)
	}
	b.ReportMetric(float64(floor)/float64(ours), "share-of-floor")
	b.ReportMetric(float64(ours.Microseconds())/float64(b.N), "us/append")
	b.ReportMetric(float64(floor.Microseconds())/float64(b.N), "us/floor")
}

// BenchmarkMemory is what one event costs a simulation.
func BenchmarkMemory(b *testing.B) {
	for _, name := range []string{"private", "file"} {
		b.Run(name, func(b *testing.B) {
			opt := options(b)
			opt.Memory = true
			if name == "private" {
				opt.Path = ""
			}
			j := open(b, opt)
			for b.Loop() {
				appendNotes(b, j, "sale/1", "x")
			}
		})
	}
}
