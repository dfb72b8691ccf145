package drivers

import (
	"fmt"

	"posd/drivers/port"
)

// Unsupported refuses a way to name or use a device that posd does not have on a system, by its name in GOOS. Both texts are
// empty for every other address.
func Unsupported(system string, a port.Address) (what, remedy string) {
	if system != "windows" {
		return "", ""
	}
	_, byID := a.Identity()
	switch {
	case a.Kind == port.IEEE1284:
		return fmt.Sprintf("\"1284:%s\" names no printer on Windows, where posd does not ask printers for their IEEE 1284 id", a.Path),
			"want usb:VID:PID:SERIAL, as hwtest list shows it"
	case a.Kind == port.Keys:
		return fmt.Sprintf("\"keys://%s\" is not for Windows, which gives keyboards to no program", a.Path), windowsKeys
	case a.Kind == port.Serial && byID:
		return fmt.Sprintf("\"serial://%s\" names no serial port on Windows", a.Path),
			"want COM3 or such: Windows keeps the number for the device, and its device manager shows it"
	default:
		return "", ""
	}
}

// windowsKeys is the way out for a scanner or reader in keyboard mode.
const windowsKeys = "switch the device to HID-POS or USB serial (CDC) by the setup code in its manual, and name it by usb:VID:PID or COM3"
