package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"posd/config"
	"posd/daemon/wallet"
)

func TestCheckNamesEveryProblemOnALineOfItsOwn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "posd.toml")
	if err := os.WriteFile(file, []byte("[api]\nlisten = \"0.0.0.0:1\"\n[till]\ncurency = \"CNY\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	g := &globals{Out: &out, Err: &errs, Now: time.Now}
	if got := posd(t.Context(), g, []string{"check", "-c", file}); got != problem {
		t.Errorf("exit %d, want %d", got, problem)
	}
	lines := strings.Split(errs.String(), "\n")
	if len(lines) < 3 || !strings.HasPrefix(lines[0], file+":2: api.listen: ") || !strings.HasPrefix(lines[1], file+":4: till.curency: ") {
		t.Errorf("check says:\n%s", &errs)
	}
}

func TestCheckNamesWhatSecretFilesDialectAndDriversDoNotTake(t *testing.T) {
	file := filepath.Join(t.TempDir(), "posd.toml")
	text := `[acquirer]
enabled = true
address = "host.example:5000"
terminal = "10000001"
merchant = "898000000000001"
tmk_file = "tmk.key"
dialect = "unionpai"
[[device]]
name = "slip"
kind = "printer"
port = "tcp://127.0.0.1:9100"
options = { colums = 48, cut = "half" }
[[device]]
name = "gun"
kind = "scanner"
driver = "laser"
port = "COM3"
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"check", "install"} {
		var out, errs bytes.Buffer
		g := &globals{Out: &out, Err: &errs, Now: time.Now}
		if got := posd(t.Context(), g, []string{verb, "-c", file}); got != problem {
			t.Errorf("%s: exit %d, want %d", verb, got, problem)
		}
		for _, want := range []string{
			"posd.toml:6: acquirer.tmk_file: ", "api.sell_token_file: ", "no dialect preset \"unionpai\"",
			"posd.toml:8: device[1]: device \"slip\": unknown option \"colums\"", "posd.toml:8: device[1]: option cut = \"half\"",
			"posd.toml:13: device[2]: device \"gun\": unknown driver \"laser\"", "posd: problems: 8\n",
		} {
			if !strings.Contains(errs.String(), want) {
				t.Errorf("%s lacks %s:\n%s", verb, want, &errs)
			}
		}
	}
}

func TestCheckTakesWhatRunTakesAndNothingElse(t *testing.T) {
	s := newStore(t, plan{})
	if err := checkParts(s.cfg); err != nil {
		t.Fatalf("the configuration of a working till: %v", err)
	}
	for file, want := range map[string]string{"alipay.key": "wallet.alipay: private_key_file", "alipay.pub": "wallet.alipay: gateway_public_key_file"} {
		good, err := os.ReadFile(s.path(file))
		if err != nil {
			t.Fatal(err)
		}
		s.write(file, "-----BEGIN NOTHING-----\nAAAA\n-----END NOTHING-----\n")
		if err := checkParts(s.cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("with a bad %s check says %v, want %s", file, err, want)
		}
		s.write(file, string(good))
	}
	s.cfg.Wallet.Routes = []config.Route{{Provider: "alipay", Prefixes: []string{"25", "25"}, Lengths: []int{16, 24}}}
	if err := checkParts(s.cfg); err == nil || !strings.Contains(err.Error(), "prefix") {
		t.Errorf("with a route that names a prefix twice check says %v", err)
	}
	s.alipay().Enabled, s.wechat().Enabled = false, false
	if err := checkParts(s.cfg); err == nil || !strings.Contains(err.Error(), "prefix") {
		t.Errorf("and without wallets %v", err)
	}
}

func TestTheExamplesRoutesAreThePublishedOnes(t *testing.T) {
	samples := regexp.MustCompile(`(?m)^## `).ReplaceAllString(config.Example(wallet.Sections()...), "")
	example, err := config.Parse("posd.toml", []byte(samples), wallet.Sections()...)
	if err != nil {
		t.Fatal(err)
	}
	if got := routesOf(example.Wallet); !reflect.DeepEqual(got, wallet.DefaultRoutes()) {
		t.Errorf("the example has %+v, want %+v", got, wallet.DefaultRoutes())
	}
	if got := routesOf(config.Default().Wallet); !reflect.DeepEqual(got, wallet.DefaultRoutes()) {
		t.Errorf("without a route: %+v, want %+v", got, wallet.DefaultRoutes())
	}
}
