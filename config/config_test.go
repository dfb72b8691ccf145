package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"posd/config"
	"posd/daemon/wallet"
	_ "posd/daemon/wallet/brands"
)

// texts are a configuration as files: what package config has, and what wallets bring.
func texts(t *testing.T, c *config.Config) []string {
	t.Helper()
	var all []string
	for _, part := range []any{c, map[string]any{"wallet": c.Wallet.Providers}} {
		b, err := toml.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(b))
	}
	return all
}

func text(t *testing.T, c *config.Config) string {
	t.Helper()
	return strings.Join(texts(t, c), "")
}

func parse(t *testing.T, s string) *config.Config {
	t.Helper()
	c, err := config.Parse("posd.toml", []byte(s), wallet.Sections()...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// uncommented takes the marks of defaults, and of samples too if asked, off the example.
func uncommented(samples bool) string {
	s := regexp.MustCompile(`(?m)^#([a-z])`).ReplaceAllString(config.Example(wallet.Sections()...), "$1")
	if samples {
		s = regexp.MustCompile(`(?m)^## `).ReplaceAllString(s, "")
	}
	return s
}

func TestExampleSaysTheDefaults(t *testing.T) {
	want := text(t, config.Default(wallet.Sections()...))
	if got := text(t, parse(t, config.Example(wallet.Sections()...))); got != want {
		t.Errorf("the example as it is differs from the defaults:\n%s\nwant\n%s", got, want)
	}
	if got := text(t, parse(t, "")); got != want {
		t.Errorf("an empty file differs from the defaults:\n%s", got)
	}
	if runtime.GOOS == "windows" {
		t.Skip("the example's paths are Linux's")
	}
	if got := text(t, parse(t, uncommented(false))); got != want {
		t.Errorf("the example's commented defaults differ from the defaults:\n%s\nwant\n%s", got, want)
	}
}

// keys gives the paths of all keys of a text, without the numbers of array entries.
func keys(t *testing.T, s string) map[string]bool {
	t.Helper()
	var tree map[string]any
	md, err := toml.Decode(s, &tree)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, k := range md.Keys() {
		out[k.String()] = true
	}
	return out
}

func TestExampleNamesEveryKey(t *testing.T) {
	full := config.Default(wallet.Sections()...)
	full.API.Clients = []config.Client{{}}
	full.Wallet.Routes = []config.Route{{Prefixes: []string{"1"}, Lengths: []int{1}}}
	full.Devices = []config.Device{{Options: map[string]string{"columns": "48"}}}
	full.API.Hosts = []string{}
	full.Acquirer.TLS.Pins = []string{}
	got := keys(t, uncommented(true))
	for _, part := range texts(t, full) {
		for k := range keys(t, part) {
			if !got[k] {
				t.Errorf("%s is not in the example", k)
			}
		}
	}
	c := parse(t, uncommented(true))
	if len(c.Devices) != 2 || c.Devices[0].Options["columns"] != "48" || c.Devices[1].Baud != 9600 {
		t.Errorf("the example's devices: %+v", c.Devices)
	}
}

// working is a configuration that uses most of what there is.
const working = `
[api]
listen = "[::1]:9000"
hosts = ["till.shop:9000"]
client = [{ name = "till-2", token_file = "t2" }]
[acquirer]
enabled = true
address = "host.example:5000"
terminal = "00000001"
merchant = "123456789012345"
tmk_file = "tmk"
timeout = "2s"
tls = { enabled = true, ca_file = "certs/ca.pem", pins = ["sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="] }
[wallet.alipay]
enabled = true
url = "http://127.0.0.1:8080/gateway.do"
app_id = "2021000000000000"
seller_id = "2088000000000000"
private_key_file = "alipay.key"
gateway_public_key_file = "alipay.pub"
[[device]]
name = "slip"
kind = "printer"
port = "tcp://127.0.0.1:9100"
options = { columns = 32, cut = "full", status = false }
[[device]]
name = "msr"
kind = "reader"
port = "COM3"
parity = "even"
[log]
file = ""
`

func TestWorkingConfigurationIsRead(t *testing.T) {
	c := parse(t, working)
	d := c.Devices
	switch {
	case c.API.Listen != "[::1]:9000" || c.API.Clients[0].Scope != "sell":
		t.Errorf("api: %+v", c.API)
	case !c.Acquirer.TLS.Enabled || c.Acquirer.Timeout.Seconds() != 2 || c.Acquirer.Dialect != "unionpay" || len(c.Acquirer.TLS.Pins) != 1:
		t.Errorf("acquirer: %+v", c.Acquirer)
	case len(d) != 2 || d[0].Options["columns"] != "32" || d[0].Options["status"] != "no" || d[1].Parity != "even" || d[1].DataBits != 8:
		t.Errorf("devices: %+v", d)
	case c.Log.File != "":
		t.Errorf("log: %+v", c.Log)
	}
}

func TestLoadMakesPathsAbsolute(t *testing.T) {
	dir, given := t.TempDir(), t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", given)
	file := filepath.Join(dir, "posd.toml")
	for name, content := range map[string]string{
		file: working + "[journal]\npath = \"data/journal.db\"\n", filepath.Join(given, "tmk"): "x",
	} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Load(file, wallet.Sections()...)
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{
		c.Journal.Path:             filepath.Join(dir, "data", "journal.db"),
		c.API.SellTokenFile:        filepath.Join(dir, "sell.token"),
		c.API.Clients[0].TokenFile: filepath.Join(dir, "t2"),
		c.Acquirer.TMKFile:         filepath.Join(given, "tmk"),
		c.Acquirer.TLS.CAFile:      filepath.Join(dir, "certs", "ca.pem"),
		c.Acquirer.DialectFile:     "",
		c.Log.File:                 "",
	} {
		if got != want {
			t.Errorf("path %q, want %q", got, want)
		}
	}
	if _, err := config.Load(filepath.Join(dir, "none.toml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := config.Load(dir); err == nil {
		t.Error("a folder is read as a configuration")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(config.Example(wallet.Sections()...)))
	f.Add([]byte(uncommented(true)))
	f.Add([]byte(working))
	for _, b := range broken {
		f.Add([]byte(b.text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := config.Parse("posd.toml", b, wallet.Sections()...)
		if err == nil {
			if c == nil {
				t.Fatal("neither configuration nor error")
			}
			return
		}
		var ps config.Problems
		if !errors.As(err, &ps) || len(ps) == 0 {
			t.Fatalf("%T is not Problems: %v", err, err)
		}
		last := strings.Count(string(b), "\n") + 1
		for _, p := range ps {
			if p.Line < 1 || p.Line > last || p.What == "" || strings.Contains(p.Error(), "\n") {
				t.Errorf("problem without a line of the file, or of more than one: %#v", p)
			}
		}
	})
}

func TestDraftGivesWhatCouldBeReadBesideTheProblems(t *testing.T) {
	file := filepath.Join(t.TempDir(), "posd.toml")
	for text, want := range map[string]bool{
		"[till]\nid = \"a b\"\ncurrency = \"HKD\"\n[aquirer]\n": true,
		"[till]\ncurrency = \"HKD\"\n":                          true,
		"[till\n":                                               false,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Draft(file, wallet.Sections()...)
		if (c != nil) != want || want && (c.Till.Currency != "HKD" || !filepath.IsAbs(c.Journal.Path)) {
			t.Errorf("of %q: %+v, %v", text, c, err)
		}
	}
	if c, err := config.Draft(file + "x"); c != nil || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of no file: %v, %v", c, err)
	}
}

func TestAllPutsErrorsInTheirPlaceAndTellsNothingTwice(t *testing.T) {
	c := parse(t, "[acquirer]\ntmk_file = \"k\"\n[wallet.alipay]\nprivate_key_file = \"p\"\n[[device]]\nname = \"p\"\nkind = \"printer\"\nport = \"COM1\"\n")
	err := c.All(
		nil,
		c.Problem("acquirer.tmk_file", "k is missing", ""),
		errors.Join(errors.New("acquirer: dialect: no such"), fmt.Errorf("wallet.alipay: %w", errors.New("private_key_file: private key: none\nand more of it"))),
		errors.New("acquirer.tmk_file: too short"), errors.New("acquirer: no keys"), errors.New("device[1].options: paper: unknown"), errors.New("nobody's: fault"),
		fmt.Errorf("journal.path: %w: %w", errors.New("one"), errors.New("other")),
	)
	want := []string{
		"posd.toml:1: nobody's: fault; see posd check --example",
		"posd.toml:1: acquirer.dialect: no such; see posd check --example",
		"posd.toml:1: journal.path: one: other; see posd check --example",
		"posd.toml:2: acquirer.tmk_file: k is missing",
		"posd.toml:4: wallet.alipay.private_key_file: private key: none; see posd check --example",
		"posd.toml:4: wallet.alipay.private_key_file: and more of it; see posd check --example",
		"posd.toml:5: device[1].options: paper: unknown; see posd check --example",
	}
	if got := strings.Split(fmt.Sprint(err), "\n"); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if err := c.All(nil, nil); err != nil {
		t.Errorf("of nothing: %v", err)
	}
}
