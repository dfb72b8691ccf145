package config_test

import (
	"strings"
	"testing"

	"posd/config"
)

func TestACurrencyThatNobodyHasIsRefused(t *testing.T) {
	for _, c := range []struct {
		text string
		good bool
	}{{"CNY", true}, {"USD", true}, {"RMB", false}, {"cny", false}, {"CN", false}} {
		_, err := config.Parse("posd.toml", []byte("[till]\ncurrency = \""+c.text+"\"\n"))
		said := err != nil && strings.Contains(err.Error(), "posd.toml:2: till.currency")
		if said == c.good {
			t.Errorf("%s: %v", c.text, err)
		}
	}
}
