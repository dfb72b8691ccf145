package journal

import (
	"fmt"

	"golang.org/x/sys/windows"
)

// identityOf tells a file from its copies; "" if it cannot. A copy has a number of its own.
func identityOf(path string) string {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return ""
	}
	const all = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	h, err := windows.CreateFile(name, 0, all, nil, windows.OPEN_EXISTING, 0, 0)
	if err != nil {
		return ""
	}
	defer func() { _ = windows.CloseHandle(h) }()
	var info windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(h, &info); err != nil {
		return ""
	}
	return fmt.Sprint(info.VolumeSerialNumber, info.FileIndexHigh, info.FileIndexLow, info.CreationTime)
}
