package walletsim_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/capitalone/fpe/ff1"

	"posd/hwtest/walletsim"
)

func vectors(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTheFF1LibraryPassesNISTSamples(t *testing.T) {
	var v struct {
		Cases []struct {
			Key, Plaintext, Ciphertext, Tweak string
			Radix                             int
		}
	}
	vectors(t, "ff1.json", &v)
	for _, c := range v.Cases {
		f, err := ff1.NewCipher(c.Radix, 16, unhex(t, c.Key), unhex(t, c.Tweak))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := f.Encrypt(c.Plaintext); err != nil || got != c.Ciphertext {
			t.Errorf("encrypt %s = %s, %v, want %s", c.Plaintext, got, err, c.Ciphertext)
		}
		if got, err := f.Decrypt(c.Ciphertext); err != nil || got != c.Plaintext {
			t.Errorf("decrypt %s = %s, %v, want %s", c.Ciphertext, got, err, c.Plaintext)
		}
	}
	if len(v.Cases) != 9 {
		t.Errorf("%d samples, want 9", len(v.Cases))
	}
}

func TestOfflineCodesAreThoseOfTheVectors(t *testing.T) {
	var v struct {
		GroupKey string `json:"group_key_hex"`
		Cases    []struct {
			Code, Handle string
			Seed         string `json:"seed_hex"`
			Unix         int64
			R            byte
		}
	}
	vectors(t, "offline_code_proposal.json", &v)
	for _, c := range v.Cases {
		got, err := walletsim.OfflineCode(unhex(t, v.GroupKey), unhex(t, c.Seed), c.Handle, time.Unix(c.Unix, 0), c.R)
		if err != nil || got != c.Code {
			t.Errorf("handle %s at %d counter %d = %s, %v, want %s", c.Handle, c.Unix, c.R, got, err, c.Code)
		}
	}
	if len(v.Cases) != 5 {
		t.Errorf("%d cases, want 5", len(v.Cases))
	}
}
