//go:build !windows

package main

import (
	"slices"
	"strings"
	"testing"
)

func TestUnitLetsPosdWriteItsData(t *testing.T) {
	lines := strings.Split(unit("", []string{"/srv/till 1", "/var/log/posd"}), "\n")
	for _, want := range []string{`ReadWritePaths="-/srv/till 1"`, `ReadWritePaths="-/var/log/posd"`, "Restart=always", "RestartSec=1", "LimitCORE=0", "UMask=0077"} {
		if !slices.Contains(lines, want) {
			t.Errorf("the unit lacks %s", want)
		}
	}
}
