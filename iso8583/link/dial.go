package link

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

// Figures of a TCP connection that has to notice a dead host by itself.
const (
	keepAliveIdle     = 30 * time.Second
	keepAliveInterval = 10 * time.Second
	keepAliveCount    = 3
)

// Dialer is the usual Options.Dial: TCP to address ("host:port"), with TLS when config is not nil, handshake done. A
// connection that takes longer than limit fails; 0 leaves that to ctx.
func Dialer(address string, config *tls.Config, limit time.Duration) func(context.Context) (net.Conn, error) {
	d := &net.Dialer{Timeout: limit, KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: keepAliveIdle, Interval: keepAliveInterval, Count: keepAliveCount,
	}}
	return func(ctx context.Context) (net.Conn, error) {
		if limit > 0 { // the handshake counts as well
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, limit)
			defer cancel()
		}
		if config == nil {
			return d.DialContext(ctx, "tcp", address)
		}
		t := tls.Dialer{NetDialer: d, Config: config}
		return t.DialContext(ctx, "tcp", address)
	}
}
