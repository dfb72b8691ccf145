package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"posd/drivers"
	"posd/drivers/plug"
	"posd/drivers/printer/profile"
)

// listCmd is the verb list.
type listCmd struct {
	TOML bool `name:"toml" help:"Print it as the [[device]] sections of a posd.toml."`
	All  bool `help:"Say of every driver why it is not the one."`
}

// Help teaches by example.
func (listCmd) Help() string {
	return `Shows what is plugged in, how posd would name and use it, and why. Nothing is opened or asked, and no service is needed.
On Windows USB printers and HID devices are listed; serial ports are COM3 and so on, as the Device Manager shows them.

Examples:

  hwtest list
  hwtest list --all
  hwtest list --toml >> posd.toml`
}

// Run lists what is plugged in now.
func (c *listCmd) Run(g *globals) error {
	w := bufio.NewWriter(g.Out)
	if c.TOML {
		listTOML(w, plug.Live())
	} else {
		listTree(w, plug.Live(), c.All)
	}
	return w.Flush()
}

// listTree draws what is plugged in, device by device.
func listTree(w io.Writer, all []plug.Device, every bool) {
	if len(all) == 0 {
		fmt.Fprintln(w, "Nothing is plugged in that posd could use: no USB device, no serial port.")
		fmt.Fprintln(w, "Printers in the network do not show here: port = \"tcp://ADDRESS:9100\".")
		return
	}
	suggestions := drivers.Suggest(all)
	for _, d := range all {
		fmt.Fprintln(w, d)
		listDevice(w, d)
		used := false
		for _, s := range suggestions {
			if s.Device.Port == d.Port {
				used = true
				listNode(w, s, every)
			}
		}
		if !used {
			listUnused(w, d)
		}
	}
}

func listDevice(w io.Writer, d plug.Device) {
	if k, ok := plug.Lookup(d.Vendor, d.Product); ok {
		mode := ""
		if k.Mode != "" {
			mode = ", in " + k.Mode + " mode"
		}
		fmt.Fprintf(w, "  known as     %s of %s%s\n", strings.Replace(k.Role, "adapter", "adapter cable", 1), k.Maker, mode)
	}
	for _, f := range d.Faces {
		if f.ID1284 != "" {
			fmt.Fprintf(w, "  IEEE 1284    %s\n", f.ID1284)
		}
		if d.USB() {
			fmt.Fprintf(w, "  interface %d  class %02x/%02x/%02x, %s\n", f.Number, f.Class, f.SubClass, f.Protocol, whoHas(f))
		}
	}
}

func whoHas(f plug.Face) string {
	who := "no driver of the system"
	if f.Driver != "" {
		who = "driver " + f.Driver
	}
	if f.Page != 0 {
		who += fmt.Sprintf(", HID usage %02X:%02X", f.Page, f.Usage)
	}
	return who
}

func listNode(w io.Writer, s drivers.Suggestion, every bool) {
	fmt.Fprintf(w, "  %-12s port = %q\n", s.Node.Path, s.Port)
	if s.Sure {
		fmt.Fprintf(w, "    -> %s, driver %s: %s\n", s.Choices[0].Kind, s.Choices[0].Driver, s.Choices[0].Why)
	} else {
		fmt.Fprintf(w, "    -> choose: %s\n", candidates(s))
	}
	for i, c := range s.Choices {
		if every && (i > 0 || !s.Sure) {
			fmt.Fprintf(w, "       %-8s %-10s %s\n", c.Kind, c.Driver, c.Why)
		}
	}
}

// candidates are the drivers that fit where several do.
func candidates(s drivers.Suggestion) string {
	var all []string
	for _, c := range s.Choices {
		if c.Fits() {
			all = append(all, string(c.Kind)+" "+c.Driver)
		}
	}
	if len(all) == 0 {
		return "no driver is for this"
	}
	return strings.Join(all, ", ")
}

// listUnused says why a device cannot be used.
func listUnused(w io.Writer, d plug.Device) {
	_, _, err := plug.Resolve([]plug.Device{d}, plug.ID{Vendor: d.Vendor, Product: d.Product})
	fmt.Fprintf(w, "    -> not usable: %v\n", err)
	if p, ok := asProblem(err); ok {
		fmt.Fprintf(w, "       %s\n", p.Remedy)
	}
}

// listTOML writes what is plugged in as configuration; what a person has to choose stands there as comment.
func listTOML(w io.Writer, all []plug.Device) {
	count := map[drivers.Kind]int{}
	written := false
	for _, s := range drivers.Suggest(all) {
		if !s.Choices[0].Fits() {
			continue
		}
		written = true
		c, mark := s.Choices[0], ""
		fmt.Fprintf(w, "# %s, %s\n", s.Device, s.Node.Path)
		if !s.Sure {
			mark = "# "
			fmt.Fprintf(w, "# choose: %s\n", candidates(s))
		} else {
			count[c.Kind]++
		}
		fmt.Fprintf(w, "%s[[device]]\n", mark)
		fmt.Fprintf(w, "%sname = \"%s%d\"\n", mark, c.Kind, max(count[c.Kind], 1))
		fmt.Fprintf(w, "%skind = %q\n%sdriver = %q\n%sport = %q\n", mark, c.Kind, mark, c.Driver, mark, s.Port)
		if model, ok := modelOf(s); ok {
			fmt.Fprintf(w, "%soptions = { profile = %q }\n", mark, model)
		}
		fmt.Fprintln(w)
	}
	if !written {
		fmt.Fprintln(w, "# Nothing is plugged in that posd could use. A printer in the network: port = \"tcp://ADDRESS:9100\".")
	}
}

// modelOf is the profile of a printer that says what it is.
func modelOf(s drivers.Suggestion) (string, bool) {
	if s.Choices[0].Kind != drivers.Printer {
		return "", false
	}
	p, ok := profile.Match(s.Face.ID1284, fmt.Sprintf("%04x:%04x", s.Device.Vendor, s.Device.Product))
	if !ok {
		return "", false
	}
	return p.Name, true
}
