package plug

import (
	"context"
	"io/fs"
	"os"
	"sync"
	"unsafe" //nolint:depguard // CM_Register_Notification has no function in x/sys/windows

	"golang.org/x/sys/windows"
)

// BUG(posd): what is for Windows was compiled and vetted, never run on Windows.

// Interfaces of devices (usbprint.h, hidclass.h). Serial ports are named COM3 on Windows, which stays with the device.
var (
	printerClass = windows.GUID{Data1: 0x28d78fad, Data2: 0x5a12, Data3: 0x11d1, Data4: [8]byte{0xae, 0x5b, 0, 0, 0xf8, 0x03, 0xa8, 0xc2}}
	hidClass     = windows.GUID{Data1: 0x4d1e55b2, Data2: 0xf16f, Data3: 0x11cf, Data4: [8]byte{0x88, 0xcb, 0, 0x11, 0x11, 0, 0, 0x30}}
)

// Live is what is plugged in now and can be opened by usbprint.sys or hid.dll.
func Live() []Device {
	var all []Device
	for kind, class := range map[string]*windows.GUID{LP: &printerClass, HID: &hidClass} {
		paths, err := windows.CM_Get_Device_Interface_List("", class, windows.CM_GET_DEVICE_INTERFACE_LIST_PRESENT)
		if err != nil { // there is none of the class
			continue
		}
		for _, path := range paths {
			if d, ok := deviceOfPath(path, kind); ok {
				all = append(all, d)
			}
		}
	}
	return all
}

// LiveFor is what of that concerns one device.
func LiveFor(ID) []Device { return Live() }

// Root is the file system that Scan and Lasting look at: Windows names no device there.
func Root() fs.FS { return os.DirFS(`C:\`) }

var (
	cfgmgr     = windows.NewLazySystemDLL("cfgmgr32.dll")
	register   = cfgmgr.NewProc("CM_Register_Notification")
	unregister = cfgmgr.NewProc("CM_Unregister_Notification")
	// onNotice is one callback for the whole process: Windows has room for few, and none can be given back.
	onNotice = sync.OnceValue(func() uintptr { return windows.NewCallback(noticed) })
	watchers sync.Map // of *func(Event)
)

// noticed is called by Windows, with CM_NOTIFY_ACTION_DEVICEINTERFACEARRIVAL (0) and others, in a thread of its own.
func noticed(_, _, _, _, _ uintptr) uintptr {
	watchers.Range(func(k, _ any) bool {
		if tell, ok := k.(*func(Event)); ok {
			(*tell)(Event{})
		}
		return true
	})
	return 0
}

// notifyFilter is CM_NOTIFY_FILTER with all interfaces of all classes.
type notifyFilter struct {
	size, flags, kind, reserved uint32
	union                       [400]byte
}

// Watch tells that something came or went, with the zero Event, until ctx ends; then it gives ctx's error. It gives another at
// once where the machine does not tell.
func Watch(ctx context.Context, tell func(Event)) error {
	if err := register.Find(); err != nil { // as in wine 8
		return err
	}
	watchers.Store(&tell, nil)
	defer watchers.Delete(&tell)
	const allInterfaces = 1
	filter := notifyFilter{flags: allInterfaces}
	filter.size = uint32(unsafe.Sizeof(filter))
	var handle uintptr
	ret, _, err := register.Call(uintptr(unsafe.Pointer(&filter)), 0, onNotice(), uintptr(unsafe.Pointer(&handle)))
	if ret != 0 {
		return err
	}
	defer func() { _, _, _ = unregister.Call(handle) }()
	tell(Event{})
	<-ctx.Done()
	return ctx.Err()
}
