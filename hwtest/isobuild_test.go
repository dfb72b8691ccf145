package main

import (
	"strings"
	"testing"
	"time"

	"posd/iso8583"
)

// isoBuilt is what iso build prints; it must be without complaint.
func isoBuilt(t *testing.T, args ...string) string {
	t.Helper()
	out, complaint, code := bench(t, "", append([]string{"iso", "build"}, args...)...)
	if code != success || complaint != "" {
		t.Fatalf("%v: exit %d, %s", args, code, complaint)
	}
	return strings.TrimSpace(out)
}

func TestEveryTransactionOfEveryPresetIsBuiltOfSamples(t *testing.T) {
	for _, name := range iso8583.Presets() {
		d, err := iso8583.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, transaction := range d.Transactions() {
			args := []string{"--dialect", name, transaction}
			if d.ReversalNeeds(transaction) != nil {
				isoBuilt(t, append(args, "--reversal")...)
			}
			if !strings.HasPrefix(isoBuilt(t, args...), `{"tpdu":`) {
				t.Errorf("%v prints no message", args)
			}
			isoBuilt(t, append(args, "--list")...)
		}
	}
}

func TestBuiltMessageIsWhatEncodeAndDecodeMakeOfIt(t *testing.T) {
	values := []string{"amount=000000001999", "trace=000123", "track2=6228480000000000003D30121010000000"}
	text, frame := isoBuilt(t, append([]string{"sale"}, values...)...), isoBuilt(t, append([]string{"--hex", "sale"}, values...)...)
	if out, _, _ := bench(t, text, "iso", "encode", "-"); strings.TrimSpace(out) != frame {
		t.Errorf("encode makes\n%s, --hex\n%s", out, frame)
	}
	if out, _, _ := bench(t, frame, "iso", "decode", "--json", "--reveal", "-"); strings.TrimSpace(out) != text {
		t.Errorf("decode makes\n%s, build\n%s", out, text)
	}
	for _, part := range []string{`"4":"000000001999"`, `"11":"000123"`, `"35":"6228480000000000003D30121010000000"`} {
		if !strings.Contains(text, part) {
			t.Errorf("lacks %s: %s", part, text)
		}
	}
}

func TestFieldsAndPartsMayBeGivenInsteadOfPlaceholders(t *testing.T) {
	out := isoBuilt(t, "sale", "25=06", "60.2=000777")
	if !strings.Contains(out, `"25":"06"`) || !strings.Contains(out, `"60":"22000777`) {
		t.Errorf("got %s", out)
	}
}

func TestSamplesFitEachOther(t *testing.T) {
	now := time.Date(2026, 11, 22, 19, 38, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		said map[string]string
		want iso8583.VarMap
	}{
		{"sale", nil, iso8583.VarMap{"pan": "4111111111111111", "track2": "4111111111111111D30121010000000", "year": "26", "date": "1122", "time": "193800"}},
		{"sale", map[string]string{"pan": "6228480000000000003"}, iso8583.VarMap{"track2": "6228480000000000003D30121010000000"}},
		{"sale", map[string]string{"track2": "6228480000000000003=3012"}, iso8583.VarMap{"pan": "6228480000000000003"}},
		{"void", map[string]string{"amount": "000000000700", "original.trace": "000009"}, iso8583.VarMap{"amount.original": "000000000700", "original.trace": "000009", "original.kind": "sale"}},
		{"completion-void", nil, iso8583.VarMap{"original.kind": "completion"}},
	} {
		got := sampleValues(c.name, now, c.said)
		for key, value := range c.want {
			if got[key] != value {
				t.Errorf("%s %v: {%s} is %s, want %s", c.name, c.said, key, got[key], value)
			}
		}
	}
}

func TestBuildRefusesAReasonThatTheDialectHasNot(t *testing.T) {
	for _, reason := range []string{"bad-mac", "98", ""} {
		_, complaint, code := bench(t, "", "iso", "build", "--reversal", "sale", "reason="+reason)
		if want := `dialect unionpay has no reason "` + reason + `"; it has: bad_mac, no_answer, other`; code != problem || !strings.Contains(complaint, want) {
			t.Errorf("exit %d, %s, want %s", code, complaint, want)
		}
	}
	if _, complaint, code := bench(t, "", "iso", "build", "--reversal", "sale", "reason=bad_mac"); code != success {
		t.Errorf("exit %d, %s", code, complaint)
	}
}

func TestBuildSaysWhatItDoesNotKnow(t *testing.T) {
	for says, args := range map[string][]string{
		`no transaction "sail"; it has: balance, `: {"sail"},
		"nothing reverses echo":                    {"--reversal", "echo"},
		"no placeholder {pin}; it has: amount ":    {"sale", "pin=1234"},
		"values are written key=value":             {"sale", "622848"},
		"F4: length 3, 12 wanted":                  {"sale", "amount=700"},
		"F11: ":                                    {"echo", "11=abcdef"},
	} {
		out, complaint, code := bench(t, "", append([]string{"iso", "build"}, args...)...)
		if code != problem || out != "" || !strings.Contains(complaint, says) || strings.Contains(complaint, "622848") {
			t.Errorf("%v: exit %d, %s%s; want %q", args, code, out, complaint, says)
		}
	}
}
