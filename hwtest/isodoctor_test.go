package main

import (
	"strings"
	"testing"
)

// signOnFrame is a public sample without card data (Ajsgn/Java8583, QuickStart).
const signOnFrame = "0041600000000060220000000008000038000000C000120001721705100510353030383030303133303933313030383339383530303800110000017200300003435550"

func examination(t *testing.T, in string, args ...string) string {
	t.Helper()
	out, complaint, code := bench(t, in, args...)
	if code != 0 {
		t.Fatalf("%v: exit %d: %s", args, code, complaint)
	}
	return out
}

func TestDoctorSaysWhichDialectFitsAndWhyTheOthersDoNot(t *testing.T) {
	out := examination(t, "", "iso", "doctor", signOnFrame)
	if !strings.HasPrefix(out, "fits unionpay") {
		t.Errorf("got %q", out)
	}
	for _, other := range []string{"iso87-ascii", "iso87-bcd", "iso87-ebcdic", "iso93-ascii", "postilion"} {
		if !strings.Contains(out, "  "+other) {
			t.Errorf("%s is not told of:\n%s", other, out)
		}
	}
}

func TestDoctorNamesFaults(t *testing.T) {
	bare := signOnFrame[4:]
	for name, c := range map[string]struct{ hex, want string }{
		"self-inclusive length": {"0043" + bare, "self-inclusive length"},
		"BCD length":            {"0065" + bare, "BCD length read as binary"},
		"stray bytes":           {signOnFrame + "0D0A", "stray trailing bytes"},
		"no TPDU":               {"003C" + bare[10:], "TPDU missing"},
		"two TPDUs":             {"0046" + bare[:10] + bare, "TPDU doubled"},
		"odd hex":               {signOnFrame[:60] + signOnFrame[61:], "odd hex"},
		"ASCII bitmap":          {bare[:26] + "30303338303030303030433030303132" + bare[42:], "ASCII bitmap where binary was expected"},
	} {
		t.Run(name, func(t *testing.T) {
			out := examination(t, "", "iso", "doctor", c.hex)
			if first, _, _ := strings.Cut(out, "\n"); !strings.Contains(first, c.want) {
				t.Errorf("got %q, want %q in its first line", out, c.want)
			}
			if out := examination(t, c.hex, "iso", "doctor", "--json"); !strings.Contains(out, `"fault": "`+c.want) {
				t.Errorf("JSON: got %s", out)
			}
		})
	}
}

func TestDoctorNamesTheRightPreset(t *testing.T) {
	out := examination(t, "", "iso", "doctor", "--dialect", "iso87-ascii", signOnFrame)
	if !strings.HasPrefix(out, "wrong preset") || !strings.Contains(out, "unionpay") {
		t.Errorf("got %q", out)
	}
}

// bareASCII is an echo of iso87-ascii whose bitmap is binary, so that it is a message of postilion as well.
const bareASCII = "30383030" + "8220000000C00000" + "0400000000000000" + "31313232313031353330" + "303030303031" +
	"3130303030303031" + "383938303030303030303030303031" + "333031"

func TestDoctorNamesTheFaultOfTheDialectThatWasAskedFor(t *testing.T) {
	out := examination(t, "", "iso", "doctor", "--dialect", "iso87-ascii", bareASCII)
	if !strings.HasPrefix(out, "iso87-ascii: binary bitmap where hex text was expected") || !strings.Contains(out, "\nor wrong preset") ||
		!strings.Contains(out, "  postilion      fits\n") {
		t.Errorf("got %s", out)
	}
}

func TestDoctorReadsLogs(t *testing.T) {
	for name, in := range map[string]string{
		"a log":              "10:15:30 send: " + signOnFrame + "\n",
		"a log, a digit off": "10:15:30 send: " + signOnFrame[:61] + signOnFrame[62:] + " ok\n",
	} {
		out := examination(t, in, "iso", "doctor")
		if !strings.HasPrefix(out, "fits unionpay") && !strings.HasPrefix(out, "unionpay: odd hex") {
			t.Errorf("%s: got %s", name, out)
		}
	}
}
