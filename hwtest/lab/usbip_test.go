//go:build lab && usb

package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// USB/IP, as the kernel's virtual host controller speaks it (Documentation/usb/usbip_protocol.rst): a head of 48 bytes, all
// numbers big-endian, then the bytes that go out or have come in.
const (
	cmdSubmit = 1
	cmdUnlink = 2
	retSubmit = 3
	retUnlink = 4
	headSize  = 48

	highSpeed = 3
	virtual   = "/sys/devices/platform/vhci_hcd.0/attach"
	ports     = 8 // of the controller's high-speed half
)

// request is one transfer that the kernel wants done (a URB).
type request struct {
	number   uint32
	in       bool
	endpoint uint32
	length   int
	setup    [8]byte
	out      []byte
}

// cable joins a farPrinter to the virtual host controller. It is a line to the printer's simulator; Close pulls the plug.
type cable struct {
	printer *farPrinter
	conn    net.Conn
	outs    chan request // bulk transfers to the printer, in their order
	cut     chan struct{}
	once    sync.Once
	fromPC  *io.PipeReader
	toSim   *io.PipeWriter
	plugged time.Time

	mu       sync.Mutex
	waiting  []request       // guarded by mu: bulk transfers from the printer that wait for its bytes
	answers  []byte          // guarded by mu: what the printer says and nobody has asked for yet
	unlinked map[uint32]bool // guarded by mu: transfers that the kernel has given up
	left     int             // guarded by mu: bytes until the plug is pulled; negative for never
	first    time.Duration   // guarded by mu: from the plug to the first byte; 0 before
}

// plugIn makes a cable and puts it into a port of the controller. A port is free a moment after its last plug was pulled.
func plugIn(p *farPrinter, at int) (*cable, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(pair[0]), "cable")
	conn, err := net.FileConn(file)
	_ = file.Close()
	if err != nil {
		return nil, err
	}
	c := &cable{
		printer: p, conn: conn, outs: make(chan request, 100), cut: make(chan struct{}), left: -1, unlinked: map[uint32]bool{},
	}
	c.fromPC, c.toSim = io.Pipe()
	c.plugged = time.Now()
	for range 500 {
		err = write(virtual, fmt.Sprintf("%d %d 1 %d", at, pair[1], highSpeed))
		if !errors.Is(err, unix.EBUSY) {
			break
		}
		time.Sleep(10 * time.Millisecond)
		c.plugged = time.Now()
	}
	_ = unix.Close(pair[1])
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("plug into port %d: %w", at, err)
	}
	go c.receive()
	go c.deliver()
	return c, nil
}

// Close pulls the plug.
func (c *cable) Close() error {
	c.once.Do(func() {
		close(c.cut)
		_ = c.conn.Close()
		_ = c.toSim.Close()
	})
	return nil
}

// Read is the simulator's: what the till sends.
func (c *cable) Read(p []byte) (int, error) { return c.fromPC.Read(p) }

// Write is the simulator's: what the printer says.
func (c *cable) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers = append(c.answers, p...)
	c.hand()
	return len(p), nil
}

// hand gives answers to whoever waits for them; mu is held.
func (c *cable) hand() {
	for len(c.waiting) > 0 && len(c.answers) > 0 {
		r := c.waiting[0]
		n := min(r.length, len(c.answers))
		c.reply(r, 0, n, c.answers[:n])
		c.waiting, c.answers = c.waiting[1:], c.answers[n:]
	}
}

// pullAfter lets n more bytes reach the printer. The transfer whose byte is the last is never answered.
func (c *cable) pullAfter(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = n
}

// pass counts bytes that are about to reach the printer, and says how many may.
func (c *cable) pass(n int) (may int, pull bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first == 0 {
		c.first = time.Since(c.plugged)
	}
	if c.left < 0 {
		return n, false
	}
	may = min(n, c.left)
	c.left -= may
	return may, c.left == 0
}

// ready is how long after the plug the first byte came; 0 if none did.
func (c *cable) ready() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.first
}

// deliver brings bytes to the printer. A transfer is done when the printer has taken all of it.
func (c *cable) deliver() {
	defer c.Close()
	for {
		select {
		case <-c.cut:
			return
		case r := <-c.outs:
			may, pull := c.pass(len(r.out))
			if _, err := c.toSim.Write(r.out[:may]); err != nil || pull {
				return
			}
			c.mu.Lock()
			if !c.unlinked[r.number] {
				c.reply(r, 0, len(r.out), nil)
			}
			c.mu.Unlock()
		}
	}
}

// receive takes what the kernel wants.
func (c *cable) receive() {
	defer c.Close()
	head := make([]byte, headSize)
	for {
		if _, err := io.ReadFull(c.conn, head); err != nil {
			return
		}
		at := func(i int) uint32 { return binary.BigEndian.Uint32(head[i:]) }
		if at(0) == cmdUnlink {
			c.unlink(at(4), at(20))
			continue
		}
		r := request{number: at(4), in: at(12) == 1, endpoint: at(16), length: int(at(24))}
		copy(r.setup[:], head[40:])
		if !r.in {
			r.out = make([]byte, r.length)
			if _, err := io.ReadFull(c.conn, r.out); err != nil {
				return
			}
		}
		c.take(r)
	}
}

func (c *cable) take(r request) {
	switch {
	case r.endpoint == 0:
		c.mu.Lock()
		defer c.mu.Unlock()
		answer, ok := c.printer.control(r.setup)
		if !ok {
			c.reply(r, -int32(unix.EPIPE), 0, nil)
			return
		}
		answer = answer[:min(len(answer), r.length)]
		c.reply(r, 0, len(answer), answer)
	case r.in:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.waiting = append(c.waiting, r)
		c.hand()
	default:
		select {
		case c.outs <- r:
		case <-c.cut:
		}
	}
}

// unlink gives up a transfer, as the kernel wants, whether or not it was done.
func (c *cable) unlink(number, what uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unlinked[what] = true
	c.waiting = slices.DeleteFunc(c.waiting, func(r request) bool { return r.number == what })
	c.send(retUnlink, number, -int32(unix.ECONNRESET), 0, nil)
}

// reply ends a transfer; mu is held.
func (c *cable) reply(r request, status int32, n int, in []byte) {
	if !r.in {
		in = nil
	}
	c.send(retSubmit, r.number, status, n, in)
}

func (c *cable) send(command, number uint32, status int32, n int, data []byte) {
	b := make([]byte, headSize, headSize+len(data))
	binary.BigEndian.PutUint32(b, command)
	binary.BigEndian.PutUint32(b[4:], number)
	binary.BigEndian.PutUint32(b[20:], uint32(status))
	binary.BigEndian.PutUint32(b[24:], uint32(n))
	_, _ = c.conn.Write(append(b, data...)) // whose end receive sees
}
