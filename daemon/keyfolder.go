package main

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
	"sync"
	"time"

	"posd/daemon/wallet/sign"
)

// platformKeys are the keys with which WeChat Pay v3 signs, in a folder of PEM files: a certificate is known by its serial
// number, a public key by the name of its file. WeChat changes them every few years; who puts the new file beside the old one
// need not restart posd.
type platformKeys struct {
	dir string

	mu   sync.Mutex
	keys map[string]*rsa.PublicKey // by serial number in upper case
	read time.Time                 // when the folder was read
}

// rereadAfter keeps answers that name unknown keys from being work for the disk.
const rereadAfter = 5 * time.Second

// openPlatformKeys reads the folder; it must hold a key, and nothing that ends in .pem and is none.
func openPlatformKeys(dir string) (*platformKeys, error) {
	k := &platformKeys{dir: dir}
	if err := k.reread(); err != nil {
		return nil, err
	}
	if len(k.keys) == 0 {
		return nil, fmt.Errorf("%s holds no *.pem file; download the platform certificate or public key from the merchant platform", dir)
	}
	return k, nil
}

// key gives the key of a serial number. For an unknown one the folder is read anew.
func (k *platformKeys) key(serial string) (*rsa.PublicKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	serial = strings.ToUpper(serial)
	if k.keys[serial] == nil && time.Since(k.read) >= rereadAfter {
		if err := k.reread(); err != nil {
			return nil, err
		}
	}
	if key := k.keys[serial]; key != nil {
		return key, nil
	}
	return nil, errors.New("the answer is signed by a platform key that is not in wallet.wechat.platform_keys; download it from the merchant platform")
}

func (k *platformKeys) reread() error {
	k.read = time.Now()
	names, err := filepath.Glob(filepath.Join(k.dir, "*.pem"))
	if err != nil {
		return err
	}
	keys := map[string]*rsa.PublicKey{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		key, err := sign.ParsePublicKey(text)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		serial, err := serialOf(text)
		if err != nil {
			serial = strings.TrimSuffix(filepath.Base(name), ".pem")
		}
		keys[strings.ToUpper(serial)] = key
	}
	k.keys = keys
	return nil
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
