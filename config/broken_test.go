package config_test

import (
	"errors"
	"strings"
	"testing"

	"posd/config"
	"posd/daemon/wallet"
)

// broken are configurations with all that is said of them, in order.
var broken = []struct {
	name, text string
	want       []string
}{
	{"unknown key with a near one", "[acquirer]\n\ntimeot = \"60s\"", []string{
		`posd.toml:3: acquirer.timeot: unknown key; did you mean "timeout"?`,
	}},
	{"capital letters", "[api]\nListen = \"127.0.0.1:1\"", []string{
		`posd.toml:2: api.Listen: unknown key; did you mean "listen"?`,
	}},
	{"unknown key far from all", "[log]\nrecipient = 1", []string{
		`posd.toml:2: log.recipient: unknown key; known here: file, level, max_files, max_size_mib`,
	}},
	{"unknown section", "[aquirer]\nenabled = true", []string{
		`posd.toml:1: aquirer: unknown section; did you mean "acquirer"?`,
	}},
	{"unknown section below another", "[wallet.wechatt]\n", []string{
		`posd.toml:1: wallet.wechatt: unknown section; did you mean "wechat"?`,
	}},
	{"secret in the main file", "[acquirer]\ntmk = \"0123\"", []string{
		`posd.toml:2: acquirer.tmk: unknown key; did you mean "tmk_file"?`,
	}},
	{"wrong types, all at once", "[api]\nlisten = 8320\nhosts = \"a\"\n[acquirer]\nenabled = \"yes\"\ntls = true\n" +
		"timeout = 60\n[journal]\nballast_mib = 1.5\n[log]\nmax_files = [\n 1\n]\n[till]\nid = 2025-01-01", []string{
		`posd.toml:2: api.listen: want text in quotes, got a number; see posd check --example`,
		`posd.toml:3: api.hosts: want a list in brackets, got text; see posd check --example`,
		`posd.toml:5: acquirer.enabled: want true or false, got text; see posd check --example`,
		`posd.toml:6: acquirer.tls: want a section [acquirer.tls], got true or false; see posd check --example`,
		`posd.toml:7: acquirer.timeout: want a duration as text, such as "60s" or "5m", got a number; see posd check --example`,
		`posd.toml:9: journal.ballast_mib: want a whole number, got a number with a fraction; see posd check --example`,
		`posd.toml:11: log.max_files: want a whole number, got a list; see posd check --example`,
		`posd.toml:15: till.id: want text in quotes, got a date; see posd check --example`,
	}},
	{"a section where a list of sections belongs", "[device]\nname = \"a\"", []string{
		`posd.toml:1: device: want sections [[device]], got a section; see posd check --example`,
	}},
	{"a value where a section belongs", "api = 1", []string{
		`posd.toml:1: api: want a section [api], got a number; see posd check --example`,
	}},
	{"durations", "[payment]\nbackoff_min = \"1\"\nbackoff_max = \"2h\"\ngate_age = \"-5m\"\n[wallet.alipay]\nquery_every = \"soon\"", []string{
		`posd.toml:2: payment.backoff_min: "1" is no duration; write it as "60s", "5m" or "24h"`,
		`posd.toml:3: payment.backoff_max: "2h0m0s" is out of range; want 10ms to 1h`,
		`posd.toml:4: payment.gate_age: "-5m0s" is out of range; want 1s to 24h`,
		`posd.toml:6: wallet.alipay.query_every: "soon" is no duration; write it as "60s", "5m" or "24h"`,
	}},
	{"hours", "[payment]\nbatch_close_at = \"24:00\"\nbatch_wait = \"0s\"", []string{
		`posd.toml:2: payment.batch_close_at: "24:00" does not fit; want an hour of the day as "23:30", or nothing`,
		`posd.toml:3: payment.batch_wait: "0s" is out of range; want 1s to 10m`,
	}},
	{"durations that contradict", "[payment]\nbackoff_min = \"30s\"\nbackoff_max = \"20s\"\n[wallet.wechat]\ndeadline = \"4s\"", []string{
		`posd.toml:3: payment.backoff_max: shorter than backoff_min; make it at least as long`,
		`posd.toml:4: wallet.wechat.query_every: longer than the deadline; let there be a query before it is given up`,
	}},
	{"addresses", "[api]\nlisten = \"0.0.0.0:8320\"\nhosts = [\"http://a\"]\n[acquirer]\naddress = \"host\"\n[wallet.alipay]\n" +
		"url = \"http://openapi.alipay.com/gateway.do\"\n[wallet.wechat]\nurl = \"mch\"", []string{
		`posd.toml:2: api.listen: "0.0.0.0:8320" can be reached from other machines; want 127.0.0.1 or [::1] and a port`,
		`posd.toml:3: api.hosts[1]: "http://a" does not fit; want a host name with or without port, as a browser sends it`,
		`posd.toml:5: acquirer.address: "host" is no address; want host:port, such as "10.1.2.3:5000"`,
		`posd.toml:7: wallet.alipay.url: "http://openapi.alipay.com/gateway.do" is not secured; want https; http only on this machine`,
		`posd.toml:9: wallet.wechat.url: not an address; want "https://host/path"`,
	}},
	{"api without an address or with a name", "[api]\nlisten = \"\"\n[[api.client]]\nname = \"till\"\nscope = \"sel\"", []string{
		`posd.toml:2: api.listen: missing; want such as "127.0.0.1:8320"`,
		`posd.toml:3: api.client[1].token_file: missing; want a file with a token of 16 characters or more`,
		`posd.toml:4: api.client[1].name: "till" is taken; give each its own name`,
		`posd.toml:5: api.client[1].scope: "sel" is not known; did you mean "sell"? (want "sell", "supervisor")`,
	}},
	{"what an enabled acquirer needs", "\n[acquirer]\nenabled = true\nterminal = \"1\"\ndialect = \"\"\n[acquirer.tls]\ncert_file = \"c\"", []string{
		`posd.toml:2: acquirer.address: missing; want host:port, from the acquirer`,
		`posd.toml:2: acquirer.merchant: missing; want 15 letters or digits, from the acquirer`,
		`posd.toml:2: acquirer.tmk_file: missing; want a file with the terminal's master key in hex`,
		`posd.toml:4: acquirer.terminal: "1" does not fit; want 8 letters or digits`,
		`posd.toml:5: acquirer.dialect: missing; want such as "unionpay"`,
		`posd.toml:6: acquirer.tls.key_file: missing; want it together with cert_file`,
	}},
	{"ways to the acquirer that lead nowhere", "[acquirer]\nbackup_address = \"h:0\"\nprimary_retry = \"25h\"\nconnection = \"eech\"\noutstanding = 17\n" +
		"poll_every = \"1ms\"\nconnect_timeout = \"0s\"\n[acquirer.tls]\npins = [\"sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\", \"\"]", []string{
		`posd.toml:2: acquirer.backup_address: "h:0" is no address; want host:port, such as "10.1.2.3:5000"`,
		`posd.toml:3: acquirer.primary_retry: "25h0m0s" is out of range; want 0s to 24h`,
		`posd.toml:4: acquirer.connection: "eech" is not known; did you mean "each"? (want "keep", "each")`,
		`posd.toml:5: acquirer.outstanding: 17 is out of range; want 1 to 16`,
		`posd.toml:6: acquirer.poll_every: "1ms" is out of range; want 1s to 1h`,
		`posd.toml:7: acquirer.connect_timeout: "0s" is out of range; want 100ms to 1m`,
		`posd.toml:9: acquirer.tls.pins: no key is checked without TLS; set enabled = true`,
		`posd.toml:9: acquirer.tls.pins[1]: "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=" does not fit; want "sha256/" and 44 characters of base64: the SHA-256 of a certificate's SubjectPublicKeyInfo`,
		`posd.toml:9: acquirer.tls.pins[2]: missing; want "sha256/" and 44 characters of base64`,
	}},
	{"ways to the acquirer that contradict", "[acquirer]\naddress = \"h:1\"\nbackup_address = \"h:1\"\nconnection = \"each\"\npoll_every = \"30s\"", []string{
		`posd.toml:3: acquirer.backup_address: the same as address; want the acquirer's second host, or nothing`,
		`posd.toml:5: acquirer.poll_every: no connection is kept that could be polled; want connection = "keep", or "0s"`,
	}},
	{"a backup of nothing", "[acquirer]\nbackup_address = \"h:1\"", []string{
		`posd.toml:2: acquirer.backup_address: a backup of no address; set address, too`,
	}},
	{"numbers of an acquirer's own dialect", "[acquirer]\ndialect_file = \"d.toml\"\nterminal = \" 1\"\nmerchant = \"\\t\"\ntpdu = \"600\"\nheader = \"no\"", []string{
		`posd.toml:3: acquirer.terminal: " 1" does not fit; want letters, digits and spaces as the acquirer's dialect has them`,
		`posd.toml:4: acquirer.merchant: "\t" does not fit; want letters, digits and spaces as the acquirer's dialect has them`,
		`posd.toml:5: acquirer.tpdu: "600" does not fit; want hex digits, two for each byte`,
		`posd.toml:6: acquirer.header: "no" does not fit; want hex digits, two for each byte`,
	}},
	{"what enabled wallets need", "[wallet]\nalipay.enabled = true\nwechat = { enabled = true, mch_id = \"m\" }", []string{
		`posd.toml:2: wallet.alipay.app_id: missing; want the application's number, from the open platform`,
		`posd.toml:2: wallet.alipay.gateway_public_key_file: missing; want a file with Alipay's public key`,
		`posd.toml:2: wallet.alipay.private_key_file: missing; want a file with the application's private key`,
		`posd.toml:2: wallet.alipay.seller_id: missing; want the shop's account, 2088 and 12 digits`,
		`posd.toml:3: wallet.wechat.api_key_file: missing; want a file with the API key of 32 characters`,
		`posd.toml:3: wallet.wechat.appid: missing; want the public account's id, from WeChat`,
		`posd.toml:3: wallet.wechat.cert_file: missing; want apiclient_cert.pem: a reverse is refused without it`,
		`posd.toml:3: wallet.wechat.key_file: missing; want apiclient_key.pem`,
		`posd.toml:3: wallet.wechat.mch_id: "m" does not fit; want digits`,
	}},
	{"routes", "[[wallet.route]]\nprovider = \"alipay\"\nprefixes = [\"28\"]\nlengths = [16, 24]\n[[wallet.route]]\nprovider = \"wechat\"\n" +
		"prefixes = [\"281\"]\nlengths = [18]\n[[wallet.route]]\nprovider = \"ali\"\nprefixes = [\"x\"]\nlengths = [9, 8]\n[[wallet.route]]", []string{
		`posd.toml:7: wallet.route[2].prefixes: route 1 takes codes that begin with 281 too; let each code have one provider`,
		`posd.toml:10: wallet.route[3].provider: "ali" is not known; did you mean "alipay"? (want "alipay", "wechat", "unionpay")`,
		`posd.toml:11: wallet.route[3].prefixes[1]: "x" does not fit; want digits`,
		`posd.toml:12: wallet.route[3].lengths: no range of lengths; want [shortest, longest], from 8 to 64`,
		`posd.toml:13: wallet.route[4].lengths: no range of lengths; want [shortest, longest], from 8 to 64`,
		`posd.toml:13: wallet.route[4].prefixes: missing; want a list, such as ["25", "26"]`,
		`posd.toml:13: wallet.route[4].provider: missing; want "alipay", "wechat" or "unionpay"`,
	}},
	{"wallets that no code goes to", "[acquirer]\nenabled = true\naddress = \"h:1\"\nterminal = \"12345678\"\nmerchant = \"123456789012345\"\ntmk_file = \"k\"\n" +
		"[wallet.wechat]\nenabled = true\nappid = \"a\"\nmch_id = \"1\"\napi_key_file = \"k\"\ncert_file = \"c\"\nkey_file = \"k\"\n[wallet.unionpay]\nenabled = true\n" +
		"[[wallet.route]]\nprovider = \"alipay\"\nprefixes = [\"28\"]\nlengths = [16, 24]", []string{
		`posd.toml:8: wallet.wechat.enabled: no route sends codes to it; add a [[wallet.route]] with provider = "wechat", or leave all routes out for the published formats`,
		`posd.toml:15: wallet.unionpay.enabled: no route sends codes to it; add a [[wallet.route]] with provider = "unionpay", or leave all routes out for the published formats`,
	}},
	{"devices", "# two of a name\n[[device]]\nname = \"slip\"\nkind = \"printer\"\nport = \"COM3\"\n\n[[device]]\nname = \"slip\" # again\n" +
		"kind = \"print\"\nport = \"COM3\"\nbuad = 9600\n[[device]]\nname = \"a b\"\nkind = \"reader\"\nport = \"tcp://x\"\nbaud = 5\n" +
		"data_bits = 9\nparity = \"evne\"\nstop_bits = \"3\"\n[[device]]\nname = \"u\"\nkind = \"scanner\"\nport = \"usb://12:34\"\n" +
		"[[device]]\nname = \"v\"\nport = \"ftp://x\"\n[[device]]\nname = \"w\"\nkind = \"printer\"\nport = \"1284:TM-T88V\"", []string{
		`posd.toml:8: device[2].name: "slip" is taken; give each its own name`,
		`posd.toml:9: device[2].kind: "print" is not known; did you mean "printer"? (want "printer", "scanner", "reader")`,
		`posd.toml:10: device[2].port: "COM3" is another device's port; give each device its own`,
		`posd.toml:11: device[2].buad: unknown key; did you mean "baud"?`,
		`posd.toml:13: device[3].name: "a b" does not fit; want up to 16 letters, digits, - and _`,
		`posd.toml:15: device[3].port: "x" is no address; want host:port, such as "10.1.2.3:5000"`,
		`posd.toml:16: device[3].baud: 5 is out of range; want 110 to 4000000`,
		`posd.toml:17: device[3].data_bits: 9 is out of range; want 7 to 8`,
		`posd.toml:18: device[3].parity: "evne" is not known; did you mean "even"? (want "none", "odd", "even", "mark", "space")`,
		`posd.toml:19: device[3].stop_bits: "3" is not known; want "1", "1.5", "2"`,
		`posd.toml:23: device[4].port: "12:34" does not fit; want usb:VID:PID or usb:VID:PID:SERIAL, in hex, and @1-1.4 for a USB port`,
		`posd.toml:24: device[5].kind: missing; want "printer", "scanner" or "reader"`,
		`posd.toml:26: device[5].port: "ftp://x" is no port; want usb:VID:PID[:SERIAL][@PORT], 1284:MDL=..., a device path, COM name, serial://NAME for another serial port, or tcp://host:port`,
		`posd.toml:30: device[6].port: "TM-T88V" does not fit; want words of the printer's IEEE 1284 id, such as 1284:MFG=EPSON;MDL=TM-T88V`,
	}},
	{"what once was, or meant something else", "[wallet.wechat]\nreverse_not_before = \"0s\"\n[[device]]\nname = \"p\"\nkind = \"printer\"\nport = \"COM1\"\nlanguage = \"zh\"", []string{
		`posd.toml:2: wallet.wechat.reverse_not_before: "0s" is out of range; want 1ms to 10m`,
		`posd.toml:7: device[1].language: unknown key; known here: baud, data_bits, driver, kind, name, options, parity, port, stop_bits`,
	}},
	{"driver's options", "[[device]]\nname = \"p\"\nkind = \"printer\"\nport = \"COM1\"\n[device.options]\ncolumns = 4.8", []string{
		`posd.toml:6: device[1].options.columns: want text, a whole number, true or false, got a number with a fraction; see posd check --example`,
	}},
	{"keys in quotes, strings over lines, keys with dots", "\"api\".'listen' = \"\"\"\n1\n# no comment = 1\n\"\"\"\nlog.level = 'loud' # = [\n" +
		"till.id = '''a'''\n\"l\\u006fg\".x = 1", []string{
		`posd.toml:1: api.listen: "1\n# no comment = 1\n" is no address; want host:port, such as "10.1.2.3:5000"`,
		`posd.toml:5: log.level: "loud" is not known; want "debug", "info", "warn", "error"`,
		`posd.toml:7: log.x: unknown key; known here: file, level, max_files, max_size_mib`,
	}},
	{"sections whose outer one is nowhere by itself", "[till]\nid = \"a\"\n[walet.alipay]\nenabled = true\n[acquirer.tsl]\n[[devices]]\n[[api.clients.more]]", []string{
		`posd.toml:3: walet: unknown section; did you mean "wallet"?`,
		`posd.toml:5: acquirer.tsl: unknown section; did you mean "tls"?`,
		`posd.toml:6: devices: unknown section; did you mean "device"?`,
		`posd.toml:7: api.clients: unknown section; did you mean "client"?`,
	}},
	{"no TOML", "[api]\nlisten = 127.0.0.1:8320\n", []string{
		`posd.toml:2: not TOML: a value that is no text in quotes, no number, date, true or false; text stands in quotes: key = "text"; nothing behind it was looked at`,
	}},
	{"a word without quotes", "[till]\ncurrency = CNY\n", []string{
		`posd.toml:2: not TOML: a value that is no text in quotes, no number, date, true or false; text stands in quotes: key = "text"; nothing behind it was looked at`,
	}},
	{"a duration without quotes", "[log]\nmax_files = 1\n[acquirer]\ntimeout = 60s\n", []string{
		`posd.toml:4: not TOML: expected a top-level item to end with a newline, comment, or EOF, but got 's' instead; text stands in quotes: key = "text"; nothing behind it was looked at`,
	}},
	{"a path of Windows", "[journal]\npath = \"C:\\posd\\journal.db\"\n", []string{
		`posd.toml:2: not TOML: invalid escape in string '\p'; a path of Windows stands in single quotes: 'C:\posd\journal.db'; nothing behind it was looked at`,
	}},
	{"a key twice", "[till]\nid = \"a\"\n\nid = \"b\"\n", []string{
		`posd.toml:4: not TOML: Key 'till.id' has already been defined; name each key and each [section] once; nothing behind it was looked at`,
	}},
	{"nothing required left", "[journal]\npath = \"\"\n[till]\nid = \"\"\ncurrency = \"yuan\"\nlanguage = \"fr\"\n[log]\nlevel = \"\"", []string{
		`posd.toml:2: journal.path: missing; want the file that keeps every payment`,
		`posd.toml:4: till.id: missing; want a name for this till`,
		`posd.toml:5: till.currency: "yuan" is no currency; want the three capital letters of ISO 4217, such as "CNY" (人民币)`,
		`posd.toml:6: till.language: "fr" is not known; want "zh", "en"`,
		`posd.toml:8: log.level: "" is not known; want "debug", "info", "warn", "error"`,
	}},
}

func TestEveryProblemIsToldWithItsLine(t *testing.T) {
	for _, tc := range broken {
		t.Run(tc.name, func(t *testing.T) {
			_, err := config.Parse("posd.toml", []byte(tc.text), wallet.Sections()...)
			var ps config.Problems
			if !errors.As(err, &ps) {
				t.Fatalf("got %v, want Problems", err)
			}
			got, want := strings.Split(ps.Error(), "\n"), tc.want
			for i := range max(len(got), len(want)) {
				var g, w string
				if i < len(got) {
					g = got[i]
				}
				if i < len(want) {
					w = want[i]
				}
				if g != w {
					t.Errorf("problem %d\n got %s\nwant %s", i+1, g, w)
				}
			}
			var one *config.Problem
			if !errors.As(err, &one) || one.File != "posd.toml" {
				t.Errorf("errors.As finds no Problem in %v", err)
			}
		})
	}
}
