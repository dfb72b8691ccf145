package scanner_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/drivers/port"
	"posd/drivers/port/porttest"
	"posd/drivers/scanner"
)

// scan sends what a scanner sends, with its pauses, and gives what the driver makes of it: codes as AIM|data, else the
// error's class.
func scan(t *testing.T, options map[string]string, parts ...string) []string {
	t.Helper()
	got, _ := scanWith(t, "line", nil, options, parts...)
	return got
}

// scanWith is scan for any driver, over a HID port for hidpos, where each part is a report, or several one after the other
// of 64 bytes. It also gives the errors' words.
func scanWith(t *testing.T, driver string, info *port.HIDInfo, options map[string]string, parts ...string) (got, words []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d, _ := scanner.Lookup(driver)
		s, err := port.Settle(d.Options, options)
		if err != nil {
			t.Fatal(err)
		}
		host, dev := connect(driver == "hidpos" && info != nil, info)
		defer host.Close()
		sent := make(chan struct{})
		defer func() { <-sent }()
		go func() {
			defer close(sent)
			for _, p := range parts {
				if pause, err := time.ParseDuration(p); err == nil {
					time.Sleep(pause)
					continue
				}
				for driver == "hidpos" && len(p) > 64 {
					_, _ = dev.Write([]byte(p[:64]))
					p = p[64:]
				}
				_, _ = dev.Write([]byte(p))
				synctest.Wait()
			}
			time.Sleep(time.Second)
			_ = dev.Close()
		}()
		src := d.Open(host, s)
		for {
			c, err := src.Next(t.Context())
			if err != nil {
				words = append(words, err.Error())
			}
			switch {
			case errors.Is(err, scanner.ErrRefused):
				got = append(got, "refused")
			case errors.Is(err, scanner.ErrRepeated):
				got = append(got, "repeated")
			case err != nil:
				return
			default:
				c.Data.Reveal(func(b []byte) { got = append(got, c.AIM+"|"+string(b)) })
			}
		}
	})
	return got, words
}

// connect gives a port and the device's end of it.
func connect(hid bool, info *port.HIDInfo) (port.Conn, io.ReadWriteCloser) {
	if hid {
		return porttest.PairHID(*info, nil)
	}
	return porttest.Pair(0)
}

func TestCodesAreReadInEveryShape(t *testing.T) {
	long := strings.Repeat("x", 5000)
	cases := map[string]struct {
		options map[string]string
		parts   []string
		want    string
	}{
		"cr lf is one end":      {nil, []string{"6901234567892\r\n", "4006381333931\r\n"}, "|6901234567892 |4006381333931"},
		"cr cr is one end":      {nil, []string{"6901234567892\r\r"}, "|6901234567892"},
		"in pieces":             {nil, []string{"690", "123", "4567892", "\r"}, "|6901234567892"},
		"two at once":           {nil, []string{"one\rtwo\r"}, "|one |two"},
		"aim":                   {nil, []string{"]Q1hello\r", "]C1x\r"}, "]Q1|hello ]C1|x"},
		"aim kept":              {map[string]string{"aim": "no"}, []string{"]Q1hello\r"}, "|]Q1hello"},
		"prefix":                {map[string]string{"prefix": "02"}, []string{"\x02abc\r"}, "|abc"},
		"lf only":               {map[string]string{"suffix": "lf"}, []string{"abc\n"}, "|abc"},
		"tab":                   {map[string]string{"suffix": "tab"}, []string{"6901234567892\t", "one\ttwo\t"}, "|6901234567892 |one |two"},
		"tab and enter":         {map[string]string{"suffix": "tab"}, []string{"one\t\r\n", "two\t\r\n"}, "|one |two"},
		"enter before the tab":  {map[string]string{"suffix": "tab"}, []string{"a\rb\t"}, "refused"},
		"no suffix":             {map[string]string{"suffix": "none"}, []string{"ab", "c", "100ms", "def", "100ms"}, "|abc |def"},
		"held in view":          {nil, []string{"abc\r", "600ms", "abc\r", "600ms", "abc\r"}, "|abc repeated repeated"},
		"again after a while":   {nil, []string{"abc\r", "701ms", "abc\r"}, "|abc |abc"},
		"another in between":    {nil, []string{"abc\r", "def\r", "abc\r"}, "|abc |def |abc"},
		"every one":             {map[string]string{"repeat": "0s"}, []string{"abc\r", "abc\r"}, "|abc |abc"},
		"control character":     {nil, []string{"ab\x1bc\r", "ok\r"}, "refused |ok"},
		"gs1":                   {nil, []string{"]d2010\x1d21x\r"}, "]d2|010\x1d21x"},
		"too long":              {nil, []string{long + "\r", "ok\r"}, "refused |ok"},
		"endless":               {nil, []string{strings.Repeat(long, 20), "tail\r", "ok\r"}, "refused |ok"},
		"endless, and a minute": {nil, []string{strings.Repeat("x", 66_000), "60s", "ok\r", "two\r"}, "refused |ok |two"},
		"endless, then its end": {nil, []string{strings.Repeat("x", 66_000), "\r\n", "ok\r"}, "refused |ok"},
		"endless, half a rest":  {nil, []string{strings.Repeat("x", 66_000), "tail", "60s", "ok\r"}, "refused |ok"},
		"endless and no suffix": {map[string]string{"suffix": "none"}, []string{long, long, "100ms", "ok"}, "refused |ok"},
		"cr cr and the next":    {nil, []string{"one\r\r", "two\r\r"}, "|one |two"},
		"etx, lines in the code": {
			map[string]string{"suffix": "etx", "prefix": "02"}, []string{"\x02a\r\nb\tc\x03\x02d\x03"}, "|a\r\nb\tc |d",
		},
		"three kilobytes":       {nil, []string{strings.Repeat("7", 2953) + "\r"}, "|" + strings.Repeat("7", 2953)},
		"a pause in the middle": {nil, []string{"690", "1900ms", "123\r"}, "|690123"},
		"chinese":               {nil, []string{"优惠券\r"}, "|优惠券"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(scan(t, c.options, c.parts...), " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestAScannerInKeyboardModeMayEndItsCodesWithTab(t *testing.T) {
	got, words := scanWith(t, "keyboard", nil, map[string]string{"suffix": "tab"}, "6901234567892\t", "ok\t")
	if strings.Join(got, " ") != "|6901234567892 |ok" {
		t.Errorf("got %q, %q", got, words)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	d, _ := scanner.Lookup("line")
	_, err := port.Settle(d.Options, map[string]string{"sufix": "cr", "gap": "soon", "aim": "maybe", "prefix": "2"})
	for _, want := range []string{"sufix", "gap", "aim", "prefix"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want a word on %s", err, want)
		}
	}
}

func digits(prefix string) func([]byte) bool {
	return func(b []byte) bool { return strings.HasPrefix(string(b), prefix) }
}

func code(s string) (scanner.Code, []byte) {
	b := []byte(s)
	return scanner.Code{Data: port.NewSecret(b), Device: "front"}, b
}

func TestTheHubBringsEachScanToItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shown []scanner.Scan
		h := &scanner.Hub{Sensitive: digits("28"), OnScan: func(s scanner.Scan) { shown = append(shown, s) }}
		got := make(chan scanner.Code, 1)
		go func() {
			c, err := h.Claim(t.Context(), digits("28"))
			if err != nil {
				t.Error(err)
			}
			got <- c
		}()
		synctest.Wait()
		goods, _ := code("6901234567892")
		h.Deliver(goods)
		wallet, _ := code("2812345678901234")
		h.Deliver(wallet)
		(<-got).Data.Reveal(func(b []byte) {
			if string(b) != "2812345678901234" {
				t.Errorf("claimed %d bytes of something else", len(b))
			}
		})
		late, bytes := code("2899999999999999")
		h.Deliver(late)
		if len(shown) != 1 || shown[0].Data != "6901234567892" || shown[0].Device != "front" {
			t.Errorf("shown %v, want the goods only", shown)
		}
		if h.Dropped() != 1 || strings.Trim(string(bytes), "\x00") != "" {
			t.Errorf("the unclaimed wallet code: %d dropped, not wiped: %v", h.Dropped(), bytes)
		}
	})
}

func TestAClaimThatIsGivenUpLeavesNoCodeBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &scanner.Hub{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := h.Claim(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		c, bytes := code("2812345678901234")
		h.Deliver(c)
		if h.Waiting() != 0 || h.Dropped() != 1 || strings.Trim(string(bytes), "\x00") != "" {
			t.Errorf("%d waiting, %d dropped, wiped %v", h.Waiting(), h.Dropped(), bytes)
		}
	})
}

func TestOneScanOverTwoChannelsIsOneScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shown []string
		h := &scanner.Hub{
			Sensitive: func([]byte) bool { return false },
			OnScan:    func(s scanner.Scan) { shown = append(shown, s.Device+" "+s.Data) },
		}
		deliver := func(device, data string) []byte {
			c, b := code(data)
			c.Device = device
			h.Deliver(c)
			return b
		}
		deliver("serial", "690")
		twin := deliver("keyboard", "690")
		deliver("keyboard", "691") // another code
		deliver("serial", "690")
		time.Sleep(100 * time.Millisecond)
		deliver("keyboard", "690") // too late to be the same scan
		deliver("keyboard", "690") // the same channel: that is the driver's to judge
		want := "serial 690; keyboard 691; serial 690; keyboard 690; keyboard 690"
		if got := strings.Join(shown, "; "); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if strings.Trim(string(twin), "\x00") != "" {
			t.Error("the second of two is not wiped")
		}
	})
}
