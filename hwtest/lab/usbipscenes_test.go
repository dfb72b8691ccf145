//go:build lab && usb

package lab

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"time"

	"github.com/google/gousb"

	"posd/drivers/plug"
	"posd/drivers/port"
	"posd/drivers/printer"
	"posd/hwtest/devicesim"
)

var usbipScenes = []scene{
	{"a printer far away is one of the kernel's driver, which tells of its paper", askByKernel},
	{"1 MiB by the kernel's driver: intact, and the end of it lost when the plug is pulled", muchByKernel},
	{"a printer that the kernel's driver does not know is taken from another, asked, and given back", claimByLibusb},
	{"1 MiB by libusb reaches the printer intact", muchByLibusb},
	{"a plug that is pulled in the middle of transfers by libusb is told as such, and back in another port", pullByLibusb},
	{"40 print jobs across 10 replugs by libusb: none is lost, none is doubled without a mark", tradeByLibusb},
	{"200 print jobs across 50 replugs by the kernel's driver: none is lost, none is doubled without a mark", tradeByKernel},
}

// kernelPrinter is one that usblp takes.
func kernelPrinter(serial string) *farPrinter {
	return &farPrinter{vendor: 0x04b8, product: 0x0202, serial: serial, class: printerClass, id1284: "MFG:LAB;MDL:FAR;", status: statusGood}
}

// strangePrinter is one that libusb has to take from a driver which makes no device file of it: it has the number that the
// kernel's usbtest looks for.
func strangePrinter(serial string) *farPrinter {
	return &farPrinter{vendor: 0x0525, product: 0xa4a0, serial: serial, class: vendorClass, status: statusGood}
}

// basket is a printer that keeps what it is sent, and says nothing.
type basket struct {
	bytes.Buffer
	full chan struct{} // closed when it has so many bytes
	size int
}

func newBasket(size int) *basket { return &basket{full: make(chan struct{}), size: size} }

func (b *basket) serve(_ context.Context, line io.ReadWriteCloser) error {
	for p := make([]byte, 4<<10); ; {
		n, err := line.Read(p)
		b.Write(p[:n])
		if b.Len() == b.size && n > 0 {
			close(b.full)
		}
		if err != nil {
			return err
		}
	}
}

// mib is a mebibyte of anything.
func mib() []byte {
	b := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{2}).Read(b)
	return b
}

// withPrinter plugs in a printer and opens it.
func withPrinter(ctx context.Context, p *farPrinter, use func(c port.Conn) error) error {
	if err := p.plug(); err != nil {
		return err
	}
	defer p.pull()
	c, err := find(ctx, p.address())
	if err != nil {
		return err
	}
	defer c.Close()
	return use(c)
}

func askByKernel(ctx context.Context) error {
	p := kernelPrinter("LAB0010")
	p.serve = newBasket(0).serve
	if err := p.plug(); err != nil {
		return err
	}
	defer p.pull()
	for _, status := range []byte{statusGood, statusNoPaper} {
		p.setStatus(status)
		out, err := exec.CommandContext(ctx, "/init", askVerb, p.address()).CombinedOutput()
		want := fmt.Sprintf("%s %02x paper out %v\n", p.id1284, status, status == statusNoPaper)
		if err != nil || string(out) != want {
			return fmt.Errorf("got %q, %w, want %q", out, err, want)
		}
	}
	return nil
}

// askVerb has this program ask a printer, as a process of its own: while the kernel's driver waits for an answer, it keeps
// whoever polls its file waiting, too (usblp_poll takes the lock of usblp_ioctl); so nobody can answer himself.
const askVerb = "ask"

// ask says how the printer at an address is, and ends this process.
func ask(address string) {
	ctx, cancel := context.WithTimeout(context.Background(), sceneLimit)
	defer cancel()
	c, err := find(ctx, address)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	p, _ := c.(port.PrinterPort)
	id, err := p.DeviceID(ctx)
	s, serr := p.LineStatus(ctx)
	if err := errors.Join(err, serr); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Printf("%s %02x paper out %v\n", id, byte(s), s.PaperOut())
	os.Exit(0)
}

// sendAll sends a mebibyte and holds what has arrived against it.
func sendAll(ctx context.Context, p *farPrinter) error {
	b, sent := newBasket(1<<20), mib()
	p.serve = b.serve
	return withPrinter(ctx, p, func(c port.Conn) error {
		start := time.Now()
		if err := c.Write(ctx, sent); err != nil {
			return err
		}
		select {
		case <-b.full:
		case <-ctx.Done():
			return ctx.Err()
		}
		say(fmt.Sprintf("%s1 MiB in %d ms", noteMark, time.Since(start).Milliseconds()))
		p.pull()
		p.inside.Wait()
		if sha256.Sum256(b.Bytes()) != sha256.Sum256(sent) {
			return errors.New("other bytes have arrived than were sent")
		}
		return nil
	})
}

// pullInMidWrite pulls the plug in the middle of a mebibyte, and holds what has arrived against its beginning.
func pullInMidWrite(ctx context.Context, p *farPrinter, arrive int) error {
	b, sent := newBasket(0), mib()
	p.serve = b.serve
	return withPrinter(ctx, p, func(c port.Conn) error {
		p.cable.pullAfter(arrive)
		if err := c.Write(ctx, sent); !errors.Is(err, port.ErrUnplugged) {
			return fmt.Errorf("write: got %w, want ErrUnplugged", err)
		}
		if _, err := c.Next(ctx, bufio.ScanLines); !errors.Is(err, port.ErrUnplugged) {
			return fmt.Errorf("read: got %w, want ErrUnplugged", err)
		}
		p.inside.Wait()
		if !bytes.Equal(b.Bytes(), sent[:arrive]) {
			return fmt.Errorf("%d bytes have arrived, want the first %d", b.Len(), arrive)
		}
		return nil
	})
}

func muchByKernel(ctx context.Context) error {
	p := kernelPrinter("LAB0011")
	if err := sendAll(ctx, p); err != nil {
		return err
	}
	return pullInMidWrite(ctx, p, 500_001)
}

// holder is the kernel's driver that has the only interface of a printer; "" for none.
func holder(p *farPrinter) (string, error) {
	for _, d := range plug.Live() {
		if d.Serial == p.serial && len(d.Faces) == 1 {
			return d.Faces[0].Driver, nil
		}
	}
	return "", fmt.Errorf("%s is not there", p.address())
}

// heldBy waits for a driver to have the printer.
func heldBy(ctx context.Context, p *farPrinter, driver string) error {
	got, err := "", error(nil)
	for ctx.Err() == nil {
		if got, err = holder(p); err == nil && got == driver {
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	return fmt.Errorf("%q has the printer, want %q: %w, %w", got, driver, err, ctx.Err())
}

func claimByLibusb(ctx context.Context) error {
	p, sim := strangePrinter("LAB0012"), devicesim.NewPrinter(devicesim.PrinterOptions{})
	p.serve = sim.Serve
	if err := p.plug(); err != nil {
		return err
	}
	defer p.pull()
	if err := heldBy(ctx, p, "usbtest"); err != nil {
		return err
	}
	c, err := find(ctx, p.address())
	if err != nil {
		return err
	}
	if err := heldBy(ctx, p, "usbfs"); err != nil {
		return errors.Join(err, c.Close())
	}
	if err := askPaper(ctx, c, sim); err != nil {
		return errors.Join(err, c.Close())
	}
	if err := c.Close(); err != nil {
		return err
	}
	return heldBy(ctx, p, "usbtest")
}

// askPaper asks an ESC/POS printer for its status, with paper and without.
func askPaper(ctx context.Context, c port.Conn, sim *devicesim.Printer) error {
	d, _ := printer.Lookup("escpos")
	settings, err := port.Settle(d.Options, nil)
	if err != nil {
		return err
	}
	escpos := d.Open(c, settings)
	for _, paper := range []bool{true, false} {
		sim.SetPaper(paper)
		if s, err := escpos.Status(ctx); err != nil || (s.Err() == nil) != paper {
			return fmt.Errorf("status with paper %v: %+v, %w", paper, s, err)
		}
	}
	return nil
}

func muchByLibusb(ctx context.Context) error { return sendAll(ctx, strangePrinter("LAB0013")) }

// pullByLibusb pulls the plug while a transfer of either direction is under way. What is tried afterwards has libusb's other
// error for a device that is gone.
func pullByLibusb(ctx context.Context) error {
	p := strangePrinter("LAB0014")
	if err := pullInMidWrite(ctx, p, 300_003); err != nil {
		return err
	}
	p.serve = newBasket(0).serve
	first, err := p.place(ctx)
	if err != nil {
		return err
	}
	err = withPrinter(ctx, p, func(c port.Conn) error {
		time.AfterFunc(100*time.Millisecond, p.pull)
		if _, err := c.Next(ctx, bufio.ScanLines); !errors.Is(err, gousb.TransferNoDevice) || !errors.Is(err, port.ErrUnplugged) {
			return fmt.Errorf("a transfer under way: got %w, want TransferNoDevice and ErrUnplugged", err)
		}
		if err := c.Write(ctx, []byte("x")); !errors.Is(err, gousb.ErrorNoDevice) || !errors.Is(err, port.ErrUnplugged) {
			return fmt.Errorf("a transfer afterwards: got %w, want ErrorNoDevice and ErrUnplugged", err)
		}
		return nil
	})
	second, placeErr := p.place(ctx)
	if err == nil && first == second {
		err = fmt.Errorf("it came back at %s, where it was", second)
	}
	say(noteMark + "was " + first + ", is " + second)
	return errors.Join(err, placeErr)
}

// place plugs a printer in, finds it by what it is, and says where it was.
func (p *farPrinter) place(ctx context.Context) (at string, err error) {
	err = withPrinter(ctx, p, func(port.Conn) error {
		for _, d := range plug.Live() {
			if d.Serial == p.serial {
				at = d.Port
			}
		}
		return nil
	})
	return at, err
}

func tradeByKernel(ctx context.Context) error {
	return runTrade(ctx, kernelPrinter("LAB0015"), 200, 50)
}

func tradeByLibusb(ctx context.Context) error {
	return runTrade(ctx, strangePrinter("LAB0016"), 40, 10)
}
