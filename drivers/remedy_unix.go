//go:build unix

package drivers

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"slices"
	"strconv"
	"syscall"

	"posd/drivers/plug"
	"posd/drivers/port"
)

// permissionRemedy names the group that may use the device file, as that itself tells; else a rule that lets posd use it.
// libusb names no file: then what the device is has to do.
func permissionRemedy(a port.Address, file string) string {
	me, mine := "the user that posd runs as", "posd"
	if u, err := user.Current(); err == nil {
		me, mine = u.Username, groupName(u.Gid)
	}
	info, err := os.Stat(file)
	if err == nil && groupWith(info) != "" {
		return fmt.Sprintf("usermod -aG %s %s, then restart posd", groupWith(info), me)
	}
	id := makeOf(a, file)
	switch {
	case id.Vendor != 0:
		return fmt.Sprintf("put this line into /etc/udev/rules.d/70-posd.rules, run udevadm control --reload, and plug the device in again: %s",
			plug.UdevRule(id.Vendor, id.Product, cmp.Or(mine, "posd")))
	case err != nil:
		return fmt.Sprintf("usermod -aG dialout %s, then restart posd", me)
	default:
		return fmt.Sprintf("let %s read and write %s", me, file)
	}
}

// makeOf is the make of the device that is meant; the zero ID when nothing tells.
func makeOf(a port.Address, file string) plug.ID {
	if id, ok := a.Identity(); ok && id.Vendor != 0 {
		return id
	}
	return idOfFile(plug.Live(), file)
}

// groupWith is the group, other than root's, that may read and write a file; "" for none.
func groupWith(info fs.FileInfo) string {
	const readWrite = 0o060
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Gid == 0 || info.Mode().Perm()&readWrite != readWrite {
		return ""
	}
	return groupName(strconv.FormatUint(uint64(st.Gid), 10))
}

func groupName(gid string) string {
	g, err := user.LookupGroupId(gid)
	if err != nil {
		return ""
	}
	return g.Name
}

// idOfFile is the make of the device that a file belongs to.
func idOfFile(all []plug.Device, file string) plug.ID {
	for _, d := range all {
		if slices.ContainsFunc(d.Nodes(""), func(n plug.Node) bool { return n.Path == file }) {
			return plug.ID{Vendor: d.Vendor, Product: d.Product}
		}
	}
	return plug.ID{}
}
