package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// saleJSON is a sale with everything in it that must not be shown, and a data object (57) that holds a track.
const saleJSON = `{"tpdu":"6000030000","header":"602200000000","mti":"0200","fields":{"2":"4111111111111111","3":"000000","4":"000000012345",` +
	`"11":"000123","35":"4111111111111111D30122011234567","41":"10000001","42":"898000000000001","52":"hex:1122334455667788",` +
	`"55":"hex:9F2608A1B2C3D4E5F6071857104111111111111111D30122011234567F9F2701809F0206000000012345","60":"22000001000600000",` +
	`"63":"中国银联","64":"hex:3132333435363738"}}`

func encoded(t *testing.T, text string) string {
	t.Helper()
	out, complaint, code := bench(t, text, "iso", "encode", "-")
	if code != success {
		t.Fatal(complaint)
	}
	return strings.TrimSpace(out)
}

// mustMask looks for what no output may show: seven digits of the card in a row, the track's tail, the PIN block.
func mustMask(t *testing.T, out string) {
	t.Helper()
	plain := strings.ReplaceAll(out, " ", "")
	for _, secret := range []string{"1111111", "D3012", "1234567", "11223344"} {
		if strings.Contains(plain, secret) {
			t.Errorf("shows %s:\n%s", secret, out)
		}
	}
}

func TestTableShowsWhatIsInsideOfFields(t *testing.T) {
	out, complaint, code := bench(t, "", "iso", "decode", encoded(t, saleJSON))
	if code != success || complaint != "" {
		t.Fatal(complaint)
	}
	for _, want := range []string{
		"(42 bytes)", "  9F26  application cryptogram", "hex:A1B2C3D4E5F60718", "  57  track 2 equivalent", "411111******1111D*",
		"  2  batch", " 000001\n", "中国银联",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
	mustMask(t, out)
	out, _, _ = bench(t, "", "iso", "decode", "--reveal", encoded(t, saleJSON))
	if !strings.Contains(out, "4111111111111111D30122011234567") {
		t.Errorf("revealed:\n%s", out)
	}
}

func TestBrokenChipDataIsSaidAndTheRestShown(t *testing.T) {
	in := `{"mti":"0200","fields":{"11":"000123","55":"hex:9F2608A1B2C3D4E5F607189F27"}}`
	out, _, code := bench(t, "", "iso", "decode", encoded(t, in))
	if code != success || !strings.Contains(out, "9F26") || !strings.Contains(out, "not as the dialect has it: 55") {
		t.Errorf("exit %d:\n%s", code, out)
	}
}

func TestJSONHasPartsWhenAskedFor(t *testing.T) {
	out, _, _ := bench(t, "", "iso", "decode", "--json", "--parts", encoded(t, saleJSON))
	var got struct {
		Fields, Parts map[string]string
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if got.Parts["60.2"] != "000001" || got.Parts["55.9F27"] != "hex:80" || got.Fields["60"] != "22000001000600000" {
		t.Errorf("got %s", out)
	}
	mustMask(t, out)
}

func TestRulerNamesEveryByteOnce(t *testing.T) {
	packed := encoded(t, saleJSON) + "4142"
	for _, args := range [][]string{{packed}, {packed[4:]}, {"--reveal", packed}} {
		out, _, code := bench(t, "", append([]string{"iso", "decode", "--ruler"}, args...)...)
		if code != success {
			t.Fatalf("exit %d", code)
		}
		var digits strings.Builder
		for line := range strings.Lines(out) {
			if row, ok := strings.CutPrefix(line, "0"); ok {
				digits.WriteString(strings.NewReplacer(" ", "", "|", "").Replace(strings.TrimSpace(row[7:min(len(row), 56)])))
			}
		}
		got, want := digits.String(), args[len(args)-1]
		if len(got) != len(want) {
			t.Fatalf("%d digits of %d:\n%s", len(got), len(want), out)
		}
		for i := range got {
			if got[i] != want[i] && got[i] != '*' {
				t.Fatalf("digit %d is %c, want %c:\n%s", i, got[i], want[i], out)
			}
		}
		if revealed := args[0] == "--reveal"; revealed == strings.Contains(got, "*") {
			t.Errorf("%v:\n%s", args[:len(args)-1], out)
		} else if !revealed {
			mustMask(t, got)
		}
		for _, want := range []string{"TPDU", "header", "MTI 0200", "bitmap 2 3 4 11", "16|41 11 11 ", "2 card number", "00 17|22", "after the last field"} {
			if !strings.Contains(out, want) {
				t.Errorf("lacks %q:\n%s", want, out)
			}
		}
	}
}

func TestFieldIsEncodedFromItsParts(t *testing.T) {
	whole := encoded(t, `{"mti":"0200","fields":{"11":"000123","55":"hex:9F02060000000001009F270180","60":"22000001000"}}`)
	parts := encoded(t, `{"mti":"0200","fields":{"11":"000123","55.9F27":"hex:80","55.9F02":"000000000100","60.3":"000","60.2":"000001","60.1":"22"}}`)
	if parts != whole {
		t.Errorf("got  %s\nwant %s", parts, whole)
	}
	for in, want := range map[string]string{
		`{"mti":"0200","fields":{"55.57":"4111****1111"}}`:    "55.57: is masked",
		`{"mti":"0200","fields":{"55.9F26":"hex:**"}}`:        "55.9F26: is masked",
		`{"mti":"0200","fields":{"39.1":"00"}}`:               "39",
		`{"mti":"0200","fields":{"60.2":"letters"}}`:          "60.2",
		`{"mti":"0200","fields":{"55.9F26":17,"11":"00001"}}`: "values are strings",
	} {
		_, complaint, code := bench(t, in, "iso", "encode", "-")
		if code != problem || !strings.Contains(complaint, want) || strings.Contains(complaint, "letters") {
			t.Errorf("%s: exit %d, %s", in, code, complaint)
		}
	}
}

func TestDiffNamesPathsAndMasks(t *testing.T) {
	other := strings.NewReplacer(`"000000012345"`, `"000000012346"`, `"4111111111111111"`, `"4111111111121111"`, `9F270180`, "", "22000001", "22000002",
		`"63":"中国银联",`, `"37":"104010000123",`).Replace(saleJSON)
	a, b := filepath.Join(t.TempDir(), "a.txt"), filepath.Join(t.TempDir(), "b.json")
	for name, text := range map[string]string{a: encoded(t, saleJSON), b: other} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, complaint, code := bench(t, "", "iso", "diff", a, b)
	if code != problem || !strings.Contains(complaint, "differ") {
		t.Errorf("exit %d, %s", code, complaint)
	}
	for _, want := range []string{
		"only in A\n  55.9F27", "  63 ", "only in B\n  37 ", "differs\n  2 ", "they differ in what is masked", "A: 000000012345", "B: 000000012346", "  60.2 ", "same: 19\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
	mustMask(t, out)
	text, _, code := bench(t, "", "iso", "diff", "--json", a, b)
	var got struct {
		OnlyA   []struct{ Path, Value string } `json:"only_a"`
		OnlyB   []struct{ Path, Value string } `json:"only_b"`
		Differs []struct{ Path, A, B string }
		Same    int
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil || code != problem {
		t.Fatalf("exit %d, %v", code, err)
	}
	if len(got.OnlyA) != 2 || len(got.OnlyB) != 1 || len(got.Differs) != 3 || got.Differs[1].B != "000000012346" || got.Same != 19 {
		t.Errorf("got %s", text)
	}
	mustMask(t, text)
}

func TestDiffOfTheSameIsEmpty(t *testing.T) {
	packed := encoded(t, saleJSON)
	out, complaint, code := bench(t, saleJSON, "iso", "diff", "--dialect-b", "unionpay", packed, "-")
	if code != success || complaint != "" || strings.Contains(out, "differs") || strings.Contains(out, "only") {
		t.Errorf("exit %d, %s\n%s", code, complaint, out)
	}
}

func TestDiffTellsAnotherOrderOfParts(t *testing.T) {
	in := func(chip string) string {
		return encoded(t, `{"mti":"0200","fields":{"11":"000123","55":"hex:`+chip+`"}}`)
	}
	out, _, code := bench(t, "", "iso", "diff", in("9F2701809C0100"), in("9C01009F270180"))
	if code != problem || !strings.Contains(out, "their order") {
		t.Errorf("exit %d\n%s", code, out)
	}
}

func TestDiffSaysWhichMessageIsBroken(t *testing.T) {
	packed := encoded(t, saleJSON)
	_, complaint, code := bench(t, "", "iso", "diff", packed, packed[:60])
	if code != problem || !strings.Contains(complaint, "B: ") {
		t.Errorf("exit %d, %s", code, complaint)
	}
}
