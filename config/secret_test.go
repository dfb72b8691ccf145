package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"posd/config"
	"posd/daemon/wallet"
)

const pemText = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"

// files are the secrets of the working configuration.
func files() map[string]string {
	return map[string]string{
		"sell.token":       "sell-sell-sell-sell\n",
		"supervisor.token": "boss-boss-boss-boss\n",
		"t2":               "till-2-till-2-till-2",
		"seal.key":         strings.Repeat("a0", 32) + "\n",
		"tmk":              strings.Repeat("11", 16),
		"certs/ca.pem":     pemText,
		"alipay.key":       "MIIE",
		"alipay.pub":       "MIIB",
	}
}

// loaded writes the working configuration and its files, and loads it.
func loaded(t *testing.T, files map[string]string) (*config.Config, string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	all := map[string]string{"posd.toml": working}
	maps.Copy(all, files)
	for name, text := range all {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Load(filepath.Join(dir, "posd.toml"), wallet.Sections()...)
	if err != nil {
		t.Fatal(err)
	}
	return c, dir
}

func TestSecretsAreReadAndPrintMasked(t *testing.T) {
	c, _ := loaded(t, files())
	s, err := c.Secrets()
	if err != nil {
		t.Fatal(err)
	}
	if s.TMK.Reveal() != strings.Repeat("11", 16) || s.Wallet["alipay.private_key_file"].Reveal() != "MIIE" || len(s.Wallet) != 1 || len(s.Tokens) != 3 {
		t.Error("secrets are not what the files hold")
	}
	if got := s.Tokens[2]; got.Client != "till-2" || got.Scope != "sell" || got.Value.Reveal() != "till-2-till-2-till-2" {
		t.Errorf("token of the second till: %+v", got)
	}
	asJSON, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s.TMK, "all", s)
	printed := fmt.Sprintf("%v %+v %#v %s %q %x", s, s, s, s.TMK, s.TMK, s.TMK) + string(asJSON) + log.String()
	for name, text := range files() {
		if name != "certs/ca.pem" && name != "alipay.pub" && strings.Contains(printed, strings.TrimSpace(text)) {
			t.Errorf("the content of %s is printed", name)
		}
	}
}

func TestProblemsOfSecretFilesNameTheRemedyAndNotTheSecret(t *testing.T) {
	fs := files()
	delete(fs, "sell.token")
	fs["supervisor.token"] = "short-secret"
	fs["seal.key"] = strings.Repeat("z0", 32)
	fs["certs/ca.pem"] = "not pem at all"
	fs["alipay.key"] = " \n"
	fs["t2"] = strings.Repeat("long", 1<<19)
	c, dir := loaded(t, fs)
	if err := os.Chmod(filepath.Join(dir, "tmk"), 0o640); err != nil {
		t.Fatal(err)
	}
	_, err := c.Secrets()
	if err == nil {
		t.Fatal("no problem")
	}
	got := filepath.ToSlash(strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), ""))
	want := []string{
		`posd.toml:1: journal.seal_key_file: the content of seal.key does not fit; want 64 hex digits`,
		`posd.toml:2: api.sell_token_file: sell.token is missing; correct the name, or make it: (umask 077; openssl rand -hex 32 > sell.token)`,
		`posd.toml:2: api.supervisor_token_file: the content of supervisor.token does not fit; want one word of 16 characters or more`,
		`posd.toml:5: api.client[1].token_file: t2 is larger than 1048576 bytes; make it a file that posd can read`,
		`posd.toml:13: acquirer.tls.ca_file: the content of certs/ca.pem does not fit; want PEM, which begins with -----BEGIN`,
		`posd.toml:19: wallet.alipay.private_key_file: alipay.key is empty; put the value into it`,
	}
	if runtime.GOOS == "windows" {
		want[1] = `posd.toml:2: api.sell_token_file: sell.token is missing; correct the name, or make it: write 64 hex digits that nobody can guess into it`
	} else {
		want = append(want, `posd.toml:11: acquirer.tmk_file: tmk is open to others (mode 0640); chmod 600 tmk`)
	}
	for _, w := range want {
		if !strings.Contains(got+"\n", w+"\n") {
			t.Errorf("missing: %s", w)
		}
	}
	if n := strings.Count(got, "\n") + 1; n != len(want) {
		t.Errorf("%d problems, want %d:\n%s", n, len(want), got)
	}
	if strings.Contains(got, "short-secret") || strings.Contains(got, "z0z0") {
		t.Error("a secret is in a problem")
	}
}

func TestAFileThatIsMissingIsToldWithWhatIsToBeInIt(t *testing.T) {
	c, _ := loaded(t, map[string]string{"sell.token": "sell-sell-sell-sell", "alipay.pub": "MIIB"})
	_, err := c.Secrets()
	for _, want := range []string{
		`seal.key is missing; put its copy back; for a new till make it: `,
		`tmk is missing; correct the name, or put the file there: 32 or 48 hex digits`,
		`ca.pem is missing; correct the name, or put the file there: PEM, which begins with -----BEGIN`,
		`alipay.key is missing; correct the name, or put the file there`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("lacks %s:\n%v", want, err)
		}
	}
}

func TestEqualTokensAreRefused(t *testing.T) {
	fs := files()
	fs["t2"] = fs["sell.token"]
	c, _ := loaded(t, fs)
	if _, err := c.Secrets(); err == nil || !strings.Contains(err.Error(), ":5: api.client[1].token_file: till and till-2 have the same token") {
		t.Errorf("got %v", err)
	}
	fs["t2"], fs["supervisor.token"] = files()["t2"], fs["sell.token"]
	c, _ = loaded(t, fs)
	if _, err := c.Secrets(); err == nil || !strings.Contains(err.Error(), ":2: api.supervisor_token_file: till and supervisor have the same token") {
		t.Errorf("got %v", err)
	}
}

func TestASecretInThePlaceOfItsFilesNameIsNotShown(t *testing.T) {
	key := strings.Repeat("MIIE+a/0", 200)
	for _, secret := range []string{strings.Repeat("C4", 16), key, pemText} {
		c, _ := loaded(t, files())
		c.Acquirer.TMKFile = filepath.Join(t.TempDir(), secret)
		_, err := c.Secrets()
		if err == nil || strings.Contains(err.Error(), strings.TrimSpace(secret)) || !strings.Contains(err.Error(), "acquirer.tmk_file: there is no such file") {
			t.Errorf("got %v", err)
		}
	}
}

func TestASecretInGroupsOrBase64InThePlaceOfItsFilesNameIsNotShown(t *testing.T) {
	for _, secret := range []string{
		"0123 4567 89AB CDEF FEDC BA98 7654 3210", "0123-4567-89AB-CDEF-FEDC-BA98-7654-3210", "0123456789ABCDEF FEDCBA9876543210",
		"q83vEjRWeJq83vEjRWeJkKvN7xI0VniQq83vEjRWeJA=", "q83vEjRW/Jq83vEj+WeJkKvN7xI0VniQ/83vEjRWeJA=", "/83vEjRWJq83vEjRWeJkKvN7xI0VniQq83vEjRWeJA==",
		"q83v/jRWeJq83/EjRWeJkKvN7xI0VniQq83vEjRWeJA=", "q83v_jRWeJq83-EjRWeJkKvN7xI0VniQq83vEjRWeJA",
	} {
		for _, key := range []string{"acquirer.tmk_file", "api.sell_token_file", "journal.seal_key_file"} {
			section, name, _ := strings.Cut(key, ".")
			_, dir := loaded(t, files())
			file := filepath.Join(dir, "posd.toml")
			text := fmt.Sprintf("[%s]\n%s = %q\n", section, name, secret)
			if section == "acquirer" {
				text += "enabled = true\naddress = \"h:1\"\nterminal = \"10000001\"\nmerchant = \"898000000000001\"\n"
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			c, err := config.Load(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Secrets()
			if err == nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), key+": there is no such file, and its name, which is not shown here") {
				t.Errorf("%s: got %v", key, err)
			}
		}
	}
}

func TestALongNameInAFolderThatIsThereIsShown(t *testing.T) {
	c, dir := loaded(t, files())
	for _, name := range []string{"certs/master-key-of-the-acquirer-in-the-harbour", "master-key-of-the-acquirer-in-the-harbour.key"} {
		c.Acquirer.TMKFile = filepath.Join(dir, name)
		if _, err := c.Secrets(); err == nil || !strings.Contains(filepath.ToSlash(err.Error()), name+" is missing") {
			t.Errorf("got %v", err)
		}
	}
}

func TestASecretInThePlaceOfADialectIsNotShown(t *testing.T) {
	for _, secret := range []string{strings.Repeat("C4", 16), "0123 4567 89AB CDEF FEDC BA98 7654 3210"} {
		_, err := config.Parse("posd.toml", []byte("[acquirer]\ndialect = \""+secret+"\"\n"))
		if err == nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), "posd.toml:2: acquirer.dialect: there is no such dialect") {
			t.Errorf("got %v", err)
		}
	}
}

func TestASecretWithoutQuotesIsNotShown(t *testing.T) {
	const secret = "4719ABCDEF4719ABCDEF4719ABCDEF4719"
	for _, value := range []string{
		secret, "0" + secret, "0x" + secret, "+0x" + secret, "0b" + secret, "0o9" + secret, "1e" + secret, "1." + secret, "." + secret, "1_" + secret,
		"abc" + secret, "12:" + secret, "2020-13-77T" + secret, "2020-" + secret, "[" + secret + "]", "{" + secret + "}", "-" + secret, "true" + secret,
		"47194719471947194719", "4719471947194719.4719", "1e4719", "47194719:47", "4719-19-47",
	} {
		_, err := config.Parse("posd.toml", []byte("[acquirer]\ntmk_file = "+value+"\n"))
		var ps config.Problems
		if !errors.As(err, &ps) || strings.Contains(ps.Error(), "47") {
			t.Errorf("%s: got %v", value, err)
		}
	}
}

func TestAFolderIsNoSecret(t *testing.T) {
	c, dir := loaded(t, files())
	c.Acquirer.TMKFile = filepath.Join(dir, "certs")
	if _, err := c.Secrets(); err == nil || !strings.Contains(err.Error(), "certs is a folder; name the file in it: 32 or 48 hex digits") {
		t.Errorf("got %v", err)
	}
}

func TestADeviceInThePlaceOfASecretsFileIsNotToBeClosed(t *testing.T) {
	if _, err := os.Stat("/dev/null"); err != nil {
		t.Skip("there is no such device")
	}
	c, _ := loaded(t, files())
	c.Acquirer.TMKFile = "/dev/null"
	if _, err := c.Secrets(); err == nil || strings.Contains(err.Error(), "chmod") || !strings.Contains(err.Error(), "/dev/null is no file; name the file that has it: 32 or 48 hex digits") {
		t.Errorf("got %v", err)
	}
}

func TestTheMarkThatEditorsOfWindowsPutInFrontIsNoPartOfASecret(t *testing.T) {
	fs := files()
	for _, name := range []string{"sell.token", "seal.key", "tmk", "certs/ca.pem", "alipay.key"} {
		fs[name] = "\ufeff" + fs[name] + "\r\n"
	}
	c, _ := loaded(t, fs)
	s, err := c.Secrets()
	if err != nil {
		t.Fatal(err)
	}
	if s.Tokens[0].Value.Reveal() != "sell-sell-sell-sell" || s.SealKey.Reveal() != strings.Repeat("a0", 32) {
		t.Error("a secret is not what its file says")
	}
}

func TestFoldersOfSecretsAreNamedOnce(t *testing.T) {
	c, dir := loaded(t, files())
	c.Acquirer.TMKFile = filepath.Join(dir, "keys", "tmk")
	if got, want := c.SecretFolders(), []string{dir, filepath.Join(dir, "keys")}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestHandedOverCredentialsNeedNoMode(t *testing.T) {
	c, dir := loaded(t, files())
	if err := os.Chmod(filepath.Join(dir, "tmk"), 0o440); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	if _, err := c.Secrets(); err != nil {
		t.Error(err)
	}
}
