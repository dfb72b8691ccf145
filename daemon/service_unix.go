//go:build !windows

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/kardianos/service"
)

const unitFile = "/etc/systemd/system/" + serviceName + ".service"

// unitHead is the first half of the unit. Its {{ }} are the service library's, which knows bare keys only.
//
// It restarts for ever: a reversal may be owed. Type=exec, so that a start that can not execute is told.
const unitHead = `[Unit]
Description={{Description}}
After=network.target time-sync.target
StartLimitIntervalSec=0

[Service]
Type=exec
Restart=always
RestartSec=1
RestartPreventExitStatus=2
ExecStart={{Path | cmdEscape}}{{range Arguments}} {{. | cmd}}{{end}}
WorkingDirectory={{WorkingDirectory | cmdEscape}}
{{if UserName}}User={{UserName}}
{{end}}TimeoutStopSec=30
KillMode=mixed
`

// unitSandbox keeps posd to its devices, its data and the network. As root it has no capability, so it reads and
// writes only what root owns. PrivateDevices can not be had with serial ports: the allow-list takes its place. ProtectProc and
// ProcSubset keep posd from seeing who has a port that is in use: the remedy says how a person sees it.
const unitSandbox = `UMask=0077
LimitCORE=0
StateDirectory=posd
StateDirectoryMode=0700
LogsDirectory=posd
LogsDirectoryMode=0700
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateMounts=yes
DevicePolicy=closed
DeviceAllow=char-ttyS rw
DeviceAllow=char-ttyUSB rw
DeviceAllow=char-ttyACM rw
DeviceAllow=char-usb rw
DeviceAllow=char-usb_device rw
DeviceAllow=char-hidraw rw
DeviceAllow=char-input rw
DeviceAllow=char-lp rw
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProcSubset=pid
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
`

const unitTail = `
[Install]
WantedBy=multi-user.target
`

// deviceGroups own serial ports and printers on Debian and its relatives.
var deviceGroups = []string{"dialout", "lp"}

// unit is posd's systemd unit. The minus before a folder lets posd start, and say what is wrong, without it.
func unit(userName string, dirs []string) string {
	var b strings.Builder
	b.WriteString(unitHead)
	if userName != "" {
		for _, g := range deviceGroups {
			if _, err := user.LookupGroup(g); err == nil {
				b.WriteString("SupplementaryGroups=" + g + "\n")
			}
		}
	}
	b.WriteString(unitSandbox)
	for _, dir := range dirs {
		b.WriteString(writePaths + strconv.Quote("-"+dir) + "\n")
	}
	b.WriteString(unitTail)
	return b.String()
}

// What posd install --help says of this system.
const (
	serviceUser = "The user it runs as, a member of the groups that own the devices (default: root)."
	installHelp = ""
)

// secure is for Windows: here makeFolder does it, and the check of secrets.
func secure(_, _, _ string) error { return nil }

const writePaths = "ReadWritePaths="

func serviceArguments(file string) []string { return []string{"run", "--config", file} }

func serviceOptions(userName string, dirs []string) service.KeyValue {
	return service.KeyValue{"SystemdScript": unit(userName, dirs)}
}

// installed completes an installation; systemd needs nothing more.
func installed() error { return nil }

// installedDirs gives the folders that the installed unit may write to.
func installedDirs() []string {
	text, err := os.ReadFile(unitFile)
	if err != nil {
		return nil
	}
	var dirs []string
	for line := range strings.Lines(string(text)) {
		if quoted, ok := strings.CutPrefix(strings.TrimSpace(line), writePaths); ok {
			if dir, err := strconv.Unquote(quoted); err == nil {
				dirs = append(dirs, strings.TrimPrefix(dir, "-"))
			}
		}
	}
	dirs = append(dirs, "/var/lib/"+serviceName, "/var/log/"+serviceName)
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// uninstalled clears what the service library leaves: systemd's memory of a failure, and with SysV init the links of
// the run levels it did not know.
func uninstalled() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = exec.CommandContext(ctx, "systemctl", "reset-failed", serviceName).Run() // there is mostly nothing to forget
	links, _ := filepath.Glob("/etc/rc?.d/[SK][0-9][0-9]" + serviceName)
	for _, link := range links {
		_ = os.Remove(link)
	}
}

// makeFolder makes a folder, and those above it that are not there yet, the service user's. One that was there and is
// another's is handed over if it is empty; else it may be the system's.
func makeFolder(dir, userName string) error {
	var made []string
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		made = append(made, at)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil || userName == "" {
		return err
	}
	uid, gid, err := idsOf(userName)
	if err != nil {
		return err
	}
	if len(made) == 0 {
		made = []string{dir}
		if err := mayTake(dir, userName, uid); err != nil {
			return err
		}
	}
	for _, d := range made {
		if err := os.Chown(d, uid, gid); err != nil {
			return err
		}
	}
	return nil
}

// mayTake refuses a folder in which another user has something.
func mayTake(dir, userName string, uid int) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if owner(info) == uid {
		return nil
	}
	if inside, err := os.ReadDir(dir); err != nil || len(inside) == 0 {
		return err
	}
	return fmt.Errorf("%s is another user's, and not empty; name a folder of posd's own in journal.path and log.file, or hand this one over: chown -R %s %s", dir, userName, dir)
}

// owner gives the number of a file's user, -1 where there is none.
func owner(info fs.FileInfo) int {
	if of, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(of.Uid)
	}
	return -1
}

// idsOf gives a user's numbers.
func idsOf(userName string) (uid, gid int, err error) {
	u, err := user.Lookup(userName)
	if err != nil {
		return 0, 0, err
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err := errors.Join(err1, err2); err != nil {
		return 0, 0, fmt.Errorf("user %s: %w", userName, err)
	}
	return uid, gid, nil
}

// serveManager is for Windows: elsewhere a service manager speaks in signals.
func serveManager(*program) error {
	return errors.New("--service is for the service manager of Windows; use: posd run")
}
