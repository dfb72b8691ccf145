package scanner_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"posd/drivers/port"
	"posd/drivers/port/porttest"
	"posd/drivers/scanner"
)

// ssi is a packet as a scanner sends it.
func ssi(opcode, status byte, data string) string {
	p := append([]byte{byte(4 + len(data)), opcode, 0, status}, data...)
	sum := 0
	for _, c := range p {
		sum += int(c)
	}
	sum = 0x10000 - sum
	return string(append(p, byte(sum>>8), byte(sum)))
}

func ssiCode(code string) string            { return ssi(0xF3, 0, "\x0b"+code) }
func ssiPart(code string, more byte) string { return ssi(0xF3, more, "\x0b"+code) }

// tell gives a command to a scanner that answers what it gets with answer, and gives what it got, the codes that came
// meanwhile, and the command's error.
func tell(t *testing.T, driver string, c scanner.Command, answer string) (wrote string, codes []string, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d, _ := scanner.Lookup(driver)
		s, _ := port.Settle(d.Options, nil)
		host, dev := porttest.Pair(0)
		defer host.Close()
		var got bytes.Buffer
		go func() {
			p := make([]byte, 64)
			for {
				n, err := dev.Read(p)
				if err != nil {
					return
				}
				if got.Write(p[:n]); got.Len() == n {
					_, _ = io.WriteString(dev, answer)
				}
			}
		}()
		src, ok := d.Open(host, s).(scanner.Commander)
		if !ok {
			t.Fatal("takes no commands")
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for {
				c, err := src.Next(ctx)
				if err != nil {
					return
				}
				c.Data.Reveal(func(b []byte) { codes = append(codes, string(b)) })
			}
		}()
		synctest.Wait()
		err = src.Do(ctx, c)
		synctest.Wait()
		cancel()
		<-ended
		wrote = got.String()
	})
	return wrote, codes, err
}

func TestCommandsAreSentAndAcknowledged(t *testing.T) {
	cases := []struct {
		name, driver string
		cmd          scanner.Command
		answer       string
		wrote, codes string
		want         error
	}{
		{"newland trigger", "newland", scanner.Trigger, "\x02\x010000#SCNTRG1\x06;\x03", "~\x010000#SCNTRG1;\x03", "", nil},
		{"newland mode, a code first", "newland", scanner.OnCommand, "one\r\x02\x010000#SCNMOD0\x06;\x03two\r", "~\x010000#SCNMOD0;\x03", "one two", nil},
		{"newland refuses", "newland", scanner.Presentation, "\x02\x010000#SCNMOD2\x15;\x03", "~\x010000#SCNMOD2;\x03", "", scanner.ErrNotTaken},
		{"newland does not know it", "newland", scanner.Release, "\x02\x010000#SCNTRG0\x05;\x03", "~\x010000#SCNTRG0;\x03", "", scanner.ErrNotTaken},
		{"newland beep", "newland", scanner.Beep, "", "", "", scanner.ErrUnsupported},
		{"newland silent", "newland", scanner.Trigger, "", "~\x010000#SCNTRG1;\x03", "", scanner.ErrNoAnswer},
		{"honeywell trigger", "honeywell", scanner.Trigger, "one\r", "\x16T\r", "one", nil},
		{"honeywell release", "honeywell", scanner.Release, "", "\x16U\r", "", nil},
		{"honeywell beep", "honeywell", scanner.Beep, "", "\x16\x07\r", "", nil},
		{"honeywell mode", "honeywell", scanner.OnCommand, "TRGMOD0\x06!", "\x16M\rTRGMOD0!", "", nil},
		{"honeywell mode, codes around", "honeywell", scanner.Presentation, "one\rPAPPST\x06!two\r", "\x16M\rPAPPST!", "one two", nil},
		{"honeywell refuses", "honeywell", scanner.Presentation, "PAPPST\x15!", "\x16M\rPAPPST!", "", scanner.ErrNotTaken},
		{"honeywell silent", "honeywell", scanner.OnCommand, "", "\x16M\rTRGMOD0!", "", scanner.ErrNoAnswer},
		{"ssi trigger", "ssi", scanner.Trigger, ssi(0xD0, 0, ""), "\x04\xE4\x04\x00\xFF\x14", "", nil},
		{"ssi release", "ssi", scanner.Release, ssi(0xD0, 0, ""), "\x04\xE5\x04\x00\xFF\x13", "", nil},
		{"ssi beep", "ssi", scanner.Beep, ssi(0xD0, 0, ""), "\x05\xE6\x04\x00\x00\xFF\x11", "", nil},
		{"ssi mode, a code first", "ssi", scanner.OnCommand, ssiCode("one") + ssi(0xD0, 0, ""), "\x07\xC6\x04\x00\xFF\x8A\x08\xFD\x9E\x04\xD0\x04\x00\xFF\x28", "one", nil},
		{"ssi refuses", "ssi", scanner.Presentation, ssi(0xD1, 0, "\x06"), "\x07\xC6\x04\x00\xFF\x8A\x07\xFD\x9F", "", scanner.ErrNotTaken},
		{"ssi silent, asked twice", "ssi", scanner.Trigger, "", "\x04\xE4\x04\x00\xFF\x14\x04\xE4\x04\x01\xFF\x13", "", scanner.ErrNoAnswer},
		{"no command", "ssi", 0, "", "", "", scanner.ErrUnsupported},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			wrote, codes, err := tell(t, c.driver, c.cmd, c.answer)
			if !errors.Is(err, c.want) || wrote != c.wrote || strings.Join(codes, " ") != c.codes {
				t.Errorf("wrote %q, codes %q, %v; want %q, %q, %v", wrote, codes, err, c.wrote, c.codes, c.want)
			}
		})
	}
}

func TestACommandThatIsGivenUpIsNotCarriedOutLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := scanner.Lookup("ssi")
		s, _ := port.Settle(d.Options, nil)
		host, dev := porttest.Pair(0)
		defer host.Close()
		src, _ := d.Open(host, s).(scanner.Commander)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := src.Do(ctx, scanner.Trigger); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		_, _ = io.WriteString(dev, ssiCode("x"))
		c, err := src.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c.Data.Wipe()
		p := make([]byte, 64)
		if n, _ := dev.Read(p); p[1] != 0xD0 {
			t.Errorf("wrote %x, want the acknowledgement only", p[:n])
		}
	})
}

func TestPacketsOfACodeAreJoinedAndRepeatsDropped(t *testing.T) {
	again := ssi(0xF3, 1, "\x0bone")
	long := strings.Repeat("7", 240)
	damaged := func(packet string) string { return packet[:6] + "\x00" + packet[7:] }
	cases := map[string]struct {
		parts []string
		want  string
	}{
		"one":                  {[]string{ssiCode("one")}, "|one"},
		"our answer was lost":  {[]string{ssiCode("one"), again, "1s", ssiCode("two")}, "|one |two"},
		"of three":             {[]string{ssiPart(long, 2), ssi(0xF3, 2, long), ssi(0xF3, 0, "end")}, "|" + long + long + "end"},
		"a part sent twice":    {[]string{ssiPart("one", 2), ssi(0xF3, 3, "\x0bone"), ssi(0xF3, 0, "two")}, "|onetwo"},
		"equal, and damaged":   {[]string{ssiCode("one"), "3s", damaged(ssiCode("one")), again}, "|one refused |one"},
		"equal, and cut off":   {[]string{ssiCode("one"), "3s", ssiCode("one")[:5], "3s", again}, "|one refused |one"},
		"a damaged repeat":     {[]string{ssiCode("one"), "1s", damaged(again), again, ssiCode("two")}, "|one refused |two"},
		"the last one empty":   {[]string{ssiPart("one", 2), ssi(0xF3, 0, ""), ssiCode("two")}, "|one |two"},
		"noise before":         {[]string{"\x00\x01\x02", ssiCode("one")}, "|one"},
		"with identifier":      {[]string{ssiCode("]Q1one")}, "]Q1|one"},
		"events are no codes":  {[]string{ssi(0xF6, 0, "\x01"), ssi(0xD0, 0, ""), ssiCode("one")}, "|one"},
		"the same, much later": {[]string{ssiCode("one"), "1s", ssiCode("one")}, "|one |one"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, words := scanWith(t, "ssi", nil, nil, c.parts...)
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %q, want %q (%q)", got, c.want, words)
			}
		})
	}
}
