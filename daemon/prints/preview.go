package prints

import (
	"bytes"
	"fmt"
	"strings"

	"posd/drivers/printer"
	"posd/drivers/printer/paper"
)

// Look is for which printer a preview is made.
type Look struct {
	Profile string // of drivers/printer/profile
	Columns int    // 0: the profile's
}

// maxPreviewColumns is what the widest paper has.
const maxPreviewColumns = 96

// Shown is a preview, and the characters in it that nobody has, or that the printer does not have.
type Shown struct {
	Picture        []byte // text, SVG or PNG
	Missing, Drawn string
}

// Preview shows what a content would be on paper, and what of it a printer does not have. As is "text", "svg" or "png".
// Its errors are *ContentError.
func Preview(c Content, as string, l Look) (Shown, error) {
	doc, _, err := c.Read()
	if err != nil {
		return Shown{}, err
	}
	if l.Columns < 0 || l.Columns > maxPreviewColumns {
		return Shown{}, &ContentError{"columns", fmt.Sprintf("it is not between 1 and %d", maxPreviewColumns), "leave it out for the printer's own"}
	}
	shown, err := printer.Show(doc, l.Profile, l.Columns)
	if err != nil {
		return Shown{}, &ContentError{"profile", err.Error(), "leave it out for the printer's own, or name one that posd check knows"}
	}
	var out bytes.Buffer
	switch as {
	case "text":
		out.WriteString(textOf(shown))
	case "svg":
		err = paper.SVG(&out, shown.Print)
	case "png":
		err = paper.PNG(&out, shown.Print)
	default:
		err = &ContentError{"as", "a preview is no such thing", "ask for text, svg or png"}
	}
	return Shown{out.Bytes(), string(shown.Missing), string(shown.Drawn)}, err
}

func textOf(p printer.Preview) string {
	var b strings.Builder
	for i, s := range p.Print.Slips {
		if i > 0 && len(s.Lines) > 0 {
			b.WriteString(strings.Repeat("- ", 8) + "\n")
		}
		b.WriteString(paper.Text(s, p.Print.Dots))
	}
	return b.String()
}
