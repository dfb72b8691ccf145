package phone

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

const (
	patience  = 10 * time.Second // for one answer, without what Slow adds
	maxAnswer = 64 << 10
)

// client is a line to the phones' door of a gateway that is known by its certificate.
type client struct {
	base string
	slow time.Duration
	http http.Client
}

func newClient(base, ca string, slow time.Duration) (*client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("the wallet's address %q: want https://127.0.0.1:PORT, as the simulator's ready line says behind phones=", base)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(ca)) {
		return nil, errors.New("the wallet's authority: no certificate in PEM; want wallet-ca.pem of the simulator's --keys")
	}
	return &client{
		base: u.Scheme + "://" + u.Host, slow: slow,
		http: http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}}},
	}, nil
}

// call is one exchange.
type call struct {
	method, path string
	session      secret
	body, into   any
}

// do makes an exchange; on a slow network its answer arrives late.
func (c *client) do(ctx context.Context, k call) error {
	ctx, cancel := context.WithTimeout(ctx, patience+c.slow)
	defer cancel()
	if err := wait(ctx, c.slow); err != nil {
		return err
	}
	text, err := json.Marshal(k.body)
	if err != nil {
		return fmt.Errorf("ask the wallet: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, k.method, c.base+"/phone/"+k.path, bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("ask the wallet: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+string(k.session))
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("the wallet cannot be reached: %w", err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("the wallet's answer: %w", err)
	}
	return k.read(res.StatusCode, answer)
}

func (k call) read(status int, answer []byte) error {
	if status != http.StatusOK {
		return fmt.Errorf("the wallet says %d: %s", status, bytes.TrimSpace(answer))
	}
	if k.into == nil {
		return nil
	}
	if json.Unmarshal(answer, k.into) != nil { // its error may quote the answer
		return errors.New("the wallet's answer is not what this app understands")
	}
	return nil
}

// wait waits for d or the end of ctx.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
