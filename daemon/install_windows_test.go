package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/windows"

	"posd/config/access"
)

func TestInstallRefusesAProgramThatEveryAccountMayChange(t *testing.T) {
	exe := filepath.Join(t.TempDir(), "posd.exe")
	if err := os.WriteFile(exe, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := secure(exe, exe+".toml", ""); err != nil {
		t.Fatal(err)
	}
	sd, err := windows.SecurityDescriptorFromString("D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;WD)")
	if err != nil {
		t.Fatal(err)
	}
	list, _, err := sd.DACL()
	if err != nil {
		t.Fatal(err)
	}
	if err := windows.SetNamedSecurityInfo(exe, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION, nil, nil, list, nil); err != nil {
		t.Fatal(err)
	}
	if err := secure(exe, exe+".toml", ""); err == nil || !strings.Contains(err.Error(), exe+" can be changed") || !strings.Contains(err.Error(), ownProgram) {
		t.Errorf("got %v", err)
	}
}

func TestInstallRefusesAnAccountWithAPassword(t *testing.T) {
	if err := secure("posd.exe", "posd.toml", "till"); err == nil || !strings.Contains(err.Error(), `NT SERVICE\posd`) {
		t.Errorf("got %v", err)
	}
}

func TestInstallLeavesFoldersOfTheMachineAlone(t *testing.T) {
	drive := filepath.VolumeName(os.Getenv("SystemRoot")) + `\`
	list := func() string {
		sd, err := windows.GetNamedSecurityInfo(drive, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
		if err != nil {
			t.Fatal(err)
		}
		return sd.String()
	}
	was := list()
	err := closeFolder(drive, "")
	if open := access.Of(drive, access.Read); (err != nil) != (open != nil) {
		t.Errorf("got %v of a drive that is open to %v", err, open)
	}
	if is := list(); is != was {
		t.Errorf("the drive has %s, had %s", is, was)
	}
}
