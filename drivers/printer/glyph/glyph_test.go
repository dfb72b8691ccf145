package glyph_test

import (
	"slices"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"

	"posd/drivers/printer/glyph"
)

func TestEveryCharacterOfGB2312CanBeDrawn(t *testing.T) {
	found := 0
	for high := 0xA1; high <= 0xF7; high++ {
		for low := 0xA1; low <= 0xFE; low++ {
			b, err := simplifiedchinese.GBK.NewDecoder().Bytes([]byte{byte(high), byte(low)})
			r := []rune(string(b))
			if err != nil || len(r) != 1 || r[0] == '\uFFFD' || r[0] >= '\uE000' && r[0] <= '\uF8FF' {
				continue
			}
			bits, ok := glyph.Draw(r[0], 2)
			if !ok || bits.W != 24 || bits.H != 24 || len(bits.Pix) != 576 {
				t.Fatalf("%q: %v, %d x %d", r, ok, bits.W, bits.H)
			}
			found++
		}
	}
	if found < 7000 {
		t.Errorf("only %d characters looked at", found)
	}
}

func TestCharactersAreDrawnInTheirColumns(t *testing.T) {
	for _, c := range []struct {
		r       rune
		columns int
	}{{'A', 1}, {'g', 1}, {'ñ', 1}, {'é', 2}, {'中', 2}, {'가', 2}, {'あ', 2}, {'Ω', 2}, {'〓', 2}} {
		bits, ok := glyph.Draw(c.r, c.columns)
		if !ok || bits.W != c.columns*glyph.Width || !slices.Contains(bits.Pix, 1) {
			t.Errorf("%q in %d columns: %v, %d dots wide", c.r, c.columns, ok, bits.W)
		}
	}
	if bits, ok := glyph.Draw(' ', 1); !ok || slices.Contains(bits.Pix, 1) {
		t.Error("a space is not empty")
	}
}

func TestWhatNoFontHasIsNotDrawn(t *testing.T) {
	for _, r := range "😀\U00020000" {
		if _, ok := glyph.Draw(r, 2); ok {
			t.Errorf("%q is drawn", r)
		}
	}
}
