package drivers

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"posd/drivers/cardreader"
	"posd/drivers/plug"
	"posd/drivers/port"
	"posd/drivers/printer"
	"posd/drivers/scanner"
)

// Choice is what is to be said of a driver for a device file.
type Choice struct {
	Kind   Kind
	Driver string
	Why    string // why it fits, or why not
	score  int    // 0 for one that does not fit
}

// Fits tells whether the driver can be used.
func (c Choice) Fits() bool { return c.score > 0 }

// How much each thing counts that speaks for a driver.
const (
	scoreKind    = 1
	scoreRole    = 2
	scorePage    = 4
	scoreVendor  = 4
	scoreProduct = 8
)

// Choose holds all drivers against a device file, by what is known without asking the device. The best one comes first; best
// is false when no driver fits, or several do equally well: then a person has to choose.
func Choose(d plug.Device, f plug.Face, n plug.Node) (all []Choice, best bool) {
	all = append(choices(Printer, printer.Drivers(), d, f, n), choices(Scanner, scanner.Drivers(), d, f, n)...)
	all = append(all, choices(Reader, cardreader.Drivers(), d, f, n)...)
	slices.SortStableFunc(all, func(a, b Choice) int { return cmp.Compare(b.score, a.score) })
	return all, all[0].Fits() && all[0].score > all[1].score
}

func choices[D any](k Kind, from []port.Driver[D], d plug.Device, f plug.Face, n plug.Node) []Choice {
	all := make([]Choice, 0, len(from))
	for _, driver := range from {
		matches := driver.For
		if len(matches) == 0 {
			matches = []port.Match{{Kind: port.Serial}}
		}
		all = append(all, choice(k, driver.Name, matches, d, f, n))
	}
	return all
}

// choice takes the match that says most for a driver; if none fits, a reason why not.
func choice(k Kind, driver string, matches []port.Match, d plug.Device, f plug.Face, n plug.Node) Choice {
	c := Choice{Kind: k, Driver: driver}
	var wants []string
	for _, m := range matches {
		wants = append(wants, string(m.Kind))
		if score, why := fit(m, d, f, n); why != "" && score >= c.score {
			c.score, c.Why = score, why
		}
	}
	if c.Why == "" {
		c.Why = fmt.Sprintf("wants %s, not %s", strings.Join(slices.Compact(wants), " or "), n.Kind)
	}
	known, ok := plug.Lookup(d.Vendor, d.Product)
	switch {
	case !c.Fits() || !ok || known.Role == "adapter":
	case known.Role == string(k):
		c.score, c.Why = c.score+scoreRole, fmt.Sprintf("%s; %s makes %ss", c.Why, known.Maker, known.Role)
	default:
		c.score, c.Why = 0, fmt.Sprintf("is for %ss, and %s makes %ss", k, known.Maker, known.Role)
	}
	return c
}

// fit says how well a match fits, 0 for not at all, and why; "" when it is for what is used in another way.
func fit(m port.Match, d plug.Device, f plug.Face, n plug.Node) (score int, why string) {
	switch {
	case string(m.Kind) != n.Kind:
		return 0, ""
	case m.Vendor != 0 && m.Vendor != d.Vendor:
		return 0, fmt.Sprintf("is for vendor %04x", m.Vendor)
	case len(m.Products) > 0 && !slices.Contains(m.Products, d.Product):
		return 0, fmt.Sprintf("is for other products of vendor %04x", m.Vendor)
	case m.Page != 0 && m.Page != f.Page:
		return 0, fmt.Sprintf("wants HID usage page %02X, not %02X", m.Page, f.Page)
	case m.When != "":
		return 0, "only when " + m.When
	}
	score, why = scoreKind, "made for "+n.Kind
	if m.Vendor != 0 {
		score, why = score+scoreVendor, fmt.Sprintf("made for vendor %04x", m.Vendor)
	}
	if len(m.Products) > 0 {
		score, why = score+scoreProduct, fmt.Sprintf("made for %04x:%04x", d.Vendor, d.Product)
	}
	if m.Page != 0 {
		score, why = score+scorePage, fmt.Sprintf("made for HID usage page %02X", m.Page)
	}
	return score, why
}
