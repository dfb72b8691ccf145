package config

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/currency"
)

// check finds values that are of the right type and still wrong. Whatever is given is checked, whatever an enabled
// part needs is asked for.
func (c *Config) check(p *problems) {
	k := Checker{problems: p}
	c.checkAPI(k)
	c.checkTill(k)
	k.Required("journal.path", c.Journal.Path, "the file that keeps every payment")
	k.Required("journal.seal_key_file", c.Journal.SealKeyFile, "64 hex digits in a file")
	k.Between("journal.ballast_mib", c.Journal.BallastMiB, 0, 4096)
	k.Within("journal.keep_prints", c.Journal.KeepPrints, 0, 365*24*time.Hour)
	c.checkAcquirer(k)
	c.checkWallet(k)
	c.checkDevices(k)
	c.checkPayment(k)
	k.OneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	k.Between("log.max_size_mib", c.Log.MaxSizeMiB, 1, 1024)
	k.Between("log.max_files", c.Log.MaxFiles, 1, 100)
}

func (c *Config) checkAPI(k Checker) {
	k.loopback("api.listen", c.API.Listen)
	for i, h := range c.API.Hosts {
		k.Pattern(element("api.hosts", i+1), h, hostName, "a host name with or without port, as a browser sends it")
	}
	for i, o := range c.API.Origins {
		k.Pattern(element("api.origins", i+1), o, origin, "a page's origin, such as https://till.example, without a path")
	}
	k.Required("api.sell_token_file", c.API.SellTokenFile, "a file with a token of 16 characters or more")
	k.Required("api.supervisor_token_file", c.API.SupervisorTokenFile, "a file with a token of 16 characters or more")
	names := map[string]bool{"till": true, "supervisor": true}
	for i, cl := range c.API.Clients {
		at := element("api.client", i+1)
		k.unique(at+".name", cl.Name, names)
		k.OneOf(at+".scope", cl.Scope, "sell", "supervisor")
		k.Required(at+".token_file", cl.TokenFile, "a file with a token of 16 characters or more")
	}
}

func (c *Config) checkTill(k Checker) {
	k.Required("till.id", c.Till.ID, "a name for this till")
	k.Pattern("till.id", c.Till.ID, word, "up to 16 letters, digits, - and _")
	k.OneOf("till.language", c.Till.Language, "zh", "en")
	k.Required("till.currency", c.Till.Currency, `three letters, such as "CNY"`)
	k.currency("till.currency", c.Till.Currency)
}

func (c *Config) checkAcquirer(k Checker) {
	a := c.Acquirer
	if a.Enabled {
		k.Required("acquirer.address", a.Address, "host:port, from the acquirer")
		k.Required("acquirer.terminal", a.Terminal, "8 letters or digits, from the acquirer")
		k.Required("acquirer.merchant", a.Merchant, "15 letters or digits, from the acquirer")
		k.Required("acquirer.tmk_file", a.TMKFile, "a file with the terminal's master key in hex")
		if a.DialectFile == "" {
			k.Required("acquirer.dialect", a.Dialect, `such as "unionpay"`)
		}
	}
	if looksSecret(a.Dialect) {
		k.Add("acquirer.dialect", "there is no such dialect, and its name, which is not shown here, looks like a secret itself", `want one such as "unionpay"`)
	}
	a.checkLine(k)
	a.checkNumbers(k)
	k.Within("acquirer.timeout", a.Timeout, time.Second, 10*time.Minute)
	k.Within("acquirer.reverse_timeout", a.ReverseTimeout, time.Second, 10*time.Minute)
	if a.InFlightMax.Duration != 0 {
		k.Within("acquirer.in_flight_max", a.InFlightMax, time.Second, time.Hour)
	}
	if a.EchoEvery.Duration != 0 {
		k.Within("acquirer.echo_every", a.EchoEvery, 10*time.Second, 24*time.Hour)
	}
}

// checkLine looks at the ways to the host.
func (a Acquirer) checkLine(k Checker) {
	k.hostPort("acquirer.address", a.Address)
	k.hostPort("acquirer.backup_address", a.BackupAddress)
	switch {
	case a.BackupAddress == "":
	case a.Address == "":
		k.Add("acquirer.backup_address", "a backup of no address", "set address, too")
	case a.BackupAddress == a.Address:
		k.Add("acquirer.backup_address", "the same as address", "want the acquirer's second host, or nothing")
	}
	k.Within("acquirer.connect_timeout", a.ConnectTimeout, 100*time.Millisecond, time.Minute)
	k.Within("acquirer.primary_retry", a.PrimaryRetry, 0, 24*time.Hour)
	k.OneOf("acquirer.connection", a.Connection, "keep", "each")
	k.Between("acquirer.outstanding", a.Outstanding, 1, 16)
	if a.PollEvery.Duration != 0 {
		k.Within("acquirer.poll_every", a.PollEvery, time.Second, time.Hour)
		if a.Connection == "each" {
			k.Add("acquirer.poll_every", `no connection is kept that could be polled`, `want connection = "keep", or "0s"`)
		}
	}
	k.in("acquirer.tls").Both("cert_file", a.TLS.CertFile, "key_file", a.TLS.KeyFile)
	for i, pin := range a.TLS.Pins {
		k.Pattern(element("acquirer.tls.pins", i+1), pin, spkiPin, `"sha256/" and 44 characters of base64: the SHA-256 of a certificate's SubjectPublicKeyInfo`)
		k.Required(element("acquirer.tls.pins", i+1), pin, `"sha256/" and 44 characters of base64`)
	}
	if len(a.TLS.Pins) > 0 && !a.TLS.Enabled {
		k.Add("acquirer.tls.pins", "no key is checked without TLS", "set enabled = true")
	}
}

// checkNumbers knows the forms of the dialects that posd brings along. What an acquirer's own dialect wants stands in its
// file, and is asked of that.
func (a Acquirer) checkNumbers(k Checker) {
	if a.DialectFile != "" {
		k.Pattern("acquirer.terminal", a.Terminal, plain, "letters, digits and spaces as the acquirer's dialect has them")
		k.Pattern("acquirer.merchant", a.Merchant, plain, "letters, digits and spaces as the acquirer's dialect has them")
		k.Pattern("acquirer.tpdu", a.TPDU, hexBytes, "hex digits, two for each byte")
		k.Pattern("acquirer.header", a.Header, hexBytes, "hex digits, two for each byte")
		return
	}
	k.Pattern("acquirer.terminal", a.Terminal, terminal, "8 letters or digits")
	k.Pattern("acquirer.merchant", a.Merchant, merchant, "15 letters or digits")
	k.Pattern("acquirer.tpdu", a.TPDU, hex10, "10 hex digits")
	k.Pattern("acquirer.header", a.Header, hex12, "12 hex digits")
}

func (c *Config) checkDevices(k Checker) {
	names := map[string]bool{}
	ports := map[string]bool{}
	for i, d := range c.Devices {
		at := element("device", i+1)
		k.unique(at+".name", d.Name, names)
		k.Required(at+".kind", d.Kind, `"printer", "scanner" or "reader"`)
		k.OneOf(at+".kind", d.Kind, "printer", "scanner", "reader", "")
		k.port(at+".port", d.Port, ports)
		k.Between(at+".baud", d.Baud, 110, 4_000_000)
		k.Between(at+".data_bits", d.DataBits, 7, 8)
		k.OneOf(at+".parity", d.Parity, "none", "odd", "even", "mark", "space")
		k.OneOf(at+".stop_bits", d.StopBits, "1", "1.5", "2")
	}
}

func (c *Config) checkPayment(k Checker) {
	y := c.Payment
	k.Within("payment.backoff_min", y.BackoffMin, 10*time.Millisecond, time.Minute)
	k.Within("payment.backoff_max", y.BackoffMax, 10*time.Millisecond, time.Hour)
	if y.BackoffMax.Duration < y.BackoffMin.Duration {
		k.Add("payment.backoff_max", "shorter than backoff_min", "make it at least as long")
	}
	k.Between("payment.alarm_tries", y.AlarmTries, 1, 1000)
	k.Within("payment.alarm_age", y.AlarmAge, time.Second, 24*time.Hour)
	k.Between("payment.gate_tries", y.GateTries, 1, 1000)
	k.Within("payment.gate_age", y.GateAge, time.Second, 24*time.Hour)
	k.Within("payment.confirm_within", y.ConfirmWithin, time.Second, time.Hour)
	k.Within("payment.duplicate_window", y.DuplicateWindow, time.Second, 24*time.Hour)
	k.Within("payment.code_window", y.CodeWindow, time.Second, time.Hour)
	k.Within("payment.collect_within", y.CollectWithin, time.Second, time.Hour)
	k.Pattern("payment.batch_close_at", y.BatchCloseAt, dayTime, `an hour of the day as "23:30", or nothing`)
	k.Within("payment.batch_wait", y.BatchWait, time.Second, 10*time.Minute)
}

var (
	word     = regexp.MustCompile(`^[A-Za-z0-9_-]{1,16}$`)
	terminal = regexp.MustCompile(`^[0-9A-Za-z]{8}$`)
	merchant = regexp.MustCompile(`^[0-9A-Za-z]{15}$`)
	plain    = regexp.MustCompile(`^[0-9A-Za-z](?:[0-9A-Za-z ._/-]{0,38}[0-9A-Za-z])?$`)
	hexBytes = regexp.MustCompile(`^(?:[0-9A-Fa-f]{2}){1,32}$`)
	hex10    = regexp.MustCompile(`^[0-9A-Fa-f]{10}$`)
	hex12    = regexp.MustCompile(`^[0-9A-Fa-f]{12}$`)
	spkiPin  = regexp.MustCompile(`^sha256/[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$`) // the last character has four bits of the 256
	origin   = regexp.MustCompile(`^https?://[A-Za-z0-9.:\[\]-]{1,253}$`)
	hostName = regexp.MustCompile(`^[A-Za-z0-9.:\[\]-]{1,253}$`)
	dayTime  = regexp.MustCompile(`^(?:[01][0-9]|2[0-3]):[0-5][0-9]$`)
)

// currency wants a currency of ISO 4217 as it is written there.
func (k Checker) currency(at, v string) {
	if v == "" {
		return
	}
	if unit, err := currency.ParseISO(v); err != nil || unit.String() != v {
		k.Add(at, fmt.Sprintf("%q is no currency", v), `want the three capital letters of ISO 4217, such as "CNY" (人民币)`)
	}
}

// Checker holds the rules that values share. Each adds at most one problem, and none to a key that has one; empty
// text passes all but Required. Keys are those of the section that it was handed out for.
type Checker struct {
	problems *problems
	section  string
}

// in gives the rules for keys of a section.
func (k Checker) in(section string) Checker {
	return Checker{k.problems, join(k.section, section)}
}

// Add tells what is wrong with a key, and what to do about it.
func (k Checker) Add(key, what, remedy string) {
	if at := join(k.section, key); !k.problems.faulty(at) {
		k.problems.add(at, what, remedy)
	}
}

// Required wants a value at all; what completes "want ...".
func (k Checker) Required(key, value, what string) {
	if value == "" {
		k.Add(key, "missing", "want "+what)
	}
}

// Pattern wants text that the expression fits.
func (k Checker) Pattern(key, value string, re *regexp.Regexp, want string) {
	if value != "" && !re.MatchString(value) {
		k.Add(key, fmt.Sprintf("%q does not fit", value), "want "+want)
	}
}

// Digits wants up to 24 of them.
func (k Checker) Digits(key, value string) { k.Pattern(key, value, digits, "digits") }

// OneOf wants one of the words.
func (k Checker) OneOf(key, value string, allowed ...string) {
	if slices.Contains(allowed, value) {
		return
	}
	remedy := "want " + strings.Join(quoted(allowed), ", ")
	if near := nearest(value, allowed); near != "" {
		remedy = fmt.Sprintf("did you mean %q? (%s)", near, remedy)
	}
	k.Add(key, fmt.Sprintf("%q is not known", value), remedy)
}

// quoted gives words in quotes, without empty ones.
func quoted(words []string) (out []string) {
	for _, w := range words {
		if w != "" {
			out = append(out, strconv.Quote(w))
		}
	}
	return out
}

// either gives words as people name a choice: "a", "b" or "c".
func either(words []string) string {
	all := quoted(words)
	last := len(all) - 1
	return strings.TrimPrefix(strings.Join(all[:last], ", ")+" or "+all[last], " or ")
}

// Between wants a number of a range.
func (k Checker) Between(key string, n, low, high int) {
	if n < low || n > high {
		k.Add(key, fmt.Sprintf("%d is out of range", n), fmt.Sprintf("want %d to %d", low, high))
	}
}

// Within wants a duration of a range.
func (k Checker) Within(key string, d Duration, low, high time.Duration) {
	if d.Duration < low || d.Duration > high {
		k.Add(key, fmt.Sprintf("%q is out of range", d), fmt.Sprintf("want %s to %s", short(low), short(high)))
	}
}

// short writes a whole duration without its zeros.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// unique wants a name that no other has.
func (k Checker) unique(key, name string, taken map[string]bool) {
	k.Required(key, name, "a name that no other has")
	k.Pattern(key, name, word, "up to 16 letters, digits, - and _")
	if name != "" && taken[name] {
		k.Add(key, fmt.Sprintf("%q is taken", name), "give each its own name")
	}
	taken[name] = true
}

// Both wants two keys together or not at all.
func (k Checker) Both(one, first, other, second string) {
	switch {
	case first != "" && second == "":
		k.Add(other, "missing", "want it together with "+one)
	case first == "" && second != "":
		k.Add(one, "missing", "want it together with "+other)
	}
}

func (k Checker) hostPort(key, value string) {
	if value == "" {
		return
	}
	host, port, err := net.SplitHostPort(value)
	n, perr := strconv.Atoi(port)
	if err != nil || perr != nil || host == "" || n < 1 || n > 65535 {
		k.Add(key, fmt.Sprintf("%q is no address", value), `want host:port, such as "10.1.2.3:5000"`)
	}
}

// loopback wants an address that no other machine reaches: whoever reaches the API with a token moves money.
func (k Checker) loopback(key, value string) {
	k.Required(key, value, `such as "127.0.0.1:8320"`)
	k.hostPort(key, value)
	host, _, err := net.SplitHostPort(value)
	if err != nil || host == "localhost" {
		return
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		k.Add(key, fmt.Sprintf("%q can be reached from other machines", value), "want 127.0.0.1 or [::1] and a port")
	}
}

// gateway wants https; plain http only on this machine, for simulators.
func (k Checker) gateway(key, value string) {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.User != nil {
		k.Add(key, "not an address", `want "https://host/path"`)
		return
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || (ip != nil && ip.IsLoopback())
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		k.Add(key, fmt.Sprintf("%q is not secured", value), "want https; http only on this machine")
	}
}
