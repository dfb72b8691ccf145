package phone

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// secret is worth money; it prints masked.
type secret string

// String shows nothing.
func (secret) String() string { return "***" }

// GoString shows nothing.
func (secret) GoString() string { return "***" }

// storage is a phone's file.
type storage struct {
	Wallet  string `json:"wallet,omitempty"`
	CA      string `json:"ca,omitempty"` // PEM: the gateway is known by it
	Account string `json:"account,omitempty"`
	Session secret `json:"session,omitempty"`
	Seed    *seed  `json:"seed,omitempty"`
}

// seed is what offline codes are made of. Bytes are in hex.
type seed struct {
	Scheme   string `json:"scheme"`
	Handle   string `json:"handle"`
	Seed     secret `json:"seed"`
	GroupKey secret `json:"group_key"`
	Step     int64  `json:"step"` // of the last code
	Counter  byte   `json:"counter"`
}

func load(file string) (s storage, err error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("the phone's storage: %w", err)
	}
	if json.Unmarshal(text, &s) != nil { // its error may quote the file
		return s, fmt.Errorf("the phone's storage: %s is no phone's file; remove it and log in again", file)
	}
	return s, nil
}

// save replaces the file; what stood in it before is overwritten first, as a seed that is destroyed should be.
func (s storage) save(file string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("the phone's storage: %w", err)
	}
	fresh := file + ".new"
	if err := os.WriteFile(fresh, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("the phone's storage: %w", err)
	}
	if old, err := os.Stat(file); err == nil && old.Mode().IsRegular() {
		_ = os.WriteFile(file, make([]byte, old.Size()), 0o600) // best effort: journaling disks keep copies anyhow
	}
	if err := os.Rename(fresh, file); err != nil {
		return fmt.Errorf("the phone's storage: %w", err)
	}
	return nil
}
