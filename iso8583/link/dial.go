package link

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

// Dialer is the usual Options.Dial: a connection through dial, mostly net.Dialer.DialContext, to address ("host:port"),
// with TLS when config is not nil, handshake done. What takes longer than limit in all fails; 0 leaves that to ctx.
func Dialer(dial func(ctx context.Context, network, address string) (net.Conn, error), address string, config *tls.Config, limit time.Duration) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		if limit > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, limit)
			defer cancel()
		}
		conn, err := dial(ctx, "tcp", address)
		if err != nil || config == nil {
			return conn, err
		}
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return secure, nil
	}
}
