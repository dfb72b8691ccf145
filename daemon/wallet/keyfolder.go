package wallet

import (
	"crypto/rsa"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// KeyFolder is the keys with which a gateway signs, in a folder of files. Gateways change them every few years; who puts the
// new file beside the old one need not restart posd. It is safe for concurrent use.
type KeyFolder struct {
	Dir     string
	Setting string // the configuration's key, for people
	Pattern string // of the files: "*.pem"
	// Named gives a file's key, and what answers call it.
	Named func(file string, text []byte) (name string, key *rsa.PublicKey, err error)

	mu   sync.Mutex
	keys map[string]*rsa.PublicKey // by name in upper case
	read time.Time                 // when the folder was read
}

// RereadAfter keeps answers that name unknown keys from being work for the disk.
const RereadAfter = 5 * time.Second

// Open reads the folder; it must hold a key, and nothing that fits the pattern and is none.
func (k *KeyFolder) Open() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.reread(); err != nil {
		return err
	}
	if len(k.keys) == 0 {
		return fmt.Errorf("%s holds no %s file; download the gateway's from its merchant platform", k.Dir, k.Pattern)
	}
	return nil
}

// Key gives the key of a name. For an unknown one the folder is read anew.
func (k *KeyFolder) Key(name string) (*rsa.PublicKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	name = strings.ToUpper(name)
	if k.keys[name] == nil && time.Since(k.read) >= RereadAfter {
		if err := k.reread(); err != nil {
			return nil, err
		}
	}
	if key := k.keys[name]; key != nil {
		return key, nil
	}
	return nil, fmt.Errorf("the answer is signed by a key that is not in %s; download it from the merchant platform", k.Setting)
}

// reread replaces the keys by those of the folder; mu is held. Where a file is broken nothing is replaced.
func (k *KeyFolder) reread() error {
	k.read = time.Now()
	files, err := filepath.Glob(filepath.Join(k.Dir, k.Pattern))
	if err != nil {
		return err
	}
	keys := map[string]*rsa.PublicKey{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name, key, err := k.Named(file, text)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		keys[strings.ToUpper(name)] = key
	}
	k.keys = keys
	return nil
}
