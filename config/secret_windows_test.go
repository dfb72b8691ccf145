package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/windows"
)

func TestASecretThatEveryAccountMayReadIsRefusedOnWindows(t *testing.T) {
	c, dir := loaded(t, files())
	sd, err := windows.SecurityDescriptorFromString("D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;WD)")
	if err != nil {
		t.Fatal(err)
	}
	list, _, err := sd.DACL()
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, "seal.key")
	if err := windows.SetNamedSecurityInfo(key, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION, nil, nil, list, nil); err != nil {
		t.Fatal(err)
	}
	_, err = c.Secrets()
	if err == nil {
		t.Fatal("it is accepted")
	}
	for _, want := range []string{
		"journal.seal_key_file: " + key + " can be read by every account of this machine (S-1-1-0)",
		`icacls "` + key + `" /inheritance:r /grant:r *S-1-5-18:F *S-1-5-32-544:F`, "/remove:g *S-1-1-0",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("lacks %s:\n%v", want, err)
		}
	}
}
