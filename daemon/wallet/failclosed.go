package wallet

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
)

// FailClosed makes a transport give a new connection up when blocked says, at its end, that nothing can be journaled any
// more: a gateway may take seconds to be reached, and after a failed commit no money moves (I11). What it was made for is
// not sent then.
func FailClosed(t *http.Transport, blocked func() error) *http.Transport {
	dial, conf := t.DialContext, t.TLSClientConfig
	if conf == nil {
		conf = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	unlessBlocked := func(c net.Conn) (net.Conn, error) {
		if err := blocked(); err != nil {
			_ = c.Close()
			return nil, fmt.Errorf("nothing is sent: %w", err)
		}
		return c, nil
	}
	t.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return unlessBlocked(c)
	}
	t.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(ctx, t.TLSHandshakeTimeout)
		defer cancel()
		secured := tls.Client(c, named(conf, addr))
		if err := secured.HandshakeContext(ctx); err != nil {
			_ = c.Close()
			return nil, err
		}
		return unlessBlocked(secured)
	}
	return t
}

// named is conf for the host of an address, unless it names one.
func named(conf *tls.Config, addr string) *tls.Config {
	if conf.ServerName != "" {
		return conf
	}
	own := conf.Clone()
	own.ServerName, _, _ = net.SplitHostPort(addr) // without a port net/http has added one
	return own
}
