package main

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"posd/config"
	"posd/daemon/wallet"
	"posd/daemon/wallet/sign"
)

func TestCheckNamesEveryProblemOnALineOfItsOwn(t *testing.T) {
	file := shopOf(t, "[api]\nlisten = \"0.0.0.0:1\"\n[till]\ncurency = \"CNY\"\n[acquier.tls]\nenabled = true\n")
	said, code := checked(t, "check", file)
	lines := strings.Split(said, "\n")
	if code != problem || len(lines) != 6 {
		t.Fatalf("exit %d, want %d and three problems; check says:\n%s", code, problem, said)
	}
	for i, want := range []string{":1: acquirer.enabled: warning: ", ":2: api.listen: ", ":4: till.curency: ", `:5: acquier: unknown section; did you mean "acquirer"?`} {
		if !strings.HasPrefix(lines[i], file+want) {
			t.Errorf("line %d of what check says is %s, want %s", i+1, lines[i], want)
		}
	}
}

// checked is what posd says when it checks a configuration with a verb.
func checked(t *testing.T, verb, file string) (said string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	g := &globals{Out: &out, Err: &errs, Now: time.Now}
	code = posd(t.Context(), g, []string{verb, "-c", file})
	return errs.String() + out.String(), code
}

// shopOf writes a posd.toml and the secrets that every posd has.
func shopOf(t *testing.T, text string) (file string) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"posd.toml": text, "sell.token": "0123456789abcdef", "supervisor.token": "fedcba9876543210", "seal.key": strings.Repeat("ab", 32),
		"tmk.key": strings.Repeat("0123456789abcdef", 2),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "posd.toml")
}

const brokenShop = `[acquirer]
enabled = true
address = "host.example:5000"
terminal = "10000001"
merchant = "898000000000001"
tmk_file = "nowhere.key"
dialect = "unionpai"
timeout = "70"
[till]
currency = "XAU"
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
[wallet.alipay]
enabled = true
app_id = "2021000000000000"
seller_id = "2088000000000000"
private_key_file = "sell.token"
gateway_public_key_file = "nowhere.pub"
[wallet.wechat]
enabled = true
`

func TestCheckNamesWhatValuesSecretFilesDialectAndDriversHaveWrongInOneGo(t *testing.T) {
	file := shopOf(t, brokenShop)
	for _, verb := range []string{"check", "install"} {
		said, code := checked(t, verb, file)
		if code != problem {
			t.Errorf("%s: exit %d, want %d", verb, code, problem)
		}
		rest := said
		for _, want := range []string{
			`:6: acquirer.tmk_file: `, `:7: acquirer.dialect: no dialect preset "unionpai"`, `:8: acquirer.timeout: "70" is no duration`,
			`:15: device[1].options.colums: device "slip": unknown option "colums"`, `:15: device[1].options.cut: option cut = "half"`,
			`:19: device[2].driver: device "gun": unknown driver "laser" for scanners; want one of `,
			`:25: wallet.alipay.private_key_file: private key: neither PKCS #8 nor PKCS #1; see posd check --example`, `:26: wallet.alipay.gateway_public_key_file: `,
			`:27: wallet.wechat.api_key_file: missing`,
		} {
			before, after, found := strings.Cut(rest, file+want)
			if !found {
				t.Fatalf("%s lacks %s, or has it in another place:\n%s", verb, want, said)
			}
			if before != "" && strings.Count(before, "\n") < 1 {
				t.Errorf("%s: %s does not begin a line:\n%s", verb, want, said)
			}
			rest = after
		}
		for line := range strings.Lines(said) {
			if !strings.HasPrefix(line, file+":") && !strings.HasPrefix(line, "posd: problems: ") {
				t.Errorf("%s: a problem without its place: %s", verb, line)
			}
		}
	}
}

func TestCheckTellsNoMistakeTwice(t *testing.T) {
	text := strings.NewReplacer("unionpai", "unionpay", "nowhere.key", "tmk.key", `"70"`, `"70s"`).Replace(brokenShop[:strings.Index(brokenShop, "[[device]]")])
	for name, tc := range map[string]struct{ text, want string }{
		"a currency that no card host knows": {text, `:10: till.currency: cards are not taken in "XAU"`},
		"a terminal of the wrong form":       {strings.Replace(strings.Replace(text, "XAU", "CNY", 1), `"10000001"`, `"1"`, 1), `:4: acquirer.terminal: "1" does not fit`},
		"a master key that is nowhere":       {strings.Replace(strings.Replace(text, "XAU", "CNY", 1), `"tmk.key"`, `"nowhere.key"`, 1), `:6: acquirer.tmk_file: `},
		"a route with a prefix twice": {
			strings.Replace(text, "XAU", "CNY", 1) + "[[wallet.route]]\nprovider = \"alipay\"\nprefixes = [\"28\", \"28\"]\nlengths = [16, 24]\n",
			`:11: wallet.route: "alipay": prefix "28" comes twice`,
		},
		"no master key": {strings.Replace(strings.Replace(text, "XAU", "CNY", 1), `tmk_file = "tmk.key"`, ``, 1), `:1: acquirer.tmk_file: missing`},
	} {
		file := shopOf(t, tc.text)
		var faults []string
		said, _ := checked(t, "check", file)
		for line := range strings.Lines(said) {
			if !strings.Contains(line, ": warning: ") {
				faults = append(faults, line)
			}
		}
		if len(faults) != 1 && len(faults) != 2 || !strings.HasPrefix(strings.TrimPrefix(faults[0], "posd: "), file+tc.want) {
			t.Errorf("%s: want only %s, got:\n%s", name, tc.want, said)
		}
	}
}

func TestCheckWarnsOfNothingThatIsFaulty(t *testing.T) {
	const reader = "[[device]]\nname = \"r\"\nkind = \"reader\"\nport = \"COM3\"\n"
	said, _ := checked(t, "check", shopOf(t, "[acquirer]\nenabled = \"yes\"\naddress = \"h:1\"\n"+reader))
	if strings.Contains(said, "warning") || !strings.Contains(said, ":2: acquirer.enabled: want true or false") {
		t.Errorf("got:\n%s", said)
	}
}

func TestCheckWarnsBesideAWalletThatCannotBeEnabled(t *testing.T) {
	said, _ := checked(t, "check", shopOf(t, "[wallet.unionpay]\nenabled = true\n[wallet.wechat]\nmch_id = \"1900000109\"\n"))
	for _, want := range []string{":2: wallet.unionpay.enabled: its codes travel through the acquirer", ":3: wallet.wechat: warning: filled in, and not enabled"} {
		if !strings.Contains(said, want) {
			t.Errorf("lacks %s:\n%s", want, said)
		}
	}
}

func TestCheckBlamesTheDialectForWhatTheAcquirersNumbersHaveNoPartIn(t *testing.T) {
	text := brokenShop[:strings.Index(brokenShop, "[till]")]
	text = strings.NewReplacer(`"unionpai"`, `"unionpay"`+"\ndialect_file = \"own.toml\"", "nowhere.key", "tmk.key", `"70"`, `"70s"`).Replace(text)
	for field, want := range map[string]string{"11": "dialect_file", "41": "terminal", "42": "merchant"} {
		file := shopOf(t, text)
		own := "name = \"own\"\nbase = \"unionpay\"\n[fields." + field + "]\nformat = \"n2\"\n"
		if err := os.WriteFile(filepath.Join(filepath.Dir(file), "own.toml"), []byte(own), 0o600); err != nil {
			t.Fatal(err)
		}
		if said, code := checked(t, "check", file); code != problem || !strings.Contains(said, ": acquirer."+want+": F"+field) {
			t.Errorf("field %s is too short, exit %d:\n%s", field, code, said)
		}
	}
}

func TestCheckFindsJournalAndLogThatCannotBeFiles(t *testing.T) {
	for text, wants := range map[string][]string{
		"[journal]\npath = \".\"\n[log]\nfile = \".\"\n":       {":2: journal.path: ", ":4: log.file: "},
		"[journal]\npath = \"posd\"\n[log]\nfile = \"posd\"\n": {":4: log.file: it is the journal's file"},
	} {
		said, code := checked(t, "check", shopOf(t, text))
		for _, want := range wants {
			if code != problem || !strings.Contains(said, want) {
				t.Errorf("exit %d, lacks %s:\n%s", code, want, said)
			}
		}
	}
}

func TestCheckRefusesAJournalOrLogThatWouldBeWrittenOverAnotherFile(t *testing.T) {
	for text, want := range map[string]string{
		"[journal]\npath = \"tmk.key\"\n[acquirer]\ntmk_file = \"tmk.key\"\n":       ":2: journal.path: tmk.key is the file of acquirer.tmk_file; name another one",
		"[journal]\npath = \"posd.toml\"\n":                                         ":2: journal.path: posd.toml is the configuration; ",
		"[journal]\npath = \"other.key\"\n":                                         ":2: journal.path: the file is no journal; ",
		"[log]\nfile = \"sub/../posd.toml\"\n":                                      ":2: log.file: posd.toml is the configuration; ",
		"[log]\nfile = \"link\"\n":                                                  ":2: log.file: link is the file of api.sell_token_file; ",
		"[log]\nfile = \"journal.db-wal\"\n[journal]\npath = \"journal.db\"\n":      ":2: log.file: it is the journal's file journal.db-wal; ",
		"[log]\nfile = \"journal.db.mark\"\n[journal]\npath = \"journal.db\"\n":     ":2: log.file: it is the journal's file journal.db.mark; ",
		"[log]\nfile = \"journal.db.lock\"\n[journal]\npath = \"journal.db\"\n":     ":2: log.file: it is the journal's file journal.db.lock; ",
		"[log]\nfile = \"t\"\n[[api.client]]\nname = \"b\"\ntoken_file = \"t\"\n":   ":2: log.file: t is the file of api.client[1].token_file; ",
		"[journal]\npath = \"j\"\n[wallet.alipay]\nprivate_key_file = \"j.mark\"\n": ":2: journal.path: j.mark is the file of wallet.alipay.private_key_file; ",
	} {
		file := shopOf(t, text)
		at := filepath.Dir(file)
		if err := errors.Join(os.Link(filepath.Join(at, "sell.token"), filepath.Join(at, "link")), os.WriteFile(filepath.Join(at, "other.key"), []byte("other"), 0o600)); err != nil {
			t.Fatal(err)
		}
		if said, code := checked(t, "check", file); code != problem || strings.Count(said, want[:strings.Index(want, ": ")]) != 1 || !strings.Contains(said, want) {
			t.Errorf("exit %d, want once %s:\n%s", code, want, said)
		}
	}
}

func TestCheckTakesAJournalThatIsThereOrEmpty(t *testing.T) {
	for name, content := range map[string]string{"empty": "", "there": "SQLite format 3\x00 and so on"} {
		file := shopOf(t, "[journal]\npath = \"j\"\n")
		if err := os.WriteFile(filepath.Join(filepath.Dir(file), "j"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if said, code := checked(t, "check", file); code != success {
			t.Errorf("%s: exit %d:\n%s", name, code, said)
		}
	}
}

func TestRunRefusesALogThatIsASecretsFile(t *testing.T) {
	if said, code := checked(t, "run", shopOf(t, "[log]\nfile = \"seal.key\"\n")); code != problem || !strings.Contains(said, ":2: log.file: seal.key is the file of journal.seal_key_file; ") {
		t.Errorf("exit %d:\n%s", code, said)
	}
}

// full is an output on a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestAnOutputThatCannotBeWrittenEndsWith1(t *testing.T) {
	file := shopOf(t, "")
	for _, line := range [][]string{{"check", "-c", file}, {"check", "--example"}, {"version"}} {
		var errs bytes.Buffer
		code := posd(t.Context(), &globals{Out: full{}, Err: &errs, Now: time.Now}, line)
		if code != problem || strings.Count(errs.String(), "no space left on device") != 1 {
			t.Errorf("%s: exit %d:\n%s", line[0], code, errs.String())
		}
	}
}

func TestCheckWarnsOfWhatTakesNoMoney(t *testing.T) {
	const card = "[acquirer]\naddress = \"h:1\"\nterminal = \"10000001\"\nmerchant = \"898000000000001\"\ntmk_file = \"tmk.key\"\nenabled = "
	const reader = "[[device]]\nname = \"msr\"\nkind = \"reader\"\nport = \"COM3\"\n"
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"no rail":                         {"[till]\nid = \"a\"\n", []string{`:1: acquirer.enabled: warning: neither cards nor a wallet`}},
		"cards without a reader":          {card + "true\n", []string{`:6: acquirer.enabled: warning: no card reader`}},
		"cards with one":                  {card + "true\n" + reader, nil},
		"a reader, and no cards":          {reader, []string{`:1: acquirer.enabled: warning: neither cards`, `:3: device[1].kind: warning: a card reader, and no cards are taken`}},
		"an acquirer that is not enabled": {card + "false\n", []string{`:6: acquirer.enabled: warning: neither cards`, `:1: acquirer: warning: filled in, and not enabled`}},
		"a wallet that is not enabled": {
			card + "true\n" + reader + "[wallet.wechat]\nmch_id = \"1900000109\"\n",
			[]string{`:11: wallet.wechat: warning: filled in, and not enabled`},
		},
	} {
		file := shopOf(t, tc.text)
		said, code := checked(t, "check", file)
		if code != success || strings.Count(said, "warning:") != len(tc.want) {
			t.Errorf("%s: exit %d, want %d warnings:\n%s", name, code, len(tc.want), said)
		}
		for _, want := range tc.want {
			if !strings.Contains(said, file+want) {
				t.Errorf("%s: lacks %s:\n%s", name, want, said)
			}
		}
	}
}

func TestCheckWarnsOfWalletsThatDoNotTakeTheTillsCurrency(t *testing.T) {
	s := newStore(t, plan{})
	s.cfg.Till.Currency = "USD"
	warnings, err := checkParts(s.cfg)
	if err != nil || !strings.Contains(warnings.Error(), "till.currency: warning: no wallet that is enabled takes USD") {
		t.Errorf("got %v, %v", warnings, err)
	}
}

func TestCheckTakesWhatRunTakesAndNothingElse(t *testing.T) {
	s := newStore(t, plan{})
	if _, err := checkParts(s.cfg); err != nil {
		t.Fatalf("the configuration of a working till: %v", err)
	}
	for file, want := range map[string]string{"alipay.key": "wallet.alipay.private_key_file: ", "alipay.pub": "wallet.alipay.gateway_public_key_file: "} {
		good, err := os.ReadFile(s.path(file))
		if err != nil {
			t.Fatal(err)
		}
		s.write(file, "-----BEGIN NOTHING-----\nAAAA\n-----END NOTHING-----\n")
		if _, err := checkParts(s.cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("with a bad %s check says %v, want %s", file, err, want)
		}
		s.write(file, string(good))
	}
	s.cfg.Wallet.Routes = []config.Route{{Provider: "alipay", Prefixes: []string{"25", "25"}, Lengths: []int{16, 24}}}
	if _, err := checkParts(s.cfg); err == nil || !strings.Contains(err.Error(), "prefix") {
		t.Errorf("with a route that names a prefix twice check says %v", err)
	}
	s.alipay().Enabled, s.wechat().Enabled = false, false
	if _, err := checkParts(s.cfg); err == nil || !strings.Contains(err.Error(), "prefix") {
		t.Errorf("and without wallets %v", err)
	}
}

func TestCheckRefusesTheShopsOwnPublicKeyAsAlipays(t *testing.T) {
	s := newStore(t, plan{})
	text, err := os.ReadFile(s.path("alipay.key"))
	if err != nil {
		t.Fatal(err)
	}
	own, err := sign.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	s.write("alipay.pub", base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PublicKey(&own.PublicKey)))
	if _, err := checkParts(s.cfg); err == nil || !strings.Contains(err.Error(), "wallet.alipay.gateway_public_key_file: it is the application's own public key") {
		t.Errorf("got %v", err)
	}
}

func TestCheckRefusesAWeChatAPIKeyThatHasNot32Characters(t *testing.T) {
	s := newStore(t, plan{})
	for _, api := range []string{"v2", "v3"} {
		s.wechat().API = api
		for key, good := range map[string]bool{
			strings.Repeat("k", 64): false, strings.Repeat("k", 31): false, strings.Repeat("k", 15) + " " + strings.Repeat("k", 16): false, strings.Repeat("k", 32): true,
		} {
			s.write("wechat-api.key", key+"\n")
			_, err := checkParts(s.cfg)
			if said := err != nil && strings.Contains(err.Error(), "wechat.api_key_file: the content of "); said == good {
				t.Errorf("%s, %d characters: got %v", api, len(key), err)
			}
		}
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

func TestAFolderThatCannotBeMadeIsToldWithItsKeyAndRemedy(t *testing.T) {
	s := newStore(t, plan{})
	s.write("file", "")
	s.cfg.Journal.Path = s.path(filepath.Join("file", "journal.db"))
	if err := s.fails(); !strings.Contains(err.Error(), ": journal.path: ") || !strings.Contains(err.Error(), "the user that posd runs as") {
		t.Errorf("got %v", err)
	}
	s.cfg.Log.File = s.path(filepath.Join("file", "posd.log"))
	if _, _, err := newLogger(logSettingsOf(s.cfg)); err == nil || !strings.Contains(err.Error(), "log.file: ") || !strings.Contains(err.Error(), "the user that posd runs as") {
		t.Errorf("got %v", err)
	}
}
