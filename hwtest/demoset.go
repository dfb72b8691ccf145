package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"text/template"

	"github.com/BurntSushi/toml"
)

// What the demo's shop is called by its acquirer and its gateways.
const (
	demoTerminal    = "10000001"
	demoMerchant    = "898000000000001"
	demoAlipayApp   = "2021000000000001"
	demoSeller      = "2088000000000001"
	demoWeChatApp   = "wx0000000000000001"
	demoWeChatMch   = "1900000001"
	alipayPrefix    = "90" // of the online codes of customers with Alipay; offline ones begin with 91
	wechatPrefix    = "92"
	demoPaperWidth  = 32
	hostLedgerFile  = "ledgers/host.jsonl"
	walletLedger    = "ledgers/wallet.jsonl"
	demoConfig      = "posd.toml"
	demoJournalName = "journal/journal.db"
)

// demoTOML is the configuration of the demo's posd. Paths are relative to it.
const demoTOML = `# The configuration of the demo. Every key and its production value: posd check --example
[api]
listen = "{{.Listen}}"
sell_token_file = "keys/sell.token"
supervisor_token_file = "keys/supervisor.token"

[till]
id = "till-1"
shop_name_zh = "示例便利店"
shop_name_en = "Example Corner Shop"
language = "zh"

[journal]
path = "` + demoJournalName + `"
ballast_mib = 1
seal_key_file = "keys/seal.key"

[acquirer]
enabled = true
address = "{{.Acquirer}}"
dialect = "unionpay"
terminal = "` + demoTerminal + `"
merchant = "` + demoMerchant + `"
tmk_file = "keys/tmk.key"
timeout = "2s"
reverse_timeout = "2s"

[wallet]
confirm_gap = "1s"
in_flight_max = "1s"

[wallet.alipay]
enabled = true
url = "https://{{.Gateway}}/gateway.do"
ca_file = "keys/` + walletCA + `"
app_id = "` + demoAlipayApp + `"
seller_id = "` + demoSeller + `"
private_key_file = "keys/` + alipayAppKey + `"
gateway_public_key_file = "keys/` + alipayGatewayPub + `"
deadline = "3s"
query_every = "500ms"

[wallet.wechat]
enabled = true
url = "https://{{.Gateway}}"
ca_file = "keys/` + walletCA + `"
appid = "` + demoWeChatApp + `"
mch_id = "` + demoWeChatMch + `"
api_key_file = "keys/` + wechatAPIKey + `"
cert_file = "keys/` + wechatCert + `"
key_file = "keys/` + wechatCertKey + `"
deadline = "3s"
query_every = "500ms"
reverse_not_before = "1s"

[[wallet.route]]
prefixes = ["` + alipayPrefix + `", "91", "93"]
lengths = [18]
provider = "alipay"
[[wallet.route]]
prefixes = ["` + wechatPrefix + `"]
lengths = [18]
provider = "wechat"
{{range $name, $port := .Ports}}
[[device]]
name = "{{$name}}"
kind = "{{$name}}"
port = '{{$port}}'
{{- if eq $name "printer"}}
options = { columns = "{{$.Columns}}" }
{{- end}}
{{end}}
[payment]
backoff_min = "200ms"
backoff_max = "2s"

[log]
file = "logs/posd.json"
`

// setUp makes keys and configuration, and starts the simulators and posd.
func (d *demo) setUp(ctx context.Context) error {
	d.heading("posd 演示 · the demo")
	d.say("demo", "the real posd; host, gateway and devices are simulators with ledgers of their own")
	d.say("demo", "folder %s", d.dir)
	for _, sub := range []string{"keys", "logs", "ledgers", "journal", "dev"} {
		if err := os.Mkdir(filepath.Join(d.dir, sub), 0o700); err != nil {
			return err
		}
	}
	if err := d.makeKeys(); err != nil {
		return err
	}
	if err := d.startSims(ctx); err != nil {
		return err
	}
	if err := d.configure(ctx); err != nil {
		return err
	}
	return d.startPosd(ctx)
}

// key names a file of the demo's keys.
func (d *demo) key(name string) string { return filepath.Join(d.dir, "keys", name) }

// makeKeys makes every secret of the shop anew. The wallets' are made by the same code as the simulator's.
func (d *demo) makeKeys() error {
	for name, size := range map[string]int{"tmk.key": 16, "seal.key": 32} {
		key := make([]byte, size)
		_, _ = rand.Read(key) // never fails
		if err := writeSecret(d.key(name), []byte(hex.EncodeToString(key)+"\n")); err != nil {
			return err
		}
	}
	for _, name := range []string{"sell.token", "supervisor.token", "control.token"} {
		if err := writeSecret(d.key(name), []byte(rand.Text()+"\n")); err != nil {
			return err
		}
	}
	_, err := openWalletKeys(filepath.Join(d.dir, "keys"))
	return err
}

func (d *demo) startSims(ctx context.Context) (err error) {
	d.acquirer, d.host, err = d.startSim(ctx, "host", "--terminal", demoTerminal, "--merchant", demoMerchant,
		"--tmk-file", d.key("tmk.key"), "--ledger", hostLedgerFile, "--not-found", "00")
	if err != nil {
		return err
	}
	d.gateway, d.wallet, err = d.startSim(ctx, "wallet", "--tls", "--keys", "keys", "--ledger", walletLedger,
		"--alipay-app-id", demoAlipayApp, "--alipay-seller", demoSeller, "--wechat-appid", demoWeChatApp, "--wechat-mch-id", demoWeChatMch)
	if err != nil {
		return err
	}
	for name, c := range map[string]*control{"printer": &d.printer, "scanner": &d.scanner, "reader": &d.reader} {
		var args []string
		if runtime.GOOS != "windows" { // there they stand on the network
			args = append(args, "--link", filepath.Join("dev", name))
		}
		if name == "printer" {
			args = append(args, "--columns", fmt.Sprint(demoPaperWidth), "--slips", "slips.txt")
		}
		if d.ports[name], *c, err = d.startSim(ctx, name, args...); err != nil {
			return err
		}
	}
	return nil
}

// configure writes posd.toml and tells in what it differs from a shop's.
func (d *demo) configure(ctx context.Context) error {
	ln, err := listenLocal(ctx, "127.0.0.1:0")
	if err != nil {
		return err
	}
	d.listen = ln.Addr().(*net.TCPAddr).AddrPort().String()
	if err := ln.Close(); err != nil {
		return err
	}
	t, err := template.New(demoConfig).Parse(demoTOML)
	if err != nil {
		return err
	}
	var text strings.Builder
	if err := t.Execute(&text, map[string]any{
		"Listen": d.listen, "Acquirer": d.acquirer, "Gateway": d.gateway, "Ports": d.ports, "Columns": demoPaperWidth,
	}); err != nil {
		return err
	}
	name := filepath.Join(d.dir, demoConfig)
	if err := os.WriteFile(name, []byte(text.String()), 0o600); err != nil {
		return err
	}
	return d.showPatience(ctx, text.String())
}

// showPatience tells how much shorter the demo waits than a shop, whose figures posd tells.
func (d *demo) showPatience(ctx context.Context, config string) error {
	example, err := exec.CommandContext(ctx, d.posdPath, "check", "--example").Output()
	if err != nil {
		return fmt.Errorf("posd check --example: %w", err)
	}
	var here, shop map[string]any
	if err := errors.Join(toml.Unmarshal([]byte(config), &here), toml.Unmarshal(example, &shop)); err != nil {
		return err
	}
	d.say("demo", "it waits shorter than a shop does, and moves the gateway's clock in scene 6:")
	rows := [][]string{{"", "演示 here", "实际 in a shop"}}
	for _, r := range [][2]string{
		{"银行应答 the host's answer to a card sale", "acquirer.timeout"},
		{"冲正应答 its answer to a reversal", "acquirer.reverse_timeout"},
		{"支付宝查询至 Alipay is asked until", "wallet.alipay.deadline"},
		{"  每隔 every", "wallet.alipay.query_every"},
		{"微信查询至 WeChat Pay is asked until", "wallet.wechat.deadline"},
		{"  每隔 every", "wallet.wechat.query_every"},
		{"  撤销不早于 reversed not before", "wallet.wechat.reverse_not_before"},
		{"撤销两次确认之间 two proofs of a cancel apart", "wallet.confirm_gap"},
		{"  付款请求在途至多 a payment may be under way for", "wallet.in_flight_max"},
		{"冲正重试 a reversal is tried again after", "payment.backoff_min"},
		{"  最长 at most", "payment.backoff_max"},
	} {
		rows = append(rows, []string{r[0], ">" + textAt(here, r[1]), ">" + textAt(shop, r[1])})
	}
	d.table(rows)
	return nil
}

// textAt gives the text of a key with dots; "" where it is not set.
func textAt(tree map[string]any, key string) string {
	section, rest, deeper := strings.Cut(key, ".")
	for ; deeper; section, rest, deeper = strings.Cut(rest, ".") {
		tree, _ = tree[section].(map[string]any)
	}
	text, _ := tree[section].(string)
	return text
}

// startPosd starts posd and waits until its API answers and its devices are there.
func (d *demo) startPosd(ctx context.Context) error {
	var tokens [2]string
	for i, name := range []string{"sell.token", "supervisor.token"} {
		text, err := os.ReadFile(d.key(name))
		if err != nil {
			return err
		}
		tokens[i] = strings.TrimSpace(string(text))
	}
	d.api = &posdClient{base: "http://" + d.listen, sell: tokens[0], supervisor: tokens[1]}
	var err error
	if d.posd, err = d.launch("posd", nil, d.posdPath, "run", "-c", demoConfig); err != nil {
		return err
	}
	return until(ctx, "posd to answer at "+d.listen+" with all its devices", func(ctx context.Context) (bool, error) {
		select {
		case <-d.posd.ended:
			return false, fmt.Errorf("posd has ended: %s", d.posd.cmd.ProcessState)
		default:
			return d.devicesOnline(ctx) == len(d.ports), nil
		}
	})
}

// devicesOnline is how many devices posd has in use; none while it does not answer.
func (d *demo) devicesOnline(ctx context.Context) (online int) {
	var answer struct {
		Devices []struct {
			Online bool `json:"online"`
		} `json:"devices"`
	}
	if err := d.api.do(ctx, d.api.sell, http.MethodGet, "/v1/devices", nil, &answer); err != nil {
		return 0
	}
	for _, dev := range answer.Devices {
		if dev.Online {
			online++
		}
	}
	return online
}
