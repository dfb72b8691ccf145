// Package pcsctest is a pcscd with one reader, for tests of what talks to it.
package pcsctest

import (
	"encoding/binary"
	"io"
	"net"
	"path/filepath"
	"testing"
)

var order = binary.NativeEndian

// Reader is the name of the one reader.
const Reader = "Test Reader 00 00"

// Daemon is a pcscd with one reader, and a card in it.
type Daemon struct {
	Minor   uint32                                     // of the protocol it speaks; 4 is right
	Connect uint32                                     // result of a connect
	Answer  func(apdu []byte) (answer []byte, ok bool) // the card's; not ok: it was taken out
	Stalls  bool                                       // announces a card's answer and does not give it
}

func (d *Daemon) serve(c net.Conn) {
	defer c.Close()
	for {
		head := make([]byte, 8)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		body := make([]byte, order.Uint32(head))
		if _, err := io.ReadFull(c, body); err != nil {
			return
		}
		if _, err := c.Write(d.reply(c, order.Uint32(head[4:]), body)); err != nil {
			return
		}
	}
}

func (d *Daemon) reply(c net.Conn, command uint32, b []byte) []byte {
	switch command {
	case 0x11:
		if order.Uint32(b[4:]) != d.Minor {
			order.PutUint32(b[4:], d.Minor)
			order.PutUint32(b[8:], 0x8010001D)
		}
	case 0x01:
		order.PutUint32(b[4:], 77)
	case 0x12:
		b = make([]byte, 16*184)
		copy(b[184:], Reader)
		order.PutUint32(b[184+132:], 4)
		copy(b[184+140:], "\x3b\x00")
		order.PutUint32(b[184+176:], 2)
	case 0x04:
		if order.Uint32(b) != 77 || string(b[4:21]) != Reader {
			order.PutUint32(b[148:], 0x80100009)
			break
		}
		order.PutUint32(b[140:], 5)
		order.PutUint32(b[144:], 1)
		order.PutUint32(b[148:], d.Connect)
	case 0x09:
		apdu := make([]byte, order.Uint32(b[12:]))
		_, _ = io.ReadFull(c, apdu)
		data, ok := d.Answer(apdu)
		if order.PutUint32(b[24:], uint32(len(data))); !ok {
			order.PutUint32(b[28:], 0x80100069)
		}
		if d.Stalls {
			return b
		}
		return append(b, data...)
	}
	return b
}

// Start gives the socket of a daemon that ends with the test.
func (d *Daemon) Start(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pcscd")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Skipf("no unix sockets here: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			d.serve(c)
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-ended })
	return path
}
