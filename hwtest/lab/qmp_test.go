//go:build lab && usb

package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"time"
)

// qemu is the hands that plug adapters into a machine from outside. What stands at their far end sends back what it gets.
type qemu struct {
	monitor, line string // sockets
	qmp           *bufio.ReadWriter
	far           net.Conn
	plugs         int
}

func newQEMU(dir string) hands {
	return &qemu{monitor: filepath.Join(dir, "qmp"), line: filepath.Join(dir, "line")}
}

func (q *qemu) args() []string {
	return []string{
		"-device", "qemu-xhci,id=xhci", "-chardev", "socket,id=line,server=on,wait=off,path=" + q.line,
		"-qmp", "unix:" + q.monitor + ",server=on,wait=off",
	}
}

// What a guest may ask for.
const (
	askPlug   = "plug"
	askUnplug = "unplug"
	askSend   = "send " // and what
)

func (q *qemu) do(ctx context.Context, what string) error {
	if err := q.connect(ctx); err != nil {
		return err
	}
	id := func() string { return fmt.Sprintf("adapter%d", q.plugs) }
	switch text, send := strings.CutPrefix(what, askSend); {
	case send:
		_, err := io.WriteString(q.far, text+"\r")
		return err
	case what == askUnplug:
		return q.command("device_del", map[string]string{"id": id()})
	case what == askPlug:
		q.plugs++
		for {
			err := q.command("device_add", map[string]string{
				"driver": "usb-serial", "chardev": "line", "bus": "xhci.0", "id": id(), "serial": adapterSerial,
			})
			if err == nil || ctx.Err() != nil { // a moment after its unplug the last adapter still has the line
				return err
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return fmt.Errorf("nobody can %q", what)
}

// connect takes the far end of the line, without which QEMU does not plug in an adapter, and the monitor.
func (q *qemu) connect(ctx context.Context) error {
	if q.far != nil {
		return nil
	}
	var d net.Dialer
	far, err := d.DialContext(ctx, "unix", q.line)
	if err != nil {
		return err
	}
	q.far = far
	go func() { _, _ = io.Copy(far, far) }()
	monitor, err := d.DialContext(ctx, "unix", q.monitor)
	if err != nil {
		return err
	}
	deadline, _ := ctx.Deadline()
	q.qmp = bufio.NewReadWriter(bufio.NewReader(monitor), bufio.NewWriter(monitor))
	return errors.Join(monitor.SetDeadline(deadline), q.command("qmp_capabilities", nil))
}

// command tells QEMU to do something, and waits until it has (docs/interop/qmp-spec.txt). Events between are skipped.
func (q *qemu) command(name string, arguments map[string]string) error {
	b, err := json.Marshal(map[string]any{"execute": name, "arguments": arguments})
	if arguments == nil {
		b, err = json.Marshal(map[string]any{"execute": name})
	}
	if err != nil {
		return err
	}
	_, err = q.qmp.Write(b)
	if err := errors.Join(err, q.qmp.Flush()); err != nil {
		return err
	}
	for {
		line, err := q.qmp.ReadBytes('\n')
		if err != nil {
			return err
		}
		var answer struct {
			Return *json.RawMessage
			Error  *struct{ Desc string }
		}
		if err := json.Unmarshal(line, &answer); err != nil {
			return err
		}
		switch {
		case answer.Error != nil:
			return fmt.Errorf("%s: %s", name, answer.Error.Desc)
		case answer.Return != nil:
			return nil
		}
	}
}
