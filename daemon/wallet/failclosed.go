package wallet

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// errHeld says that nothing is sent because nothing can be journaled. It tells nothing of the gateway.
var errHeld = errors.New("nothing is sent")

// FailClosed is a dialer whose connections write nothing while blocked gives an error: after a failed commit no money moves
// (I11), and a gateway may take seconds to be reached, or a request wait for a connection that another one gives back.
// Answers are read all the same. A request that is stopped so may have arrived for all its sender knows, as with any
// connection that fails.
func FailClosed(dial Dialer, blocked func() error) Dialer {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if err := blocked(); err != nil {
			return nil, fmt.Errorf("%w: %w", errHeld, err)
		}
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &closedConn{c, blocked}, nil
	}
}

// closedConn is a connection that fails closed.
type closedConn struct {
	net.Conn
	blocked func() error
}

func (c *closedConn) Write(b []byte) (int, error) {
	if err := c.blocked(); err != nil {
		return 0, fmt.Errorf("%w: %w", errHeld, err)
	}
	return c.Conn.Write(b)
}
