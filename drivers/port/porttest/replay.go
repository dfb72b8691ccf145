package porttest

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"

	"posd/drivers/port"
)

// Recording is recorded traffic: it plays the device's part. It expects what the recording wrote, in order, however it
// is cut into writes, and answers what was read.
type Recording struct {
	Header []string // the lines that begin with #
	steps  []step
}

// step is one line of a recording.
type step struct {
	line  int
	write bool // to the device
	data  []byte
}

// Parse reads a recording: lines as port.Tracer writes them, where data is hex or a quoted Go string, with comments
// after #. Its first line is port.TraceHeader.
func Parse(text string) (*Recording, error) {
	r := &Recording{}
	n := 0
	for l := range strings.Lines(text) {
		n++
		l = strings.TrimSpace(l)
		if n == 1 && l != port.TraceHeader {
			return nil, fmt.Errorf("line 1: want %q", port.TraceHeader)
		}
		switch {
		case l == "":
		case l[0] == '#':
			r.Header = append(r.Header, l)
		default:
			s, err := parseStep(l)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			s.line = n
			r.steps = append(r.steps, s)
		}
	}
	return r, nil
}

func parseStep(l string) (step, error) {
	f := strings.SplitN(l, " ", 3)
	if len(f) != 3 || !strings.HasPrefix(f[0], "+") || (f[1] != "<" && f[1] != ">") {
		return step{}, fmt.Errorf("want +ms, < or >, and data: %q", l)
	}
	data, err := hex.DecodeString(f[2])
	if strings.HasPrefix(f[2], `"`) {
		var s string
		s, err = strconv.Unquote(f[2])
		data = []byte(s)
	}
	return step{write: f[1] == ">", data: data}, err
}

// Serve plays the recording once, without its pauses, and returns nil when it was followed to its end. It is a Device.
func (r *Recording) Serve(ctx context.Context, line io.ReadWriteCloser) error {
	defer context.AfterFunc(ctx, func() { _ = line.Close() })()
	for _, s := range r.steps {
		if !s.write {
			if _, err := line.Write(s.data); err != nil {
				return fmt.Errorf("line %d: %w", s.line, err)
			}
			continue
		}
		got := make([]byte, len(s.data))
		if _, err := io.ReadFull(line, got); err != nil {
			return fmt.Errorf("line %d: want %x: %w", s.line, s.data, err)
		}
		if !bytes.Equal(got, s.data) {
			return fmt.Errorf("line %d: got %x, want %x", s.line, got, s.data)
		}
	}
	return nil
}
