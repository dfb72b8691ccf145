//go:build proof && linux

package proof

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// asVictim is the first argument that makes the test program a small one whose calls are made to fail: from many
// goroutines at once it does what it is asked, and says what came of it.
const asVictim = "posd-proof-victim"

func init() {
	if len(os.Args) == 4 && os.Args[1] == asVictim {
		victim(os.Args[2], os.Args[3])
		os.Exit(0)
	}
}

// victim makes ten writes and syncs in a folder, each on a goroutine of its own, one after the other, then a rename, and
// says hello to an address.
func victim(dir, address string) {
	for i := range 10 {
		done := make(chan struct{})
		go func() {
			defer close(done)
			f, err := os.Create(filepath.Join(dir, "f"))
			fmt.Println("open", i+1, err)
			if err != nil {
				return
			}
			n, err := unix.Write(int(f.Fd()), []byte("0123456789"))
			fmt.Println("write", i+1, n, err)
			fmt.Println("sync", i+1, f.Sync())
			_ = f.Close()
		}()
		<-done
	}
	fmt.Println("rename", os.Rename(filepath.Join(dir, "f"), filepath.Join(dir, "g")))
	c, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", address)
	fmt.Println("connect", err)
	if err != nil {
		return
	}
	_, err = c.Write([]byte("hello"))
	fmt.Println("send", err)
	if err == nil {
		_, err = io.ReadAll(c)
		fmt.Println("recv", err)
	}
}

// played runs the small program under a tracer with some faults and gives what it said.
func played(t *testing.T, faults ...fault) string {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			buf := make([]byte, 5)
			_, _ = io.ReadFull(c, buf)
			_, _ = c.Write([]byte("hello to you"))
			_ = c.Close()
		}
	}()
	dir := t.TempDir()
	u := setup{
		Socket: filepath.Join(dir, "tracer"), Faults: faults,
		Places: map[string]string{dir: "journal", ln.Addr().String(): "host"},
	}
	argv, err := u.traced()
	if err != nil {
		t.Fatal(err)
	}
	argv = append(argv, os.Args[0], asVictim, dir, ln.Addr().String())
	var out bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	return out.String()
}

func TestTheTracerFailsTheNthCallOfAKindOverAllThreads(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		f    fault
		want []string
	}{
		{fault{}, []string{"write 10 10 <nil>", "sync 10 <nil>", "rename <nil>", "connect <nil>", "send <nil>", "recv <nil>"}},
		{fault{Kind: "write journal", Nth: 4, How: "EIO"}, []string{"write 3 10 <nil>", "write 4 -1 input/output error", "write 5 10 <nil>"}},
		{fault{Kind: "write journal", Nth: 4, How: short}, []string{"write 3 10 <nil>", "write 4 5 <nil>", "write 5 10 <nil>"}},
		{fault{Kind: "write journal", Nth: 9, How: "ENOSPC", Lasting: true}, []string{"write 8 10 <nil>", "write 9 -1 no space", "write 10 -1 no space"}},
		{fault{Kind: "sync journal", Nth: 10, How: "EIO"}, []string{"sync 9 <nil>", "input/output error"}},
		{fault{Kind: "create journal", Nth: 2, How: "EMFILE"}, []string{"open 1 <nil>", "f: too many open files", "open 3 <nil>"}},
		{fault{Kind: "rename journal", Nth: 1, How: "EIO"}, []string{"rename rename", "input/output error"}},
		{fault{Kind: "connect host", Nth: 1, How: "ECONNREFUSED"}, []string{"connection refused"}},
		{fault{Kind: "send host", Nth: 1, How: "ECONNRESET"}, []string{"send write", "connection reset"}},
		{fault{Kind: "recv host", Nth: 1, How: "ECONNRESET"}, []string{"recv read", "connection reset"}},
	} {
		said := played(t, tc.f)
		for _, want := range tc.want {
			if !strings.Contains(said, want) {
				t.Errorf("%s: no %q in\n%s", tc.f, want, said)
			}
		}
	}
}

func TestATracerCountsAndIsArmedWhileItsProgramRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	u := setup{Socket: filepath.Join(dir, "tracer"), Places: map[string]string{dir: "journal"}}
	argv, err := u.traced()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), argv[0], append(argv[1:], "/bin/sh", "-c", "while read line; do echo $line >"+dir+"/f; echo $?; done")...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	step := func(o order) count {
		t.Helper()
		if _, err := io.WriteString(in, "x\n"); err != nil {
			t.Fatal(err)
		}
		var seen count
		err := until(t.Context(), "a write of the shell", func(ctx context.Context) (bool, error) {
			seen, err = tell(ctx, u.Socket, order{})
			return seen.Calls["write journal"] > 0, err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tell(t.Context(), u.Socket, o); err != nil {
			t.Fatal(err)
		}
		return seen
	}
	err = until(t.Context(), "the tracer to listen", func(ctx context.Context) (bool, error) {
		_, err := tell(ctx, u.Socket, order{})
		return err == nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := step(order{Arm: true, Faults: []fault{{Kind: "write journal", Nth: 1, How: "ENOSPC"}}})
	if seen.Calls["write journal"] != 1 || len(seen.Hits) != 0 {
		t.Errorf("before it was armed: %+v", seen)
	}
	seen = step(order{Arm: true})
	if seen.Calls["write journal"] != 1 || len(seen.Hits) != 1 {
		t.Errorf("after it was armed: %+v", seen)
	}
	step(order{})
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(out.String(), "No space left") && !strings.Contains(out.String(), "rror") {
		t.Errorf("the shell noticed nothing: %s", &out)
	}
}
