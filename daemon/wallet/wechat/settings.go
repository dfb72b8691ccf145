package wechat

import (
	_ "embed"
	"time"

	"posd/config"
	"posd/daemon/wallet"
	"posd/daemon/wallet/wechatv3"
)

//go:embed section.toml
var section string

func init() {
	wallet.Register(wallet.Brand{
		Name: Name, NameZH: "微信支付", NameEN: "WeChat Pay",
		Routes:   []wallet.Route{{Wallet: Name, Prefixes: []string{"10", "11", "12", "13", "14", "15", "160"}, Min: 18, Max: 18}},
		Example:  section,
		Settings: func() wallet.Settings { return defaults() },
		Answers: []wallet.Answers{
			{Title: "WeChat Pay v2 微信支付", Code: "return_code/result_code, or trade_state", Sub: "err_code, recall", Tables: Classes()},
			{Title: "WeChat Pay v3 微信支付", Code: "HTTP status", Sub: "trade_state, status or code", Tables: wechatv3.Classes()},
		},
		Bill: &Bill,
	})
}

// Settings are [wallet.wechat]: WeChat Pay's payment by code, version 2 (micropay) or 3 (codepay) (微信支付付款码支付). What one
// version owes the other goes on with.
type Settings struct {
	config.Gateway
	API              string          `toml:"api"`                                      // "v2" or "v3"
	AppID            string          `toml:"appid"`                                    // 公众账号ID
	MchID            string          `toml:"mch_id"`                                   // 商户号
	APIKeyFile       string          `toml:"api_key_file" file:"secret" holds:"key32"` // v2: API 密钥, 32 characters
	SignType         string          `toml:"sign_type"`                                // v2: "HMAC-SHA256" or "MD5"
	PlatformKeys     string          `toml:"platform_keys" file:"public"`              // v3: a folder with WeChat Pay's keys, *.pem: certificates, and public keys named by their id (PUB_KEY_ID_….pem); a new one is found while posd runs
	StoreID          string          `toml:"store_id"`                                 // v3: the merchant's number of this shop (store_info.id)
	CertFile         string          `toml:"cert_file" file:"public" holds:"pem"`      // PEM; v2's reverse and refund need it, v3 its serial number (apiclient_cert.pem)
	KeyFile          string          `toml:"key_file" file:"secret" holds:"pem"`       // PEM; its key (apiclient_key.pem)
	ReverseNotBefore config.Duration `toml:"reverse_not_before"`                       // after the payment call; the gateway refuses earlier ones
}

func defaults() *Settings {
	return &Settings{
		Gateway: config.Gateway{
			URL:           "https://api.mch.weixin.qq.com",
			Deadline:      config.Duration{Duration: 45 * time.Second},
			QueryEvery:    config.Duration{Duration: 5 * time.Second},
			ReverseWindow: config.Duration{Duration: 7 * 24 * time.Hour},
		},
		API: "v2", StoreID: "1", SignType: "HMAC-SHA256", ReverseNotBefore: config.Duration{Duration: 15 * time.Second},
	}
}

// Check wants who we are, and the keys of the version.
func (s *Settings) Check(k config.Checker) {
	if s.Enabled {
		k.Required("appid", s.AppID, "the public account's id, from WeChat")
		k.Required("mch_id", s.MchID, "the merchant's number, from WeChat Pay")
		if s.API == "v3" {
			k.Required("platform_keys", s.PlatformKeys, "a folder with WeChat Pay's certificates or public keys")
		} else {
			k.Required("api_key_file", s.APIKeyFile, "a file with the API key of 32 characters")
		}
		k.Required("cert_file", s.CertFile, "apiclient_cert.pem: a reverse is refused without it")
		k.Required("key_file", s.KeyFile, "apiclient_key.pem")
	}
	k.OneOf("api", s.API, "v2", "v3")
	k.OneOf("sign_type", s.SignType, "HMAC-SHA256", "MD5")
	k.Digits("mch_id", s.MchID)
	k.Both("cert_file", s.CertFile, "key_file", s.KeyFile)
	k.Within("reverse_not_before", s.ReverseNotBefore, time.Millisecond, 10*time.Minute)
}

// Open speaks the version that is asked for.
func (s *Settings) Open(h wallet.Setup) (wallet.Provider, error) {
	if s.API == "v3" {
		return s.openV3(h)
	}
	transport, err := h.Transport(s.CertFile, h.Secret("key_file"))
	if err != nil {
		return nil, err
	}
	return New(Options{
		URL: s.URL, BackupURL: s.BackupURL, AppID: s.AppID, MchID: s.MchID, APIKey: h.Secret("api_key_file").Reveal(), SignType: s.SignType, Body: h.Shop,
		Transport: transport, Now: h.Now, Deadline: s.Deadline.Duration, FirstAsk: s.QueryEvery.Duration,
		QueryEvery: s.QueryEvery.Duration, ReverseNotBefore: s.ReverseNotBefore.Duration, ReverseWindow: s.ReverseWindow.Duration,
	})
}

func (s *Settings) openV3(h wallet.Setup) (wallet.Provider, error) {
	transport, err := h.Transport("", config.Secret{})
	if err != nil {
		return nil, err
	}
	return wechatv3.Open(wechatv3.Files{Cert: s.CertFile, Key: h.Secret("key_file").Reveal(), PlatformKeys: s.PlatformKeys}, wechatv3.Options{
		URL: s.URL, BackupURL: s.BackupURL, AppID: s.AppID, MchID: s.MchID, Description: h.Shop, Store: s.StoreID,
		Transport: transport, Now: h.Now, Deadline: s.Deadline.Duration, FirstAsk: s.QueryEvery.Duration,
		QueryEvery: s.QueryEvery.Duration, ReverseNotBefore: s.ReverseNotBefore.Duration, ReverseWindow: s.ReverseWindow.Duration,
	})
}
