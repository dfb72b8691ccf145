//go:build lab && usb

package lab

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// writeInitrd makes the guest's file system: this test as /init, posd, the libraries of both, and the modules.
func writeInitrd(name string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	a := archive{there: map[string]bool{}}
	for _, dir := range []string{"proc", "sys", "dev", "tmp"} {
		a.folder(dir)
	}
	for to, from := range map[string]string{"init": self, "posd": *posd} {
		if err := a.file(to, from, 0o100755); err != nil {
			return err
		}
		if err := a.libraries(from); err != nil {
			return err
		}
	}
	if err := a.modules(filepath.Join(*kernelDir, "lib", "modules")); err != nil {
		return err
	}
	a.add("TRAILER!!!", 0, nil)
	return os.WriteFile(name, a.Bytes(), 0o600)
}

var library = regexp.MustCompile(`(/\S+) \(0x`)

// libraries adds what a program is linked with, under the names by which the loader looks for it.
func (a *archive) libraries(program string) error {
	out, err := exec.Command("ldd", program).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ldd %s: %w: %s", program, err, out)
	}
	for _, m := range library.FindAllStringSubmatch(string(out), -1) {
		if err := a.file(strings.TrimPrefix(m[1], "/"), m[1], 0o100755); err != nil {
			return err
		}
	}
	return nil
}

// modules adds the drivers of all machines. Some kernels' are packed.
func (a *archive) modules(dir string) error {
	var wanted []string
	for _, m := range machines {
		wanted = append(wanted, m.modules...)
	}
	found := map[string]bool{}
	err := filepath.WalkDir(dir, func(file string, _ fs.DirEntry, err error) error {
		module, packing, ok := strings.Cut(filepath.Base(file), ".ko")
		if err != nil || !ok || !slices.Contains(wanted, module) {
			return err
		}
		found[module] = true
		data, err := os.ReadFile(file)
		if packing == ".xz" {
			data, err = exec.Command("xz", "-dc", file).Output()
		}
		a.put("modules/"+module+".ko", 0o100644, data)
		return err
	})
	for _, m := range wanted {
		if err == nil && !found[m] {
			err = fmt.Errorf("no module %s in %s", m, dir)
		}
	}
	return err
}

// archive is a cpio archive in the "newc" form, which the kernel unpacks as its first file system
// (Documentation/driver-api/early-userspace/buffer-format.rst).
type archive struct {
	bytes.Buffer
	files int
	there map[string]bool // files and folders
}

func (a *archive) add(name string, mode int, data []byte) {
	a.files++
	fmt.Fprintf(a, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", a.files, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0)
	a.WriteString(name + "\x00")
	a.pad()
	a.Write(data)
	a.pad()
}

func (a *archive) pad() {
	for a.Len()%4 != 0 {
		a.WriteByte(0)
	}
}

// folder adds a folder, and those above it, once.
func (a *archive) folder(name string) {
	if name == "." || a.there[name] {
		return
	}
	a.folder(path.Dir(name))
	a.there[name] = true
	a.add(name, 0o40755, nil)
}

// put adds a file that is not there yet.
func (a *archive) put(name string, mode int, data []byte) {
	if a.there[name] {
		return
	}
	a.folder(path.Dir(name))
	a.there[name] = true
	a.add(name, mode, data)
}

func (a *archive) file(name, from string, mode int) error {
	data, err := os.ReadFile(from)
	a.put(name, mode, data)
	return err
}
