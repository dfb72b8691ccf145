package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// logged writes rows as a log does that has a margin before each.
func logged(raw []byte, margin string, row func(at int, b []byte) string) string {
	return dump(raw, func(at int, b []byte) string { return fmt.Sprintf(margin, at/16) + row(at, b) }, "")
}

func TestMessagesInLogsAreRead(t *testing.T) {
	raw := mustHex(t, signOnReply)
	pairs := func(_ int, b []byte) string { return words(b, 1, " ") }
	hexdump := func(at int, b []byte) string {
		return fmt.Sprintf("%08x  %-48s  |%s|", at, words(b, 1, " "), printable(b))
	}
	var signed []string
	for _, c := range raw {
		signed = append(signed, fmt.Sprint(int8(c)))
	}
	gbk, err := simplifiedchinese.GBK.NewEncoder().String("发送报文: " + words(raw, 1, " ") + "\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]string{
		"a line":                  "2025-11-22 10:15:30.123 DEBUG send: " + signOnReply + "\n",
		"the longer of two lines": "10:15:30 send: " + signOnReply[:60] + "\n10:15:31 recv: " + signOnReply + "\n",
		"times only":              "10:15:30.001 " + signOnReply,
		"brackets":                "RX <- [" + words(raw, 1, "-") + "] ok",
		"XML":                     `<log><send hex="` + signOnReply + `"/></log>`,
		"JSON":                    `{"time":"2025-11-22T10:15:30Z","hex":"` + strings.ToLower(signOnReply) + `","len":123}`,
		"numbered lines":          logged(raw, "%d: ", pairs),
		"numbered by an editor":   logged(raw, "%3d\t", pairs),
		"syslog":                  logged(raw, "Nov 22 10:15:3%d till posd[812]: ", pairs),
		"a dump behind times":     logged(raw, "[10:15:3%d] ", hexdump),
		"a dump behind words":     logged(raw, "10:15:3%d [main] ", hexdump),
		"a dump between lines":    "10:15:30 INFO sending 123 bytes\n" + dump(raw, hexdump, "") + "10:15:31 INFO done\n",
		"Java":                    "byte[] b = { (byte)0x" + words(raw, 1, ", (byte)0x") + " };",
		"Java, decimal":           "[" + strings.Join(signed, ", ") + "]",
		"Go, decimal":             fmt.Sprint(raw),
		"Go, quoted":              `"` + escapedLikePython(raw) + `"`,
		"Python":                  "b'" + escapedLikePython(raw) + "'",
		"GBK":                     gbk,
		"PowerShell":              utf16Text("send " + signOnReply + "\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := parseHex([]byte(in))
			if err != nil || !bytes.Equal(got, raw) {
				t.Errorf("%v\n%s\ngot  %X\nwant %X", err, in, got, raw)
			}
		})
	}
}

// escapedLikePython writes printable bytes as they are and the others with \x.
func escapedLikePython(raw []byte) string {
	var out strings.Builder
	for _, c := range raw {
		switch {
		case c == '\'' || c == '"' || c == '\\':
			out.WriteString(`\` + string(c))
		case c == '\n':
			out.WriteString(`\n`)
		case c < ' ' || c > '~':
			fmt.Fprintf(&out, `\x%02x`, c)
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

func utf16Text(s string) string {
	out := []byte{0xFF, 0xFE}
	for _, w := range utf16.Encode([]rune(s)) {
		out = binary.LittleEndian.AppendUint16(out, w)
	}
	return string(out)
}

func TestWhatIsNoLogIsLeftAlone(t *testing.T) {
	for in, want := range map[string]string{
		"00 79\n01 79 60":         "0079017960",   // two lines that begin with 00 and 01
		"0 8 0 0":                 "0800",         // hex digits with a space behind each
		"08 00 20 20 00 00":       "080020200000", // all digits, and no decimal list
		"30:15:30 00":             "30153000",     // no time
		"10 15 20 25 30 35 40 45": "1015202530354045",
	} {
		if got, note, err := parseHex([]byte(in)); err != nil || fmt.Sprintf("%X", got) != want {
			t.Errorf("%q: got %X, %v, note %q", in, got, err, note)
		}
	}
	for _, in := range []string{"deadline at noon", "10:15:30 DEBUG nothing was sent"} {
		if got, _, err := parseHex([]byte(in)); err == nil {
			t.Errorf("%q: got %X", in, got)
		}
	}
}

func TestWhatIsNoMessageIsSaidInOneLine(t *testing.T) {
	dir := t.TempDir()
	big := filepath.Join(dir, "big.bin")
	if err := os.WriteFile(big, make([]byte, maxInput+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ arg, want string }{
		{dir, "is a directory"},
		{filepath.Join(dir, "none"), "there is no file"},
		{"none.txt", "there is no file none.txt"},
		{big, "more than"},
		{signOnReply[:100] + "0", "hwtest iso doctor finds where"},
		{signOnReply[:140], "probably: message cut short"},
	} {
		if out, complaint, code := bench(t, "", "iso", "decode", c.arg); code != problem || out != "" || !strings.Contains(complaint, c.want) {
			t.Errorf("%s: exit %d, %q %q, want %s", c.arg, code, out, complaint, c.want)
		}
	}
	_, complaint, _ := bench(t, "", "iso", "decode", "--dialect", "iso93-ascii", signOnReply)
	if !strings.Contains(complaint, "one of unionpay: --dialect unionpay") {
		t.Errorf("wrong preset: %s", complaint)
	}
}

func TestMACAndKeysReadWhatDecodeReads(t *testing.T) {
	raw := mustHex(t, signOnReply)
	trace := filepath.Join(t.TempDir(), "trace.txt")
	text := logged(raw, "[10:15:3%d] ", func(at int, b []byte) string { return fmt.Sprintf("%04x  %s", at, words(b, 1, " ")) })
	if err := os.WriteFile(trace, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, complaint, code := bench(t, "", "iso", "keys", "--tmk", "258FB0AB70D025CDB99DF2C4D302D646", "--dialect", "unionpay", trace)
	if code != success || !strings.Contains(out, "fits") {
		t.Errorf("keys: exit %d, %s%s", code, out, complaint)
	}
	_, complaint, _ = bench(t, "", "iso", "mac", "--key", testMAK, "--dialect", "unionpay", trace)
	if !strings.Contains(complaint, "field 64 is not in its bitmap") {
		t.Errorf("mac: %s", complaint)
	}
	_, complaint, _ = bench(t, "", "iso", "mac", "--key", testMAK, "--dialect", "iso87-ascii", trace)
	if !strings.Contains(complaint, "one of unionpay") {
		t.Errorf("mac, wrong preset: %s", complaint)
	}
}

func TestEncodeTakesJSONAsItIs(t *testing.T) {
	out, complaint, code := bench(t, "", "iso", "encode", echoJSON)
	if code != success || !strings.HasPrefix(out, "00") {
		t.Errorf("exit %d, %s%s", code, out, complaint)
	}
	for in, want := range map[string]string{"": "nothing to encode", signOnReply: "hex already", "a sale of 10": "neither JSON"} {
		if _, complaint, code := bench(t, in, "iso", "encode", "-"); code != problem || !strings.Contains(complaint, want) {
			t.Errorf("%q: exit %d, %s", in, code, complaint)
		}
	}
}
