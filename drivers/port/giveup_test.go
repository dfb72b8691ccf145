package port_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"posd/drivers/port"
	"posd/drivers/port/porttest"
)

func TestAWriteThatItsCallerGivesUpDoesNotStallTheDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, device := porttest.Pair(4)
		defer host.Close()
		ctx, cancel := context.WithCancel(t.Context())
		given := make(chan error, 1)
		go func() { given <- host.Write(ctx, []byte("more than it takes")) }()
		synctest.Wait()
		cancel()
		if err := <-given; !errors.Is(err, context.Canceled) || errors.Is(err, port.ErrStalled) {
			t.Errorf("given up: %v", err)
		}
		go func() {
			for buf := make([]byte, 64); ; {
				if _, err := device.Read(buf); err != nil {
					return
				}
			}
		}()
		if err := host.Write(t.Context(), []byte("next")); err != nil {
			t.Errorf("the next: %v", err)
		}
	})
}

func TestAWriteThatComesTooLateIsNotBegunAndSpoilsNoLine(t *testing.T) {
	host, device := porttest.Pair(0)
	defer host.Close()
	go func() { _, _ = io.Copy(io.Discard, device) }()
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for range 200 { // of two things that can be done either may be seen first
		if err := host.Write(late, []byte("x")); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, port.ErrStalled) {
			t.Fatalf("a late write gives %v", err)
		}
	}
	if err := host.Write(t.Context(), []byte("x")); err != nil {
		t.Errorf("and then one in time gives %v", err)
	}
}

func TestAWriteThatBeginsAsItsTimeEndsIsNotStuck(t *testing.T) {
	for range 200 { // likewise
		synctest.Test(t, func(t *testing.T) {
			host, device := porttest.Pair(0)
			defer host.Close()
			go func() { _, _ = io.Copy(io.Discard, device) }()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			time.Sleep(time.Minute)
			if err := host.Write(ctx, []byte("x")); errors.Is(err, port.ErrStalled) {
				t.Fatalf("given up: %v", err)
			}
			if err := host.Write(t.Context(), []byte("x")); err != nil {
				t.Fatalf("the next: %v", err)
			}
		})
	}
}
