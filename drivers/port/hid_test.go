package port_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/drivers/port"
	"posd/drivers/port/porttest"
)

func TestReportsStayWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, dev := porttest.PairHID(port.HIDInfo{Vendor: 0x0c2e, Product: 0x0901}, nil)
		defer host.Close()
		for _, report := range []string{"0205414243", "02", "0100000d0a", ""} {
			b, _ := hex.DecodeString(report)
			_, _ = dev.Write(b)
		}
		synctest.Wait() // all are read ahead, and lie in one buffer
		_, _ = dev.Write([]byte{9})
		for _, want := range []string{"0205414243", "02", "0100000d0a", "09"} { // an empty one is none
			got, err := host.Next(t.Context(), port.SplitReport)
			if err != nil || hex.EncodeToString(got) != want {
				t.Errorf("got %x, %v, want %s", got, err, want)
			}
		}
	})
}

func TestAWriteIsOneOutputReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, dev := porttest.PairHID(port.HIDInfo{}, nil)
		defer host.Close()
		if err := host.Write(t.Context(), []byte{4, 1}); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 8)
		n, err := dev.Read(got)
		if err != nil || !bytes.Equal(got[:n], []byte{4, 1}) {
			t.Errorf("got %x, %v", got[:n], err)
		}
	})
}

func TestFeatureReportsAreAskedAndSetPastTheStream(t *testing.T) {
	host, _ := porttest.PairHID(port.HIDInfo{}, porttest.Features{1: {1, 7, 8, 9}})
	defer host.Close()
	if got, err := host.Feature(t.Context(), 1, 3); err != nil || !bytes.Equal(got, []byte{1, 7, 8}) {
		t.Errorf("got %x, %v", got, err)
	}
	if err := host.SetFeature(t.Context(), []byte{254, 1}); err != nil {
		t.Error(err)
	}
	if got, err := host.Feature(t.Context(), 254, 2); err != nil || !bytes.Equal(got, []byte{254, 1}) {
		t.Errorf("got %x, %v", got, err)
	}
	for name, err := range map[string]error{
		"unknown":  func() error { _, err := host.Feature(t.Context(), 2, 3); return err }(),
		"no room":  func() error { _, err := host.Feature(t.Context(), 1, 0); return err }(),
		"too much": func() error { _, err := host.Feature(t.Context(), 1, port.MaxFrame+1); return err }(),
		"empty":    host.SetFeature(t.Context(), nil),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestADeviceWithoutFeatureReportsSaysSo(t *testing.T) {
	host, _ := porttest.PairHID(port.HIDInfo{}, nil)
	defer host.Close()
	if err := host.SetFeature(t.Context(), []byte{1}); !errors.Is(err, port.ErrNotOffered) {
		t.Errorf("got %v, want ErrNotOffered", err)
	}
}

func TestATracedHIDIsStillOneAndTellsAllButContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, dev := porttest.PairHID(port.HIDInfo{Vendor: 7}, porttest.Features{1: {1, 2}})
		defer host.Close()
		var lines []string
		c := port.Trace(host, port.Tracer{Sink: func(l string) { lines = append(lines, l) }, Now: time.Now})
		h, ok := c.(port.HID)
		if !ok || h.Info().Vendor != 7 {
			t.Fatalf("traced it is no HID: %T", c)
		}
		_, _ = dev.Write([]byte("4006381333931"))
		_, _ = h.Next(t.Context(), port.SplitReport)
		_, _ = h.Feature(t.Context(), 1, 2)
		_, _ = h.Feature(t.Context(), 3, 2)
		_ = h.SetFeature(t.Context(), []byte{1, 5, 6})
		want := "+0 < (13 bytes)|+0 < feature (2 bytes)|+0 ! feature: the device knows no such feature report|+0 > feature (3 bytes)"
		if got := strings.Join(lines, "|"); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func FuzzSplitReport(f *testing.F) {
	porttest.FuzzSplit(f, port.SplitReport, "\x00\x02ab", "\x00\x00", "\x00\x01a\x00\x02bc", "\xff\xffx")
}
