package hostsim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const ruleText = `
[[rule]]
kind = "sale"
amount = 666
nth = 2
do = "delay"
delay = "1.5s"

[[rule]]
mti = "0400"
times = 1
do = "reverse-code"
code = "25"
`

func TestRulesReadFromTOMLAndJSONAlike(t *testing.T) {
	dir := t.TempDir()
	fromTOML := filepath.Join(dir, "rules.toml")
	fromJSON := filepath.Join(dir, "rules.json")
	write(t, fromTOML, ruleText)
	write(t, fromJSON, `{"rule":[{"kind":"sale","amount":666,"nth":2,"do":"delay","delay":"1.5s"},
		{"mti":"0400","times":1,"do":"reverse-code","code":"25"}]}`)
	a, err := ReadRules(fromTOML)
	if err != nil {
		t.Fatal(err)
	}
	b, err := ReadRules(fromJSON)
	if err != nil {
		t.Fatal(err)
	}
	for _, rules := range [][]Rule{a, b} {
		for i := range rules {
			rules[i].place = ""
		}
	}
	if len(a) != 2 || len(b) != 2 || a[0] != b[0] || a[1] != b[1] {
		t.Errorf("rules differ: %+v and %+v", a, b)
	}
	if a[0].Delay != Span(1500*time.Millisecond) {
		t.Errorf("delay = %v", time.Duration(a[0].Delay))
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWrongRulesAreRefusedWithTheReason(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"unknown action": {"[[rule]]\ndo = \"explode\"\n", "explode"},
		"unknown key":    {"[[rule]]\ndo = \"silent\"\namuont = 1\n", "amuont"},
		"no code":        {"[[rule]]\ndo = \"decline\"\n", "code"},
		"no value":       {"[[rule]]\ndo = \"partial\"\n", "value"},
		"no delay":       {"[[rule]]\ndo = \"delay\"\n", "delay"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseRules([]byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want an error that names %q", err, c.says)
			}
		})
	}
}

func TestRulesCountWhatTheyFit(t *testing.T) {
	s, err := newRuleSet([]Rule{
		{Kind: KindSale, Nth: 2, Do: Silent},
		{Kind: KindReversal, Times: 1, Do: ReverseCode, Code: "01"},
		{Amount: 5, Do: BadMAC},
	}, grounds{})
	if err != nil {
		t.Fatal(err)
	}
	sale, undo := &request{name: KindSale, amount: 5}, &request{name: KindSale, reversal: true}
	for i, c := range []struct {
		q    *request
		want Action
	}{{sale, BadMAC}, {sale, Silent}, {sale, BadMAC}, {undo, ReverseCode}, {undo, ""}} {
		if got := s.pick(c.q).Do; got != c.want {
			t.Errorf("message %d: do %q, want %q", i+1, got, c.want)
		}
	}
}
