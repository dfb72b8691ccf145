package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// printable is the text column of a dump.
func printable(b []byte) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '.'
		}
		return r
	}, string(bytes.ToValidUTF8(bytes.Map(func(r rune) rune {
		if r > '~' {
			return '.'
		}
		return r
	}, b), []byte("."))))
}

// dump writes b in lines of 16 as line says; what comes after the last is said by end.
func dump(b []byte, line func(offset int, row []byte) string, end string) string {
	var out strings.Builder
	for at := 0; at < len(b); at += 16 {
		out.WriteString(line(at, b[at:min(at+16, len(b))]) + "\n")
	}
	if end != "" {
		fmt.Fprintf(&out, end+"\n", len(b))
	}
	return out.String()
}

// words writes bytes in groups of so many.
func words(b []byte, size int, gap string) string {
	var groups []string
	for i := 0; i < len(b); i += size {
		groups = append(groups, hex.EncodeToString(b[i:min(i+size, len(b))]))
	}
	return strings.Join(groups, gap)
}

func TestEverythingThatIsPastedIsRead(t *testing.T) {
	raw, err := hex.DecodeString(signOnReply)
	if err != nil {
		t.Fatal(err)
	}
	half := func(row []byte) string { // a gap after eight bytes
		return words(row[:min(8, len(row))], 1, " ") + "  " + words(row[min(8, len(row)):], 1, " ")
	}
	frame := append(mustHex(t, "0050569A12340050569A5678 0800 4500 00A3 0000 4000 4006 0000 C0A80001 C0A80002 2710 1388 00000001 00000001 5018 FFFF 0000 0000"), raw...)
	for name, in := range map[string]string{
		"in pairs":           words(raw, 1, " "),
		"colons":             words(raw, 1, ":"),
		"in one line":        signOnReply,
		"lines of no offset": words(raw, 2, "\n"),
		"0x":                 "0x" + words(raw, 1, " 0x"),
		"one 0x":             "0x" + signOnReply,
		`\x`:                 `"\x` + words(raw, 1, `\x`) + `"`,
		"C":                  "unsigned char message[] = {\n  0x" + words(raw, 1, ", 0x") + "\n};\n",
		"Go":                 fmt.Sprintf("%#v", raw),
		"Windows lines":      strings.ReplaceAll(words(raw, 4, "\n"), "\n", "\r\n"),
		"xxd": dump(raw, func(at int, row []byte) string {
			return fmt.Sprintf("%08x: %-39s  %s", at, words(row, 2, " "), printable(row))
		}, ""),
		"xxd -p": words(raw, 30, "\n"),
		"hexdump -C": dump(raw, func(at int, row []byte) string {
			return fmt.Sprintf("%08x  %-48s  |%s|", at, half(row), printable(row))
		}, "%08x"),
		"hexdump -C, cut": dump(raw, func(at int, row []byte) string {
			return fmt.Sprintf("%08x  %-48s  |%s|", at, half(row), printable(row))
		}, ""),
		"hexdump": dump(raw, func(at int, row []byte) string { return fmt.Sprintf("%07x %s", at, turned(row)) }, "%07x"),
		"od":      dump(raw, func(at int, row []byte) string { return fmt.Sprintf("%07o %s", at, words(row, 1, " ")) }, "%07o"),
		"od -z": dump(raw, func(at int, row []byte) string {
			return fmt.Sprintf("%06x %-47s  >%s<", at, words(row, 1, " "), printable(row))
		}, "%06x"),
		"tcpdump": dump(raw, func(at int, row []byte) string {
			return fmt.Sprintf("\t0x%04x:  %-39s  %s", at, words(row, 2, " "), printable(row))
		}, ""),
		"Wireshark": dump(raw, func(at int, row []byte) string {
			return fmt.Sprintf("%04x   %-47s   %s", at, words(row, 1, " "), printable(row))
		}, ""),
		"Wireshark, a gap":   dump(raw, func(at int, row []byte) string { return fmt.Sprintf("%04x  %-48s  %s", at, half(row), printable(row)) }, ""),
		"Wireshark, no text": dump(raw, func(at int, row []byte) string { return fmt.Sprintf("%04x   %s", at, words(row, 1, " ")) }, ""),
		"a whole frame": dump(frame, func(at int, row []byte) string {
			return fmt.Sprintf("%04x   %-47s   %s", at, words(row, 1, " "), printable(row))
		}, ""),
		"no text at all": string(raw),
	} {
		t.Run(name, func(t *testing.T) {
			got, note, err := parseHex([]byte(in))
			if err != nil || !bytes.Equal(got, raw) {
				t.Errorf("%v\n%s\ngot  %X\nwant %X", err, in, got, raw)
			}
			if isDump := strings.HasPrefix(in, "00000000") || strings.Contains(in, "0000:"); isDump && note == "" {
				t.Error("nothing is said of what was left out")
			}
		})
	}
}

// turned is a row as hexdump without -C writes it: words of 16 bits of a little-endian machine.
func turned(row []byte) string {
	row = append(bytes.Clone(row), make([]byte, len(row)%2)...)
	for i := 0; i < len(row); i += 2 {
		row[i], row[i+1] = row[i+1], row[i]
	}
	return words(row, 2, " ")
}

func mustHex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRowsThatRepeatAreRead(t *testing.T) {
	in := "00000000  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n*\n00000040  01  |.|\n00000041\n"
	got, _, err := parseHex([]byte(in))
	if want := append(make([]byte, 64), 1); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %X, %v", got, err)
	}
}

func TestShortDumpsAreRead(t *testing.T) {
	for in, want := range map[string]string{
		"00000000: 0800 2020                                ..  ":                    "08002020",
		"00000000  08 00 20 20                                       |..  |":         "08002020",
		"0000   30 38 30 30 31 32 33 34                           08001234":          "3038303031323334",
		"0000   30 38 30 30 31 32 33 34 35 36 37 38 39 30 41 42   08001234567890AB":  "30383030313233343536373839304142",
		"0000  30 38 30 30 31 32 33 34  35 36 37 38 39 30 41 42  08001234567890AB":   "30383030313233343536373839304142",
		"0800 2020 0000 0080 0000 1234":                                              "080020200000008000001234",
		"0800 2020\n0804 2020":                                                       "0800202008042020",
		"00000000: 0800 2020 3031 3233 3435 3637 3839 3031  ..  01\n00000010: 41  A": "0800202030313233343536373839303141",
	} {
		if got, _, err := parseHex([]byte(in)); err != nil || hex.EncodeToString(got) != strings.ToLower(want) {
			t.Errorf("%q: got %X, %v", in, got, err)
		}
	}
}

func TestWhatIsNoHexIsNamedByItsPlaceOnly(t *testing.T) {
	for in, want := range map[string]string{
		"0800 20g0":                "line 1, character 8",
		"0800\n\n20 4111x":         "line 3, character 8",
		"{ 0x08, 0x00, zz }":       "line 1, character 15",
		"trace-of-last-monday.txt": "named by its path",
		"080":                      "even",
	} {
		_, _, err := parseHex([]byte(in))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "4111") {
			t.Errorf("%q: %v, want %s", in, err, want)
		}
	}
}

func TestFileIsReadByItsName(t *testing.T) {
	raw, err := hex.DecodeString(signOnReply)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"trace.txt": []byte(signOnReply), "message.bin": raw} {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		out, complaint, code := bench(t, "", "iso", "decode", file)
		if code != success || !strings.Contains(out, "0810") {
			t.Errorf("%s: exit %d, %s", name, code, complaint)
		}
	}
}

// FuzzParseHex holds that a dump gives its bytes back whatever they are, and that no paste ends in a panic.
func FuzzParseHex(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte("\x00\x08 |00| 0x30 *\n00000010: 41"))
	f.Add(bytes.Repeat([]byte("12345678"), 9))
	f.Add([]byte(" 00000000000000000")) // text that begins with a space hides where its column is
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _, _ = parseHex(b)
		if len(b) == 0 || len(b) > maxInput/8 || ethernetHead(b) > 0 {
			return
		}
		for name, text := range map[string]string{
			"hexdump -C": dump(b, func(at int, row []byte) string {
				return fmt.Sprintf("%08x  %-48s  |%s|", at, words(row, 1, " "), printable(row))
			}, "%08x"),
			"xxd": dump(b, func(at int, row []byte) string {
				return fmt.Sprintf("%08x: %-39s  %s", at, words(row, 2, " "), printable(row))
			}, ""),
			"Wireshark": dump(b, func(at int, row []byte) string {
				return fmt.Sprintf("%04x   %-47s   %s", at, words(row, 1, " "), printable(row))
			}, ""),
		} {
			if got, _, err := parseHex([]byte(text)); err != nil || !bytes.Equal(got, b) {
				t.Errorf("%s: %v\n%s\ngot %X", name, err, text, got)
			}
		}
	})
}
