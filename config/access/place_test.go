package access_test

import (
	"testing"

	"posd/config/access"
)

func TestOnlyAccountsWithoutAPasswordRunAService(t *testing.T) {
	for name, want := range map[string]string{
		"": "S-1-5-18", "LocalSystem": "S-1-5-18", `nt authority\system`: "S-1-5-18", `NT AUTHORITY\LocalService`: "S-1-5-19",
		`NT SERVICE\posd`: access.ServiceSID("posd"), `NT SERVICE\sshd`: "", "till": "", `.\Administrator`: "",
	} {
		if got, ok := access.Account(name, "posd"); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v; want %q", name, got, ok, want)
		}
	}
}

func TestFoldersOfTheMachineAreNotTaken(t *testing.T) {
	machines := []string{`C:\ProgramData`, `C:\Program Files`, ""}
	private := []string{`C:\Windows`, `C:\Users`}
	for dir, want := range map[string]bool{
		`C:\`: true, `d:`: true, `C:\PROGRAMDATA\`: true, `C:/ProgramData`: true, `C:\Windows\Temp`: true, `C:\Users`: true,
		`C:\Users\till\posd`: true, `C:\ProgramData\posd`: false, `C:\posd`: false, `D:\posd\keys`: false, `C:\WindowsPosd`: false,
	} {
		if got := access.Shared(dir, machines, private); got != want {
			t.Errorf("%s: %v, want %v", dir, got, want)
		}
	}
}
