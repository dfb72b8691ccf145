package trace

import (
	"errors"
	"fmt"
	"io/fs"
)

// Load reads all traces (*.trace) at the top of a folder, by file name. Each must be complete (Check).
func Load(folder fs.FS) (map[string]*Trace, error) {
	names, err := fs.Glob(folder, "*.trace")
	if err != nil {
		return nil, err
	}
	all := map[string]*Trace{}
	var errs []error
	for _, name := range names {
		text, err := fs.ReadFile(folder, name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		t, err := Parse(string(text))
		if err == nil {
			err = t.Check()
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
			continue
		}
		all[name] = t
	}
	return all, errors.Join(errs...)
}
