package config

import (
	"fmt"
	"net"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	// portWanted is what a device's port may be.
	portWanted = "usb:VID:PID[:SERIAL][@PORT], 1284:MDL=..., a device path, COM name, serial://NAME for another serial port, or tcp://host:port"
	// usbWanted is what usb: names: the port is for two devices that are alike and have no serial number.
	usbWanted = "usb:VID:PID or usb:VID:PID:SERIAL, in hex, and @1-1.4 for a USB port"
	// wordsWanted is what 1284: names.
	wordsWanted = "words of the printer's IEEE 1284 id, such as 1284:MFG=EPSON;MDL=TM-T88V"
)

// pathKinds are the schemes that stand before a path, or before what a device is.
var pathKinds = []string{"serial", "lp", "hid", "keys"}

var (
	words1284 = regexp.MustCompile(`^[^=;]+=[^=;]+(?:;[^=;]+=[^=;]+)*$`)
	usbID     = regexp.MustCompile(`^[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}(?::.+?)?(?:@[0-9]+-[0-9]+(?:\.[0-9]+)*)?$`)
	plainPort = regexp.MustCompile(`^(?:/.+|\\\\[.?]\\.+|(?i:COM)[1-9][0-9]*)$`)
	usbNumber = regexp.MustCompile(`^[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}`)
)

// port checks a device's port and that no other device has it.
func (k Checker) port(key, value string, taken map[string]bool) {
	k.Required(key, value, portWanted)
	if value == "" {
		return
	}
	k.portForm(key, value)
	one := onePort(value)
	if taken[one] {
		k.Add(key, fmt.Sprintf("%q is another device's port", value), "give each device its own")
	}
	taken[one] = true
}

func (k Checker) portForm(key, value string) {
	if rest, ok := strings.CutPrefix(value, "usb:"); ok {
		k.Required(key, strings.TrimPrefix(rest, "//"), usbWanted)
		k.Pattern(key, strings.TrimPrefix(rest, "//"), usbID, usbWanted)
		return
	}
	if rest, ok := strings.CutPrefix(value, "1284:"); ok {
		k.Required(key, rest, wordsWanted)
		k.Pattern(key, rest, words1284, wordsWanted)
		return
	}
	kind, rest, found := strings.Cut(value, "://")
	switch {
	case kind == "tcp" && found:
		k.hostPort(key, rest)
	case found && slices.Contains(pathKinds, kind) && rest != "":
	case !found && plainPort.MatchString(value) && strings.TrimSpace(value) == value:
	default:
		k.noPort(key, value)
	}
}

// noPort says what was meant, where that can be seen.
func (k Checker) noPort(key, value string) {
	remedy := "want " + portWanted
	if near := nearPort(value); near != "" {
		remedy = fmt.Sprintf("did you mean %q? (%s)", near, remedy)
	}
	k.Add(key, fmt.Sprintf("%q is no port", value), remedy)
}

// nearPort is the port that a value mostly is meant to be; "" if that cannot be said.
func nearPort(value string) string {
	value = strings.TrimSpace(value)
	_, number, err := net.SplitHostPort(value)
	_, noNumber := strconv.Atoi(number)
	kind, rest, found := strings.Cut(value, ":")
	switch kind = strings.ToLower(kind); {
	case plainPort.MatchString(value):
		return value
	case strings.HasPrefix(value, "tty"):
		return "/dev/" + value
	case found && (kind == "usb" || kind == "tcp" || slices.Contains(pathKinds, kind)) && rest != "":
		return kind + ":" + rest
	case err == nil && noNumber == nil:
		return "tcp://" + value
	case isName(value):
		return "serial://" + value
	}
	return ""
}

// isName tells of a word that may be a serial port's: it is no address, and nothing is cut off from it.
func isName(value string) bool {
	return value != "" && !strings.ContainsAny(value, ": \t") && net.ParseIP(value) == nil
}

// onePort is the same for all ways to write a port: a path with and without how it is used, numbers and names in capitals or not.
func onePort(value string) string {
	if rest, ok := strings.CutPrefix(value, "1284:"); ok {
		words := strings.Split(rest, ";")
		for i, word := range words {
			name, text, _ := strings.Cut(word, "=")
			words[i] = strings.ToUpper(strings.TrimSpace(name)) + "=" + strings.TrimSpace(text)
		}
		slices.Sort(words)
		return "1284:" + strings.Join(words, ";")
	}
	kind, rest, found := strings.Cut(value, "://")
	switch {
	case strings.HasPrefix(value, "usb:"):
		return "usb:" + oneID(strings.TrimPrefix(strings.TrimPrefix(value, "usb:"), "//"))
	case !found:
		return onePath(value)
	case kind == "tcp":
		return "tcp://" + strings.ToLower(rest)
	case usbNumber.MatchString(rest):
		return kind + "://" + oneID(rest)
	}
	return onePath(rest)
}

// oneID has vendor and product in small letters; a serial number is left as it is.
func oneID(id string) string {
	number := usbNumber.FindString(id)
	return strings.ToLower(number) + id[len(number):]
}

// onePath is a path without detours, or a name of Windows without what may stand before it.
func onePath(name string) string {
	if strings.HasPrefix(name, "/") {
		return path.Clean(name)
	}
	return strings.ToUpper(strings.TrimPrefix(name, `\\.\`))
}
