package scanner

import (
	"testing"

	"posd/drivers/port/porttest"
)

func FuzzLines(f *testing.F) { porttest.FuzzSplit(f, splitAt("\r\n"), "6901234567892\r\n\r]Q1abc\n") }

func FuzzNewland(f *testing.F) {
	porttest.FuzzSplit(f, splitNewland, "690\r\x02\x010000#SCNTRG1\x06;\x03\x02abc\r")
}

func FuzzHoneywell(f *testing.F) {
	porttest.FuzzSplit(f, splitHoneywell, "690\rTRGMOD0\x06!abc\x06d\r\n")
}

func FuzzSSI(f *testing.F) { porttest.FuzzSplit(f, splitSSI, "\x04\xd0\x00\x00\xff\x2c\x00\x05") }
