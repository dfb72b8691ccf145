package journal

import "golang.org/x/sys/windows"

// freeBytes tells how much room a folder's disk has for us; ok is false where that cannot be known.
func freeBytes(dir string) (free int64, ok bool) {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, false
	}
	var avail uint64
	if err := windows.GetDiskFreeSpaceEx(name, &avail, nil, nil); err != nil {
		return 0, false
	}
	return int64(min(avail, 1<<62)), true
}
