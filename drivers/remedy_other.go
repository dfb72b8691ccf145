//go:build !unix

package drivers

import "posd/drivers/port"

// permissionRemedy has no group to name. Windows says that it permits nothing when somebody else has the device, too.
func permissionRemedy(a port.Address, _ string) string {
	if a.Kind == port.Report || a.Kind == port.USB {
		return "Windows keeps keyboards for itself: switch the device to HID-POS or USB serial; or end the other program that has it"
	}
	return "let the account that posd runs as use the port"
}
