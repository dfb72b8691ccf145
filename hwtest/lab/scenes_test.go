//go:build lab && usb

package lab

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"posd/drivers/plug"
	"posd/drivers/port"
)

// scene is one thing that must hold.
type scene struct {
	name string
	play func(ctx context.Context) error
}

var gadgetScenes = []scene{
	{"everything is plugged in and found by what it is", plugAll},
	{"the printer says who it is and how it is", askPrinter},
	{"1 MiB reaches the printer intact", printMuch},
	{"the printer answers", printerAnswers},
	{"a serial scanner's code arrives", scanSerial},
	{"a HID scanner's report arrives whole", scanHID},
	{"a HID scanner's driver reads it by what the kernel says of its reports", readHID},
	{"a keyboard's keys arrive as text, and nowhere else as long as it is open", typeKeys},
	{"a device that is pulled out in mid-read is gone at once", pullOut},
	{"finding and opening a device takes a moment", costs},
	{"a scanner is back in use after every replug, and no scan is lost or doubled", gadgetLine.replugs},
	{"a device that comes back under another number is the same", gadgetLine.comeBack},
	{"two devices with one serial number are refused", twins},
}

// find looks for a device until it is there, and opens it.
func find(ctx context.Context, address string) (port.Conn, error) {
	a, err := port.ParseAddress(address)
	if err != nil {
		return nil, err
	}
	for {
		c, err := port.Open(ctx, a)
		if err == nil || ctx.Err() != nil {
			return c, err
		}
		if !errors.Is(err, port.ErrMissing) {
			if _, ok := errors.AsType[*plug.Problem](err); !ok {
				return nil, err
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Addresses of the gadgets.
const (
	printerPort  = "usb:04b8:0202:LAB0001"
	serialPort   = "usb:1eab:0106:LAB0002"
	hidPort      = "usb:0c2e:0901:LAB0003"
	keyboardPort = "usb:05e0:1200:LAB0004"
)

func plugAll(ctx context.Context) error {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	files := make(chan string, 1000)
	go func() {
		_ = plug.Watch(watching, func(e plug.Event) {
			if e.Action == "add" && e.Node != "" {
				files <- e.Node
			}
		})
	}()
	time.Sleep(50 * time.Millisecond) // the socket is there
	for i, g := range []struct {
		gadget
		port string
	}{{receipts, printerPort}, {serialScanner, serialPort}, {hidScanner, hidPort}, {keyboard, keyboardPort}} {
		if err := errors.Join(g.build(), g.plug(i)); err != nil {
			return err
		}
		start := time.Now()
		c, err := find(ctx, g.port)
		if err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
		took := time.Since(start)
		_ = c.Close()
		say(fmt.Sprintf("%s%s ready %d ms after the plug", noteMark, g.name, took.Milliseconds()))
	}
	told := map[string]bool{}
	for len(files) > 0 {
		told[<-files] = true
	}
	for _, d := range plug.Live() {
		say(noteMark + d.String() + fmt.Sprint(d.Nodes("")))
		for _, n := range d.Nodes("") {
			if d.USB() && !told[n.Path] {
				return fmt.Errorf("no event told of %s", n.Path)
			}
		}
	}
	return nil
}

func askPrinter(ctx context.Context) error {
	far, err := os.OpenFile("/dev/g_printer0", os.O_RDWR, 0) // switched on: the gadget is selected as long as it is open
	if err != nil {
		return err
	}
	defer far.Close()
	c, err := find(ctx, printerPort)
	if err != nil {
		return err
	}
	defer c.Close()
	p, ok := c.(port.PrinterPort)
	if !ok {
		return fmt.Errorf("%T answers no questions", c)
	}
	id, err := p.DeviceID(ctx)
	s, serr := p.LineStatus(ctx)
	usb, uerr := p.Product(ctx)
	if err := errors.Join(err, serr, uerr); err != nil {
		return err
	}
	if !strings.HasPrefix(printerPort, "usb:"+usb) {
		return fmt.Errorf("product %q of %s", usb, printerPort)
	}
	if !strings.HasPrefix(id, "MFG:LAB;MDL:RECEIPTS;") || !s.Selected() || s.PaperOut() || s.Faulty() {
		return fmt.Errorf("id %q, status %02x", id, byte(s))
	}
	byWords, err := find(ctx, "1284:MDL=receipts")
	if !errors.Is(err, port.ErrBusy) { // found by its words, and taken
		return fmt.Errorf("by its 1284 id: %v, %w", byWords, err)
	}
	return nil
}

func printMuch(ctx context.Context) error {
	far, err := os.OpenFile("/dev/g_printer0", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer far.Close()
	c, err := find(ctx, printerPort)
	if err != nil {
		return err
	}
	defer c.Close()
	sent := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(sent)
	got := make([]byte, len(sent))
	read := make(chan error, 1)
	go func() {
		_, err := io.ReadFull(far, got)
		read <- err
	}()
	start := time.Now()
	if err := c.Write(ctx, sent); err != nil {
		return err
	}
	select {
	case err := <-read:
		if err != nil || sha256.Sum256(got) != sha256.Sum256(sent) {
			return fmt.Errorf("%w, or other bytes than were sent", err)
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	say(fmt.Sprintf("%s1 MiB in %d ms", noteMark, time.Since(start).Milliseconds()))
	return nil
}

func printerAnswers(ctx context.Context) error {
	far, err := os.OpenFile("/dev/g_printer0", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer far.Close()
	c, err := find(ctx, printerPort)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := far.Write([]byte("\x16\n")); err != nil {
		return err
	}
	return expect(ctx, c, bufio.ScanLines, "\x16")
}

// expect takes the next frame.
func expect(ctx context.Context, c port.Conn, split bufio.SplitFunc, want string) error {
	got, err := c.Next(ctx, split)
	if err != nil || string(got) != want {
		return fmt.Errorf("got %q, %w, want %q", got, err, want)
	}
	return nil
}

func scanSerial(ctx context.Context) error {
	c, err := find(ctx, serialPort)
	if err != nil {
		return err
	}
	defer c.Close()
	far, err := os.OpenFile("/dev/ttyGS0", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer far.Close()
	if _, err := far.WriteString("6901234567892\n"); err != nil {
		return err
	}
	return expect(ctx, c, bufio.ScanLines, "6901234567892")
}
