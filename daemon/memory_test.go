package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestMemoryIsGivenBackAfterHardWork(t *testing.T) {
	var p pace
	var got []string
	for i := range 100 {
		bytes := uint64(1 << 20)
		if i == 3 || i == 4 || i == 10 {
			bytes = hardWork
		}
		if growth, giveBack := p.next(bytes); growth != 0 || giveBack {
			got = append(got, fmt.Sprintf("%d: growth %d, gives back %v", i, growth, giveBack))
		}
	}
	want := "3: growth 200, gives back false; 70: growth 50, gives back true"
	if s := strings.Join(got, "; "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}
