package wechatv3

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"posd/daemon/wallet"
	"posd/daemon/wallet/sign"
)

// Files are what both ends sign with, as the merchant platform gives it.
type Files struct {
	Cert         string // apiclient_cert.pem
	Key          string // the content of apiclient_key.pem
	PlatformKeys string // a folder
}

// Open makes a Provider with the keys of files. Its errors begin with the key of [wallet.wechat] that names the file.
func Open(f Files, o Options) (*Provider, error) {
	var err error
	if o.Key, err = sign.ParsePrivateKey([]byte(f.Key)); err != nil {
		return nil, fmt.Errorf("key_file: %w", err)
	}
	if o.Serial, err = certificateSerial(f.Cert); err != nil {
		return nil, fmt.Errorf("cert_file: %w", err)
	}
	keys, err := platformKeys(f.PlatformKeys)
	if err != nil {
		return nil, fmt.Errorf("platform_keys: %w", err)
	}
	o.PlatformKey = keys.Key
	return New(o)
}

// platformKeys are what WeChat Pay v3 signs with: a certificate is known by its serial number, a public key by the name of
// its file.
func platformKeys(dir string) (*wallet.KeyFolder, error) {
	k := &wallet.KeyFolder{Dir: dir, Setting: "wallet." + Name + ".platform_keys", Pattern: "*.pem", Named: platformKey}
	return k, k.Open()
}

func platformKey(file string, text []byte) (string, *rsa.PublicKey, error) {
	key, err := sign.ParsePublicKey(text)
	if err != nil {
		return "", nil, err
	}
	serial, err := serialOf(text)
	if err != nil {
		serial = strings.TrimSuffix(filepath.Base(file), ".pem")
	}
	return serial, key, nil
}

// certificateSerial is the serial number of a certificate file as WeChat Pay writes it: hex in upper case.
func certificateSerial(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	serial, err := serialOf(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return serial, nil
}

func serialOf(text []byte) (string, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return "", errors.New("not PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", errors.New("not a certificate")
	}
	return strings.ToUpper(hex.EncodeToString(cert.SerialNumber.Bytes())), nil
}
