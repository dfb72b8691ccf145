//go:build lab && usb

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// sceneLimit is how long one scene may take; the machine is emulated and slow.
const sceneLimit = 2 * time.Minute

// guest is the only program of the machine. It never returns.
func guest() {
	defer off()
	i := slices.IndexFunc(machines, func(m machine) bool { return m.name == os.Getenv("lab") })
	if i < 0 {
		say(badMark + "no such machine: " + os.Getenv("lab"))
		return
	}
	if err := boot(machines[i]); err != nil {
		say(badMark + "boot: " + err.Error())
		return
	}
	for _, s := range machines[i].scenes {
		play(s)
	}
	say(endMark)
}

func say(line string) { fmt.Println(line) }

// play plays one scene and says how it went. A scene that fails or panics leaves the others to be played.
func play(s scene) {
	ctx, cancel := context.WithTimeout(context.Background(), sceneLimit)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			say(fmt.Sprintf("%s%s: panic: %v %.300q", badMark, s.name, r, debug.Stack()))
		}
	}()
	say("LAB plays " + s.name)
	start := time.Now()
	if err := s.play(ctx); err != nil {
		say(fmt.Sprintf("%s%s: %v", badMark, s.name, err))
		return
	}
	say(fmt.Sprintf("%s%s (%d ms)", goodMark, s.name, time.Since(start).Milliseconds()))
}

// off ends the machine.
func off() {
	unix.Sync()
	time.Sleep(100 * time.Millisecond) // the console is slow
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	select {}
}

func boot(m machine) error {
	for _, v := range []struct{ kind, dir string }{{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}} {
		if err := unix.Mount(v.kind, v.dir, v.kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", v.dir, err)
		}
	}
	if err := errors.Join(loadModules(m.modules), loopbackUp()); err != nil {
		return err
	}
	if !slices.Contains(m.modules, "configfs") {
		return nil
	}
	if err := unix.Mount("configfs", configfs, "configfs", 0, ""); err != nil {
		return fmt.Errorf("mount configfs: %w", err)
	}
	return nil
}

// loopbackUp lets posd be reached.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}

// loadModules loads modules, again and again until all have found what they need.
func loadModules(left []string) error {
	for len(left) > 0 {
		var still []string
		var last error
		for _, m := range left {
			if err := loadModule(m); err != nil {
				still, last = append(still, m), fmt.Errorf("module %s: %w", m, err)
			}
		}
		if len(still) == len(left) {
			return last
		}
		left = still
	}
	return nil
}

func loadModule(name string) error {
	f, err := os.Open("/modules/" + name + ".ko")
	if err != nil {
		return err
	}
	defer f.Close()
	params := ""
	if name == "dummy_hcd" {
		params = fmt.Sprintf("num=%d is_high_speed=1", sockets)
	}
	if err := unix.FinitModule(int(f.Fd()), params, 0); err != nil && !errors.Is(err, unix.EEXIST) {
		return err
	}
	return nil
}
