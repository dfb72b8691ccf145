//go:build unix

package drivers

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"posd/drivers/port"
)

// permissionRemedy names the group that may use the device, as the device file itself tells.
func permissionRemedy(a port.Address) string {
	who, group := "the user that posd runs as", "dialout"
	if u, err := user.Current(); err == nil {
		who = u.Username
	}
	if info, err := os.Stat(a.Path); err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			if g, err := user.LookupGroupId(strconv.FormatUint(uint64(st.Gid), 10)); err == nil {
				group = g.Name
			}
		}
	}
	return fmt.Sprintf("usermod -aG %s %s, then restart posd", group, who)
}
