package port_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"posd/drivers/port"
)

// openPTY gives a master and the path of its slave, which stays open so that the master survives the port's Close.
func openPTY(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Skip("no PTYs here:", err)
	}
	t.Cleanup(func() { _ = slave.Close(); _ = master.Close() })
	return master, slave
}

func limit(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestASerialLineMovesBytesBothWays(t *testing.T) {
	master, slave := openPTY(t)
	c, err := port.Open(limit(t), port.Address{Kind: port.Serial, Path: slave.Name(), Baud: 115200})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Write(limit(t), []byte("down\n")); err != nil {
		t.Fatal(err)
	}
	if got, err := bufio.NewReader(master).ReadString('\n'); got != "down\n" {
		t.Fatalf("got %q, %v", got, err)
	}
	_, _ = master.Write([]byte("up\n"))
	if got, err := c.Next(limit(t), bufio.ScanLines); string(got) != "up" {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestASerialLineHasOneOwner(t *testing.T) {
	_, slave := openPTY(t)
	link := filepath.Join(t.TempDir(), "printer")
	if err := os.Symlink(slave.Name(), link); err != nil {
		t.Fatal(err)
	}
	c, err := port.Open(limit(t), port.Address{Path: slave.Name()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = port.Open(limit(t), port.Address{Path: link})
	if !errors.Is(err, port.ErrBusy) || !strings.Contains(err.Error(), "by another device of this process") {
		t.Errorf("second open: got %v, want ErrBusy and by whom", err)
	}
	_ = c.Close()
	c, err = port.Open(limit(t), port.Address{Path: link})
	if err != nil {
		t.Fatalf("after Close: %v", err)
	}
	_ = c.Close()
}

func TestAHangUpOfTheFarEndIsAnUnplug(t *testing.T) {
	master, slave := openPTY(t)
	c, err := port.Open(limit(t), port.Address{Path: slave.Name()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	time.AfterFunc(50*time.Millisecond, func() { _ = master.Close() })
	if _, err := c.Next(limit(t), bufio.ScanLines); !errors.Is(err, port.ErrUnplugged) {
		t.Errorf("Next: got %v, want ErrUnplugged", err)
	}
	if err := c.Write(limit(t), []byte("x")); !errors.Is(err, port.ErrUnplugged) {
		t.Errorf("Write: got %v, want ErrUnplugged", err)
	}
}

func TestAHeldLineDelaysNeitherWriteNorClose(t *testing.T) {
	_, slave := openPTY(t)
	c, err := port.Open(limit(t), port.Address{Path: slave.Name()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // until then the writer is at it, on any machine
	defer cancel()
	if err := c.Write(ctx, make([]byte, 1<<20)); !errors.Is(err, port.ErrStalled) {
		t.Errorf("got %v, want ErrStalled", err)
	}
	start := time.Now()
	_ = c.Close()
	if took := time.Since(start); took > 20*time.Second { // and not for as long as the line is held
		t.Errorf("Close took %v", took)
	}
}

func TestOpenSaysWhyNot(t *testing.T) {
	_, slave := openPTY(t)
	cases := map[string]struct {
		a    port.Address
		want error
	}{
		"missing path":  {port.Address{Path: "/dev/posd-does-not-exist"}, port.ErrMissing},
		"nobody there":  {port.Address{Kind: port.TCP, Path: "127.0.0.1:1"}, port.ErrMissing},
		"strange file":  {port.Address{Path: "/dev/null"}, nil},
		"strange kind":  {port.Address{Kind: "lpt", Path: "1"}, nil},
		"wrong parity":  {port.Address{Path: slave.Name(), Parity: "maybe"}, nil},
		"wrong stops":   {port.Address{Path: slave.Name(), StopBits: "3"}, nil},
		"stops on 8bit": {port.Address{Path: slave.Name(), StopBits: "1.5"}, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := port.Open(limit(t), c.a)
			if err == nil || (c.want != nil && !errors.Is(err, c.want)) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestTCPMovesBytesAndSeesTheEnd(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, _ := l.Accept()
		accepted <- c
	}()
	c, err := port.Open(limit(t), port.Address{Kind: port.TCP, Path: l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	peer := <-accepted
	_, _ = peer.Write([]byte("hello\n"))
	if got, err := c.Next(limit(t), bufio.ScanLines); string(got) != "hello" {
		t.Fatalf("got %q, %v", got, err)
	}
	_ = peer.Close()
	if _, err := c.Next(limit(t), bufio.ScanLines); !errors.Is(err, port.ErrUnplugged) {
		t.Errorf("got %v, want ErrUnplugged", err)
	}
}
