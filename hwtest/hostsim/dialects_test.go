package hostsim_test

import (
	"os"
	"testing"

	"posd/hwtest/hostsim"
	"posd/iso8583"
)

// acquirer is a dialect and a terminal in it.
type acquirer struct {
	name     string
	dialect  *iso8583.Dialect
	terminal hostsim.Terminal
}

// acquirers are all presets, and two that differ from them in everything.
func acquirers(t *testing.T) []acquirer {
	t.Helper()
	var all []acquirer
	for _, name := range iso8583.Presets() {
		d, err := iso8583.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, acquirer{name, d, hostsim.Terminal{ID: terminalID, Merchant: merchantID}})
	}
	return append(all, pier(t), acquirer{
		"harbour", loaded(t, "../../daemon/acquirer/testdata/harbour.toml"),
		hostsim.Terminal{ID: "HARB000017", Merchant: "HARBOURMERCHANT00042"},
	})
}

func pier(t *testing.T) acquirer {
	t.Helper()
	return acquirer{"pier", loaded(t, "testdata/pier.toml"), hostsim.Terminal{ID: terminalID, Merchant: merchantID}}
}

func loaded(t *testing.T, file string) *iso8583.Dialect {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d, err := iso8583.Load(file, text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
