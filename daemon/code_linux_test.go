package main

import (
	"os"
	"testing"
)

func TestOnlyCodeThatNobodyWritesIsGivenBack(t *testing.T) {
	const maps = `00400000-00e35000 r-xp 00000000 fe:00 1234                               /usr/bin/posd
00e35000-0195b000 r--p 00a35000 fe:00 1234                               /usr/bin/posd
0195b000-01ab0000 rw-p 0155b000 fe:00 1234                               /usr/bin/posd
02000000-02001000 rwxp 00000000 fe:00 1234                               /usr/bin/posd
7f7005a81000-7f7005a83000 r-xp 00000000 00:00 0                          [vdso]
7f7005b00000-7f7005b83000 r-xp 00000000 fe:00 77                         /usr/lib/libc.so.6
7f7005c00000-7f7005c83000 r-xp 00000000 fe:00 78                         /usr/bin/posd (deleted)
`
	code := codeOf(maps, "/usr/bin/posd")
	if len(code) != 1 || code[0] != (mapping{0x400000, 0xe35000}) {
		t.Errorf("got %x", code)
	}
}

func TestAProgramGoesOnAfterItsCodeWasGivenBack(t *testing.T) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if len(codeOf(string(maps), exe)) == 0 {
		t.Fatal("it has no code")
	}
	giveBackCode()
	if maps[0] == 0 {
		t.Error("what it has read is gone")
	}
}
