//go:build !unix

package drivers

import "posd/drivers/port"

// permissionRemedy has no group to name.
func permissionRemedy(port.Address) string { return "let the account that posd runs as use the port" }
