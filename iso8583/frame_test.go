package iso8583_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"posd/iso8583"
)

// framed makes a dialect with that frame and nothing else of interest.
func framed(t testing.TB, frame string) *iso8583.Dialect {
	t.Helper()
	d, err := iso8583.Load("f.toml", []byte("name = \"f\"\n[frame]\n"+frame+"\n[codec]\n[fields]\n3 = { format = \"n6\", class = \"public\" }\n"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// everyFrame is a dialect for each way to frame a message.
func everyFrame(t testing.TB) []*iso8583.Dialect {
	t.Helper()
	var list []*iso8583.Dialect
	for _, length := range []string{"bin2", "bcd2", "ascii4", "hex4"} {
		for _, inclusive := range []bool{false, true} {
			for _, trailer := range []string{"", "03", "0D0A"} {
				for _, counted := range []bool{false, true} {
					list = append(list, framed(t, fmt.Sprintf("length = %q\nlength_includes_itself = %v\ntrailer = %q\ntrailer_counted = %v",
						length, inclusive, trailer, counted)))
				}
			}
		}
	}
	return list
}

func TestFramesOfEveryKind(t *testing.T) {
	payload := bytes.Repeat([]byte{0x5A}, 300)
	for frame, want := range map[string]string{
		`length = "bin2"`:   "012C",
		`length = "bcd2"`:   "0300",
		`length = "ascii4"`: "30333030",
		`length = "hex4"`:   "30313243",
		"length = \"bin2\"\nlength_includes_itself = true":                                             "012E",
		"length = \"ascii4\"\nlength_includes_itself = true\ntrailer = \"03\"\ntrailer_counted = true": "30333035",
		"length = \"bcd2\"\ntrailer = \"03\"":                                                          "0300",
	} {
		d := framed(t, frame)
		got, err := d.AppendFrame(nil, payload)
		if err != nil || !strings.HasPrefix(fmt.Sprintf("%X", got), want) {
			t.Errorf("%s: got %X, %v, want %s", frame, got[:4], err, want)
		}
		n, inner, err := d.SplitFrame(append(got, 1, 2, 3), false)
		if err != nil || n != len(got) || !bytes.Equal(inner, payload) {
			t.Errorf("%s: split gives %d of %d bytes, %d, %v", frame, n, len(got), len(inner), err)
		}
	}
}

func TestHexLengthsMayBeOfEitherCase(t *testing.T) {
	d := framed(t, `length = "hex4"`)
	for _, length := range []string{"00aB", "00Ab"} {
		n, inner, err := d.SplitFrame(append([]byte(length), make([]byte, 0xAB)...), false)
		if err != nil || n != 4+0xAB || len(inner) != 0xAB {
			t.Errorf("%s: %d, %d, %v", length, n, len(inner), err)
		}
	}
}

func TestEmptyFramesAreToldApart(t *testing.T) {
	for _, d := range everyFrame(t) {
		frame, err := d.AppendFrame(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		n, inner, err := d.SplitFrame(frame, false)
		if err != nil || n != len(frame) || inner == nil || len(inner) != 0 {
			t.Errorf("%X: %d, %v, %v", frame, n, inner, err)
		}
	}
	d := framed(t, "length = \"ascii4\"\nlength_includes_itself = true\nkeep_alive = \"echo\"")
	if n, inner, err := d.SplitFrame([]byte("0000"), false); n != 4 || len(inner) != 0 || err != nil || !d.EchoesEmptyFrames() {
		t.Errorf("zero where a length counts itself: %d, %v", n, err)
	}
	if _, _, err := framed(t, `keep_alive = "refuse"`).SplitFrame([]byte{0, 0}, false); err == nil {
		t.Error("an empty frame was not refused")
	}
}

func TestLostStreamsAreNoticed(t *testing.T) {
	for _, c := range []struct{ frame, stream, says string }{
		{`length = "bcd2"`, "\x0A\x00", "not bcd2"},
		{`length = "ascii4"`, "00 1", "not ascii4"},
		{`length = "hex4"`, "00G1", "not hex4"},
		{`length = "bin2"`, "\xFF\xFF", "exceeds"},
		{"length = \"bin2\"\nlength_includes_itself = true", "\x00\x01", "less than"},
		{"trailer = \"0D0A\"\ntrailer_counted = true", "\x00\x01\x0A", "less than"},
		{"trailer = \"03\"", "\x00\x01X\x04", "trailer"},
	} {
		_, _, err := framed(t, c.frame).SplitFrame([]byte(c.stream), false)
		var f *iso8583.FieldError
		if !errors.As(err, &f) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %q gives %v, want %q", c.frame, c.stream, err, c.says)
		}
	}
	if _, _, err := framed(t, "").SplitFrame([]byte{0, 5, 1}, true); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a cut frame gives %v", err)
	}
}

func TestEveryChunkingOfAStreamGivesTheSameFrames(t *testing.T) {
	r := rand.New(rand.NewPCG(8583, 6))
	for i, d := range append(everyFrame(t), everyDialect(t)...) {
		var stream []byte
		var want [][]byte
		for range 60 {
			payload := make([]byte, r.IntN(2)*r.IntN(300))
			for i := range payload {
				payload[i] = byte(r.IntN(256))
			}
			var err error
			if stream, err = d.AppendFrame(stream, payload); err != nil {
				t.Fatal(err)
			}
			want = append(want, payload)
		}
		for _, chunk := range []int{1, 2, 3, 7, 64, 1000, len(stream)} {
			s := bufio.NewScanner(&chunks{stream, chunk})
			s.Buffer(nil, 1<<14)
			s.Split(d.SplitFrame)
			n := 0
			for ; s.Scan(); n++ {
				if n == len(want) || !bytes.Equal(s.Bytes(), want[n]) {
					t.Fatalf("dialect %d, chunks of %d: frame %d differs", i, chunk, n)
				}
			}
			if s.Err() != nil || n != len(want) {
				t.Fatalf("dialect %d, chunks of %d: %d frames, %v", i, chunk, n, s.Err())
			}
		}
	}
}

func TestAnswersTakeTheirTPDUAsTheDialectWants(t *testing.T) {
	for reply, want := range map[string]string{"swap": "6012340003", "fixed": "6000010002", "echo": "6000031234"} {
		d := framed(t, "tpdu_bytes = 5\ntpdu = \"6000010002\"\ntpdu_reply = \""+reply+"\"")
		if got, _ := d.Reply(&iso8583.Message{TPDU: "6000031234"}); got != want {
			t.Errorf("%s: got %s, want %s", reply, got, want)
		}
	}
}

func TestHeadersAskForWhatTheDialectSays(t *testing.T) {
	d := framed(t, "header_bytes = 6\nheader = \"602200000000\"\n[frame.request]\ndigit = 6\nsign_on = [\"3\"]\nwords = { \"1\" = \"download parameters\", \"3\" = \"sign on\" }")
	for header, want := range map[string]struct {
		request string
		signOn  bool
	}{
		"602200000000": {"", false},
		"602201000000": {"download parameters", false},
		"602203000000": {"sign on", true},
		"602209000000": {`request "9"`, false},
		"6022":         {"", false},
	} {
		got, signOn := d.HeaderRequest(&iso8583.Message{Header: header})
		if got != want.request || signOn != want.signOn {
			t.Errorf("%s: got %q, %v", header, got, signOn)
		}
	}
	if got, _ := other(t).HeaderRequest(&iso8583.Message{Header: "11111111"}); got != "" {
		t.Errorf("a dialect without requests: %q", got)
	}
}

func TestPastedMessagesTellWhatIsOddAboutTheirPrefix(t *testing.T) {
	const message = "02002000000000000000123456"
	for _, c := range []struct{ frame, prefix, tail, note string }{
		{`length = "bin2"`, "000D", "", ""},
		{`length = "bin2"`, "", "", ""},
		{`length = "bin2"`, "0013", "", "bcd2"},
		{`length = "bcd2"`, "000D", "", "bin2"},
		{`length = "bin2"`, "000F", "", "counts itself"},
		{"length = \"bin2\"\nlength_includes_itself = true", "000D", "", "does not count itself"},
		{`length = "bin2"`, "0099", "", "13 bytes follow"},
		{"length = \"bin2\"\ntrailer = \"03\"", "000D", "03", ""},
		{"length = \"bin2\"\ntrailer = \"03\"", "0099", "03", "14 bytes follow"},
	} {
		_, _, note, err := framed(t, c.frame).UnpackPasted(unhex(t, c.prefix+message+c.tail))
		if err != nil || (c.note == "") != (note == "") || !strings.Contains(note, c.note) {
			t.Errorf("%s with %q: note %q, %v, want %q", c.frame, c.prefix, note, err, c.note)
		}
	}
}
