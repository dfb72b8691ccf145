package main

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// secretIn writes a secret for a flag that takes a file.
func secretIn(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestWalletCodeAndOTPPrintWhatTheVectorsHave(t *testing.T) {
	key := secretIn(t, "56d382605a3ad1072818c554bf55c081dbc3836b8869bb9ec5792b833c98b4e0")
	seed := secretIn(t, "24de7b2dbcd004196c90352ab7e81839b95944ebd98c3b8edd7b92d4cd8407cd")
	rfc := secretIn(t, hex.EncodeToString([]byte("12345678901234567890")))
	for want, args := range map[string][]string{
		"919608216431380619": {"code", "--group-key", key, "--seed", seed, "--handle", "99999999", "--at", "1799999999", "--counter", "3"},
		"755224":             {"otp", "--secret", rfc, "--counter", "0"},
		"14050471":           {"otp", "--secret", rfc, "--at", "1111111111", "--digits", "8"},
	} {
		if out, errs, code := bench(t, "", append([]string{"wallet"}, args...)...); code != success || strings.TrimSpace(out) != want {
			t.Errorf("%v: %d, %s%s, want %s", args, code, out, errs, want)
		}
	}
}

func TestWalletCodeNamesTheFlagThatIsWrong(t *testing.T) {
	key, torn := secretIn(t, strings.Repeat("ab", 32)), secretIn(t, "abc")
	for want, args := range map[string][]string{
		"--handle":    {"code", "--group-key", key, "--seed", key, "--handle", "1"},
		"--counter":   {"code", "--group-key", key, "--seed", key, "--handle", "00000001", "--counter", "4"},
		"--version":   {"code", "--group-key", key, "--seed", key, "--handle", "00000001", "--version", "90"},
		"--seed":      {"code", "--group-key", key, "--seed", torn, "--handle", "00000001"},
		"--group-key": {"code", "--group-key", secretIn(t, "ab"), "--seed", key, "--handle", "00000001"},
		"--digits":    {"otp", "--secret", key, "--digits", "10"},
		"--secret":    {"otp", "--secret", filepath.Join(t.TempDir(), "none")},
	} {
		if _, errs, code := bench(t, "", append([]string{"wallet"}, args...)...); code != problem || !strings.Contains(errs, want) {
			t.Errorf("%v: %d, %s", args, code, errs)
		}
	}
}
