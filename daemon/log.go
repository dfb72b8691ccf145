package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// logCmd shows the log to a person: the rotated files first, then the one being written.
type logCmd struct {
	Follow bool          `short:"f" help:"Stay, and show what is added."`
	Sale   string        `placeholder:"ID" help:"Only the lines of this sale: its id, or its short id from the slip."`
	Since  time.Duration `placeholder:"1h" help:"Only lines younger than this, such as 30m or 24h."`
}

// Run shows the log that the configuration names.
func (c *logCmd) Run(ctx context.Context, g *globals) error {
	cfg, err := g.load()
	if err != nil {
		return err
	}
	if cfg.Log.File == "" {
		return errors.New("log.file is empty in the configuration: posd writes no log file")
	}
	return c.show(ctx, g, cfg.Log.File)
}

func (c *logCmd) show(ctx context.Context, g *globals, file string) error {
	t := &tail{
		base: file,
		lines: &lineFilter{
			sale: c.Sale,
			out:  readable(g.Out, slog.LevelDebug, g.Color),
			raw:  g.Out,
		},
	}
	if c.Since > 0 {
		t.lines.since = g.Now().Add(-c.Since)
	}
	defer t.close()
	if err := t.start(); err != nil {
		return err
	}
	if err := t.read(ctx); err != nil || !c.Follow {
		return err
	}
	return t.follow(ctx)
}

// followEvery is how often a log that is followed is looked at.
const followEvery = 200 * time.Millisecond

// tail reads a log through its rotations.
type tail struct {
	base  string // the file being written; rotated ones stand beside it as base-TIME.ext
	file  *os.File
	rest  []byte // a line whose end is not written yet
	lines *lineFilter
}

// paths gives the log's files, oldest first.
func (t *tail) paths() ([]string, error) {
	ext := filepath.Ext(t.base)
	rotated, err := filepath.Glob(strings.TrimSuffix(t.base, ext) + "-*" + ext)
	if err != nil {
		return nil, fmt.Errorf("look for rotated logs: %w", err)
	}
	slices.Sort(rotated) // their names carry the time, largest unit first
	return append(rotated, t.base), nil
}

func (t *tail) start() error {
	paths, err := t.paths()
	if err != nil {
		return err
	}
	for _, path := range paths {
		err := t.open(path)
		if errors.Is(err, fs.ErrNotExist) && path != t.base {
			continue // rotated away between the look and the opening
		}
		return err
	}
	return nil
}

func (t *tail) open(path string) error {
	f, err := openLog(path)
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	t.close()
	t.file = f
	return nil
}

func (t *tail) close() {
	if t.file != nil {
		_ = t.file.Close()
	}
}

// read shows all that is there, file after file, up to the end of the one being written.
func (t *tail) read(ctx context.Context) error {
	for ctx.Err() == nil {
		// The successor is opened first: what was written before a rotation is then surely in this file.
		next, err := t.next()
		if err != nil {
			return err
		}
		if err := t.drain(ctx); err != nil || next == nil {
			if next != nil {
				_ = next.Close()
			}
			return err
		}
		t.close()
		t.file = next
	}
	return nil
}

// next opens the file that follows the one being read; nil when that is the last, or when files are just being renamed:
// the next look finds it then.
func (t *tail) next() (*os.File, error) {
	path, err := t.successor()
	if err != nil || path == "" {
		return nil, err
	}
	f, err := openLog(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	// Under a name that was looked up before a rotation stands another file after it. The second look tells.
	if again, err := t.successor(); err == nil && again != "" && isFile(f, again) {
		return f, nil
	}
	_ = f.Close()
	return nil, nil
}

// successor gives the path of the file that follows the one being read; empty when that is the last.
func (t *tail) successor() (string, error) {
	paths, err := t.paths()
	if err != nil {
		return "", err
	}
	for i, path := range paths {
		if isFile(t.file, path) {
			return append(paths, "")[i+1], nil
		}
	}
	return paths[0], nil // it was too old and is deleted: what is oldest now comes next
}

// isFile tells whether a path leads to an open file.
func isFile(f *os.File, path string) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && os.SameFile(mine, info)
}

// drain shows the complete lines up to the end of the file.
func (t *tail) drain(ctx context.Context) error {
	r := bufio.NewReader(t.file)
	for {
		part, err := r.ReadBytes('\n')
		t.rest = append(t.rest, part...)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		t.lines.show(ctx, bytes.TrimSuffix(t.rest, []byte("\n")))
		t.rest = t.rest[:0]
	}
}

func (t *tail) follow(ctx context.Context) error {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := t.read(ctx); err != nil {
				return err
			}
		}
	}
}

// lineFilter turns JSON lines into readable ones and leaves out what was not asked for.
type lineFilter struct {
	sale  string    // empty: all
	since time.Time // zero: all
	out   slog.Handler
	raw   io.Writer
}

func (f *lineFilter) show(ctx context.Context, line []byte) {
	rec, err := parseRecord(line)
	if err != nil {
		if f.sale == "" && f.since.IsZero() { // a line torn by a power cut is shown, not hidden
			fmt.Fprintf(f.raw, "(not a log line) %s\n", line)
		}
		return
	}
	if rec.Time.Before(f.since) || f.sale != "" && !about(rec, f.sale) {
		return
	}
	_ = f.out.Handle(ctx, rec) // a terminal that is gone has nobody to tell
}

// about tells whether a record names the sale, by the till's id or by the short id.
func about(rec slog.Record, sale string) bool {
	found := false
	rec.Attrs(func(a slog.Attr) bool {
		found = slices.Contains([]string{"sale", "payment", "short_id"}, a.Key) && a.Value.String() == sale
		return !found
	})
	return found
}

// parseRecord reads one line of the JSON log back, its attributes in their order.
func parseRecord(line []byte) (slog.Record, error) {
	var rec slog.Record
	dec := json.NewDecoder(bytes.NewReader(line))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return rec, errors.New("not a JSON object")
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return rec, err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return rec, err
		}
		if err := setField(&rec, fmt.Sprint(key), value); err != nil {
			return rec, err
		}
	}
	_, err := dec.Token()
	return rec, err
}

func setField(rec *slog.Record, key string, value json.RawMessage) error {
	switch key {
	case slog.TimeKey:
		return json.Unmarshal(value, &rec.Time)
	case slog.LevelKey:
		return json.Unmarshal(value, &rec.Level)
	case slog.MessageKey:
		return json.Unmarshal(value, &rec.Message)
	}
	var text string
	if json.Unmarshal(value, &text) != nil {
		text = string(value)
	}
	rec.AddAttrs(slog.String(key, text))
	return nil
}
