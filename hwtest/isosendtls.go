package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"

	"posd/iso8583/link"
)

// plain tells whether no TLS is spoken.
func (c *isoSendCmd) plain() bool {
	return !c.TLS && c.CA == "" && len(c.Pin) == 0 && c.Cert == "" && c.ServerName == ""
}

// tlsConfig is nil where no TLS is spoken.
func (c *isoSendCmd) tlsConfig() (*tls.Config, error) {
	if c.plain() {
		return nil, nil //nolint:nilnil // no TLS is an answer
	}
	config := &tls.Config{ServerName: c.ServerName, MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("--ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--ca: %s has no certificate; hint: it must be PEM, with -----BEGIN CERTIFICATE-----", c.CA)
		}
	}
	if len(c.Pin) > 0 {
		pins, err := link.ParsePins(c.Pin)
		if err != nil {
			return nil, fmt.Errorf("--pin: %w", err)
		}
		config.VerifyConnection = pins.Verify
	}
	if c.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, fmt.Errorf("--cert, --key: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// flagError is an error of TLS in the words of this command: the line's own speak of posd's configuration.
type flagError struct {
	error
	text string
}

func (e *flagError) Error() string { return e.text }

func (e *flagError) Unwrap() error { return e.error }

var flagWords = strings.NewReplacer(
	"message was not sent: dial: dial", "nothing was sent: dial", "message was not sent", "nothing was sent",
	"without TLS set enabled = false in [acquirer.tls]", "without TLS leave --tls and its flags out",
	"set enabled = true in [acquirer.tls]", "add --tls",
	"put the acquirer's root certificate into ca_file in [acquirer.tls]", "give the acquirer's root certificate with --ca",
	"set cert_file and key_file in [acquirer.tls]", "give one with --cert and --key",
	"check cert_file and key_file in [acquirer.tls]", "check --cert and --key",
	"put its name into server_name in [acquirer.tls]", "give its name with --server-name",
	"put it into server_name in [acquirer.tls]", "give it with --server-name",
	"add it to pins only if", "give it with --pin only if",
	"check the port, and whether", "check the port, whether the host speaks TLS at all, and whether",
)

// inFlags turns the names of configuration keys in an error into those of flags.
func inFlags(err error) error {
	if text := flagWords.Replace(err.Error()); text != err.Error() {
		return &flagError{err, text}
	}
	return err
}
