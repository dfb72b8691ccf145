package access

import (
	"fmt"

	"golang.org/x/sys/windows"
)

// Of is Open for a file or folder. What cannot be asked is not open.
func Of(path string, want Rights) []string {
	sd, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return nil
	}
	return Open(sd.String(), want)
}

// Protect leaves a folder, and what stands in it, to the system, to administrators and to the owners, by their SIDs. What a file
// in it has been granted by itself stays.
func Protect(dir string, owners ...string) error {
	sd, err := windows.SecurityDescriptorFromString(List(owners...))
	if err != nil {
		return fmt.Errorf("protect %s: %w", dir, err)
	}
	list, _, err := sd.DACL()
	if err != nil {
		return fmt.Errorf("protect %s: %w", dir, err)
	}
	const what = windows.DACL_SECURITY_INFORMATION | windows.PROTECTED_DACL_SECURITY_INFORMATION
	if err := windows.SetNamedSecurityInfo(dir, windows.SE_FILE_OBJECT, what, nil, nil, list, nil); err != nil {
		return fmt.Errorf("protect %s: %w", dir, err)
	}
	return nil
}
