package api

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// spy is a body that keeps hold of the buffers it is read into.
type spy struct {
	io.Reader
	buffers [][]byte
}

func (s *spy) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	s.buffers = append(s.buffers, p[:n])
	return n, err
}

func (s *spy) Close() error { return nil }

func TestBufferOfTheBodyIsWipedWhateverBecomesOfIt(t *testing.T) {
	for name, body := range map[string]string{
		"good": `{"rail":"wallet","kind":"sale","code":"281234567890123456"}`, "broken": `{"code":"281234567890123456"`,
		"unknown": `{"code":"281234567890123456","x":1}`, "twice": `{"code":"281234567890123456","code":"281234567890123456"}`,
		"too long": `{"code":"281234567890123456"}` + strings.Repeat(" ", bodyLimit),
	} {
		s := &spy{Reader: strings.NewReader(body)}
		r := httptest.NewRequest(http.MethodPut, "/v1/sales/1/attempts/a", s)
		r.Header.Set("Content-Type", "application/json")
		c := &call{w: httptest.NewRecorder(), r: r}
		var in attemptInput
		err := c.read(&in)
		if (err == nil) != (name == "good") {
			t.Errorf("%s: error %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "2812") {
			t.Errorf("%s: the error quotes the code", name)
		}
		for _, b := range s.buffers {
			if bytes.ContainsFunc(b, func(r rune) bool { return r != 0 }) {
				t.Errorf("%s: the buffer still holds %q", name, b)
			}
		}
		if name == "good" {
			in.Code.Reveal(func(b []byte) {
				if string(b) != "281234567890123456" {
					t.Errorf("the code came as %q", b)
				}
			})
		}
	}
}

// FuzzNames holds the names that are found against those that encoding/json finds, in the outermost object.
func FuzzNames(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1,"b":{"c":[{"d":"\"e\":"}]}}`, `{"\u0061":"x:","b" : null}`, `{"a\\":"{","":[]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if wellFormed(text) != nil {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(text, &want); err != nil {
			t.Skip()
		}
		found := map[string]bool{}
		for _, name := range namesIn(text) {
			found[name] = true
		}
		for name := range want {
			if !found[name] {
				t.Errorf("%q lacks %q: %q", text, name, slices.Collect(maps.Keys(found)))
			}
		}
	})
}
