package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
)

// door is where merchants call. It can be shut, as by a host that is down, and opened again at the same address.
type door struct {
	address string
	listen  func(ctx context.Context, address string) (net.Listener, error)
	handler http.Handler
	turn    chan bool // open or shut
}

// serve serves on ln, and on others at its address after it was shut, until ctx ends.
func (d *door) serve(ctx context.Context, ln net.Listener) error {
	for {
		open, shut := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- serveHTTP(open, ln, d.handler) }()
		goOn := d.await(ctx, false)
		shut()
		if err := <-ended; err != nil || !goOn || !d.await(ctx, true) {
			return err
		}
		var err error
		if ln, err = d.listen(ctx, d.address); err != nil {
			return err
		}
	}
}

// await waits until the door is to be open, or shut; it is false when ctx has ended.
func (d *door) await(ctx context.Context, open bool) bool {
	for {
		select {
		case now := <-d.turn:
			if now == open {
				return true
			}
		case <-ctx.Done():
			return false
		}
	}
}

// open opens the doors of merchants: the main one, and the backup's if there is one.
func (c *simWalletCmd) open(ctx context.Context, s *simulator, keys *walletKeys, merchants http.Handler) (*door, error) {
	listen, err := c.merchants(keys)
	if err != nil {
		return nil, err
	}
	main, err := listen(ctx, c.Listen)
	if err != nil {
		return nil, err
	}
	d := &door{address: main.Addr().String(), listen: listen, handler: merchants, turn: make(chan bool)}
	s.address = d.address
	s.serve = append(s.serve, func(ctx context.Context) error { return d.serve(ctx, main) })
	if c.Backup == "" {
		return d, nil
	}
	second, err := listen(ctx, c.Backup)
	if err != nil {
		return nil, errors.Join(err, main.Close())
	}
	s.more = " backup=" + second.Addr().String()
	s.serve = append(s.serve, func(ctx context.Context) error { return serveHTTP(ctx, second, merchants) })
	return d, nil
}

// onControl adds the call that shuts and opens the door.
func (d *door) onControl(h http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", h)
	mux.HandleFunc("PUT /control/main", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Down bool }
		err := readJSON(r, &in)
		if err == nil {
			select {
			case d.turn <- !in.Down:
			case <-r.Context().Done():
				err = r.Context().Err()
			}
		}
		answerJSON(w, struct{}{}, err)
	})
	return mux
}

// What the gateway may show for a certificate.
const (
	certGood     = "good"
	certExpired  = "expired"
	certStranger = "stranger"
)

// shows gives the certificate that merchants see.
func (c *simWalletCmd) shows(keys *walletKeys) (tls.Certificate, error) {
	switch c.Certificate {
	case certExpired:
		pair, err := tls.LoadX509KeyPair(filepath.Join(c.Keys, walletExpired), filepath.Join(c.Keys, walletExpiredKey))
		if err != nil {
			return pair, fmt.Errorf("these keys are of an older hwtest and have no expired certificate, use others: %w", err)
		}
		return pair, nil
	case certStranger:
		strangers, err := openWalletKeys(filepath.Join(c.Keys, "stranger"))
		if err != nil {
			return tls.Certificate{}, err
		}
		return strangers.server, nil
	}
	return keys.server, nil
}

// merchants makes the listener of merchants at an address.
func (c *simWalletCmd) merchants(keys *walletKeys) (func(context.Context, string) (net.Listener, error), error) {
	if !c.TLS {
		if c.Certificate != certGood {
			return nil, errors.New("--certificate is for --tls")
		}
		return listenLocal, nil
	}
	shown, err := c.shows(keys)
	if err != nil {
		return nil, err
	}
	conf := &tls.Config{Certificates: []tls.Certificate{shown}, ClientCAs: keys.authority, ClientAuth: tls.VerifyClientCertIfGiven}
	return func(ctx context.Context, address string) (net.Listener, error) {
		ln, err := listenLocal(ctx, address)
		if err != nil {
			return nil, err
		}
		return tls.NewListener(ln, conf), nil
	}, nil
}
