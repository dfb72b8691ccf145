package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"posd/iso8583"
)

func checkFile(t *testing.T, text string, args ...string) (out, complaint string, code int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "d.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, complaint, code = bench(t, "", append(append([]string{"iso", "check"}, args...), file)...)
	return strings.ReplaceAll(out, file, "d.toml"), strings.ReplaceAll(complaint, file, "d.toml"), code
}

func TestCheckPrintsEveryMistakeOnItsLine(t *testing.T) {
	out, complaint, code := checkFile(t, `name = "d"
[frame]
length = "bin3"
[fields]
2 = { format = "n..19" }
3 = { format = "n6", class = "open" }
[match]
fields = [11]
`)
	want := []string{"d.toml:3: frame.length: ", "d.toml:5: fields.2.format: ", "d.toml:6: fields.3.class: ", "d.toml:8: match.fields: "}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != problem || len(lines) != len(want) || !strings.Contains(complaint, "4 mistakes") {
		t.Fatalf("exit %d, %s\n%s", code, complaint, out)
	}
	for i, l := range lines {
		if !strings.HasPrefix(l, want[i]) {
			t.Errorf("got %q, want %q", l, want[i])
		}
	}
}

func TestCheckOfWhatIsNoTOMLNamesTheLine(t *testing.T) {
	out, _, code := checkFile(t, "name = \"d\"\ntitle = = 3\n")
	if code != problem || !strings.HasPrefix(out, "d.toml:2: ") {
		t.Errorf("exit %d\n%s", code, out)
	}
}

func TestCheckWarnsOfWhatIsHardlyMeant(t *testing.T) {
	const text = `name  = "d"
title = "a test"
[fields]
2  = { format = "n..19 LL" }
3  = { format = "n6", class = "public" }
4  = { format = "n12", class = "public" }
11 = { format = "n6", class = "public" }
39 = { format = "an2", class = "public" }
41 = { format = "ans8", class = "public" }
64 = { format = "b8", class = "public" }
[mac]
algorithm = "x9.19"
field     = 64
[match]
fields = [41]
[transaction.sale]
mti = "0200"
[transaction.sale.set]
3  = "000000"
4  = "{amount}"
11 = "{trace}"
41 = "{terminal}"
`
	out, _, code := checkFile(t, text)
	if code != success {
		t.Fatalf("exit %d\n%s", code, out)
	}
	for _, want := range []string{
		"a test", "7: 6 public, 1 secret because nothing is said", "sale 0200\n", "x9.19 in field 64", "fields 41\n",
		"warning: d.toml:4: fields.2: no class", "warning: d.toml:15: match.fields: the trace number (field 11)",
		"warning: d.toml:16: transaction.sale: nothing reverses it", "warning: d.toml:16: transaction.sale: no MAC",
		"answers: no code approves", "no mistakes and 5 warnings",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
	if _, complaint, code := checkFile(t, text, "--strict"); code != problem || !strings.Contains(complaint, "5 warnings") {
		t.Errorf("strict: exit %d, %s", code, complaint)
	}
}

func TestPresetsAreFineAndSummedUp(t *testing.T) {
	for _, name := range iso8583.Presets() {
		out, complaint, code := bench(t, "", "iso", "check", "--strict", name)
		if code != success || !strings.Contains(out, name+" is fine") {
			t.Errorf("%s: exit %d, %s\n%s", name, code, complaint, out)
		}
	}
}

func TestCheckCountsOneItem(t *testing.T) {
	for name, want := range map[string]string{"iso87-bcd": " 1 item in a message\n", "unionpay": " 8 items in a message\n"} {
		if out, _, _ := bench(t, "", "iso", "check", name); !strings.Contains(out, want) {
			t.Errorf("%s lacks %q:\n%s", name, want, out)
		}
	}
}

func TestCheckOfNoFileSaysSo(t *testing.T) {
	if _, complaint, code := bench(t, "", "iso", "check", "nowhere.toml"); code != problem || !strings.Contains(complaint, "nowhere.toml") {
		t.Errorf("exit %d, %s", code, complaint)
	}
}
