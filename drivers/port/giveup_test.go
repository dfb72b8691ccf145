package port_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

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
