package paper

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"image"
	"image/png"
	"io"
	"strings"

	"posd/drivers/printer/escpos"
)

// SVG writes a print as a drawing, one unit per dot. Text stays text, in the viewer's monospaced font.
func SVG(w io.Writer, p escpos.Print) error {
	s := lay(p)
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">`+"\n", s.w, s.h, s.w, s.h)
	b.WriteString(`<style>text{font:24px monospace;white-space:pre}.b{font-weight:bold}.u{text-decoration:underline}</style>` + "\n")
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", s.w, s.h)
	for _, l := range s.lines {
		if err := svgLine(&b, l); err != nil {
			return err
		}
	}
	for _, y := range s.cuts {
		fmt.Fprintf(&b, `<path d="M0 %dH%d" stroke="#000" stroke-dasharray="6"/>`+"\n", y, s.w)
	}
	b.WriteString("</svg>\n")
	_, err := w.Write(b.Bytes())
	return err
}

func svgLine(b *bytes.Buffer, l placed) error {
	if l.code != nil {
		svgCode(b, l)
		return nil
	}
	base := baseline(l.Line)
	for _, p := range l.Pictures {
		if err := svgPicture(b, p.Image, margin+p.X, l.y+base-min(base, p.Image.Rect.Dy())); err != nil {
			return err
		}
	}
	for _, r := range Runs(l.Line) {
		svgRun(b, r, l.y+base)
	}
	return nil
}

func svgPicture(b *bytes.Buffer, p image.Image, x, y int) error {
	var data bytes.Buffer
	if err := png.Encode(&data, p); err != nil {
		return fmt.Errorf("picture: %w", err)
	}
	size := p.Bounds()
	fmt.Fprintf(b, `<image x="%d" y="%d" width="%d" height="%d" style="image-rendering:pixelated" href="data:image/png;base64,%s"/>`+"\n",
		x, y, size.Dx(), size.Dy(), base64.StdEncoding.EncodeToString(data.Bytes()))
	return nil
}

// svgRun writes characters of one style and size that stand on a base line.
func svgRun(b *bytes.Buffer, r Run, base int) {
	fill := "#000"
	if r.Style.Invert {
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d"/>`, margin+r.X, base-r.Height, r.Dots, r.Height)
		fill = "#fff"
	}
	var class []string
	if r.Style.Bold {
		class = append(class, "b")
	}
	if r.Style.Underline {
		class = append(class, "u")
	}
	var places []string
	for _, x := range r.places {
		places = append(places, fmt.Sprintf("%.4g", float64(x-r.X)/r.scaleX()))
	}
	fmt.Fprintf(b, `<text class="%s" fill="%s" transform="translate(%d %d) scale(%.4g %.4g)" x="%s">%s</text>`+"\n",
		strings.Join(class, " "), fill, margin+r.X, base-r.Height/6, r.scaleX(), float64(r.Height)/24,
		strings.Join(places, " "), escaped(r.Text))
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder does not fail
	return b.String()
}

func svgCode(b *bytes.Buffer, l placed) {
	k := l.code
	x, y := margin+k.x, l.y
	text := clean(l.Symbol.Data)
	if k.err != nil {
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" fill="none" stroke="#000"/>`, x, y, k.w, k.h)
		fmt.Fprintf(b, `<text x="%d" y="%d">%s</text>`+"\n", x+12, y+k.h/2, escaped(l.Symbol.Kind+" "+text))
		return
	}
	fmt.Fprintf(b, `<path shape-rendering="crispEdges" d="`)
	k.each(func(r image.Rectangle) {
		fmt.Fprintf(b, "M%d %dh%dv%dh-%dz", x+r.Min.X, y+r.Min.Y, r.Dx(), r.Dy(), r.Dx())
	})
	fmt.Fprintf(b, `"><title>%s</title></path>`+"\n", escaped(l.Symbol.Kind+" "+text))
	if l.Symbol.Text {
		fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", x+k.w/2, y+k.h+20, escaped(k.Text))
	}
}

// Run is characters of one style and size, one behind the other.
type Run struct {
	X      int          `json:"x"` // dots from the left edge
	Text   string       `json:"text"`
	Width  int          `json:"width"`  // times a column
	Height int          `json:"height"` // dots
	Dots   int          `json:"dots"`   // its whole width
	Style  escpos.Style `json:"style,omitzero"`
	places []int        // of each character
}

// scaleX is how much wider than usual characters are.
func (r Run) scaleX() float64 {
	if r.Style.FontB {
		return 0.75 * float64(r.Width)
	}
	return float64(r.Width)
}

// Runs are the characters of a line, in its order.
func Runs(l escpos.Line) []Run {
	var runs []Run
	for _, c := range l.Cells {
		times := timesWide(c)
		n := len(runs) - 1
		if n < 0 || runs[n].Style != c.Style || runs[n].Width != times || runs[n].Height != c.Height || runs[n].X+runs[n].Dots != c.X {
			runs = append(runs, Run{X: c.X, Width: times, Height: c.Height, Style: c.Style})
			n++
		}
		runs[n].Text += clean(string(c.Rune))
		runs[n].Dots += c.Width
		runs[n].places = append(runs[n].places, c.X)
	}
	return runs
}

func timesWide(c escpos.Cell) int {
	unit := escpos.DotsPerColumn * wide(c)
	if c.Style.FontB && !c.Wide {
		unit = 9
	}
	return max(c.Width/unit, 1)
}
