package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSimWalletsMainHostGoesDownAndComesBack: its backup knows the same orders meanwhile.
func TestSimWalletsMainHostGoesDownAndComesBack(t *testing.T) {
	b := start(t, "sim", "wallet", "--keys", t.TempDir(), "--backup", "127.0.0.1:0")
	reached := func(address string) bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, "http://"+address+"/gateway.do", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
		return err == nil
	}
	for _, down := range []bool{false, true, false} {
		b.must("PUT", "/control/main", map[bool]string{true: `{"down":true}`, false: `{"down":false}`}[down])
		// The door turns after the call is answered; what is asked meanwhile may find either.
		for reached(b.address) == down {
			if t.Context().Err() != nil {
				t.Fatal("the door does not turn")
			}
		}
		if !reached(b.backup) {
			t.Errorf("main down %v: the backup is not reached", down)
		}
	}
}

func TestSimWalletShowsTheCertificateThatIsAskedFor(t *testing.T) {
	keys := t.TempDir()
	for kind, want := range map[string]string{"good": "", "expired": "expired", "stranger": "unknown authority"} {
		b := start(t, "sim", "wallet", "--keys", keys, "--tls", "--certificate", kind)
		text, err := os.ReadFile(filepath.Join(keys, walletCA))
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(text)
		c, err := (&tls.Dialer{Config: &tls.Config{RootCAs: pool}}).DialContext(t.Context(), "tcp", b.address)
		if err == nil {
			_ = c.Close()
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: dialling ends with %v", kind, err)
		}
	}
}
