package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is the version of the module, as the build recorded it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version
}

// versionCmd tells which posd this is.
type versionCmd struct{}

// Run prints the version, the commit and the toolchain that the build itself recorded.
func (versionCmd) Run(g *globals) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return fmt.Errorf("this posd was built without build information")
	}
	facts := map[string]string{}
	for _, s := range info.Settings {
		facts[s.Key] = s.Value
	}
	modified := ""
	if facts["vcs.modified"] == "true" {
		modified = ", modified"
	}
	fmt.Fprintf(g.Out, "posd %s (commit %.12s%s; %s %s/%s)\n", info.Main.Version, facts["vcs.revision"], modified, info.GoVersion, runtime.GOOS, runtime.GOARCH)
	return nil
}
