//go:build lab && usb

// Package lab plugs real USB devices into a real kernel: it boots Debian's in QEMU, by software emulation alone, with this
// test as its only program. In one machine the kernel's dummy host controller joins gadgets, which play printer, scanner
// and keyboard, with the drivers that a shop's machine has for them; in another printers come by USB/IP, and the posd that
// ships prints on them; in a third QEMU plugs in adapters for serial lines.
//
//	make lab
package lab

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	kernelDir = flag.String("lab.kernel", "", "folder into which Debian's linux-image package was unpacked")
	posd      = flag.String("lab.posd", "", "posd, built for Linux with the tag usb")
)

// guestLimit is how long a machine may run, from its firmware to its power-off. It takes half a minute; a busy computer is
// given more.
const guestLimit = 270 * time.Second

// The lines of the guest's console that count.
const (
	goodMark = "LAB ok "
	badMark  = "LAB FAIL "
	noteMark = "LAB note "
	askMark  = "LAB ask "
	endMark  = "LAB done"
)

// machine is one computer to boot. Its clock counts instructions, so that a busy host makes it late, but times nothing out.
type machine struct {
	name    string
	clock   string   // for QEMU's -icount
	modules []string // the drivers that it needs, each with what it needs in turn
	scenes  []scene  // played in order: later ones use what earlier ones plugged in
	hands   func(dir string) hands
}

// hands are what does something to a machine from outside.
type hands interface {
	args() []string
	do(ctx context.Context, what string) error
}

// machines are booted at the same time; the one that takes longest comes first.
var machines = []machine{
	{name: "usbip", clock: "shift=0,sleep=off", scenes: usbipScenes, modules: []string{
		"usb-common", "usbcore", "usbip-core", "vhci-hcd", "usblp", "usbtest",
	}},
	{name: "gadgets", clock: "shift=0,sleep=off", scenes: gadgetScenes, modules: []string{
		"usb-common", "usbcore", "udc-core", "configfs", "libcomposite", "dummy_hcd", "u_serial", "usb_f_acm", "usb_f_printer",
		"usb_f_hid", "usblp", "cdc-acm", "hid", "hid-generic", "usbhid", "evdev",
	}},
	{name: "adapters", clock: "shift=1", scenes: adapterScenes, hands: newQEMU, modules: []string{
		"usb-common", "usbcore", "xhci-hcd", "xhci-pci", "usbserial", "ftdi_sio",
	}},
}

func TestMain(m *testing.M) {
	switch {
	case os.Args[0] != "/init":
	case os.Getpid() == 1:
		guest()
	case len(os.Args) == 3 && os.Args[1] == askVerb:
		ask(os.Args[2])
	}
	flag.Parse()
	os.Exit(m.Run())
}

// TestUSB boots the machines. A guest that hangs, or a kernel that stops, never says that it is done.
func TestUSB(t *testing.T) {
	qemu, err := exec.LookPath("qemu-system-x86_64")
	if err != nil || *kernelDir == "" || *posd == "" {
		t.Fatal("no QEMU, no kernel or no posd here; make lab fetches them")
	}
	kernels, _ := filepath.Glob(filepath.Join(*kernelDir, "boot", "vmlinuz-*"))
	if len(kernels) != 1 {
		t.Fatalf("want one boot/vmlinuz-* in %s, got %v", *kernelDir, kernels)
	}
	initrd := filepath.Join(t.TempDir(), "initrd")
	if err := writeInitrd(initrd); err != nil {
		t.Fatal(err)
	}
	common := []string{
		"-accel", "tcg", "-m", "512", "-M", "pc", "-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot",
		"-kernel", kernels[0], "-initrd", initrd,
	}
	for _, m := range machines {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			m.boot(t, qemu, common)
		})
	}
}

func (m machine) boot(t *testing.T, qemu string, args []string) {
	ctx, cancel := context.WithTimeout(t.Context(), guestLimit)
	defer cancel()
	args = append(args[:len(args):len(args)], "-icount", m.clock, "-append", "console=ttyS0 panic=-1 loglevel=2 lab="+m.name)
	var outside hands
	if m.hands != nil {
		outside = m.hands(t.TempDir())
		args = append(args, outside.args()...)
	}
	start, cmd := time.Now(), exec.CommandContext(ctx, qemu, args...)
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait(); _ = in.Close() }()
	r := report{machine: m}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		r.hear(ctx, t, strings.TrimSpace(lines.Text()), outside)
	}
	_ = out.Close()
	r.judge(t, errors.Join(<-ended, ctx.Err()))
	used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	t.Logf("the machine used a processor for %.0f s of %.0f s", used.Seconds(), time.Since(start).Seconds())
}

// report is what a guest has said.
type report struct {
	machine machine
	console strings.Builder
	good    int
	done    bool
}

// hear takes in one line of the console, and does what the guest asks for.
func (r *report) hear(ctx context.Context, t *testing.T, line string, outside hands) {
	t.Helper()
	r.console.WriteString(line + "\n")
	mark := func(m string) (rest string, is bool) { return strings.CutPrefix(line, m) }
	if what, is := mark(badMark); is {
		t.Error(what)
	}
	if what, is := mark(goodMark); is {
		r.good++
		t.Log(what)
	}
	if what, is := mark(noteMark); is {
		t.Log(what)
	}
	if what, is := mark(askMark); is {
		if err := outside.do(ctx, what); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	r.done = r.done || line == endMark
}

func (r *report) judge(t *testing.T, err error) {
	t.Helper()
	want := len(r.machine.scenes)
	if !r.done || r.good != want || err != nil {
		t.Errorf("%d of %d scenes, the end was reached: %v (%v); the console:\n%s", r.good, want, r.done, err, r.console.String())
	}
}
