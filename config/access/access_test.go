package access_test

import (
	"slices"
	"strings"
	"testing"

	"posd/config/access"
)

func TestWhatEverybodyMayReadIsFound(t *testing.T) {
	const users, everyone, signedIn, sitting = "S-1-5-32-545", "S-1-1-0", "S-1-5-11", "S-1-5-4"
	for sddl, want := range map[string][]string{
		// A file in C:\ProgramData\posd that nobody has protected, and one in a folder below C:\.
		"D:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)":                     {users},
		"D:AI(A;ID;FA;;;BA)(A;ID;FA;;;SY)(A;ID;0x1200a9;;;BU)(A;ID;0x1301bf;;;AU)": {users, signedIn},
		// In a user's profile, and after install or icacls.
		"D:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;FA;;;S-1-5-21-1-2-3-1001)": nil,
		"O:BAG:SYD:PAI(A;;FA;;;SY)(A;;FA;;;BA)":                           nil,
		"D:(A;;FR;;;S-1-5-4)(A;;FR;;;S-1-1-0)(A;;GR;;;WD)":                {sitting, everyone},
		"D:(A;;0x100000;;;WD)(A;;FX;;;BU)(A;;RC;;;IU)":                    nil, // to wait, to run, to see the list
		"D:(A;;CCRC;;;BU)":                       {users},
		"D:(A;OICIIO;FA;;;BU)":                   nil, // only for what will stand in it
		"D:(D;;FA;;;BU)(A;;FA;;;BU)":             nil,
		"D:(A;;FA;;;BU)(D;;FA;;;BU)":             {users}, // the first counts
		"D:(XA;;FR;;;WD;(Member_of{SID(BA)}))":   nil,
		"D:NO_ACCESS_CONTROL":                    {everyone},
		"D:P":                                    nil, // nobody may do anything
		"":                                       nil,
		"S:(AU;SAFA;FA;;;WD)(ML;;NW;;;S-1-16-0)": nil, // what is noted, not what is allowed
	} {
		if got := access.Open(sddl, access.Read); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", sddl, got, want)
		}
	}
}

func TestWhatEverybodyMayChangeIsFound(t *testing.T) {
	for sddl, open := range map[string]bool{
		"D:AI(A;ID;FA;;;SY)(A;ID;0x1200a9;;;BU)":   false, // C:\Program Files
		"D:AI(A;ID;FA;;;SY)(A;ID;0x1301bf;;;AU)":   true,  // below C:\
		"D:(A;CI;DCLCRPCR;;;BU)(A;;0x1200a9;;;BU)": true,  // C:\ProgramData: a file beside it may be made
		"D:(A;;WO;;;WD)":   true,
		"D:(A;;0x40;;;WD)": true,
		"D:(A;;FA;;;S-1-5-21-1-2-3-1001)(A;;FR;;;WD)": false,
	} {
		if got := access.Open(sddl, access.Write); (got != nil) != open {
			t.Errorf("%s: %v, want open %v", sddl, got, open)
		}
	}
}

func TestWhatProtectPutsOnAFolderIsOpenToNobodyElse(t *testing.T) {
	text := access.List(access.ServiceSID("posd"))
	if got := access.Open(text, access.Read|access.Write); got != nil || !strings.HasPrefix(text, "D:P") || strings.Count(text, "FA;;;S-1-5-") != 3 {
		t.Errorf("%s is open to %v", text, got)
	}
}

func TestTheRemedyNamesWhoKeepsTheFileAndWhoLosesIt(t *testing.T) {
	const want = `icacls "C:\x\seal.key" /inheritance:r /grant:r *S-1-5-18:F *S-1-5-32-544:F *S-1-5-21-7:F /remove:g *S-1-1-0 *S-1-5-11`
	if got := access.Remedy(`C:\x\seal.key`, "S-1-5-21-7", []string{"S-1-1-0", "S-1-5-11"}); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAServicesAccountIsThatOfWindows(t *testing.T) {
	// The account of Windows' own installer, which owns its files (learn.microsoft.com, "Service SIDs").
	const want = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
	if got := access.ServiceSID("TrustedInstaller"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
