package template

import (
	"testing"

	"posd/drivers/port/porttest"
)

func FuzzSplit(f *testing.F) {
	porttest.FuzzSplit(f, split, "noise\x02690\x03\x3a\x02\x03\x03\x02a")
}
