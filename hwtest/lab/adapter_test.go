//go:build lab && usb

package lab

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"posd/drivers/port"
)

// The adapter that QEMU plugs in: an FTDI, as it is in many cables of scales and scanners.
const (
	adapterSerial = "LAB0021"
	adapterPort   = "usb:0403:6001:" + adapterSerial
)

var adapterScenes = []scene{
	{"a serial adapter is found by what it is, and bytes come back over it as they went", throughAdapter},
	{"an adapter that is pulled out in mid-read is gone at once", pullAdapter},
	{"a scanner behind an adapter is back in use after every replug, and no scan is lost or doubled", outside.replugs},
	{"an adapter that comes back under another number is the same", outside.comeBack},
}

// outside is a scanner behind the adapter, which somebody outside of the machine plugs in.
var outside = serialLine{
	address: adapterPort, times: 10,
	send:   func(code string) error { say(askMark + askSend + code); return nil },
	unplug: func() error { say(askMark + askUnplug); return nil },
	plug:   func() error { say(askMark + askPlug); return nil },
}

func throughAdapter(ctx context.Context) error {
	start := time.Now()
	if err := outside.plug(); err != nil {
		return err
	}
	c, err := find(ctx, adapterPort)
	if err != nil {
		return err
	}
	defer c.Close()
	say(fmt.Sprintf("%sadapter ready %d ms after the plug", noteMark, time.Since(start).Milliseconds()))
	sent := make([]byte, 16<<10)
	_, _ = rand.NewChaCha8([32]byte{3}).Read(sent)
	wrote := make(chan error, 1)
	go func() { wrote <- c.Write(ctx, sent) }()
	var got []byte
	for len(got) < len(sent) {
		b, err := c.Next(ctx, func(b []byte, _ bool) (int, []byte, error) { return len(b), b, nil })
		if err != nil {
			return fmt.Errorf("after %d bytes: %w", len(got), err)
		}
		got = append(got, b...)
	}
	if err := <-wrote; err != nil {
		return err
	}
	if !bytes.Equal(got, sent) {
		return errors.New("other bytes came back than were sent")
	}
	return nil
}

func pullAdapter(ctx context.Context) error {
	c, err := find(ctx, adapterPort)
	if err != nil {
		return err
	}
	defer c.Close()
	time.AfterFunc(100*time.Millisecond, func() { _ = outside.unplug() })
	if _, err := c.Next(ctx, bufio.ScanLines); !errors.Is(err, port.ErrUnplugged) {
		return fmt.Errorf("got %w, want ErrUnplugged", err)
	}
	return outside.plug()
}
