package cardreader_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/drivers/cardreader"
	"posd/drivers/port/porttest"
)

// frames are forms that makers use.
func frames() map[string]cardreader.Frame {
	base := cardreader.PINPadFrame
	all := map[string]cardreader.Frame{"usual": base}
	for name, change := range map[string]func(*cardreader.Frame){
		"little-endian":  func(f *cardreader.Frame) { f.LenLittle = true },
		"bcd":            func(f *cardreader.Frame) { f.LenBCD = true },
		"one byte":       func(f *cardreader.Frame) { f.LenBytes, f.MaxData = 1, 200 },
		"all counted":    func(f *cardreader.Frame) { f.LenOfAll = true },
		"start checked":  func(f *cardreader.Frame) { f.SumStart = true },
		"end not":        func(f *cardreader.Frame) { f.SumEnd = false },
		"no length":      func(f *cardreader.Frame) { f.LenBytes, f.CmdBytes = 0, 1 },
		"no answers":     func(f *cardreader.Frame) { f.Yes, f.No = 0, 0 },
		"other sentinel": func(f *cardreader.Frame) { f.Start, f.End = 0x55, 0xAA },
	} {
		f := base
		change(&f)
		all[name] = f
	}
	return all
}

func TestFramesOfEveryFormComeBack(t *testing.T) {
	for name, f := range frames() {
		t.Run(name, func(t *testing.T) {
			cmd, data := []byte("A1")[:f.CmdBytes], []byte(strings.Repeat("data", 30))
			b, err := f.Append(nil, cmd, data)
			if err != nil {
				t.Fatal(err)
			}
			stream := append([]byte{0x00, 0x7F}, append(b, b...)...)
			got := porttest.Frames(t, f.Split, stream, 3)
			if len(got) != 2 {
				t.Fatalf("%d frames, want 2", len(got))
			}
			c, d, err := f.Open(got[1])
			if err != nil || !bytes.Equal(c, cmd) || !bytes.Equal(d, data) {
				t.Errorf("got %q, %d bytes, %v", c, len(d), err)
			}
			for i := range got[1] {
				damaged := bytes.Clone(got[1])
				damaged[i] ^= 0x10
				c, d, err := f.Open(damaged)
				if err == nil && bytes.Equal(c, cmd) && bytes.Equal(d, data) && i != 0 && i != len(damaged)-2 && i > f.LenBytes {
					t.Errorf("a flipped bit in byte %d was not noticed", i)
				}
			}
		})
	}
}

func TestTheUsualFrameIsTheOneThatManualsPrint(t *testing.T) {
	b, err := cardreader.PINPadFrame.Append(nil, []byte{0x30, 0x31}, []byte{0xAA})
	if want := []byte{0x02, 0x00, 0x03, 0x30, 0x31, 0xAA, 0x03, 0xAB}; err != nil || !bytes.Equal(b, want) {
		t.Errorf("got %x, %v, want %x", b, err, want)
	}
	if _, err := cardreader.PINPadFrame.Append(nil, []byte{0x30}, nil); !errors.Is(err, cardreader.ErrFrame) {
		t.Errorf("a command of one byte: %v", err)
	}
}

// exchange lets a PIN pad answer each frame it gets with the next of answers, and counts what it got.
func exchange(t *testing.T, answers ...string) (data string, got int, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		host, dev := porttest.Pair(0)
		defer host.Close()
		go func() {
			p := make([]byte, 256)
			for {
				n, err := dev.Read(p)
				if err != nil {
					return
				}
				if n == 1 && p[0] == 0x06 {
					continue // the host's yes
				}
				if got++; got <= len(answers) {
					_, _ = io.WriteString(dev, answers[got-1])
				}
			}
		}()
		pad := cardreader.NewPINPad(host, cardreader.PINPadFrame, time.Second)
		s, xerr := pad.Exchange(t.Context(), []byte("01"), []byte("secret"))
		err = xerr
		s.Reveal(func(b []byte) { data = string(b) })
		synctest.Wait()
	})
	return data, got, err
}

func TestFaultsOfPINPadsAreToldInWords(t *testing.T) {
	ok, _ := cardreader.PINPadFrame.Append(nil, []byte("01"), []byte("done"))
	whole := "\x06" + string(ok)
	bad := string(ok[:len(ok)-1]) + "\x00"
	cases := map[string]struct {
		answers []string
		data    string
		got     int
		want    string
	}{
		"good":                 {[]string{whole}, "done", 1, ""},
		"rejected once":        {[]string{"\x15", whole}, "done", 2, ""},
		"rejected for ever":    {[]string{"\x15", "\x15", "\x15", whole}, "", 3, "rejects the frame 3 times; look at the form of frames"},
		"silent":               {nil, "", 1, "does not answer: nothing whole in 1s; look at cable and baud rate"},
		"yes, then silent":     {[]string{"\x06"}, "", 1, "does not answer"},
		"half an answer":       {[]string{whole[:6]}, "", 1, "does not answer"},
		"damaged, then good":   {[]string{"\x06" + bad, whole}, "done", 2, ""},
		"damaged for ever":     {[]string{bad, bad, bad, bad}, "", 4, "damaged 3 times"},
		"noise before":         {[]string{"\xff\x00" + whole}, "done", 1, ""},
		"length beyond reason": {[]string{"\x02\xff\xff" + whole}, "done", 1, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			data, got, err := exchange(t, c.answers...)
			if data != c.data || got != c.got || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, %d frames, %v; want %q, %d, %q", data, got, err, c.data, c.got, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("%v tells of the data", err)
			}
		})
	}
}
