package port

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"syscall"
	"time"

	"go.bug.st/serial"
)

const (
	defaultBaud = 9600
	defaultBits = 8
)

// openSerial opens a serial line, alone: as root the operating system would let a second program in, hence our lock.
func openSerial(a Address) (Conn, error) {
	mode, err := lineMode(a)
	if err != nil {
		return nil, err
	}
	unlock, err := lockLine(a.Path)
	if err != nil {
		return nil, err
	}
	p, err := serial.Open(a.Path, mode)
	if err != nil {
		unlock()
		return nil, explainOpen(a.Path, err)
	}
	// PTYs and some adapters have no modem lines (ENOTTY); a device that does not look at them works all the same.
	_ = p.SetDTR(true)
	_ = p.SetRTS(true)
	return NewConn(&line{port: p, unlock: unlock}, a.Stall), nil
}

// lineMode turns the words of an address into the library's numbers.
func lineMode(a Address) (*serial.Mode, error) {
	parity, ok := map[Parity]serial.Parity{
		"": serial.NoParity, NoParity: serial.NoParity, OddParity: serial.OddParity, EvenParity: serial.EvenParity,
		MarkParity: serial.MarkParity, SpaceParity: serial.SpaceParity,
	}[a.Parity]
	if !ok {
		return nil, fmt.Errorf("unknown parity %q", a.Parity)
	}
	stop, ok := map[string]serial.StopBits{
		"": serial.OneStopBit, "1": serial.OneStopBit, "1.5": serial.OnePointFiveStopBits, "2": serial.TwoStopBits,
	}[a.StopBits]
	if !ok {
		return nil, fmt.Errorf("unknown number of stop bits %q", a.StopBits)
	}
	m := &serial.Mode{BaudRate: a.Baud, DataBits: a.DataBits, Parity: parity, StopBits: stop}
	if m.BaudRate == 0 {
		m.BaudRate = defaultBaud
	}
	if m.DataBits == 0 {
		m.DataBits = defaultBits
	}
	return m, nil
}

// explainOpen gives an error of the library or the system one of our names.
func explainOpen(path string, err error) error {
	var pe *serial.PortError
	isPort := errors.As(err, &pe)
	switch {
	case errors.Is(err, fs.ErrNotExist), isPort && pe.Code() == serial.PortNotFound:
		return fmt.Errorf("%w: %w", ErrMissing, err)
	case errors.Is(err, syscall.EBUSY), isPort && pe.Code() == serial.PortBusy:
		return fmt.Errorf("%w: %w", held(path), err)
	case errors.Is(err, fs.ErrPermission), isPort && pe.Code() == serial.PermissionDenied:
		return fmt.Errorf("%w: %w", ErrPermission, err)
	case errors.Is(err, syscall.EIO):
		// The system lists ports that no hardware is behind (ttyS1 ...).
		return fmt.Errorf("%w: no hardware behind it: %w", ErrMissing, err)
	default:
		return err
	}
}

// line is a serial port whose Close is safe beside a Write that the driver holds back: the library's Close frees the
// file's number while a write may be about to use it.
type line struct {
	port    serial.Port
	unlock  func()
	writing sync.Mutex // held during a write
	once    sync.Once
	err     error // set once by Close
}

func (l *line) Read(p []byte) (int, error) { return l.port.Read(p) }

func (l *line) Write(p []byte) (int, error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	return l.port.Write(p)
}

// Close throws away what waits for a held line, which lets the write end. A write that does not end even then is inside
// the system already and cannot meet a reused number.
func (l *line) Close() error {
	l.once.Do(func() {
		for range 10 {
			if l.writing.TryLock() {
				defer l.writing.Unlock()
				break
			}
			_ = l.port.ResetOutputBuffer()
			<-time.After(20 * time.Millisecond)
		}
		l.err = l.port.Close()
		l.unlock()
	})
	return l.err
}
