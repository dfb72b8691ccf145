package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/lmittmann/tint"
	"gopkg.in/natefinch/lumberjack.v2"
)

// logTime is how a moment is shown to a person: local time of the shop, to the millisecond.
const logTime = "2006-01-02 15:04:05.000"

// logSettings is where posd's log goes.
type logSettings struct {
	File       string // JSON lines; rotated files stand beside it. Empty: no file
	Level      slog.Level
	MaxSizeMiB int
	MaxFiles   int       // how many rotated files are kept
	Terminal   io.Writer // readable lines, for a person who started posd by hand; nil: none
	Color      bool
}

// newLogger opens the log. The file and its folder are made at once, so that a wrong path shows at start and not
// with the first sale. Whoever gets the Closer closes it last.
func newLogger(s logSettings) (*slog.Logger, io.Closer, error) {
	var handlers []slog.Handler
	var file io.Closer = io.NopCloser(nil)
	if s.File != "" {
		w, err := openLogFile(s)
		if err != nil {
			return nil, nil, err
		}
		file = w
		handlers = append(handlers, slog.NewJSONHandler(orElse{w, os.Stderr}, &slog.HandlerOptions{Level: s.Level}))
	}
	if s.Terminal != nil {
		handlers = append(handlers, readable(s.Terminal, s.Level, s.Color))
	}
	return slog.New(slog.NewMultiHandler(handlers...)), file, nil
}

func openLogFile(s logSettings) (*lumberjack.Logger, error) {
	if err := os.MkdirAll(filepath.Dir(s.File), 0o700); err != nil {
		return nil, fmt.Errorf("log.file: its folder cannot be made: %w; %s", err, folderRemedy)
	}
	f, err := os.OpenFile(s.File, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("log.file: it cannot be written: %w; let it belong to the user that posd runs as", err)
	}
	return &lumberjack.Logger{Filename: s.File, MaxSize: s.MaxSizeMiB, MaxBackups: s.MaxFiles}, nil
}

// readable shows records to a person.
func readable(w io.Writer, level slog.Leveler, color bool) slog.Handler {
	return tint.NewTextHandler(w, &tint.Options{Level: level, TimeFormat: logTime, NoColor: !color})
}

// orElse writes what its first writer does not take to the second: a full disk must not hide why posd complains.
type orElse struct{ first, second io.Writer }

func (o orElse) Write(b []byte) (int, error) {
	if n, err := o.first.Write(b); err == nil {
		return n, nil
	}
	return o.second.Write(b)
}
