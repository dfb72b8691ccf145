package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
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

func TestASmallBodyTakesLittleMemoryHoweverDeepItsNamesAre(t *testing.T) {
	const deep, many = 9000, 20000
	nested := func(names string) string {
		return `{"document":` + strings.Repeat(`{"a":`, deep) + "{" + names + "}" + strings.Repeat("}", deep) + "}"
	}
	for name, body := range map[string]string{
		"where names are looked at later": nested(strings.Repeat(`"":0,`, many) + `"":0`),
		"under a name that is not known":  strings.Replace(nested(strings.Repeat(`"":0,`, many)+`"":0`), "document", "documents", 1),
		"in no name at all":               strings.Repeat("[", deep) + strings.Repeat("]", deep),
		"one name after the other":        `{"raw":"` + strings.Repeat(`","raw":"`, many) + `"}`,
	} {
		r := httptest.NewRequest(http.MethodPost, "/v1/prints/preview", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		c := &call{w: httptest.NewRecorder(), r: r}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_ = c.read(&printInput{}) // refused or not
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 50*uint64(len(body)) {
			t.Errorf("%s: a body of %d bytes takes %d", name, len(body), took)
		}
	}
}

func TestNamesStandUnderTheirOwnObjectsOnly(t *testing.T) {
	known := []string{"document", "document.*", "list", "list.x", "list.y"}
	for body, code := range map[string]string{
		`{"document":{"a":{"list":1}},"list":[{"x":1},{"y":[{}]}]}`: "",
		`{"document":[{"document":{"x":"}"}},"{"],"list":1}`:        "",
		`{"document":{},"document":{}}`:                             "repeated_field",
		`{"document":{},"x":1}`:                                     "unknown_field",
		`{"document.a":1}`:                                          "unknown_field",
		`{"list":{"document":{"a":1}}}`:                             "unknown_field",
	} {
		var e *refusal
		err := knownNames([]byte(body), known)
		if errors.As(err, &e); e == nil && code != "" || e != nil && e.code != code {
			t.Errorf("%s: %v, want %q", body, err, code)
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
		for name := range namesIn(text, func(string) bool { return false }) {
			found[name] = true
		}
		for name := range want {
			if !found[name] {
				t.Errorf("%q lacks %q: %q", text, name, slices.Collect(maps.Keys(found)))
			}
		}
	})
}
