package porttest

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"posd/drivers/port"
)

// PairHID connects a HID port with the far end of a simulated device: each Write of device is one report, each Read gives
// what the host wrote. Closing either end unplugs it.
func PairHID(info port.HIDInfo, features port.FeatureReports) (host port.HID, device io.ReadWriteCloser) {
	down, up := newHalf(DefaultLimit), &packets{}
	up.change = sync.NewCond(&up.mu)
	near, far := &hidEnd{packets: up, half: down}, &hidDevice{packets: up, half: down}
	return port.NewHID(near, features, info, 0), far
}

// packets is a direction that keeps what was written apart.
type packets struct {
	mu     sync.Mutex
	change *sync.Cond
	queue  [][]byte // guarded by mu
	closed bool     // guarded by mu
}

func (p *packets) take(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.queue) == 0 && !p.closed {
		p.change.Wait()
	}
	if len(p.queue) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.queue[0])
	p.queue = p.queue[1:]
	return n, nil
}

func (p *packets) put(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, errHungUp
	}
	p.queue = append(p.queue, bytes.Clone(b))
	p.change.Broadcast()
	return len(b), nil
}

func (p *packets) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.change.Broadcast()
}

// hidEnd is the host's end.
type hidEnd struct {
	packets *packets
	half    *half
}

func (e *hidEnd) Read(b []byte) (int, error)  { return e.packets.take(b) }
func (e *hidEnd) Write(b []byte) (int, error) { return e.half.write(b) }

func (e *hidEnd) Close() error {
	e.packets.close()
	e.half.close()
	return nil
}

// hidDevice is the device's end.
type hidDevice hidEnd

func (d *hidDevice) Read(b []byte) (int, error)  { return d.half.read(b) }
func (d *hidDevice) Write(b []byte) (int, error) { return d.packets.put(b) }
func (d *hidDevice) Close() error                { return (*hidEnd)(d).Close() }

// Features is a HID device's feature reports by number, each with its number in front.
type Features map[byte][]byte

// Feature gives the report, or an error as of a device that does not know it.
func (f Features) Feature(number byte, size int) ([]byte, error) {
	b, ok := f[number]
	if !ok {
		return nil, errNoFeature
	}
	return bytes.Clone(b[:min(size, len(b))]), nil
}

// SetFeature keeps the report.
func (f Features) SetFeature(report []byte) error {
	f[report[0]] = bytes.Clone(report)
	return nil
}

var errNoFeature = errors.New("the device knows no such feature report")
