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

// keyFolder is the keys with which a gateway signs, in a folder of files. Gateways change them every few years; who puts the
// new file beside the old one need not restart posd.
type keyFolder struct {
	dir     string
	setting string // the configuration's key, for people
	pattern string // of the files: "*.pem"
	// named gives a file's key, and what answers call it.
	named func(file string, text []byte) (name string, key *rsa.PublicKey, err error)

	mu   sync.Mutex
	keys map[string]*rsa.PublicKey // by name in upper case
	read time.Time                 // when the folder was read
}

// rereadAfter keeps answers that name unknown keys from being work for the disk.
const rereadAfter = 5 * time.Second

// open reads the folder; it must hold a key, and nothing that fits the pattern and is none.
func (k *keyFolder) open() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.reread(); err != nil {
		return err
	}
	if len(k.keys) == 0 {
		return fmt.Errorf("%s holds no %s file; download the gateway's from its merchant platform", k.dir, k.pattern)
	}
	return nil
}

// key gives the key of a name. For an unknown one the folder is read anew.
func (k *keyFolder) key(name string) (*rsa.PublicKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	name = strings.ToUpper(name)
	if k.keys[name] == nil && time.Since(k.read) >= rereadAfter {
		if err := k.reread(); err != nil {
			return nil, err
		}
	}
	if key := k.keys[name]; key != nil {
		return key, nil
	}
	return nil, fmt.Errorf("the answer is signed by a key that is not in %s; download it from the merchant platform", k.setting)
}

// reread replaces the keys by those of the folder; mu is held. Where a file is broken nothing is replaced.
func (k *keyFolder) reread() error {
	k.read = time.Now()
	files, err := filepath.Glob(filepath.Join(k.dir, k.pattern))
	if err != nil {
		return err
	}
	keys := map[string]*rsa.PublicKey{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name, key, err := k.named(file, text)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		keys[strings.ToUpper(name)] = key
	}
	k.keys = keys
	return nil
}

// openWeChatKeys are what WeChat Pay v3 signs with: a certificate is known by its serial number, a public key by the name of
// its file.
func openWeChatKeys(dir string) (*keyFolder, error) {
	k := &keyFolder{dir: dir, setting: "wallet.wechat.platform_keys", pattern: "*.pem", named: wechatKey}
	return k, k.open()
}

func wechatKey(file string, text []byte) (string, *rsa.PublicKey, error) {
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
