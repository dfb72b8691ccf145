// Package config reads posd.toml and refuses what it does not fully understand.
//
// The fields of Config are the manual: each says what it is for; Default says what it is when nobody sets it. All
// problems are reported at once, each with its file, line and key. Secrets are never in the file itself but in files
// that it names.
package config

import (
	_ "embed"
	"strings"
	"time"
)

//go:embed example.toml
var example string

// Example is an annotated configuration: every key with its default.
func Example(wallets ...Provider) string {
	var all strings.Builder
	for _, w := range wallets {
		all.WriteString(w.Example + "\n")
	}
	return strings.Replace(example, "#[wallet.NAME]\n", all.String(), 1)
}

// Config is a whole posd.toml. Load and Parse give one that holds together; it is not changed afterwards.
type Config struct {
	API      API      `toml:"api"`
	Till     Till     `toml:"till"`
	Journal  Journal  `toml:"journal"`
	Acquirer Acquirer `toml:"acquirer"`
	Wallet   Wallet   `toml:"wallet"`
	Devices  []Device `toml:"device"`
	Payment  Payment  `toml:"payment"`
	Log      Log      `toml:"log"`

	source source // where each key stands, for problems that show later
}

// API is how the till's software reaches posd (收银软件接口).
type API struct {
	Listen              string   `toml:"listen"`                              // loopback address and port; posd listens nowhere else
	Hosts               []string `toml:"hosts"`                               // further names in a request's Host header; the listen address and localhost are always allowed
	Origins             []string `toml:"origins"`                             // web pages of a till that runs in a browser, as in their Origin header; mostly none
	SellTokenFile       string   `toml:"sell_token_file" file:"secret"`       // bearer token of the till: sells, asks, acknowledges
	SupervisorTokenFile string   `toml:"supervisor_token_file" file:"secret"` // bearer token of the supervisor and of posd's own commands: settles and overrides
	Clients             []Client `toml:"client"`                              // further tills on this machine, each with sales of its own
}

// Client is one more user of the API with a token of its own.
type Client struct {
	Name      string `toml:"name"`                     // scopes its sale ids; "till" and "supervisor" are taken
	Scope     string `toml:"scope"`                    // "sell" or "supervisor"
	TokenFile string `toml:"token_file" file:"secret"` // its bearer token
}

// Till says whose slips these are (商户信息，打印在小票上).
type Till struct {
	ID         string `toml:"id"`           // this till, on slips and in order descriptions: letters, digits, - and _
	ShopNameZH string `toml:"shop_name_zh"` // the shop in Chinese
	ShopNameEN string `toml:"shop_name_en"` // the shop in English
	Address    string `toml:"address"`      // one line under the name; may be empty
	Language   string `toml:"language"`     // of slips when the till does not say: "zh" or "en"
	Currency   string `toml:"currency"`     // ISO 4217 letters; amounts are in its minor units
}

// Journal is where every step of a payment is kept. It belongs on a disk of this machine, not on a network share.
type Journal struct {
	Path        string   `toml:"path" file:"data"`            // the file; its folder is made if it is not there
	BallastMiB  int      `toml:"ballast_mib"`                 // room kept back so that running payments end well on a full disk; 0 for none
	KeepPrints  Duration `toml:"keep_prints"`                 // how long what a till had printed stays on disk afterwards (打印内容保留时间); slips are part of the journal, and stay
	SealKeyFile string   `toml:"seal_key_file" file:"secret"` // 32 bytes as 64 hex digits: seals card numbers that a reversal still needs
}

// Acquirer is the bank's host for cards (收单行).
type Acquirer struct {
	Enabled        bool     `toml:"enabled"`
	Address        string   `toml:"address"`                    // host:port
	BackupAddress  string   `toml:"backup_address"`             // host:port, dialled when address cannot be reached; a request is never sent to both; empty for none (备用地址)
	PrimaryRetry   Duration `toml:"primary_retry"`              // for so long after address failed a new connection tries backup_address first
	Connection     string   `toml:"connection"`                 // "keep" holds one connection (长连接), "each" makes one for each request (短连接)
	Outstanding    int      `toml:"outstanding"`                // requests that the host lets be under way at a time, 1 to 16; a terminal has one payment at a time whatever this says
	PollEvery      Duration `toml:"poll_every"`                 // an empty frame when a kept connection was quiet for so long, for hosts and routers that drop quiet ones; 0s never
	TLS            TLS      `toml:"tls"`                        // off means plain TCP: only on a leased line or inside a VPN
	Dialect        string   `toml:"dialect"`                    // a dialect that posd brings along
	DialectFile    string   `toml:"dialect_file" file:"public"` // a dialect of the acquirer's own; wins over dialect
	Terminal       string   `toml:"terminal"`                   // field 41, 8 letters or digits, or as the acquirer's own dialect has it (终端号)
	Merchant       string   `toml:"merchant"`                   // field 42, 15 letters or digits, or as that dialect has it (商户号)
	TPDU           string   `toml:"tpdu"`                       // in unionpay 10 hex digits; empty takes the dialect's
	Header         string   `toml:"header"`                     // in unionpay 12 hex digits; empty takes the dialect's
	TMKFile        string   `toml:"tmk_file" file:"secret"`     // the terminal's master key, 32 or 48 hex digits (终端主密钥)
	Timeout        Duration `toml:"timeout"`                    // for the answer to a sale; then it is reversed
	ReverseTimeout Duration `toml:"reverse_timeout"`            // for the answer to a reversal or sign-on; then it is tried again
	ConnectTimeout Duration `toml:"connect_timeout"`            // to reach a host at all, TLS included; for each of the two addresses
	InFlightMax    Duration `toml:"in_flight_max"`              // how long a request may be under way: a host that knows no original is asked again after this; 0s takes the dialect's
	EchoEvery      Duration `toml:"echo_every"`                 // a line that was quiet for so long is tried with an echo, when nobody pays; 0s never
	SignOff        bool     `toml:"sign_off"`                   // posd tells the host when it ends (签退)
}

// TLS secures the connection to the acquirer.
type TLS struct {
	Enabled    bool   `toml:"enabled"`
	CAFile     string `toml:"ca_file" file:"public"`   // PEM; who may sign the host's certificate; a self-signed host's own; empty takes the system's
	ServerName string `toml:"server_name"`             // expected in the certificate and said in SNI; empty takes the address's host
	CertFile   string `toml:"cert_file" file:"public"` // PEM; our certificate, if the host wants one
	KeyFile    string `toml:"key_file" file:"secret"`  // PEM; its key

	// Pins are keys of which one must be in the verified chain, in addition to all other checks: "sha256/" and the base64
	// of the SHA-256 of a certificate's SubjectPublicKeyInfo. Name two, so that the host can change its key. Empty for no
	// such check. They replace nothing: a self-signed host still needs its certificate as ca_file.
	Pins []string `toml:"pins"`
}

// Wallet is paying by a code on the customer's phone (当面付 / 付款码).
type Wallet struct {
	CodeAge      Duration `toml:"code_age"`      // a code that was scanned longer ago is not sent
	InFlightMax  Duration `toml:"in_flight_max"` // how long a request may be under way: until then an absent order is asked for, and a refund that was refused after one without an answer is not given up
	SuspectAfter int      `toml:"suspect_after"` // so many payments in a row of unknown outcome, and a gateway gets no more until it makes sense again
	ConfirmGap   Duration `toml:"confirm_gap"`   // between the two queries that prove a cancelled order absent
	UnionPay     UnionPay `toml:"unionpay"`
	Routes       []Route  `toml:"route"` // whose code is whose; without any, the published formats

	Providers map[string]Settings `toml:"-"` // [wallet.NAME]: what each wallet's package brings
}

// Route sends codes to a provider: ASCII digits only, with one of these beginnings and lengths.
type Route struct {
	Prefixes []string `toml:"prefixes"` // beginnings, digits
	Lengths  []int    `toml:"lengths"`  // shortest and longest, or one length
	Provider string   `toml:"provider"` // the NAME of a section [wallet.NAME]
}

// UnionPay is the codes that travel through the acquirer, as messages of the card terminal (银联二维码).
type UnionPay struct {
	Enabled bool `toml:"enabled"` // needs [acquirer], and its dialect a "qr-sale"
}

// Device is one printer, scanner or card reader on the counter.
type Device struct {
	Name     string            `toml:"name"`      // unique; in logs and on the technician's page
	Kind     string            `toml:"kind"`      // "printer", "scanner" or "reader"
	Driver   string            `toml:"driver"`    // empty takes the usual one of its kind
	Port     string            `toml:"port"`      // what the device is: usb:VID:PID[:SERIAL][@PORT], 1284:MDL=…; or where: /dev/serial/by-id/…, COM3, tcp://host:9100. hwtest list --toml writes it
	Baud     int               `toml:"baud"`      // serial only, as the next three
	DataBits int               `toml:"data_bits"` // 7 or 8
	Parity   string            `toml:"parity"`    // "none", "odd", "even", "mark" or "space"
	StopBits string            `toml:"stop_bits"` // "1", "1.5" or "2"
	Options  map[string]string `toml:"options"`   // the driver's own, such as columns = 32; posd check names those it does not know
}

// Payment is how patient posd is, and when it calls for a person. Change it only with a reason.
type Payment struct {
	BackoffMin      Duration `toml:"backoff_min"`      // first wait between two tries of a reversal
	BackoffMax      Duration `toml:"backoff_max"`      // longest wait; a reversal never ends by being tired
	AlarmTries      int      `toml:"alarm_tries"`      // a reversal with so many tries raises an alarm
	AlarmAge        Duration `toml:"alarm_age"`        // so does one that is so old
	GateTries       int      `toml:"gate_tries"`       // an open reversal with fewer tries holds up the terminal's next card payment
	GateAge         Duration `toml:"gate_age"`         // and so does one that is younger than this
	AcceptPartial   bool     `toml:"accept_partial"`   // keep an approval of less than was asked for; false reverses it
	ConfirmMode     bool     `toml:"confirm_mode"`     // no PAID slip before the till acknowledges, and a reversal if it never does
	ConfirmWithin   Duration `toml:"confirm_within"`   // how long the till has for that
	DuplicateWindow Duration `toml:"duplicate_window"` // sales of one amount within this look alike
	CodeWindow      Duration `toml:"code_window"`      // a wallet code is refused for another attempt within this (409 code_in_use)
	CollectWithin   Duration `toml:"collect_within"`   // how long the customer has for card or code
	BatchCloseAt    string   `toml:"batch_close_at"`   // when the card batch is closed every day, on this machine's clock (日终批结算); empty: by the till or a person only
	BatchWait       Duration `toml:"batch_wait"`       // how long a close waits for payments and reversals under way
}

// Log is what a technician wants of yesterday. No card or wallet data is ever in it.
type Log struct {
	File       string `toml:"file" file:"data"` // JSON lines, rotated; empty logs to the terminal or service manager only
	Level      string `toml:"level"`            // "debug", "info", "warn" or "error"
	MaxSizeMiB int    `toml:"max_size_mib"`     // of one file
	MaxFiles   int    `toml:"max_files"`        // old ones that are kept
}

// Duration is a time.Duration that is written as text: "60s", "5m".
type Duration struct{ time.Duration }

// UnmarshalText reads Go's way of writing durations.
func (d *Duration) UnmarshalText(text []byte) (err error) {
	d.Duration, err = time.ParseDuration(string(text))
	return err
}

// MarshalText writes it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
