package printer

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/png"
	"slices"
	"testing"

	"posd/drivers/printer/profile"
)

// A printer takes DLE EOT, DLE ENQ and DLE DC4 out of whatever they stand in, pictures too: the picture would lack bytes.
func TestNoPictureHoldsACommandThatIsTakenOutOfIt(t *testing.T) {
	for second := range 256 {
		b := newBitmap(24, 48)
		for i := range b.pix {
			row := []byte{0x10, byte(second), 0x10}
			b.pix[i] = row[i%24/8]&(0x80>>(i%8)) != 0
		}
		for name, data := range map[string][]byte{"raster": b.raster()[0][8:], "inline": b.inline(0, bits24)[5:], "turned": turned(b).inline(0, bits24)[5:]} {
			for _, now := range []byte{0x04, 0x05, 0x14} {
				if bytes.Contains(data, []byte{0x10, now}) {
					t.Errorf("%s with %02X: a printer takes 10 %02X out of it", name, second, now)
				}
			}
		}
		changed := 0
		for i, c := range b.raster()[0][8:] {
			if c != []byte{0x10, byte(second), 0x10}[i%3] {
				changed++
			}
		}
		if wrong := second == 0x04 || second == 0x05 || second == 0x14; wrong != (changed > 0) {
			t.Errorf("with %02X: %d bytes were changed", second, changed)
		}
	}
}

// turned is a picture of 24 rows whose columns are the rows of b.
func turned(b *bitmap) *bitmap {
	out := newBitmap(b.h, b.w)
	for i, black := range b.pix {
		out.pix[i%b.w*out.w+i/b.w] = black
	}
	return out
}

// A printer with a buffer of 4 KB, which may not stop the line, is never sent more than it holds.
func TestTwoWindowsFitABufferOf4KB(t *testing.T) {
	known, _ := profile.Lookup("chinese-80")
	long := Document{Lines: slices.Repeat([]Line{Pair("可口可乐 330ml", "12.80")}, 400)}
	high := Document{Lines: []Line{{Kind: Image, Align: Center, Data: blackPicture(t, 576, 900)}}}
	for name, d := range map[string]Document{"text": long, "picture": high} {
		blocks := encode(d, look{columns: 48, cut: cutPartial, face: defaultFace(), profile: known}).cut("try")
		size := map[int]int{}
		for _, b := range blocks {
			size[b.window] += b.end - b.start + len(gsProcess) + 4
		}
		for n := 1; n < len(size); n++ {
			if both := size[n] + size[n+1]; both > 4<<10 {
				t.Errorf("%s: windows %d and %d have %d bytes", name, n, n+1, both)
			}
		}
		if len(size) < 10 {
			t.Errorf("%s: %d windows", name, len(size))
		}
	}
}

func blackPicture(t *testing.T, w, h int) string {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(out.Bytes())
}

// The printers of narrower paper have the same dots to the inch.
func TestPicturesAreAsWideAsThePaperOfFewerColumns(t *testing.T) {
	for _, c := range []struct {
		profile          string
		columns, w, high int
	}{
		{"chinese-80", 48, 576, 200},
		{"chinese-80", 32, 384, 133},
		{"chinese-80", 60, 576, 200},
		{"chinese-58", 32, 384, 133},
		{"TM-U220", 42, 400, 64},
		{"TM-U220", 21, 200, 32},
	} {
		p, _ := profile.Lookup(c.profile)
		d := Document{Lines: []Line{{Kind: Image, Data: blackPicture(t, 1152, 400)}}}
		got := encode(d, look{columns: c.columns, cut: cutPartial, face: newFace(p.Wide, p.CodePages), profile: p})
		w, high := sizeOf(t, got.bytes)
		if w != c.w || c.high > 0 && high != c.high {
			t.Errorf("%s with %d columns: %d x %d dots, want %d x %d", c.profile, c.columns, w, high, c.w, c.high)
		}
	}
}

// sizeOf is how large the pictures of a stream are, one below the other.
func sizeOf(t *testing.T, stream []byte) (w, high int) {
	t.Helper()
	for len(stream) > 8 {
		switch head := string(stream[:3]); head {
		case "\x1dv0":
			stride, rows := int(stream[4])+int(stream[5])<<8, int(stream[6])+int(stream[7])<<8
			w, high, stream = stride*8, high+rows, stream[8+stride*rows:]
		case "\x1b*\x01":
			w = int(stream[3]) + int(stream[4])<<8
			high, stream = high+8, stream[5+w:]
		default:
			stream = stream[1:]
		}
	}
	return w, high
}

// A printer need not take more in one command; Odoo cuts there, too.
func TestNoSliceOfAPictureHasMoreThan255Rows(t *testing.T) {
	for _, wide := range []int{1, 8, 24, 56, 100, 576} {
		rows := 0
		for _, part := range newBitmap(wide, 2000).raster() {
			n := int(part[6]) + int(part[7])<<8
			if n > 255 {
				t.Errorf("%d dots wide: a slice of %d rows", wide, n)
			}
			rows += n
		}
		if rows != 2000 {
			t.Errorf("%d dots wide: %d rows of 2000", wide, rows)
		}
	}
}
