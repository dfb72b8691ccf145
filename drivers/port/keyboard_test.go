package port_test

import (
	"strings"
	"testing"

	"posd/drivers/port"
)

// Codes of keys as linux/input-event-codes.h names them.
const (
	shift, rightShift, ctrl, alt, caps = 42, 54, 29, 56, 58
	keyA, keyB, keyM, key1, key5, key6 = 30, 48, 50, 2, 6, 7
	semicolon, equal, slash, enter     = 39, 13, 53, 28
	bracket, kp0, kp6, kp5, kpEnter    = 27, 82, 77, 76, 96
	kp2, altGr, numLock                = 80, 100, 69
)

// press and release give the events of a key with its report, as the kernel sends them.
func press(code uint16) []port.KeyEvent   { return []port.KeyEvent{{4, 4, 7}, {1, code, 1}, {0, 0, 0}} }
func release(code uint16) []port.KeyEvent { return []port.KeyEvent{{1, code, 0}, {0, 0, 0}} }
func stroke(code uint16) []port.KeyEvent  { return append(press(code), release(code)...) }

func with(held uint16, codes ...uint16) []port.KeyEvent {
	events := press(held)
	for _, c := range codes {
		events = append(events, stroke(c)...)
	}
	return append(events, release(held)...)
}

func typed(events ...[]port.KeyEvent) string {
	var k port.Keyboard
	var text []byte
	for _, some := range events {
		for _, e := range some {
			text = k.Type(text, e)
		}
	}
	return string(text)
}

func TestKeysAreReadAsTheUSLayout(t *testing.T) {
	lost := []port.KeyEvent{{0, 3, 0}}
	cases := map[string]struct{ got, want string }{
		"digits and enter":       {typed(stroke(key6), stroke(key1), stroke(enter)), "61\r"},
		"a track of a card":      {typed(with(shift, key5, keyB), stroke(key5), with(rightShift, key6, slash), stroke(semicolon), stroke(equal)), "%B5^?;="},
		"two shifts, one let go": {typed(press(shift), press(rightShift), release(shift), stroke(keyA), release(rightShift), stroke(keyA)), "Aa"},
		"caps lock":              {typed(stroke(caps), stroke(keyA), stroke(key1), with(shift, keyA, key1), stroke(caps), stroke(keyA)), "A1a!a"},
		"control characters":     {typed(with(ctrl, keyM, bracket, key1)), "\r\x1d"},
		"keypad":                 {typed(stroke(kp0), stroke(kp6), stroke(kpEnter)), "06\r"},
		"by number":              {typed(with(alt, kp6, kp5), stroke(keyA), with(alt, kp0, kp6, kp6)), "AaB"},
		"alt and a letter":       {typed(with(alt, keyA), stroke(keyB)), "\x00b"},
		"altgr and a letter":     {typed(with(altGr, keyA, key1), stroke(keyB)), "\x00\x00b"},
		"a letter in a number":   {typed(with(alt, kp6, keyA, kp5)), "\x00A"},
		"num lock in a number":   {typed(with(alt, numLock, kp6, kp5, numLock)), "A"},
		"a number of five":       {typed(with(alt, kp5, kp5, kp0, kp0, kp6), stroke(keyA)), "\x00a"},
		"a number too large":     {typed(with(alt, kp6, kp6, kp6), stroke(keyA)), "\x00a"},
		"the largest number":     {typed(with(alt, kp0, kp2, kp5, kp5)), "\xff"},
		"zeros for ever":         {typed(with(alt, kp0, kp0, kp0, kp0, kp6, kp5)), "\x00"},
		"a key held before alt":  {typed(press(keyB), press(alt), release(keyB), release(alt), stroke(keyA)), "ba"},
		"a held key":             {typed(press(keyA), []port.KeyEvent{{1, keyA, 2}, {1, keyA, 2}}, release(keyA)), "a"},
		"unknown keys":           {typed(stroke(1), stroke(59), stroke(240), stroke(600), stroke(0)), ""},
		"events were lost":       {typed(press(shift), press(keyA), lost, stroke(keyB)[1:2], stroke(keyB)[2:], stroke(keyB)), "A\x00b"},
	}
	for name, c := range cases {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", name, c.got, c.want)
		}
	}
}

func TestEveryPrintableCharacterHasAKey(t *testing.T) {
	var all strings.Builder
	for code := range uint16(128) {
		all.WriteString(typed(stroke(code)) + typed(with(shift, code)))
	}
	for c := byte(' '); c < 0x7f; c++ {
		if !strings.Contains(all.String(), string(c)) {
			t.Errorf("no key gives %q", c)
		}
	}
}

func FuzzKeyboard(f *testing.F) {
	f.Add([]byte{1, 30, 1, 1, 30, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var k port.Keyboard
		for len(raw) >= 3 {
			text := k.Type(nil, port.KeyEvent{Type: uint16(raw[0] % 5), Code: uint16(raw[1]), Value: int32(raw[2] % 3)})
			if len(text) > 2 {
				t.Fatalf("one event typed %q", text)
			}
			raw = raw[3:]
		}
	})
}
