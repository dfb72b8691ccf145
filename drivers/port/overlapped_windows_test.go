package port

import (
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/windows"
)

// pipe gives both ends of a named pipe, each opened as openNode opens a device.
func pipe(t *testing.T) (_, _ io.ReadWriteCloser) {
	t.Helper()
	name, err := windows.UTF16PtrFromString(fmt.Sprintf(`\\.\pipe\posd-%d-%s`, os.Getpid(), t.Name()))
	if err != nil {
		t.Fatal(err)
	}
	server, err := windows.CreateNamedPipe(name, windows.PIPE_ACCESS_DUPLEX|windows.FILE_FLAG_OVERLAPPED, windows.PIPE_TYPE_BYTE,
		1, 4096, 4096, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	client, err := windows.CreateFile(name, windows.GENERIC_READ|windows.GENERIC_WRITE, 0, nil, windows.OPEN_EXISTING,
		windows.FILE_FLAG_OVERLAPPED, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, errOurs := newOverlapped(server)
	theirs, errTheirs := newOverlapped(client)
	if err := errors.Join(errOurs, errTheirs); err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}

// within fails the test if do takes longer than a moment: what hangs would do so for ever.
func within(t *testing.T, what string, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); do() }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatalf("%s: hangs", what)
	}
}

func TestADeviceIsWrittenToWhileItIsListenedTo(t *testing.T) {
	ours, theirs := pipe(t)
	heard := make(chan string, 1)
	go func() {
		b := make([]byte, 100)
		n, _ := ours.Read(b)
		heard <- string(b[:n])
	}()
	time.Sleep(50 * time.Millisecond) // the read is pending now
	within(t, "write", func() {
		if n, err := ours.Write([]byte("slip")); n != 4 || err != nil {
			t.Errorf("wrote %d bytes, %v", n, err)
		}
	})
	within(t, "what arrives", func() {
		b := make([]byte, 100)
		if n, err := theirs.Read(b); string(b[:n]) != "slip" || err != nil {
			t.Errorf("%q arrived, %v", b[:n], err)
		}
		if _, err := theirs.Write([]byte("paper out")); err != nil {
			t.Error(err)
		}
		if got := <-heard; got != "paper out" {
			t.Errorf("heard %q", got)
		}
	})
	within(t, "close", func() { _, _ = ours.Close(), theirs.Close() })
}

func TestClosingADeviceEndsItsReadAndItsWrite(t *testing.T) {
	ours, theirs := pipe(t)
	defer theirs.Close()
	ends := make(chan error, 2)
	go func() { _, err := ours.Read(make([]byte, 100)); ends <- err }()
	go func() { _, err := ours.Write(make([]byte, 1<<20)); ends <- err }() // more than the pipe holds
	time.Sleep(50 * time.Millisecond)
	within(t, "close", func() {
		if err := ours.Close(); err != nil {
			t.Error(err)
		}
	})
	for range 2 {
		if err := <-ends; !errors.Is(err, os.ErrClosed) {
			t.Errorf("a call that Close ended: %v", err)
		}
	}
	if _, err := ours.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a read after Close: %v", err)
	}
	if err := ours.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a second Close: %v", err)
	}
}

func TestADeviceThatIsGoneIsAnErrorAndNoEmptyRead(t *testing.T) {
	ours, theirs := pipe(t)
	defer ours.Close()
	if err := theirs.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := ours.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
}
