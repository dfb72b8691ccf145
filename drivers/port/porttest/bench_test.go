package porttest_test

import (
	"context"
	"io"
	"testing"

	"posd/drivers/port"
	"posd/drivers/port/porttest"
)

// slow is a device that notices the end of its line only when it is told to.
type slow struct{ notice chan struct{} }

func (d slow) Serve(context.Context, io.ReadWriteCloser) error {
	<-d.notice
	return nil
}

func TestASocketIsFreeAsSoonAsItsConnectionIsClosed(t *testing.T) {
	b := porttest.NewBench()
	d := slow{notice: make(chan struct{})}
	b.Attach("/dev/slow", d)
	a := port.Address{Kind: port.Serial, Path: "/dev/slow"}
	for range 2 {
		c, err := b.Open(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = b.Open(t.Context(), a); err == nil {
			t.Error("a device that is open is opened again")
		}
		if err = c.Close(); err != nil {
			t.Error(err)
		}
	}
	close(d.notice)
	b.Close()
}
