package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"posd/daemon/api"
	"posd/daemon/journal"
	"posd/daemon/payment"
	"posd/daemon/prints"
	"posd/drivers"
	"posd/drivers/port"
	"posd/hwtest/devicesim"
)

// earshot is a printer's line that notes when the first byte of a job with a text arrives.
type earshot struct {
	net.Conn
	heard chan time.Time
}

func (e earshot) Read(b []byte) (int, error) {
	n, err := e.Conn.Read(b)
	if bytes.Contains(b[:n], []byte("\x1b@")) && bytes.Contains(b[:n], []byte("Bench")) {
		e.heard <- time.Now()
	}
	return n, err
}

// counterOnDisk is posd's queue and API on a journal that is a file, and a printer behind TCP.
func counterOnDisk(b *testing.B) (j *journal.Journal, url string, heard chan time.Time) {
	b.Helper()
	log := slog.New(slog.DiscardHandler)
	j, err := journal.Open(b.Context(), journal.Options{
		Path: filepath.Join(b.TempDir(), "journal.db"), Now: time.Now, Owner: "bench",
		Projections: []journal.Projection{payment.Projection(), prints.Projection()},
	})
	if err != nil {
		b.Fatal(err)
	}
	heard = make(chan time.Time, 1)
	lines, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	parts.Go(func() {
		sim := devicesim.NewPrinter(devicesim.PrinterOptions{})
		for {
			c, err := lines.Accept()
			if err != nil {
				return
			}
			_ = sim.Serve(ctx, earshot{c, heard})
		}
	})
	set, err := drivers.Open(ctx, []drivers.Config{{
		Name: "printer", Kind: drivers.Printer, Driver: "escpos", Address: port.Address{Kind: port.TCP, Path: lines.Addr().String()},
	}}, drivers.World{Now: time.Now, Log: log})
	if err != nil {
		b.Fatal(err)
	}
	p, _ := set.Printer("")
	queue := prints.New(prints.Options{Journal: j, Printer: p, Now: time.Now, Keep: time.Hour, Log: log})
	desk := payment.NewDesk(payment.Options{Book: payment.NewBook(j, nil, time.Now, log), Now: time.Now, Log: log})
	parts.Go(func() { queue.Run(ctx) })
	token, err := api.NewToken("till", api.Sell, []byte(strings.Repeat("x", 16)))
	if err != nil {
		b.Fatal(err)
	}
	door, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := api.New(api.Options{Desk: desk, Hosts: []string{door.Addr().String()}, Tokens: []api.Token{token}, Prints: queue, Now: time.Now, Log: log}).Server()
	parts.Go(func() { _ = server.Serve(door) })
	b.Cleanup(func() {
		stop()
		_ = server.Close()
		_ = lines.Close()
		set.Close()
		parts.Wait()
		_ = j.Close()
	})
	return j, "http://" + door.Addr().String(), heard
}

// put sends a job and gives how long it took until the printer heard of it; the request goes on.
func put(b *testing.B, url, id string, heard <-chan time.Time) time.Duration {
	b.Helper()
	body := fmt.Sprintf(`{"receiptline":"Bench %s | 19.99\n="}`, id)
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPut, url+"/v1/prints/"+id, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+strings.Repeat("x", 16))
	req.Header.Set("Content-Type", "application/json")
	start := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	text, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode >= 300 {
		b.Fatalf("%d: %s", resp.StatusCode, text)
	}
	return (<-heard).Sub(start)
}

// BenchmarkPrintRequestToFirstByte prints how long it takes from PUT /v1/prints to the first byte of the job at the printer,
// beside one durable commit of the same journal. The goal is 2 ms more.
func BenchmarkPrintRequestToFirstByte(b *testing.B) {
	j, url, heard := counterOnDisk(b)
	put(b, url, "warm", heard) // the device is open then, and the driver knows it
	time.Sleep(time.Second)
	var commits, firsts time.Duration
	for b.Loop() {
		id := fmt.Sprint(b.N, "-", time.Now().UnixNano())
		start := time.Now()
		if err := j.Update(b.Context(), func(tx *journal.Tx) error {
			return tx.Append(journal.Entry{Subject: "bench", Kind: "bench", Body: id})
		}); err != nil {
			b.Fatal(err)
		}
		commits += time.Since(start)
		firsts += put(b, url, id, heard)
		time.Sleep(30 * time.Millisecond) // so that the job is confirmed, and the queue is idle as at a till
	}
	n := float64(b.N)
	b.ReportMetric(float64(commits.Microseconds())/n, "commit-µs")
	b.ReportMetric(float64(firsts.Microseconds())/n, "first-byte-µs")
	b.ReportMetric(float64((firsts-commits).Microseconds())/n, "over-µs")
}
