package devicesim_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"

	"posd/drivers/port"
	"posd/drivers/port/porttest"
	"posd/hwtest/devicesim"
)

// slowToLeave is a line whose end its device notices late: a Read that has ended comes back when it is let.
type slowToLeave struct {
	io.ReadWriteCloser
	let chan struct{}
}

func (s slowToLeave) Read(b []byte) (int, error) {
	n, err := s.ReadWriteCloser.Read(b)
	if err != nil {
		<-s.let
	}
	return n, err
}

// replugged pulls sim's plug and puts it in again before sim has noticed. It gives the new line; sim has left the old one.
func replugged(t *testing.T, sim devicesim.Device) port.Conn {
	t.Helper()
	first, old := porttest.Pair(0)
	let, left := make(chan struct{}), make(chan struct{})
	go func() { defer close(left); _ = sim.Serve(context.Background(), slowToLeave{old, let}) }()
	synctest.Wait()
	_ = first.Close()

	again, line := porttest.Pair(0)
	t.Cleanup(func() { _ = again.Close() })
	go func() { _ = sim.Serve(context.Background(), line) }()
	synctest.Wait()
	close(let)
	<-left
	return again
}

func TestAPrinterThatIsPluggedInAgainAnswersThoughItsOldLineEndsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := replugged(t, devicesim.NewPrinter(devicesim.PrinterOptions{}))
		if s, err := driver(t, c, nil).Status(t.Context()); err != nil || !s.Online {
			t.Errorf("status %+v, %v", s, err)
		}
	})
}

func TestAScannerThatIsPluggedInAgainSendsThoughItsOldLineEndsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := devicesim.NewScanner()
		replugged(t, sim)
		if err := sim.Emit("", "6901234567892"); err != nil {
			t.Error(err)
		}
	})
}
