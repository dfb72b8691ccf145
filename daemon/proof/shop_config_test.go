//go:build proof && linux

package proof

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"os"
	"strings"
	"sync"
	"text/template"
)

// What the shop is called by its acquirer and its gateways, and who may ask its posd.
const (
	terminal        = "10000001"
	merchant        = "898000000000001"
	tillToken       = "the-token-of-the-till-of-the-proof"
	supervisorToken = "the-token-of-the-supervisor-of-the-proof"
	journalFile     = "journal/journal.db"
	configFile      = "posd.toml"
)

// configuration is that of a whole shop. Its time-outs are short; everything else is as in a real one.
const configuration = `
[api]
listen = "{{.Listen}}"
sell_token_file = "keys/sell.token"
supervisor_token_file = "keys/supervisor.token"
[till]
id = "till-1"
shop_name_zh = "测试商店"
shop_name_en = "Test Shop"
language = "{{or .Plan.Language "en"}}"
[journal]
path = "` + journalFile + `"
ballast_mib = {{.Plan.Ballast}}
seal_key_file = "keys/seal.key"
{{- if .Host}}
[acquirer]
enabled = true
address = "{{.Host}}"
terminal = "` + terminal + `"
merchant = "` + merchant + `"
tmk_file = "keys/tmk.key"
timeout = "{{or .Plan.TimeOut "1s"}}"
reverse_timeout = "1s"
in_flight_max = "1s"
{{- end}}
{{- if .Gateway}}
[wallet]
confirm_gap = "100ms"
in_flight_max = "1s"
[wallet.alipay]
enabled = true
url = "http://{{.Gateway}}/gateway.do"
app_id = "2021000000000001"
seller_id = "2088000000000001"
private_key_file = "keys/alipay-app.key"
gateway_public_key_file = "keys/alipay-gateway.pub"
deadline = "{{or .Plan.Deadline "1s"}}"
query_every = "100ms"
[wallet.wechat]
enabled = true
url = "http://{{.Gateway}}"
appid = "wx0000000000000001"
mch_id = "1900000001"
api_key_file = "keys/wechat-api.key"
cert_file = "keys/apiclient_cert.pem"
key_file = "keys/apiclient_key.pem"
deadline = "{{or .Plan.Deadline "1s"}}"
query_every = "100ms"
reverse_not_before = "300ms"
[[wallet.route]]
provider = "alipay"
prefixes = ["90", "91"]
lengths = [18]
[[wallet.route]]
provider = "wechat"
prefixes = ["92"]
lengths = [18]
{{- end}}
{{- range .Devices}}
[[device]]
name = "{{.}}"
kind = "{{.}}"
port = "serial://dev/{{.}}"
{{- end}}
[payment]
backoff_min = "50ms"
backoff_max = "400ms"
gate_age = "2s"
batch_wait = "3s"
{{.Plan.Payment}}
[log]
file = "logs/posd.json"
level = "debug"
`

// configure writes the configuration as a technician would.
func (s *shop) configure() error {
	t, err := template.New(configFile).Parse(configuration)
	if err != nil {
		return err
	}
	facts := map[string]any{
		"Listen": s.listen, "Host": s.host.at(), "Gateway": s.gateway.at(), "Devices": s.devices(),
		"Plan": map[string]any{
			"Language": s.plan.language, "Ballast": s.plan.ballast, "TimeOut": s.plan.timeOut, "Deadline": s.plan.deadline,
			"Payment": s.plan.payment,
		},
	}
	var text strings.Builder
	if err := t.Execute(&text, facts); err != nil {
		return err
	}
	return os.WriteFile(s.path(configFile), []byte(text.String()), 0o600)
}

// at is where a simulator is reached; empty for none.
func (m *sim) at() string {
	if m == nil {
		return ""
	}
	return m.address
}

// devices names what stands on the counter.
func (s *shop) devices() []string {
	if s.plan.bare {
		return nil
	}
	return []string{"printer", "scanner", "reader"}
}

// rsaKeys are made once: the merchant's and the gateway's.
var rsaKeys = sync.OnceValues(func() (keys [2]*rsa.PrivateKey, err error) {
	for i := range keys {
		if keys[i], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return keys, err
		}
	}
	return keys, nil
})

// makeKeys writes the secrets of the shop. The gateway makes what it wants besides.
func (s *shop) makeKeys() error {
	texts := map[string]string{"sell.token": tillToken, "supervisor.token": supervisorToken}
	for name, size := range map[string]int{"tmk.key": 16, "seal.key": 32} {
		key := make([]byte, size)
		_, _ = rand.Read(key) // never fails
		texts[name] = hex.EncodeToString(key)
	}
	keys, err := rsaKeys()
	if err != nil {
		return err
	}
	for i, name := range []string{"alipay-app", "alipay-gateway"} {
		private, err := x509.MarshalPKCS8PrivateKey(keys[i])
		if err != nil {
			return err
		}
		public, err := x509.MarshalPKIXPublicKey(&keys[i].PublicKey)
		if err != nil {
			return err
		}
		texts[name+".key"] = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
		texts[name+".pub"] = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
	}
	for name, text := range texts {
		if err := os.WriteFile(s.path("keys/"+name), []byte(text+"\n"), 0o600); err != nil {
			return err
		}
	}
	return nil
}
