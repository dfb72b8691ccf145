package alipay

import (
	"crypto/rsa"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"time"

	"posd/config"
	"posd/daemon/wallet"
	"posd/daemon/wallet/sign"
)

//go:embed section.toml
var section string

func init() {
	wallet.Register(wallet.Brand{
		Name: Name, NameZH: "支付宝", NameEN: "Alipay",
		Routes:   []wallet.Route{{Wallet: Name, Prefixes: []string{"25", "26", "27", "28", "29", "30"}, Min: 16, Max: 24}},
		Example:  section,
		Settings: func() wallet.Settings { return defaults() },
		Answers: []wallet.Answers{{
			Title: "Alipay 支付宝", Code: "code", Sub: "sub_code, trade_status, retry_flag and action", Tables: Classes(),
		}},
		Bill: &Bill,
	})
}

// Settings are [wallet.alipay]: the open platform's face-to-face payment (支付宝当面付).
type Settings struct {
	config.Gateway
	AppID                string `toml:"app_id"`                                             // 应用 APPID
	SellerID             string `toml:"seller_id"`                                          // 2088…; an answer that names another is not believed
	PrivateKeyFile       string `toml:"private_key_file" file:"secret"`                     // 应用私钥, RSA2, as Alipay's tools write it: PEM or bare base64
	AppCertFile          string `toml:"app_cert_file" file:"public"`                        // certificate mode 公钥证书方式: appCertPublicKey_….crt; the next two go with it
	RootCertFile         string `toml:"root_cert_file" file:"public"`                       // alipayRootCert.crt
	GatewayCerts         string `toml:"gateway_certs" file:"public"`                        // a folder with alipayCertPublicKey_….crt; a later one of the same holder is fetched from Alipay, or found here, while posd runs
	GatewayPublicKeyFile string `toml:"gateway_public_key_file" file:"public" holds:"text"` // 支付宝公钥, not the application's own
}

func defaults() *Settings {
	return &Settings{Gateway: config.Gateway{
		URL:           "https://openapi.alipay.com/gateway.do",
		Deadline:      config.Duration{Duration: time.Minute},
		QueryEvery:    config.Duration{Duration: 3 * time.Second},
		ReverseWindow: config.Duration{Duration: 24 * time.Hour},
	}}
}

// Check wants who we are, and the keys of one of the two modes.
func (s *Settings) Check(k config.Checker) {
	if s.Enabled {
		k.Required("app_id", s.AppID, "the application's number, from the open platform")
		k.Required("seller_id", s.SellerID, "the shop's account, 2088 and 12 digits")
		k.Required("private_key_file", s.PrivateKeyFile, "a file with the application's private key")
		if s.AppCertFile != "" {
			k.Required("root_cert_file", s.RootCertFile, "alipayRootCert.crt: app_cert_file is set")
			k.Required("gateway_certs", s.GatewayCerts, "a folder with alipayCertPublicKey_….crt: app_cert_file is set")
		} else {
			k.Required("gateway_public_key_file", s.GatewayPublicKeyFile, "a file with Alipay's public key")
		}
	}
	k.Digits("app_id", s.AppID)
	k.Digits("seller_id", s.SellerID)
}

// Open reads the keys.
func (s *Settings) Open(h wallet.Setup) (wallet.Provider, error) {
	o := Options{
		URL: s.URL, BackupURL: s.BackupURL, AppID: s.AppID, SellerID: s.SellerID, Subject: h.Shop, Now: h.Now,
		Deadline: s.Deadline.Duration, FirstAsk: s.QueryEvery.Duration, QueryEvery: s.QueryEvery.Duration, ReverseWindow: s.ReverseWindow.Duration,
	}
	var own, theirs, err error
	if o.Key, own = sign.ParsePrivateKey([]byte(h.Secret("private_key_file").Reveal())); own != nil {
		own = fmt.Errorf("private_key_file: %w", own)
	}
	if s.AppCertFile != "" {
		o.Certificates, theirs = s.certificates(h.Now)
	} else if o.GatewayKey, theirs = publicKey(s.GatewayPublicKeyFile, o.Key); theirs != nil {
		theirs = fmt.Errorf("gateway_public_key_file: %w", theirs)
	}
	if err := errors.Join(own, theirs); err != nil {
		return nil, err
	}
	if o.Transport, err = h.Transport("", config.Secret{}); err != nil {
		return nil, err
	}
	return New(o)
}

// publicKey reads Alipay's key, which Alipay's console shows beside the application's own.
func publicKey(file string, own *rsa.PrivateKey) (*rsa.PublicKey, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	key, err := sign.ParsePublicKey(text)
	if err == nil && own != nil && own.PublicKey.Equal(key) {
		return nil, errors.New("it is the application's own public key 应用公钥, the pair of private_key_file; want Alipay's 支付宝公钥, from its console")
	}
	return key, err
}
