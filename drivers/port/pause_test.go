package port_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/drivers/port"
	"posd/drivers/port/porttest"
)

// line cuts at LF; an empty line is no frame.
func line(data []byte, _ bool) (int, []byte, error) {
	switch i := bytes.IndexByte(data, '\n'); i {
	case -1:
		return 0, nil, nil
	case 0:
		return 1, nil, nil
	default:
		return i + 1, data[:i], nil
	}
}

// hear gives what a Pause of two seconds makes of what a device sends; a part that is a duration is a pause. Where asks is set,
// somebody asks for a frame every half second, and gives up.
func hear(t *testing.T, skips, asks bool, parts ...string) (got []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		host, dev := porttest.Pair(0)
		defer host.Close()
		go func() {
			for _, p := range parts {
				if wait, err := time.ParseDuration(p); err == nil {
					time.Sleep(wait)
				} else {
					_, _ = dev.Write([]byte(p))
					synctest.Wait()
				}
			}
			_ = dev.Close()
		}()
		p := port.Pause{Patience: 2 * time.Second, Skips: skips}
		for {
			ctx, cancel := context.WithCancel(t.Context())
			if asks {
				ctx, cancel = context.WithTimeout(t.Context(), time.Second/2)
			}
			b, err := p.Next(ctx, host, line)
			cancel()
			switch {
			case err == nil:
				got = append(got, string(b))
			case errors.Is(err, port.ErrCutOff):
				got = append(got, fmt.Sprintf("(%v)", err))
			case errors.Is(err, port.ErrTooLong):
				got = append(got, "(too long)")
			case !errors.Is(err, context.DeadlineExceeded):
				return
			}
		}
	})
	return got
}

func TestWhatCameBeforeALongPauseIsNeverJoinedWithWhatComesAfterIt(t *testing.T) {
	endless := strings.Repeat("x", 66_000)
	cases := map[string]struct {
		skips, asks bool
		parts       []string
		want        string
	}{
		"no pause":                     {false, false, []string{"a", "1900ms", "b", "1900ms", "c\n"}, "abc"},
		"a pause":                      {false, false, []string{"a", "2100ms", "b\n"}, "(cut off: 1 bytes without their end) b"},
		"a pause, asked meanwhile":     {false, true, []string{"a", "2100ms", "b\n"}, "(cut off: 1 bytes without their end) b"},
		"a pause after a frame":        {false, false, []string{"a\nbc", "3s", "d\n"}, "a (cut off: 2 bytes without their end) d"},
		"a pause between frames":       {false, false, []string{"a\n", "3s", "b\n", "3s", "c\n"}, "a b c"},
		"too long, and its rest":       {false, false, []string{endless, "rest\n", "a\n"}, "(too long) rest a"},
		"the rest is skipped":          {true, false, []string{endless, "rest\n", "a\n"}, "(too long) a"},
		"the rest is its end only":     {true, false, []string{endless, "\n", "a\n"}, "(too long) a"},
		"a pause before the rest":      {true, false, []string{endless, "3s", "a\n", "b\n"}, "(too long) a b"},
		"a pause in the rest":          {true, false, []string{endless, "rest", "3s", "a\n"}, "(too long) a"},
		"cut off after a pause":        {true, false, []string{endless, "3s", "ab", "3s", "a\n"}, "(too long) (cut off: 2 bytes without their end) a"},
		"half a frame, then too long":  {true, false, []string{"ab", endless, "rest\n", "a\n"}, "(too long) a"},
		"too long, asked all the time": {true, true, []string{endless, "3s", "a\n"}, "(too long) a"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(hear(t, c.skips, c.asks, c.parts...), " "); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
