package plug

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
)

var numbered = regexp.MustCompile(`^/dev/(?:tty(?:USB|ACM)|hidraw|usb/lp|input/event)[0-9]+$`)

// Numbered tells whether a device file is named by who came first: another device has that name tomorrow.
func Numbered(file string) bool { return numbered.MatchString(file) }

// Lasting gives what to write instead of a numbered device file: a link that udev makes by what the device is, else the
// device's own ID, else a link by its port; "" when the file is not there. root is the root of the file system.
func Lasting(root fs.FS, file string) string {
	if link := linkTo(root, file, "by-id"); link != "" {
		return link
	}
	for _, d := range Scan(root) {
		for _, n := range d.Nodes("") {
			if n.Path == file && d.USB() {
				return fmt.Sprintf("%s://%s", n.Kind, d.ID())
			}
		}
	}
	return linkTo(root, file, "by-path")
}

// linkTo finds the link to a device file that udev keeps for serial ports and keyboards.
func linkTo(root fs.FS, file, by string) string {
	for _, dir := range []string{"dev/serial/" + by, "dev/input/" + by} {
		for _, name := range folder(root, dir) {
			link := path.Join(dir, name)
			target, err := fs.ReadLink(root, link)
			if err == nil && path.Join("/", dir, target) == file {
				return "/" + link
			}
		}
	}
	return ""
}
