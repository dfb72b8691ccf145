package config

import (
	"maps"
	"reflect"
	"strings"
	"time"
)

// Provider is a wallet's part of the configuration, as the package of the wallet brings it.
type Provider struct {
	Name     string          // the section is [wallet.NAME], and routes call it so
	Example  string          // the section in Example: each key with its default, and samples of its routes
	Settings func() Settings // the section as it is when nobody sets anything
}

// Settings are a wallet's section: a pointer to a struct that embeds Gateway, with fields as those of Config. A key's tag
// toml is its name. One that names a file has a tag file: "secret" or "public"; what must be in it before anything is opened
// says the tag holds: "pem", "token", "key32" or "text", which is anything. Files of secrets are always read.
type Settings interface {
	Common() *Gateway
	// Check finds what is wrong beyond Gateway. Whatever is given is checked, whatever an enabled wallet needs is required.
	Check(k Checker)
}

// Gateway is what the section of every wallet begins with.
type Gateway struct {
	Enabled       bool     `toml:"enabled"`
	URL           string   `toml:"url"`                               // the gateway
	BackupURL     string   `toml:"backup_url"`                        // its second host, if it has one; asked when the first cannot be
	CAFile        string   `toml:"ca_file" file:"public" holds:"pem"` // PEM; empty takes the system's
	Deadline      Duration `toml:"deadline"`                          // how long an unknown outcome is asked for; then it is undone
	QueryEvery    Duration `toml:"query_every"`                       // between queries
	ReverseWindow Duration `toml:"reverse_window"`                    // how long undoing is accepted; a refund after that
}

// Common gives the part that all wallets have.
func (g *Gateway) Common() *Gateway { return g }

// check wants at least one query before a payment is given up.
func (g *Gateway) check(k Checker) {
	k.gateway("url", g.URL)
	if g.BackupURL != "" {
		k.gateway("backup_url", g.BackupURL)
	}
	k.Within("deadline", g.Deadline, 100*time.Millisecond, 10*time.Minute)
	k.Within("query_every", g.QueryEvery, 10*time.Millisecond, time.Minute)
	if g.QueryEvery.Duration > g.Deadline.Duration {
		k.Add("query_every", "longer than the deadline", "let there be a query before it is given up")
	}
	k.Within("reverse_window", g.ReverseWindow, time.Second, 30*24*time.Hour)
}

// field is one key of a section.
type field struct {
	tag   reflect.StructTag
	value reflect.Value
}

var walletsType = reflect.TypeFor[map[string]Settings]()

// fieldsOf gives the fields of a struct by key, with those of what it embeds, and with the sections of wallets.
func fieldsOf(v reflect.Value) map[string]field {
	out := map[string]field{}
	for i := range v.NumField() {
		t, f := v.Type().Field(i), v.Field(i)
		switch key := t.Tag.Get("toml"); {
		case t.Type == walletsType:
			sections, _ := f.Interface().(map[string]Settings)
			for name, s := range sections {
				out[name] = field{value: reflect.ValueOf(s).Elem()}
			}
		case t.Anonymous:
			maps.Copy(out, fieldsOf(f))
		case key != "":
			out[key] = field{t.Tag, f}
		}
	}
	return out
}

// known tells whether there is such a key, or such a section.
func (c *Config) known(key string) bool {
	v := reflect.ValueOf(c).Elem()
	for part := range strings.SplitSeq(key, ".") {
		if v.Kind() != reflect.Struct {
			return false
		}
		part, _, _ = strings.Cut(part, "[")
		f, ok := fieldsOf(v)[part]
		if !ok {
			return false
		}
		if v = f.value; v.Kind() == reflect.Slice {
			v = reflect.Zero(v.Type().Elem())
		}
	}
	return true
}
