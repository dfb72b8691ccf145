package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// screen is a terminal that a test reads while another goroutine writes.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
	more chan struct{}
}

func newScreen() *screen { return &screen{more: make(chan struct{}, 1)} }

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// waitFor waits until the screen shows want n times.
func (s *screen) waitFor(t *testing.T, want string, n int) {
	t.Helper()
	limit := time.After(2 * time.Minute)
	for strings.Count(s.String(), want) < n {
		select {
		case <-s.more:
		case <-limit:
			t.Fatalf("the screen shows %q %d times, want %d:\n%s", want, strings.Count(s.String(), want), n, s)
		}
	}
}

func testLog(t *testing.T, s logSettings) (*slog.Logger, io.Closer) {
	t.Helper()
	log, closer, err := newLogger(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = closer.Close() })
	return log, closer
}

func show(t *testing.T, c logCmd, file string, now time.Time) string {
	t.Helper()
	var out bytes.Buffer
	g := &globals{Out: &out, Now: func() time.Time { return now }}
	if err := c.show(t.Context(), g, file); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestLogShowsOneSaleByEitherOfItsIDs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "logs", "posd.log")
	log, _ := testLog(t, logSettings{File: file})
	log.Info("attempt moved", "sale", "S-1", "payment", "K7M2QX", "state", "approved")
	log.Info("attempt moved", "sale", "S-2", "payment", "AAAAAA", "state", "declined")
	log.Warn("printer is out of paper", "device", "front")
	for _, sale := range []string{"S-1", "K7M2QX"} {
		got := show(t, logCmd{Sale: sale}, file, time.Now())
		if strings.Count(got, "\n") != 1 || !strings.Contains(got, "INF attempt moved sale=S-1 payment=K7M2QX state=approved") {
			t.Errorf("--sale %s shows:\n%s", sale, got)
		}
	}
	if got := show(t, logCmd{}, file, time.Now()); strings.Count(got, "\n") != 3 || !strings.Contains(got, "WRN printer is out of paper device=front") {
		t.Errorf("without a filter it shows:\n%s", got)
	}
}

func TestLogShowsWhatIsYoungerThanSince(t *testing.T) {
	file := filepath.Join(t.TempDir(), "posd.log")
	text := `{"time":"2026-03-01T10:00:00Z","level":"INFO","msg":"old"}` + "\n" +
		`{"time":"2026-03-01T11:30:00Z","level":"ERROR","msg":"young","n":7,"list":[1,2]}` + "\n" +
		"torn by a power c\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	if got := show(t, logCmd{Since: time.Hour}, file, now); got != "2026-03-01 11:30:00.000 ERR young n=7 list=[1,2]\n" {
		t.Errorf("got %q", got)
	}
	if got := show(t, logCmd{}, file, now); !strings.Contains(got, "(not a log line) torn by a power c") {
		t.Errorf("a torn line is hidden:\n%s", got)
	}
}

func TestLogFollowsThroughRotations(t *testing.T) {
	file := filepath.Join(t.TempDir(), "posd.log")
	const lines = 6000 // about two and a half files of one MiB
	log, closer := testLog(t, logSettings{File: file, MaxSizeMiB: 1, MaxFiles: 9})
	log.Info("before", "n", 0)
	ctx, cancel := context.WithCancel(t.Context())
	out := newScreen()
	done := make(chan error, 1)
	go func() {
		c := logCmd{Follow: true}
		done <- c.show(ctx, &globals{Out: out, Now: time.Now}, file)
	}()
	out.waitFor(t, "before", 1)
	for n := range lines {
		log.Info("line", "n", fmt.Sprintf("%06d", n), "fill", strings.Repeat("x", 400))
	}
	out.waitFor(t, fmt.Sprintf("n=%06d", lines-1), 1)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := strings.Count(out.String(), " line n="); got != lines {
		t.Errorf("%d lines shown, want %d", got, lines)
	}
	if files, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "posd-*.log")); len(files) < 2 {
		t.Errorf("%d rotated files, want at least 2: the test shows nothing", len(files))
	}
	_ = closer.Close()
}

func TestLogShowsRotatedFilesFirst(t *testing.T) {
	dir := t.TempDir()
	for name, msg := range map[string]string{"posd.log": "third", "posd-2026-01-02T10-00-00.000.log": "second", "posd-2026-01-01T10-00-00.000.log": "first"} {
		line := fmt.Sprintf(`{"time":"2026-01-01T10:00:00Z","level":"INFO","msg":%q}`+"\n", msg)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := show(t, logCmd{}, filepath.Join(dir, "posd.log"), time.Now())
	want := "2026-01-01 10:00:00.000 INF first\n2026-01-01 10:00:00.000 INF second\n2026-01-01 10:00:00.000 INF third\n"
	if got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestLogFileIsForItsOwnerOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("it has no modes; install closes the folder")
	}
	file := filepath.Join(t.TempDir(), "new", "posd.log")
	testLog(t, logSettings{File: file})
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("mode %o, want 600", got)
	}
}

func TestLogThatCanNotBeOpenedIsToldAtStart(t *testing.T) {
	blocker := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocker, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := newLogger(logSettings{File: filepath.Join(blocker, "posd.log")}); err == nil {
		t.Error("a log below a file is accepted")
	}
}

func TestTerminalShowsWhatTheFileGets(t *testing.T) {
	out := newScreen()
	log, _ := testLog(t, logSettings{File: filepath.Join(t.TempDir(), "posd.log"), Terminal: out, Level: slog.LevelWarn})
	log.Info("too quiet")
	log.Warn("paper is low", "device", "front")
	if got := out.String(); !strings.HasSuffix(got, "WRN paper is low device=front\n") || strings.Contains(got, "too quiet") {
		t.Errorf("the terminal shows %q", got)
	}
}
