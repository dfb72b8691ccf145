package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSimHostSettingsAreChecked(t *testing.T) {
	rules := filepath.Join(t.TempDir(), "rules.toml")
	if err := os.WriteFile(rules, []byte("[[rule]]\ndo = \"silent\"\nterminal = \"1\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"short terminal":     {[]string{"--terminal", "1"}, "field 41 of dialect unionpay has 8 characters"},
		"long merchant":      {[]string{"--merchant", "8980000000000011"}, "field 42 of dialect unionpay has 15 characters"},
		"code of a reversal": {[]string{"--not-found", "abc"}, "have 2 digits or capital letters"},
		"code":               {[]string{"--code", "format=3"}, "have 2 digits or capital letters"},
		"no such code":       {[]string{"--code", "colour=30"}, "colour"},
		"batch":              {[]string{"--batch", "7"}, "six digits"},
		"rule of a file":     {[]string{"--rules", rules}, "rules.toml:1: terminal: \"1\" is none of the host's terminals"},
		"rule of a flag":     {[]string{"--fault", "do=decline,code=123"}, "code: \"123\""},
		"probability":        {[]string{"--fault", "do=silent,probability=7"}, "probability"},
		"certificate":        {[]string{"--tls-cert", "none"}, "--tls-cert"},
		"key block":          {[]string{"--key-block", "57"}, "24, 40, 60 or 84"},
		"keep-alive":         {[]string{"--keep-alive", "-1s"}, "--keep-alive"},
	} {
		t.Run(name, func(t *testing.T) {
			var complain bytes.Buffer
			code := hwtest(t.Context(), &globals{In: strings.NewReader(""), Out: io.Discard, Err: &complain}, append([]string{"sim", "host"}, c.args...))
			if code == success || !strings.Contains(complain.String(), c.says) {
				t.Errorf("exit %d, says %q; want %q in it", code, complain.String(), c.says)
			}
		})
	}
}

func TestSimHostControlShowsAndSets(t *testing.T) {
	b := start(t, "sim", "host", "--fault", "do=silent,probability=0.5,seed=3", "--same-day", "--clock", "1h", "--balance", "700")
	if got := b.must("GET", "/control/rules", ""); got != `{"rule":[{"probability":0.5,"seed":3,"do":"silent"}]}` {
		t.Errorf("rules are %s", got)
	}
	b.must("PUT", "/control/rules", `{"rule":null}`)
	b.must("PUT", "/control/accounts", `{"card":"6228480000000000018","balance":5000}`)
	for path, want := range map[string]string{
		"accounts":  `{"accounts":[{"card":"622848*********0018","balance":5000}]}`,
		"batches":   `{"batches":[]}`,
		"ledger":    `{"entries":[]}`,
		"rules":     `{"rule":[]}`,
		"terminals": `{"terminals":[{"id":"10000001","merchant":"898000000000001","batch":"000001"}]}`,
	} {
		if got := b.must("GET", "/control/"+path, ""); got != want {
			t.Errorf("%s is %s", path, got)
		}
	}
	if got := b.must("GET", "/control/messages", ""); !strings.Contains(got, `"kind":"account"`) || strings.Contains(got, "000000001") {
		t.Errorf("messages are %s", got)
	}
	b.must("PUT", "/control/clock", `{"ahead":"24h"}`)
	for path, body := range map[string]string{
		"clock": `{"ahead":"soon"}`, "accounts": `{"card":"12","balance":1}`, "batch": `{"terminal":"1","batch":"000002"}`,
		"rules": `{"rule":[{"do":"silent","terminal":"1"}]}`,
	} {
		if code, said := b.call("PUT", "/control/"+path, body); code == 200 {
			t.Errorf("%s %s: %s", path, body, said)
		}
	}
}

func TestSimHostSpeaksTLSToTerminalsWithACertificate(t *testing.T) {
	dir := t.TempDir()
	cert := selfSigned(t, dir)
	b := start(t, "sim", "host", "--tls-cert", filepath.Join(dir, "cert.pem"), "--tls-key", filepath.Join(dir, "key.pem"),
		"--client-ca", filepath.Join(dir, "cert.pem"))
	pool := x509.NewCertPool()
	pool.AddCert(cert.Leaf)
	for own, want := range map[string]bool{"a certificate": true, "none": false} {
		wait := 30 * time.Second // for the refusal; who is let in is told nothing for as long as is waited
		conf := &tls.Config{RootCAs: pool}
		if want {
			conf.Certificates, wait = []tls.Certificate{cert}, 200*time.Millisecond
		}
		d := tls.Dialer{Config: conf}
		conn, err := d.DialContext(t.Context(), "tcp", b.address)
		if err == nil {
			_ = conn.SetReadDeadline(time.Now().Add(wait))
			_, err = conn.Read(make([]byte, 1)) // who is not let in learns it here (TLS 1.3)
			_ = conn.Close()
		}
		var late net.Error
		if in := errors.As(err, &late) && late.Timeout(); in != want {
			t.Errorf("a terminal with %s: %v", own, err)
		}
	}
}

// selfSigned makes a certificate that is its own CA, good for both sides, and leaves it in the folder.
func selfSigned(t *testing.T, dir string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
