package scanner

import (
	"testing"

	"posd/drivers/port/porttest"
)

func FuzzLines(f *testing.F) { porttest.FuzzSplit(f, splitAt("\r\n"), "6901234567892\r\n\r]Q1abc\n") }

func TestEveryDriverIsComplete(t *testing.T) {
	for _, d := range Drivers() {
		for _, o := range d.Options {
			if o.Doc == "" || o.Name == "" {
				t.Errorf("driver %s: option %q explains nothing", d.Name, o.Name)
			}
		}
	}
}
