// Package template is a wallet's package to copy: a gateway that no shop has, which speaks JSON signed with a shared key. posd
// does not use it.
//
// PROVIDERS.md says how a wallet comes of it. A copy registers Brand in its init, and has a line in daemon/wallet/brands.
package template

import (
	_ "embed"
	"fmt"
	"time"

	"posd/config"
	"posd/daemon/wallet"
)

// Name is the section [wallet.template], and what routes and journal call this wallet.
const Name = "template"

//go:embed section.toml
var section string

// Brand is all that posd knows of the wallet.
var Brand = wallet.Brand{
	Name: Name, NameZH: "样例钱包", NameEN: "Template",
	Routes:   []wallet.Route{{Wallet: Name, Prefixes: []string{"88"}, Min: 20, Max: 20}},
	Example:  section,
	Settings: func() wallet.Settings { return defaults() },
	Answers: []wallet.Answers{{Title: "Template 样例", Code: "state", Sub: "why", Tables: []wallet.Named{
		{Call: "pay", Table: payTable}, {Call: "query", Table: queryTable}, {Call: "cancel", Table: cancelTable}, {Call: "refund", Table: refundTable},
	}}},
}

// Settings are [wallet.template]. The comments of the fields are the manual.
type Settings struct {
	config.Gateway
	Merchant string `toml:"merchant"`                             // the shop's number; an answer that names another is not believed
	KeyFile  string `toml:"key_file" file:"secret" holds:"token"` // what both ends sign with
}

// defaults are the gateway's figures.
func defaults() *Settings {
	return &Settings{Gateway: config.Gateway{
		URL:           "https://gateway.template.example",
		Deadline:      config.Duration{Duration: time.Minute},
		QueryEvery:    config.Duration{Duration: 3 * time.Second},
		ReverseWindow: config.Duration{Duration: 24 * time.Hour},
	}}
}

// Check looks at what is given, and asks for what an enabled wallet needs. Gateway's own keys are checked already.
func (s *Settings) Check(k config.Checker) {
	if s.Enabled {
		k.Required("merchant", s.Merchant, "the shop's number, from the gateway")
		k.Required("key_file", s.KeyFile, "a file with the key that both ends sign with")
	}
	k.Digits("merchant", s.Merchant)
}

// Open makes the provider. It reads what the files hold, and sends nothing.
func (s *Settings) Open(h wallet.Setup) (wallet.Provider, error) {
	transport, err := h.Transport("", config.Secret{})
	if err != nil {
		return nil, err
	}
	post, err := wallet.NewPoster(transport, s.BackupURL)
	if err != nil {
		return nil, fmt.Errorf("backup_url: %w", err)
	}
	return &provider{Settings: *s, key: []byte(h.Secret("key_file").Reveal()), shop: h.Shop, now: h.Now, post: post}, nil
}
