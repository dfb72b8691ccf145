package wechatv3

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/wallet"
)

// certificateOf is a certificate that its key has signed itself.
func certificateOf(t *testing.T, key *rsa.PrivateKey, serial int64) string {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func publicKeyOf(t *testing.T, key *rsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestGatewayKeysAreFoundBySerialNumberOrIdAndWhilePosdRuns(t *testing.T) {
	first, second := newKey(t), newKey(t)
	certificate, public := certificateOf(t, first, 0x0A1B2C), publicKeyOf(t, second)
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		put := func(name, text string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := platformKeys(dir); err == nil || !strings.Contains(err.Error(), "holds no *.pem") {
			t.Errorf("an empty folder: %v", err)
		}
		put("platform.pem", certificate)
		k, err := platformKeys(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := k.Key("0a1b2c"); err != nil || !got.Equal(&first.PublicKey) {
			t.Errorf("by serial number: %v", err)
		}
		put("PUB_KEY_ID_01.pem", public)
		time.Sleep(wallet.RereadAfter)
		if got, err := k.Key("PUB_KEY_ID_01"); err != nil || !got.Equal(&second.PublicKey) {
			t.Errorf("a key that came later: %v", err)
		}
		if _, err := k.Key("PUB_KEY_ID_02"); err == nil || !strings.Contains(err.Error(), "wallet.wechat.platform_keys") {
			t.Errorf("an unknown key: %v", err)
		}
		put("notes.pem", "nothing")
		time.Sleep(wallet.RereadAfter)
		if _, err := k.Key("PUB_KEY_ID_02"); err == nil || !strings.Contains(err.Error(), "notes.pem") {
			t.Errorf("a file that is no key: %v", err)
		}
		if _, err := k.Key("PUB_KEY_ID_01"); err != nil {
			t.Errorf("a broken file takes the good keys away: %v", err)
		}
	})
}
