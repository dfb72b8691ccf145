package scanner_test

import (
	"io"
	"strings"
	"testing"

	"posd/drivers/port"
	"posd/drivers/scanner"
)

// BenchmarkScanToEvent is the time from the last byte of a code at the port to OnScan, through the port's goroutine, the
// driver and the hub. The goal is 2 ms; what is printed is this machine's.
func BenchmarkScanToEvent(b *testing.B) {
	qr := strings.Repeat("0123456789", 295)
	hon := func(data string, more byte) string { return report(2, len(data), "]Q1", data, more) }
	for _, c := range []struct{ name, driver, sent string }{
		{"line/EAN-13", "line", "6901234567892\r\n"},
		{"line/QR-3KB", "line", qr + "\r"},
		{"hidpos/EAN-13", "hidpos", hon("6901234567892", 0)},
		{"hidpos/QR-3KB", "hidpos", strings.Join(parts(qr, hon), "")},
		{"ssi/EAN-13", "ssi", ssiCode("6901234567892")},
		{"newland/EAN-13", "newland", "6901234567892\r"},
	} {
		b.Run(c.name, func(b *testing.B) {
			d, _ := scanner.Lookup(c.driver)
			s, _ := port.Settle(d.Options, map[string]string{"repeat": "0s"})
			host, dev := connect(c.driver == "hidpos", &port.HIDInfo{})
			defer host.Close()
			go func() { _, _ = io.Copy(io.Discard, dev) }()
			events := make(chan scanner.Scan)
			hub := &scanner.Hub{
				Sensitive: func([]byte) bool { return false },
				OnScan:    func(s scanner.Scan) { events <- s },
			}
			go func() {
				src := d.Open(host, s)
				for {
					code, err := src.Next(b.Context())
					if err != nil {
						return
					}
					hub.Deliver(code)
				}
			}()
			for b.Loop() {
				for rest := c.sent; len(rest) > 0; rest = rest[min(len(rest), 64):] {
					_, _ = io.WriteString(dev, rest[:min(len(rest), 64)]) // as USB packets bring it
				}
				<-events
			}
		})
	}
}
