package config

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// besideJournal is what the names of a journal's files have behind the journal's own: SQLite's, and those of package journal.
var besideJournal = []string{"", "-wal", "-shm", "-journal", ".mark", ".lock", ".owner", ".owner.new", ".ballast", ".export", ".verify"}

// overwritten finds files that posd would write over: journal and log may not be what it reads, nor each other.
func (c *Config) overwritten() error {
	read := map[string]string{}
	c.eachFile(func(key string, f field) {
		if path := f.value.String(); path != "" && f.tag.Get("file") != "data" {
			read[key] = path
		}
	})
	p := &problems{source: c.source}
	if path := c.Journal.Path; path != "" {
		for _, end := range besideJournal {
			c.keepOff(p, "journal.path", path+end, read)
		}
	}
	if path := c.Log.File; path != "" {
		for _, end := range besideJournal {
			if c.Journal.Path != "" && sameFile(path, c.Journal.Path+end) {
				p.once("log.file", "it is the journal's file "+filepath.Base(path))
			}
		}
		c.keepOff(p, "log.file", path, read)
	}
	return p.err()
}

// keepOff wants a path that is to be written not to be one of those that are read.
func (c *Config) keepOff(p *problems, key, path string, read map[string]string) {
	if file, err := filepath.Abs(c.source.file); err == nil && sameFile(path, file) {
		p.once(key, filepath.Base(path)+" is the configuration")
	}
	for _, other := range slices.Sorted(maps.Keys(read)) {
		if sameFile(path, read[other]) {
			p.once(key, filepath.Base(path)+" is the file of "+other)
		}
	}
}

// once adds a problem of a path that is taken, if its key has none yet.
func (p *problems) once(key, what string) {
	if !p.faulty(key) {
		p.add(key, what, "name another one")
	}
}

// sameFile tells whether two paths lead to one file, by name or by links.
func sameFile(a, b string) bool {
	if filepath.Clean(a) == filepath.Clean(b) {
		return true
	}
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}
