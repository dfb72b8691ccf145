package hostsim_test

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
)

// worn is a listener that takes one connection and then fails.
type worn struct {
	net.Listener
	first chan net.Conn
}

var errWorn = errors.New("too many open files")

func (w worn) Accept() (net.Conn, error) {
	select {
	case c := <-w.first:
		return c, nil
	default:
		return nil, errWorn
	}
}

func (worn) Close() error { return nil }

func TestAHostThatCanTakeNoMoreConnectionsEndsWithTheReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, "")
		near, far := net.Pipe()
		first := make(chan net.Conn, 1)
		first <- far
		if err := h.Serve(t.Context(), worn{first: first}); !errors.Is(err, errWorn) {
			t.Errorf("got %v", err)
		}
		if _, err := near.Read(make([]byte, 1)); err == nil {
			t.Error("the connection is still open")
		}
	})
}
