package access_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/windows"

	"posd/config/access"
)

// grant replaces what a file allows.
func grant(t *testing.T, path, sddl string) {
	t.Helper()
	sd, err := windows.SecurityDescriptorFromString(sddl)
	if err != nil {
		t.Fatal(err)
	}
	list, _, err := sd.DACL()
	if err != nil {
		t.Fatal(err)
	}
	if err := windows.SetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION, nil, nil, list, nil); err != nil {
		t.Fatal(err)
	}
}

func TestAFileThatEverybodyMayReadIsFound(t *testing.T) {
	name := filepath.Join(t.TempDir(), "seal.key")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	grant(t, name, "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;WD)")
	if open := access.Of(name, access.Read); !slices.Equal(open, []string{"S-1-1-0"}) {
		t.Errorf("open to %v, want everyone", open)
	}
	if open := access.Of(name, access.Write); open != nil {
		t.Errorf("%v may change it", open)
	}
	if open := access.Of(name+".none", access.Read); open != nil {
		t.Errorf("a file that is not there is open to %v", open)
	}
}

func TestAProtectedFolderIsOpenToNobodyElse(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "seal.key")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		t.Fatal(err)
	}
	grant(t, dir, "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;WD)")
	if err := access.Protect(dir, user.User.Sid.String()); err != nil {
		t.Fatal(err)
	}
	if windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil {
		t.Skip("wine keeps modes, not lists")
	}
	for _, path := range []string{dir, name} {
		if open := access.Of(path, access.Read|access.Write); open != nil {
			t.Errorf("%s is open to %v", path, open)
		}
	}
}
