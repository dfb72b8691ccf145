package port

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// dialTimeout limits a connection attempt whose ctx has no earlier end; keepAlive finds a device that lost its power.
const (
	dialTimeout = 5 * time.Second
	keepAlive   = 10 * time.Second
)

// openTCP connects to a device server. Such a device tells nobody when it is switched off, hence the keep-alives.
func openTCP(ctx context.Context, a Address) (Conn, error) {
	d := net.Dialer{
		Timeout: dialTimeout,
		KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: keepAlive, Interval: keepAlive / 2, Count: 3,
		},
	}
	c, err := d.DialContext(ctx, "tcp", a.Path)
	switch {
	case errors.Is(err, refused):
		return nil, fmt.Errorf("%w: nobody listens there: %w", ErrMissing, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrMissing, err)
	}
	return NewConn(c, a.Stall), nil
}
