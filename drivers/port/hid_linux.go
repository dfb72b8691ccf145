package port

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ioctls of hidraw with a length (linux/hidraw.h).
const (
	hidSetFeature = uint('H')<<8 | 0x06
	hidGetFeature = uint('H')<<8 | 0x07
)

// openHID opens a HID device by the kernel's hidraw. Others may have it open as well, in the kernel's eyes: hence the lock.
func openHID(a Address) (Conn, error) {
	f, err := openNode(a.Path)
	if err != nil {
		return nil, err
	}
	info, err := hidInfo(f)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return NewHID(f, hidraw{f}, info, a.Stall), nil
}

// hidInfo asks for vendor, product and report descriptor.
func hidInfo(f *os.File) (HIDInfo, error) {
	var info HIDInfo
	err := control(f, func(fd int) error {
		raw, err := unix.IoctlHIDGetRawInfo(fd)
		if err != nil {
			return fmt.Errorf("not a HID device (HIDIOCGRAWINFO): %w", err)
		}
		info.Vendor, info.Product = uint16(raw.Vendor), uint16(raw.Product)
		size, err := unix.IoctlGetInt(fd, unix.HIDIOCGRDESCSIZE)
		if err != nil {
			return fmt.Errorf("length of the report descriptor: %w", err)
		}
		d := unix.HIDRawReportDescriptor{}
		d.Size = uint32(min(max(size, 0), len(d.Value)))
		if err := unix.IoctlHIDGetDesc(fd, &d); err != nil {
			return fmt.Errorf("report descriptor: %w", err)
		}
		info.Descriptor = append([]byte{}, d.Value[:d.Size]...)
		return nil
	})
	return info, err
}

// hidraw is the feature reports of an open device.
type hidraw struct{ file *os.File }

func (h hidraw) Feature(number byte, size int) ([]byte, error) {
	b := make([]byte, size)
	b[0] = number
	n, err := ioctlBytes(h.file, iocReadWrite, hidGetFeature, b)
	if err != nil {
		return nil, fmt.Errorf("get feature report %d: %w", number, gone(err))
	}
	return b[:min(max(n, 0), size)], nil
}

func (h hidraw) SetFeature(report []byte) error {
	b := append([]byte{}, report...)
	defer clear(b)
	if _, err := ioctlBytes(h.file, iocReadWrite, hidSetFeature, b); err != nil {
		return fmt.Errorf("set feature report %d: %w", report[0], gone(err))
	}
	return nil
}

// gone gives the errors of an ioctl on an unplugged device our name.
func gone(err error) error {
	for _, e := range []error{unix.ENODEV, unix.ENXIO, unix.EIO} {
		if errors.Is(err, e) {
			return fmt.Errorf("%w: %w", ErrUnplugged, err)
		}
	}
	return err
}
