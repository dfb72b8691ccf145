//go:build lab && usb

package lab

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"unicode/utf16"
)

// farPrinter is a USB printer made of software, which keeps what it has printed when its plug is pulled.
type farPrinter struct {
	vendor, product uint16
	serial          string
	class           [3]byte // with subclass and protocol
	id1284          string
	serve           func(ctx context.Context, line io.ReadWriteCloser) error // its inside

	mu     sync.Mutex
	status byte // guarded by mu: GET_PORT_STATUS

	cable  *cable
	next   int // the controller's port for the next plug
	inside sync.WaitGroup
}

// The classes of far printers: a printer that talks both ways (USB printer class 1.1), and one whose maker has a class of
// its own, of which the system's printer driver knows nothing.
var (
	printerClass = [3]byte{7, 1, 2}
	vendorClass  = [3]byte{0xff, 0, 0}
)

// Port statuses (USB printer class 1.1, 4.2.2).
const (
	statusGood    = 0x18
	statusNoPaper = 0x38
)

// plug puts the plug into the next port.
func (p *farPrinter) plug() error {
	p.inside.Wait() // what came over the last cable is inside
	c, err := plugIn(p, p.next)
	if err != nil {
		return err
	}
	p.cable, p.next = c, (p.next+1)%ports
	p.inside.Go(func() { _ = p.serve(context.Background(), c) })
	return nil
}

// pull pulls the plug.
func (p *farPrinter) pull() { _ = p.cable.Close() }

func (p *farPrinter) setStatus(s byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = s
}

// address is how posd's configuration names it.
func (p *farPrinter) address() string {
	return fmt.Sprintf("usb:%04x:%04x:%s", p.vendor, p.product, p.serial)
}

// control answers a request to endpoint 0 (USB 2.0, 9.4; USB printer class 1.1, 4.2). ok is false for one that it stalls.
func (p *farPrinter) control(setup [8]byte) (answer []byte, ok bool) {
	switch [2]byte(setup[:2]) {
	case [2]byte{0x80, 6}:
		return p.descriptor(setup[3], setup[2])
	case [2]byte{0x80, 0}, [2]byte{0x81, 0}, [2]byte{0x82, 0}:
		return []byte{0, 0}, true
	case [2]byte{0x00, 5}, [2]byte{0x00, 9}, [2]byte{0x01, 11}, [2]byte{0x02, 1}:
		return nil, true // address, configuration, interface, clear halt
	case [2]byte{0xa1, 0}:
		return append(binary.BigEndian.AppendUint16(nil, uint16(2+len(p.id1284))), p.id1284...), true
	case [2]byte{0xa1, 1}:
		p.mu.Lock()
		defer p.mu.Unlock()
		return []byte{p.status}, true
	}
	return nil, false
}

func (p *farPrinter) descriptor(kind, index byte) ([]byte, bool) {
	const device, configuration, text = 1, 2, 3
	switch kind {
	case device:
		b := []byte{18, device, 0, 2, 0, 0, 0, 64}
		b = binary.LittleEndian.AppendUint16(b, p.vendor)
		b = binary.LittleEndian.AppendUint16(b, p.product)
		return append(b, 0, 1, 1, 2, 3, 1), true
	case configuration:
		return []byte{
			9, configuration, 32, 0, 1, 1, 0, 0xc0, 0,
			9, 4, 0, 0, 2, p.class[0], p.class[1], p.class[2], 0,
			7, 5, 0x01, 2, 0, 2, 0, // bulk out, 512 bytes a packet
			7, 5, 0x82, 2, 0, 2, 0, // bulk in
		}, true
	case text:
		texts := []string{"", "Lab", "Far printer", p.serial}
		if index == 0 {
			return []byte{4, text, 9, 4}, true
		}
		if int(index) >= len(texts) {
			return nil, false
		}
		return stringDescriptor(texts[index]), true
	}
	return nil, false
}

func stringDescriptor(s string) []byte {
	b := []byte{0, 3}
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	b[0] = byte(len(b))
	return b
}
