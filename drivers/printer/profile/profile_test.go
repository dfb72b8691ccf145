package profile_test

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"posd/drivers/printer/profile"
)

func data(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("data", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEveryProfileIsComplete(t *testing.T) {
	all, err := profile.Load(data(t, "capabilities.json"), data(t, "overlay.toml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 44 {
		t.Errorf("only %d profiles", len(all))
	}
	usb := map[string]string{}
	for name, p := range all {
		for _, id := range p.USB {
			if usb[id] != "" {
				t.Errorf("%s is said to be %s and %s", id, name, usb[id])
			}
			usb[id] = name
		}
	}
	if _, ok := all[profile.Default]; !ok {
		t.Errorf("%s is missing", profile.Default)
	}
}

func TestAProfileJoinsDatabaseAndOverlay(t *testing.T) {
	p, _ := profile.Lookup("TM-T88V")
	if p.Columns != 42 || p.Dots != 512 || p.CodePages[16] != "CP1252" || p.ProcessID != profile.Yes || !p.QR ||
		p.Cutter != profile.CutPartial || p.Title != "Epson TM-T88V" {
		t.Errorf("got %+v", p)
	}
	c, _ := profile.Lookup("chinese-58")
	if c.Columns != 32 || c.Wide != profile.GB18030 || c.Cutter != profile.CutNone || len(c.CodePages) != 0 || !c.Raster {
		t.Errorf("got %+v", c)
	}
}

func TestAPrinterIsFoundByWhatItSaysItIs(t *testing.T) {
	for name, c := range map[string]struct{ id, usb, want string }{
		"1284 id":               {"MFG:EPSON;CMD:ESC/POS;MDL:TM-T88V;CLS:PRINTER;", "04b8:0202", "TM-T88V"},
		"the longest model":     {"MFG:EPSON;MDL:TM-T20III;", "", "TM-T20III"},
		"a variant":             {"MFG:EPSON;MDL:TM-T88V-JPN;", "", "TM-T88V"},
		"written out":           {"MANUFACTURER:EPSON;MODEL:tm-m30iii;", "", "TM-m30III"},
		"VID:PID":               {"", "0416:5011", "POS-5890"},
		"VID:PID of the maker":  {"MFG:EPSON;MDL:Something else;", "04B8:0202", "default"},
		"nothing is known here": {"MFG:ACME;MDL:Slip;", "dead:beef", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p, ok := profile.Match(c.id, c.usb)
			if ok != (c.want != "") || ok && p.Name != c.want {
				t.Errorf("got %+v, %v, want %q", p, ok, c.want)
			}
		})
	}
}

func TestTheOverlayIsReadStrictly(t *testing.T) {
	for name, c := range map[string]struct{ old, now, want string }{
		"unknown key":    {"[profile.chinese-80]", "[profile.chinese-80]\nwidth = 3", "unknown keys"},
		"unknown wide":   {"wide = \"gb18030\"\nprocess_id = \"ask\"\ncolumns = 48", "wide = \"gbk\"\nprocess_id = \"ask\"\ncolumns = 48", `chinese-80: wide = "gbk"`},
		"no facts":       {"[profile.\"TM-T88V\"]", "[profile.\"TM-T88W\"]", "TM-T88V: want it in the overlay"},
		"bad usb":        {`"1fc9:2016"`, `"1FC9:2016"`, `usb "1FC9:2016"`},
		"no such base":   {"base = \"default\"\nwide = \"gb18030\"\nprocess_id = \"no\"", "base = \"x\"\nwide = \"gb18030\"\nprocess_id = \"no\"", `base "x"`},
		"too many dots":  {"dots = 384", "dots = 3840", "want 100 to 1000"},
		"unknown quirk":  {`quirks = ["tear-off"]`, `quirks = ["tear-off", "loud"]`, `quirk "loud"`},
		"no tear-off":    {"code_pages = \"none\"\nquirks = [\"tear-off\"]", "code_pages = \"none\"", "say tear-off"},
		"twice in there": {"[exclude]", "[exclude]\nTM-T88V = \"gone\"", "TM-T88V: want it in the overlay once"},
	} {
		t.Run(name, func(t *testing.T) {
			text := string(data(t, "overlay.toml"))
			if !strings.Contains(text, c.old) {
				t.Fatalf("%q is not in the overlay", c.old)
			}
			_, err := profile.Load(data(t, "capabilities.json"), []byte(strings.Replace(text, c.old, c.now, 1)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestNamesAreThoseOfAllProfiles(t *testing.T) {
	all, err := profile.Load(data(t, "capabilities.json"), data(t, "overlay.toml"))
	if err != nil {
		t.Fatal(err)
	}
	if names := profile.Names(); !slices.Equal(names, slices.Sorted(maps.Keys(all))) {
		t.Errorf("got %q", names)
	}
}

// A printer that garbles its IEEE 1284 id gets the profile of a model that the id names, or none.
func TestAThousandMalformedIdsFindNoWrongProfile(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	found := 0
	for range 1000 {
		id := []byte("MFG:EPSON;CMD:ESC/POS;MDL:TM-T88V;CLS:PRINTER;")
		for range 1 + rng.IntN(4) {
			switch i := rng.IntN(len(id)); rng.IntN(3) {
			case 0:
				id[i] = byte(rng.IntN(256))
			case 1:
				id = id[:i+1]
			default:
				id = slices.Insert(id, i, byte(rng.IntN(256)), ';', ':')
			}
		}
		p, ok := profile.Match(string(id), "")
		if ok && !strings.Contains(strings.ToUpper(string(id)), strings.ToUpper(p.Model)) {
			t.Errorf("%q is taken for %s", id, p.Name)
		}
		if ok {
			found++
		}
	}
	if found < 100 || found > 900 {
		t.Errorf("%d of 1000 were recognised", found)
	}
}
