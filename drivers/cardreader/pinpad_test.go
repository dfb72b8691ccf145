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
				if len(bytes.Trim(p[:n], "\x06")) == 0 {
					continue // the host's yes, or several
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
	other, _ := cardreader.PINPadFrame.Append(nil, []byte("S1"), []byte("approved"))
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
		"damaged for ever":     {[]string{bad, bad, bad, bad}, "", 4, "3 frames that are damaged or no answer to it; look at cable and baud rate"},
		"noise before":         {[]string{"\xff\x00" + whole}, "done", 1, ""},
		"another's answer":     {[]string{"\x06" + string(other) + whole[1:]}, "done", 1, ""},
		"others' for ever":     {[]string{strings.Repeat(string(other), 4)}, "", 1, "3 frames that are damaged or no answer to it"},
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

// pad is a PIN pad that sends what it has to say at the times that the test wants.
func pad(t *testing.T, f cardreader.Frame, play func(t *testing.T, p *cardreader.PINPad, dev io.ReadWriter)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		host, dev := porttest.Pair(0)
		defer host.Close()
		play(t, cardreader.NewPINPad(host, f, time.Second), dev)
	})
}

// ask gives the data of the answer to a command that is answered after the wait.
func ask(t *testing.T, p *cardreader.PINPad, dev io.Writer, cmd string, wait time.Duration, answer string) (data string, err error) {
	t.Helper()
	if answer != "" {
		go func() {
			time.Sleep(wait)
			_, _ = io.WriteString(dev, answer)
		}()
	}
	s, err := p.Exchange(t.Context(), []byte(cmd), []byte("amount"))
	s.Reveal(func(b []byte) { data = string(b) })
	return data, err
}

// TestALateAnswerOfAPINPadIsNotTheNextCommands shows it for one that came whole before the next command, of which the end is still
// on its way, and that comes after the next command.
func TestALateAnswerOfAPINPadIsNotTheNextCommands(t *testing.T) {
	frame := func(cmd, data string) string {
		b, _ := cardreader.PINPadFrame.Append(nil, []byte(cmd), []byte(data))
		return string(b)
	}
	late, done := "\x06"+frame("S1", "approved sale 1"), "\x06"+frame("V2", "void 2")
	for name, between := range map[string]func(dev io.Writer){
		"whole, a minute ago": func(dev io.Writer) { _, _ = io.WriteString(dev, late); time.Sleep(time.Minute) },
		"of the same command": func(dev io.Writer) { _, _ = io.WriteString(dev, "\x06"+frame("V2", "another")) },
		"half of it":          func(dev io.Writer) { _, _ = io.WriteString(dev, late[:9]) },
		"on its way": func(dev io.Writer) {
			_, _ = io.WriteString(dev, late[:9])
			go func() { time.Sleep(5 * time.Millisecond); _, _ = io.WriteString(dev, late[9:]) }()
		},
		"after the command": func(dev io.Writer) {
			go func() { time.Sleep(200 * time.Millisecond); _, _ = io.WriteString(dev, late) }()
		},
	} {
		t.Run(name, func(t *testing.T) {
			pad(t, cardreader.PINPadFrame, func(t *testing.T, p *cardreader.PINPad, dev io.ReadWriter) {
				if _, err := ask(t, p, dev, "S1", 0, ""); !errors.Is(err, cardreader.ErrNoAnswer) {
					t.Fatalf("silence: %v", err)
				}
				between(dev)
				synctest.Wait()
				if got, err := ask(t, p, dev, "V2", 500*time.Millisecond, done); err != nil || got != "void 2" {
					t.Errorf("got %q, %v", got, err)
				}
			})
		})
	}
}

func TestACommandThatWasNotSentToAPINPadSaysSo(t *testing.T) {
	pad(t, cardreader.PINPadFrame, func(t *testing.T, p *cardreader.PINPad, dev io.ReadWriter) {
		if _, err := ask(t, p, dev, "too long a command", 0, ""); !errors.Is(err, cardreader.ErrNotSent) || !errors.Is(err, cardreader.ErrFrame) {
			t.Errorf("a command of no frame: %v", err)
		}
		noise := make(chan struct{})
		go func() {
			for {
				select {
				case <-noise:
					return
				case <-time.After(10 * time.Millisecond):
					_, _ = io.WriteString(dev, "U")
				}
			}
		}()
		_, err := p.Exchange(t.Context(), []byte("V2"), nil)
		close(noise)
		if !errors.Is(err, cardreader.ErrNotSent) || !strings.Contains(err.Error(), "goes on sending; look at baud rate and port") {
			t.Errorf("noise all the time: %v", err)
		}
	})
}

func TestAPINPadWhoseAnswersHaveCommandsOfTheirOwnIsTaken(t *testing.T) {
	f := cardreader.PINPadFrame
	f.AnyCmd = true
	answer, _ := f.Append(nil, []byte("81"), []byte("done"))
	pad(t, f, func(t *testing.T, p *cardreader.PINPad, dev io.ReadWriter) {
		if got, err := ask(t, p, dev, "01", 100*time.Millisecond, "\x06"+string(answer)); err != nil || got != "done" {
			t.Errorf("got %q, %v", got, err)
		}
	})
}
