package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// signOnReply is a public sample (iso8583/testdata names its source).
const signOnReply = "007960000001386131003111080810003800010AC0001450021122130107200800085500323231333031343931333239303039393939393930363030313433303137303131393939390011000005190030004046F161A743497B32EAC760DF5EA57DF5900ECCE3977731A7EA402DDF0000000000000000CFF1592A"

// bench runs a command line and gives what it printed.
func bench(t *testing.T, in string, args ...string) (out, complaint string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = hwtest(t.Context(), &globals{In: strings.NewReader(in), Out: &stdout, Err: &stderr}, args)
	return stdout.String(), stderr.String(), code
}

// full is an output that takes a few bytes and then no more.
type full struct{ room int }

func (f *full) Write(b []byte) (int, error) {
	n := min(f.room, len(b))
	if f.room -= n; n < len(b) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

func TestAnOutputThatCannotBeWrittenEndsWith1(t *testing.T) {
	for _, line := range []string{"iso decode --dialect unionpay -", "iso decode --dialect unionpay --json -", "iso dialects", "list", "wallet analyse --codes 10"} {
		for _, room := range []int{0, 10} {
			var errs bytes.Buffer
			code := hwtest(t.Context(), &globals{In: strings.NewReader(signOnReply), Out: &full{room}, Err: &errs}, strings.Fields(line))
			if code != problem || !strings.HasPrefix(errs.String(), "hwtest ") || strings.Count(errs.String(), "no space left on device") != 1 {
				t.Errorf("%s: exit code %d, %s", line, code, errs.String())
			}
		}
	}
}

func TestEncodeRefusesAFieldOrPartThatComesTwice(t *testing.T) {
	for in, want := range map[string]string{
		`{"mti":"0200","fields":{"3":"000000","3":"111111"}}`:             `fields: "3" comes twice`,
		`{"mti":"0200","fields":{"03":"000000","3":"111111"}}`:            `F3: its key is written in another way`,
		`{"mti":"0200","fields":{"3":"000000","60.1":"22","60.1":"23"}}`:  `fields: "60.1" comes twice`,
		`{"mti":"0200","fields":{"3":"000000","3":"111111","60.1":"22"}}`: `fields: "3" comes twice`,
		`{"mti":"0200","fields":{"3":"000000"},"fields":{"60.1":"22"}}`:   `json: "fields" comes twice`,
	} {
		if _, complaint, code := bench(t, in, "iso", "encode", "--dialect", "unionpay", "-"); code != problem || !strings.Contains(complaint, want) {
			t.Errorf("%s: exit %d, %s", in, code, complaint)
		}
	}
}

func TestDecodedMessageEncodesToTheSameHex(t *testing.T) {
	spaced := signOnReply[:40] + " " + signOnReply[40:60] + "\n" + signOnReply[60:]
	for name, in := range map[string]string{
		"framed": signOnReply, "with spaces": spaced, "bare": signOnReply[4:], "lower case": strings.ToLower(signOnReply),
		"padded with F": "0019" + "6000030000602200000000" + "0810" + "0000000000000010" + "0003" + "123F",
	} {
		t.Run(name, func(t *testing.T) {
			text, complaint, code := bench(t, in, "iso", "decode", "--dialect", "unionpay", "--json", "--reveal", "-")
			if code != success || complaint != "" {
				t.Fatalf("exit %d, %s", code, complaint)
			}
			file := filepath.Join(t.TempDir(), "m.json")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, complaint, code := bench(t, "", "iso", "encode", "--dialect", "unionpay", file)
			want := strings.ToUpper(strings.NewReplacer(" ", "", "\n", "").Replace(in))
			if name == "bare" {
				want = signOnReply[:4] + want
			}
			if code != success || strings.TrimSpace(got) != want {
				t.Errorf("exit %d, %s\n got %swant %s", code, complaint, got, want)
			}
		})
	}
}

func TestDecodePrintsTheAgreedKeys(t *testing.T) {
	text, _, _ := bench(t, "", "iso", "decode", "--json", signOnReply)
	var got map[string]any
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	fields, _ := got["fields"].(map[string]any)
	if len(got) != 5 || got["tpdu"] != "6000000138" || got["header"] != "613100311108" || got["mti"] != "0810" ||
		got["trailing_bytes"] != 0.0 || fields["60"] != "00000519003" || fields["39"] != "00" {
		t.Errorf("got %s", text)
	}
}

func TestDecodeMasksCardsUnlessAskedTo(t *testing.T) {
	in := `{"tpdu":"6000030000","header":"602200000000","mti":"0200","fields":{"2":"4111111111111111","35":"4111111111111111D3012","52":"hex:1122334455667788"}}`
	packed, complaint, code := bench(t, in, "iso", "encode", "--no-length", "-")
	if code != success {
		t.Fatal(complaint)
	}
	for _, c := range []struct {
		args []string
		seen bool
	}{
		{[]string{"iso", "decode", strings.TrimSpace(packed)}, false},
		{[]string{"iso", "decode", "--json", strings.TrimSpace(packed)}, false},
		{[]string{"iso", "decode", "--json", "--reveal", strings.TrimSpace(packed)}, true},
	} {
		out, _, _ := bench(t, "", c.args...)
		if strings.Contains(out, "4111111111111111") != c.seen || strings.Contains(out, "1122334455667788") != c.seen {
			t.Errorf("%v: %s", c.args[:len(c.args)-1], out)
		}
	}
}

func TestTableTellsWhatATechnicianAsks(t *testing.T) {
	out, _, _ := bench(t, "", "iso", "decode", signOnReply)
	for _, want := range []string{"0810  network management answer", "6000000138", "answer code 应答码", "approved -> approve", "00000519003"} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
}

func TestWrongLengthPrefixAndTailAreSaid(t *testing.T) {
	out, complaint, code := bench(t, "", "iso", "decode", "--json", "0070"+signOnReply[4:])
	if code != success || !strings.Contains(complaint, "length prefix") || !strings.Contains(out, `"trailing_bytes":0`) {
		t.Errorf("wrong prefix: exit %d, %s%s", code, complaint, out)
	}
	out, _, code = bench(t, "", "iso", "decode", "--json", signOnReply+"0000")
	if code != success || !strings.Contains(out, `"trailing_bytes":2`) {
		t.Errorf("tail: exit %d, %s", code, out)
	}
}

func TestBrokenInputGivesOneClearError(t *testing.T) {
	dialect := filepath.Join(t.TempDir(), "d.toml")
	if err := os.WriteFile(dialect, []byte("name = \"d\"\n[fields]\n2 = { format = \"x\" }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		says string
		code int
	}{
		"cut":             {[]string{"iso", "decode", signOnReply[:200]}, "F62", problem},
		"odd digits":      {[]string{"iso", "decode", "004"}, "hex digits", problem},
		"nothing":         {[]string{"iso", "decode"}, "no hex digits", problem},
		"unknown dialect": {[]string{"iso", "decode", "--dialect", "unionbay", "00"}, "unionpay", problem},
		"broken dialect":  {[]string{"iso", "decode", "--dialect", dialect, "00"}, "d.toml:3: fields.2.format", problem},
		"no file":         {[]string{"iso", "encode", "nothing.json"}, "nothing.json", problem},
		"no key":          {[]string{"iso", "mac", "00"}, "--key", usageError},
		"short key":       {[]string{"iso", "mac", "--key", "00", "00"}, "key of 1 bytes", problem},
		"unknown verb":    {[]string{"iso", "encrypt"}, "encrypt", usageError},
	} {
		out, complaint, code := bench(t, "", c.args...)
		if code != c.code || out != "" || !strings.Contains(complaint, c.says) {
			t.Errorf("%s: exit %d, %q, %q", name, code, out, complaint)
		}
	}
}

func TestDialectsAreListed(t *testing.T) {
	if out, _, code := bench(t, "", "iso", "dialects"); code != success || !strings.Contains(out, "unionpay") {
		t.Errorf("exit %d, %s", code, out)
	}
}
