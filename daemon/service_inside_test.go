//go:build service && linux

package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// till1 is the one till of the container.
type till1 struct{ t *testing.T }

// TestServiceInside is the life of a service, run by systemd as pid 1 of the container that TestServiceUnderSystemd
// boots; then, shortly, the life of one that is not root.
func TestServiceInside(t *testing.T) {
	if comm, _ := os.ReadFile("/proc/1/comm"); strings.TrimSpace(string(comm)) != "systemd" || !exists("/opt/posd-test") {
		t.Fatal("this test belongs into the container: make service-test")
	}
	s := till1{t}
	m := s.openMoney()
	s.configure(m)
	before := s.files()

	s.posd(success, "install")
	s.posd(problem, "status")
	s.verifyUnit()
	s.mark(markInstalled, s.exposure())

	s.posd(success, "start")
	first := s.pid()
	s.posd(success, "status")
	s.mark(markStarted, "")

	m.serve()
	m.approved("S-1", 1999)
	m.lost("S-2")
	second := s.kill(first)
	m.reversed("S-2", 1999)

	s.posd(success, "restart")
	s.stop(s.pidOtherThan(second))
	s.uninstall(before)
	if !t.Failed() {
		s.mark(markUninstalled, "")
	}
	s.lifeOfAnother("posd-till")
}

// kill ends posd as a crash would, and waits for systemd to start it anew.
func (s till1) kill(pid int) int {
	s.t.Helper()
	began := time.Now()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		s.t.Fatal(err)
	}
	next := s.pidOtherThan(pid)
	s.mark(markRestarted, fmt.Sprintf("after %.1f s", time.Since(began).Seconds()))
	return next
}

func (s till1) stop(pid int) {
	s.t.Helper()
	s.posd(success, "stop")
	s.posd(problem, "status")
	if err := syscall.Kill(pid, 0); err == nil {
		s.t.Errorf("posd (pid %d) runs on after the stop", pid)
	}
	s.mark(markStopped, "")
}

func (s till1) uninstall(before []string) {
	s.t.Helper()
	said := s.posd(success, "uninstall")
	s.posd(problem, "status")
	s.onlyDataIsLeft(before, said)
}

// lifeOfAnother installs posd for a user of its own, and looks who runs.
func (s till1) lifeOfAnother(user string) {
	s.t.Helper()
	for _, cmd := range [][]string{
		{"rm", "-rf", "/var/lib/posd", "/var/log/posd"},
		{"useradd", "--system", "--no-create-home", user},
		{"chown", "-R", user, "/etc/posd"},
	} {
		if out, err := exec.Command(cmd[0], cmd[1:]...).CombinedOutput(); err != nil {
			s.t.Fatalf("%v: %v: %s", cmd, err, out)
		}
	}
	before := s.files()
	s.posd(success, "install", "--user", user)
	s.posd(success, "start")
	var process syscall.Stat_t
	if err := syscall.Stat("/proc/"+strconv.Itoa(s.pid()), &process); err != nil {
		s.t.Fatal(err)
	}
	if want, err := osuser.Lookup(user); err != nil || strconv.Itoa(int(process.Uid)) != want.Uid {
		s.t.Errorf("posd runs as %d, want %v (%v)", process.Uid, want, err)
	}
	if !s.eventually(func() bool { return exists("/var/log/posd/posd.log") }) {
		s.t.Errorf("posd can not write its log: %s", s.systemctl("status", "--no-pager", "--full", "posd"))
	}
	s.uninstall(before)
}

// configure writes the configuration that a technician would.
func (s till1) configure(m *purse) {
	s.t.Helper()
	if err := os.MkdirAll("/etc/posd", 0o700); err != nil {
		s.t.Fatal(err)
	}
	for name, text := range map[string]string{
		"posd.toml":        m.configuration(s.posd(success, "check", "--example")),
		"tmk.key":          textbookKey,
		"sell.token":       "sell-" + strings.Repeat("s", 16),
		"supervisor.token": "supervisor-" + strings.Repeat("s", 16),
		"seal.key":         strings.Repeat("5a", 32),
	} {
		if err := os.WriteFile("/etc/posd/"+name, []byte(text), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	s.posd(success, "check")
}

func (s till1) mark(mark, more string) {
	fmt.Fprintln(os.Stdout, strings.TrimSpace(mark+" "+more))
}

// posd runs one verb of the installed program and gives what it said.
func (s till1) posd(want int, args ...string) string {
	s.t.Helper()
	cmd := exec.Command("/usr/local/bin/posd", args...)
	out, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != want {
		s.t.Fatalf("posd %s: exit %d, want %d (%v): %s", strings.Join(args, " "), got, want, err, out)
	}
	return string(out)
}

func (s till1) systemctl(args ...string) string {
	out, _ := exec.Command("systemctl", args...).CombinedOutput()
	return strings.TrimSpace(string(out))
}

// pid gives the main process of the service; 0 when it has none.
func (s till1) pid() int {
	n, _ := strconv.Atoi(s.systemctl("show", "--property", "MainPID", "--value", "posd"))
	return n
}

// patience is how long a busy machine may take to restart posd; how long it took is printed.
const patience = 30 * time.Second

// pidOtherThan waits for a new main process.
func (s till1) pidOtherThan(old int) int {
	s.t.Helper()
	pid := 0
	if !s.eventually(func() bool { pid = s.pid(); return pid != 0 && pid != old }) {
		s.t.Fatalf("posd was not restarted: %s", s.systemctl("status", "--no-pager", "--full", "posd"))
	}
	return pid
}

func (s till1) eventually(is func() bool) bool {
	for limit := time.Now().Add(patience); time.Now().Before(limit); time.Sleep(20 * time.Millisecond) {
		if is() {
			return true
		}
	}
	return false
}

// verifyUnit has systemd read the unit critically.
func (s till1) verifyUnit() {
	s.t.Helper()
	out, err := exec.Command("systemd-analyze", "verify", unitFile).CombinedOutput()
	if err != nil || strings.Contains(string(out), "posd.service:") {
		s.t.Errorf("systemd-analyze verify: %v: %s", err, out)
	}
}

// exposure is how far systemd thinks the unit is open to attack: 0 to 10.
func (s till1) exposure() string {
	out, _ := exec.Command("systemd-analyze", "security", "--no-pager", "posd").Output()
	_, last, _ := strings.Cut(string(out), "Overall exposure level for posd.service: ")
	return "exposure " + strings.TrimSpace(last)
}

// files lists what an installation might leave behind. What systemd itself writes while it runs is not looked at.
func (s till1) files() []string {
	s.t.Helper()
	var all []string
	for _, root := range []string{"/etc", "/opt", "/run", "/srv", "/usr/lib/systemd", "/usr/local", "/var"} {
		err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			if err != nil || slices.Contains([]string{"/run/systemd", "/run/log", "/run/udev", "/var/log/journal", "/var/tmp"}, name) {
				return fs.SkipDir
			}
			all = append(all, name)
			return nil
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
	return all
}

// onlyDataIsLeft compares with the files from before the installation. Journal and logs stay, and uninstall says so.
func (s till1) onlyDataIsLeft(before []string, said string) {
	s.t.Helper()
	for _, name := range s.files() {
		if slices.Contains(before, name) {
			continue
		}
		kept := slices.ContainsFunc([]string{"/var/lib/posd", "/var/log/posd"}, func(dir string) bool {
			return strings.Contains(said, "kept: "+dir+" ") && (name == dir || strings.HasPrefix(name, dir+"/"))
		})
		if !kept {
			s.t.Errorf("left behind: %s", name)
		}
	}
	if s.systemctl("is-enabled", "posd") == "enabled" || strings.Contains(s.systemctl("list-units", "--all", "--no-legend"), "posd.service") {
		s.t.Error("systemd still knows the service")
	}
}
