package link

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

// Dialer is the usual Options.Dial: a connection through dial, mostly net.Dialer.DialContext, to address ("host:port"),
// with TLS when config is not nil, handshake done. The certificate must be for the config's ServerName, else for the
// address's host. TLS is never older than 1.2; what is wrong with it is a *TLSError. What takes longer than limit in all
// fails; 0 leaves that to ctx.
func Dialer(dial func(ctx context.Context, network, address string) (net.Conn, error), address string, config *tls.Config, limit time.Duration) Dial {
	if config != nil {
		config = atLeast12(config, address)
	}
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
			return nil, explain(err, config)
		}
		return secure, nil
	}
}

// atLeast12 is config for one host.
func atLeast12(config *tls.Config, address string) *tls.Config {
	config = config.Clone()
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	if config.ServerName == "" && !config.InsecureSkipVerify {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	return config
}
