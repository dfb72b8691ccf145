//go:build lab && usb

package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const (
	configfs = "/sys/kernel/config"
	sockets  = 4 // dummy host controllers, one port each
)

// gadget is a device that can be plugged into a socket (Documentation/usb/gadget_configfs.rst).
type gadget struct {
	name            string
	vendor, product string
	serial          string
	function        string            // "printer.p", "acm.a", "hid.h"
	attributes      map[string]string // of the function
}

func (g gadget) dir() string { return filepath.Join(configfs, "usb_gadget", g.name) }

// build makes the gadget; it is not plugged in then.
func (g gadget) build() error {
	texts, config := g.dir()+"/strings/0x409", g.dir()+"/configs/c.1"
	function := filepath.Join(g.dir(), "functions", g.function)
	var errs []error
	for _, dir := range []string{g.dir(), texts, config, function} {
		errs = append(errs, os.MkdirAll(dir, 0o755))
	}
	for name, value := range g.attributes {
		errs = append(errs, write(filepath.Join(function, name), value))
	}
	errs = append(errs, write(g.dir()+"/idVendor", "0x"+g.vendor), write(g.dir()+"/idProduct", "0x"+g.product),
		write(texts+"/serialnumber", g.serial), write(texts+"/manufacturer", "Lab"), write(texts+"/product", g.name),
		os.Symlink(function, filepath.Join(config, "f")))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("gadget %s: %w", g.name, err)
	}
	return nil
}

// plug puts the gadget into a socket.
func (g gadget) plug(socket int) error {
	return write(g.dir()+"/UDC", fmt.Sprintf("dummy_udc.%d", socket))
}

// unplug pulls the plug.
func (g gadget) unplug() error { return write(g.dir()+"/UDC", "\n") }

func write(file, value string) error { return os.WriteFile(file, []byte(value), 0o644) }

// The gadgets of the laboratory. Their numbers are those of real makes, so that the drivers' tables are used, too.
var (
	receipts = gadget{
		name: "receipts", vendor: "04b8", product: "0202", serial: "LAB0001", function: "printer.p",
		attributes: map[string]string{"pnp_string": "MFG:LAB;MDL:RECEIPTS;CLS:PRINTER;", "q_len": "10"},
	}
	serialScanner = gadget{name: "lines", vendor: "1eab", product: "0106", serial: "LAB0002", function: "acm.a"}
	hidScanner    = gadget{
		name: "codes", vendor: "0c2e", product: "0901", serial: "LAB0003", function: "hid.h",
		attributes: map[string]string{"report_length": "64", "report_desc": string(scannerReports)},
	}
	keyboard = gadget{
		name: "keys", vendor: "05e0", product: "1200", serial: "LAB0004", function: "hid.k",
		attributes: map[string]string{"report_length": "8", "report_desc": string(keyboardReports), "protocol": "1", "subclass": "1"},
	}
)

// scannerReports is a HID-POS scanner (HID Point of Sale Usage Tables 1.02, scanned data report): in report 2 a count, three
// bytes of AIM identifier, 56 of data, two of the maker's, and the bit that says that the code goes on.
var scannerReports = []byte{
	0x05, 0x8c, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x12, 0xa1, 0x02, 0x85, 0x02, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08,
	0x95, 0x01, 0x05, 0x01, 0x09, 0x3b, 0x81, 0x02, 0x95, 0x03, 0x05, 0x8c, 0x09, 0xfb, 0x09, 0xfc, 0x09, 0xfd, 0x81, 0x02,
	0x95, 0x38, 0x09, 0xfe, 0x82, 0x02, 0x01, 0x95, 0x01, 0x06, 0x66, 0xff, 0x09, 0x04, 0x81, 0x02, 0x81, 0x03,
	0x05, 0x8c, 0x09, 0xff, 0x75, 0x01, 0x81, 0x02, 0x95, 0x07, 0x81, 0x03,
	0xc0, 0xc0,
}

// keyboardReports is the boot keyboard (USB HID 1.11, appendix B.1), without its lights.
var keyboardReports = []byte{
	0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x95, 0x08, 0x81, 0x02,
	0x95, 0x01, 0x75, 0x08, 0x81, 0x03, 0x95, 0x06, 0x75, 0x08, 0x15, 0x00, 0x25, 0x65, 0x05, 0x07, 0x19, 0x00, 0x29, 0x65, 0x81, 0x00,
	0xc0,
}
