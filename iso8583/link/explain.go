package link

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// TLSError is why a host was refused, or refused us, in a technician's words. It names certificates, which are public,
// and nothing of any message.
type TLSError struct {
	What   string // what is wrong
	Remedy string // what to do
	Err    error  // as crypto/tls says it
}

// Error gives both in one line.
func (e *TLSError) Error() string { return "tls: " + e.What + "; " + e.Remedy }

// Unwrap gives the cause.
func (e *TLSError) Unwrap() error { return e.Err }

// explain says what an error of TLS means; other errors stay as they are. config is nil where no handshake is under
// way.
func explain(err error, config *tls.Config) error {
	var known *TLSError
	var refused *tls.CertificateVerificationError
	var header tls.RecordHeaderError
	var remote *net.OpError
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &refused):
		return explainCertificate(refused, config)
	case errors.As(err, &header):
		return &TLSError{"the host does not answer in TLS", "check the port; without TLS set enabled = false in [acquirer.tls]", err}
	case errors.As(err, &remote) && remote.Op == "remote error":
		return explainAlert(remote)
	case config == nil:
		return err
	case strings.Contains(err.Error(), "unsupported protocol version"):
		return tooOld(err)
	case errors.Is(err, io.EOF) || errors.Is(err, reset):
		return &TLSError{"the host hung up within the handshake", "check the port, and whether the acquirer's host has this till's address on its list", err}
	default:
		return fmt.Errorf("tls handshake: %w", err)
	}
}

// The alerts by which a host refuses a client (RFC 8446, 6.2).
const (
	alertHandshakeFailure tls.AlertError = 40
	alertBadCertificate   tls.AlertError = 42
	alertCertUnsupported  tls.AlertError = 43
	alertCertRevoked      tls.AlertError = 44
	alertCertExpired      tls.AlertError = 45
	alertCertUnknown      tls.AlertError = 46
	alertUnknownAuthority tls.AlertError = 48
	alertAccessDenied     tls.AlertError = 49
	alertVersion          tls.AlertError = 70
	alertInsufficient     tls.AlertError = 71
	alertUnknownName      tls.AlertError = 112
	alertCertRequired     tls.AlertError = 116
)

// explainAlert says what a host means that ends TLS. Which alert it was crypto/tls tells in words only.
func explainAlert(err *net.OpError) error {
	is := func(alerts ...tls.AlertError) bool {
		for _, a := range alerts {
			if err.Err.Error() == a.Error() {
				return true
			}
		}
		return false
	}
	switch {
	case is(alertCertRequired):
		return &TLSError{"the host wants a certificate of this till", "set cert_file and key_file in [acquirer.tls]", err}
	case is(alertBadCertificate, alertCertUnsupported, alertCertRevoked, alertCertExpired, alertCertUnknown, alertUnknownAuthority, alertAccessDenied):
		return &TLSError{
			fmt.Sprintf("the host does not accept this till's certificate, or misses one (%v)", err.Err),
			"check cert_file and key_file in [acquirer.tls] with the acquirer, and when the certificate expires", err,
		}
	case is(alertVersion):
		return tooOld(err)
	case is(alertHandshakeFailure, alertInsufficient):
		return &TLSError{
			"the host and this till have no way to encrypt in common, or the host wants a certificate of this till",
			"set cert_file and key_file in [acquirer.tls] if the acquirer gave any, else ask which ciphers the host takes", err,
		}
	case is(alertUnknownName):
		return &TLSError{"the host does not know the name that it was called by", "ask the acquirer for the name and put it into server_name in [acquirer.tls]", err}
	default:
		return &TLSError{fmt.Sprintf("the host ended TLS (%v)", err.Err), "ask the acquirer", err}
	}
}

func tooOld(err error) error {
	return &TLSError{"the host has no TLS 1.2 or newer", "ask the acquirer for a host that has", err}
}

// explainCertificate says what is wrong with a host's certificate.
func explainCertificate(refused *tls.CertificateVerificationError, config *tls.Config) error {
	if len(refused.UnverifiedCertificates) == 0 || config == nil {
		return refused
	}
	shown := refused.UnverifiedCertificates[0]
	var invalid x509.CertificateInvalidError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case errors.As(refused.Err, &invalid) && invalid.Reason == x509.Expired:
		return outOfTime(invalid, config)
	case errors.As(refused.Err, &name):
		return &TLSError{
			fmt.Sprintf("the host's certificate is for %s, not for %q", namesOf(shown), config.ServerName),
			"check the address; if the acquirer says that the certificate is right, put its name into server_name in [acquirer.tls]", refused,
		}
	case errors.As(refused.Err, &authority):
		return &TLSError{
			fmt.Sprintf("no known authority vouches for the host's certificate: subject %q, issuer %q, SHA-256 fingerprint %s",
				shown.Subject, shown.Issuer, fingerprint(shown)),
			"put the acquirer's root certificate into ca_file in [acquirer.tls]; for a self-signed host its own, if the acquirer confirms the fingerprint", refused,
		}
	default:
		return &TLSError{fmt.Sprintf("the host's certificate cannot be used (%v)", refused.Err), "ask the acquirer for a right one", refused}
	}
}

// outOfTime tells the certificate's time and ours: it may be our clock that is wrong.
func outOfTime(invalid x509.CertificateInvalidError, config *tls.Config) error {
	const form = "2006-01-02 15:04"
	now := time.Now
	if config.Time != nil {
		now = config.Time
	}
	c := invalid.Cert
	return &TLSError{
		fmt.Sprintf("the certificate %q is valid from %s to %s, and this till's clock says %s (UTC)",
			c.Subject, c.NotBefore.UTC().Format(form), c.NotAfter.UTC().Format(form), now().UTC().Format(form)),
		"set the clock if it is wrong, else the acquirer must renew the certificate", invalid,
	}
}

// namesOf gives the names and addresses that a certificate is for; few of them, since a host may send many.
func namesOf(c *x509.Certificate) string {
	const most = 4
	var names []string
	for _, n := range c.DNSNames {
		names = append(names, fmt.Sprintf("%q", n))
	}
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	switch {
	case len(names) == 0:
		return "no name at all"
	case len(names) > most:
		names = append(names[:most], "others")
	}
	return strings.Join(names, ", ")
}

// fingerprint is of the whole certificate, as openssl x509 -fingerprint -sha256 shows it.
func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":")
}
