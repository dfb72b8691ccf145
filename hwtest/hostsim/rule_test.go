package hostsim

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"posd/iso8583"
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

func TestWrongRulesAreRefusedWithLineAndKey(t *testing.T) {
	for name, c := range map[string]struct{ toml, json, says string }{
		"unknown action": {"[[rule]]\ndo = \"explode\"\n", "{\"rule\":[\n{\"do\":\"explode\"}]}", ":2: do: \"explode\" is no action"},
		"unknown key":    {"[[rule]]\ndo = \"silent\"\namuont = 1\n", "{\"rule\":[{\"do\":\"silent\",\n\n\"amuont\":1}]}", ":3: "},
		"no code":        {"\n[[rule]]\ndo = \"decline\"\n", "{\"rule\":[\n{\"do\":\"decline\"}]}", ":2: code: is missing"},
		"no value":       {"\n[[rule]]\ndo = \"partial\"\n", "{\"rule\":[\n{\"do\":\"partial\"}]}", ":2: value: is missing"},
		"no delay":       {"\n[[rule]]\ndo = \"delay\"\n", "{\"rule\":[\n{\"do\":\"delay\"}]}", ":2: delay: is missing"},
		"endless delay": {
			"[[rule]]\ndo = \"silent\"\n[[rule]]\ndo = \"late\"\ndelay = \"25h\"\n",
			"{\"rule\":[\n{\"do\":\"silent\"},\n{\"do\":\"late\",\n\n\"delay\":\"25h\"}]}", ":5: delay: is not between",
		},
		"wrong type":  {"[[rule]]\ndo = 7\n", "{\"rule\":[\n{\"do\":7}]}", ":2: do"},
		"wrong kind":  {"[[rule]]\nkind = \"sail\"\ndo = \"silent\"", "{\"rule\":[\n{\"kind\":\"sail\",\"do\":\"silent\"}]}", ":2: kind: \"sail\" is none"},
		"wrong mti":   {"[[rule]]\nmti = \"02\"\ndo = \"silent\"", "{\"rule\":[\n{\"mti\":\"02\",\"do\":\"silent\"}]}", ":2: mti: "},
		"wrong trace": {"[[rule]]\ntrace = \"1\"\ndo = \"silent\"", "{\"rule\":[\n{\"trace\":\"1\",\"do\":\"silent\"}]}", ":2: trace: "},
		"no luck":     {"[[rule]]\nprobability = 2.0\ndo = \"silent\"", "{\"rule\":[\n{\"probability\":2,\"do\":\"silent\"}]}", ":2: probability: "},
		"syntax":      {"[[rule]]\ndo = \n", "{\"rule\":[\n{\"do\"}]}", ":2: "},
	} {
		t.Run(name, func(t *testing.T) {
			for _, form := range []struct {
				parse func(string, []byte) ([]Rule, error)
				text  string
			}{{ParseRules, c.toml}, {ParseRulesJSON, c.json}} {
				if _, err := form.parse("rules", []byte(form.text)); err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%q gives %v, want an error with %q", form.text, err, c.says)
				}
			}
		})
	}
}

func TestRulesThatDoNotFitTheHostAreRefused(t *testing.T) {
	d, err := iso8583.Preset("unionpay")
	if err != nil {
		t.Fatal(err)
	}
	for text, says := range map[string]string{
		"[[rule]]\nterminal = \"1\"\ndo = \"silent\"":            "rules:1: terminal: \"1\" is none of the host's terminals",
		"[[rule]]\ndo = \"decline\"\ncode = \"abc\"":             "code: \"abc\": the answer codes of dialect unionpay have 2",
		"[[rule]]\nkind = \"balance-reversal\"\ndo = \"silent\"": "kind: ",
		"[[rule]]\nkind = \"refund-reversal\"\ndo = \"silent\"":  "kind: in dialect unionpay nothing reverses a refund",
		"[[rule]]\ndo = \"ask\"\ncode = \"33\"":                  "code: is not one digit",
		"[[rule]]\ndo = \"reverse-code\"\ncode = \"9\"":          "code: ",
	} {
		rules, err := ParseRules("rules", []byte(text))
		if err == nil {
			_, err = New(Options{Dialect: d, TMK: make([]byte, 16), Terminals: []Terminal{{ID: "10000001", Merchant: "898000000000001"}}, Rules: rules})
		}
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q gives %v, want an error with %q", text, err, says)
		}
	}
}

func TestLuckIsTheSameForTheSameSeed(t *testing.T) {
	draw := func(seed int64) (hits []int) {
		s, err := newRuleSet([]Rule{{Do: Silent, Probability: 0.1}}, grounds{seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 2000 {
			if s.pick(&request{mti: "0200", terminal: "1", trace: strconv.Itoa(i % 1000)}).Do != "" {
				hits = append(hits, i)
			}
		}
		return hits
	}
	if a, b, c := draw(7), draw(7), draw(8); !slices.Equal(a, b) || slices.Equal(a, c) || len(a) < 150 || len(a) > 250 {
		t.Errorf("of 2000 messages %d are hit, %d with the same seed, %d with another", len(a), len(b), len(c))
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
